"""The sweeper wakes what is due, again and again, and never more than the queue has room for."""

from collections.abc import Iterator

import dramatiq
import pytest

from kinline.clock import MINUTE, SECOND
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.store import sql
from kinline_workers.actors import declare
from kinline_workers.broker import QUEUE, broker_for, unfetched
from kinline_workers.sweeper import AGAIN, FULL, ROOM, sweep
from private_redis import PrivateRedis
from settable import Time


@pytest.fixture(params=["in this process", "over Redis"])
def broker(hub: Hub, request: pytest.FixtureRequest) -> Iterator[dramatiq.Broker]:
    """A broker that no worker takes anything from."""
    if request.param == "in this process":
        yield broker_for(hub.settings)
        return
    redis = PrivateRedis()
    redis.start()
    made = broker_for(hub.settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{redis.port}/0"}))
    yield made
    made.close()
    redis.close()


def backlog(hub: Hub, jobs: int) -> None:
    with hub.store.write() as session:
        queue.plan(session, "person.decide", [f"person-{number}" for number in range(jobs)])


def take(broker: dramatiq.Broker, messages: int) -> list[str]:
    """Fetch as a worker does, and acknowledge."""
    consumer, found = broker.consume(QUEUE, prefetch=messages, timeout=50), []
    for message in consumer:
        if message is None:
            break
        consumer.ack(message)
        found.append(str(message.args[0]))
        if len(found) == messages:
            break
    consumer.close()
    return found


def test_a_backlog_waits_in_the_database_not_in_the_queue(hub: Hub, broker: dramatiq.Broker, time: Time) -> None:
    # Given five times as much work as may stand in the queue, and workers that take none
    actor = declare(hub, broker, QUEUE)
    backlog(hub, 5 * ROOM)

    # When the sweeper looks for an hour
    for _ in range(60):
        sweep(hub, actor)
        time.now += MINUTE

    # Then the queue holds what it has room for, and the sweeper looks again before long
    assert unfetched(broker) == ROOM
    assert sweep(hub, actor) == FULL

    # And when workers take a part, as many others are woken
    first = take(broker, 150)
    sweep(hub, actor)
    assert unfetched(broker) == ROOM
    assert len(set(first)) == 150


def test_what_was_woken_and_not_done_is_woken_again(hub: Hub, broker: dramatiq.Broker, time: Time) -> None:
    # Given a job that a worker fetched, and died with
    actor = declare(hub, broker, QUEUE)
    backlog(hub, 1)
    sweep(hub, actor)
    [job] = take(broker, 1)

    # Then it is not woken at once, but some seconds later
    assert sweep(hub, actor) is None
    assert unfetched(broker) == 0
    time.now += AGAIN + SECOND
    sweep(hub, actor)
    assert take(broker, 1) == [job]
    with hub.store.read() as session:
        assert sql.run(session, "SELECT state FROM job") == [("pending",)]

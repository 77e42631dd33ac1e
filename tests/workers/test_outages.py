"""What a worker says while Redis is away: each thing once, in words for whoever is woken by it."""

import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import TimeoutError as Waited
from structlog.testing import capture_logs

from kinline.hub import Hub
from kinline.jobs import queue
from kinline.pretend import until
from kinline.store import sql
from kinline_workers.outages import AGAIN, Outages
from kinline_workers.running import Running
from private_redis import PrivateRedis


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    made = PrivateRedis()
    made.start()
    yield made
    made.close()


def test_a_redis_that_dies_is_told_of_in_one_line(
    hub: Hub, redis: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a worker on a Redis
    settings = hub.settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{redis.port}/0", "sweep": 0.05})
    worker = Running(Hub(settings, hub.secret, hub.store)).start()

    # When that is killed while there is work, and consumers and sweeper find out
    with capture_logs() as sweeper:
        try:
            redis.kill()
            with hub.store.write() as session:
                queue.plan(session, "person.decide", ["nobody"])
            assert until(lambda: bool(said(caplog) or sweeper))
            assert not until(lambda: len(said(caplog)) + len(sweeper) > 1, 3)
            redis.start()

            # Then the work is done when it is back
            assert until(lambda: not jobs(hub), 30)
        finally:
            worker.stop()

    # And one of them said so, without a traceback, and what becomes of the work
    [(level, line)] = said(caplog) + [(each["log_level"], each["event"]) for each in sweeper if "job" not in each]
    assert level == "warning"
    assert line.startswith("Redis does not answer (")
    assert line.endswith("Jobs wait in the database until it does; nothing is lost.")


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [record for record in caplog.records if record.name.startswith("dramatiq")]
    assert not [record for record in found if record.exc_info]
    return [(record.levelname.lower(), record.getMessage()) for record in found]


def jobs(hub: Hub) -> list[tuple[object, ...]]:
    with hub.store.read() as session:
        return sql.run(session, "SELECT id FROM job")


def test_an_outage_is_told_of_again_after_a_minute() -> None:
    # Given an outage that was told of
    at = [100.0]
    outages = Outages(lambda: at[0])

    def heard(error: Exception) -> bool:
        found = (type(error), error, None)
        return outages.filter(logging.LogRecord("dramatiq", logging.CRITICAL, "", 0, "An error.", (), found))

    assert heard(Waited("nobody answers"))

    # When it goes on
    at[0] += AGAIN - 1

    # Then it is told of again after a minute; what has nothing to do with it is told of at once
    assert not heard(Waited("nobody answers"))
    assert heard(RuntimeError("something else"))
    at[0] += 1
    assert heard(Waited("nobody answers"))

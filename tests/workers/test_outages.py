"""What a worker says while Redis is away: each thing once, in words for whoever is woken by it."""

import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import TimeoutError as Waited

from kinline.hub import Hub
from kinline.pretend import until
from kinline_workers.outages import AGAIN, Outages
from kinline_workers.running import Running
from private_redis import PrivateRedis


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    made = PrivateRedis()
    made.start()
    yield made
    made.close()


def said(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name.startswith("dramatiq")]


def test_a_redis_that_dies_is_told_of_in_one_line(
    hub: Hub, redis: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a worker on a Redis
    settings = hub.settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{redis.port}/0", "sweep": 0.05})
    worker = Running(Hub(settings, hub.secret, hub.store)).start()

    # When that is killed, and both queues' consumers find out
    try:
        redis.kill()
        assert until(lambda: bool(said(caplog)))
        redis.start()
    finally:
        worker.stop()

    # Then one of them says so, without a traceback, and what becomes of the work
    [line] = said(caplog)
    assert line.levelname == "WARNING"
    assert line.exc_info is None
    assert line.getMessage().startswith("Redis does not answer (")
    assert line.getMessage().endswith("Jobs wait in the database until it does; nothing is lost.")


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

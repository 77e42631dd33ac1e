"""What is logged while Redis is away: one line that says what it means, not a traceback each three seconds."""

import logging
import threading
import time
from collections.abc import Callable

from dramatiq.common import dq_name
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

#: Seconds after which it is said again.
AGAIN = 60.0
WORDS = "Redis does not answer (%s). Jobs wait in the database until it does; nothing is lost."


class Outages(logging.Filter):
    """Stands before the words of dramatiq's consumers, and is asked by the sweeper, so that one of them speaks.

    Whatever is not about Redis passes as it is.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._timer, self._said, self._lock = timer, -AGAIN, threading.Lock()

    def worth_saying(self) -> bool:
        """Whether nobody in this worker spoke of it within a minute; whoever asks speaks of it now."""
        with self._lock:
            if self._timer() - self._said < AGAIN:
                return False
            self._said = self._timer()
            return True

    def filter(self, record: logging.LogRecord) -> bool:
        error = _trouble(record)
        if error is None:
            return True
        if not self.worth_saying():
            return False
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args, record.exc_info = WORDS, (error,), None
        return True


def _trouble(record: logging.LogRecord) -> BaseException | None:
    """What was wrong with Redis, where this is about that: dramatiq gives it as an argument, or with its traceback."""
    told = [*(record.args if isinstance(record.args, tuple) else ()), record.exc_info and record.exc_info[1]]
    troubles = (each for each in told if isinstance(each, BrokerConnectionError | RedisError))
    return next(troubles, None)


def stand_before(queue_name: str) -> Outages:
    """One for the consumers of this queue and of its delayed messages."""
    outages = Outages()
    for name in (queue_name, dq_name(queue_name)):
        logger = logging.getLogger(f"dramatiq.worker.ConsumerThread({name})")
        logger.filters = [outages]  # not one more each time a worker starts
    return outages

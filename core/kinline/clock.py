"""Time as the hub keeps it: whole microseconds since 1970 UTC, an ``int``, on both databases.

Integers sort, compare and travel without zones or rounding. Tests and the story set another clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = EPOCH.replace(tzinfo=None)  # to write many times quickly

#: The years an interaction may carry; beyond them a date is taken as unreadable.
EARLIEST = -2_208_988_800 * SECOND  # 1900-01-01
LATEST = 4_102_444_800 * SECOND  # 2100-01-01


def _system() -> int:
    return time.time_ns() // 1000


_now: ContextVar[Callable[[], int]] = ContextVar("kinline_now", default=_system)


def now() -> int:
    """The present, in microseconds since 1970 UTC."""
    return _now.get()()


@contextmanager
def frozen(at: int | Callable[[], int]) -> Iterator[None]:
    """Run with another clock: a moment, or a function that tells it. For tests, stories and back-tests."""
    source: Callable[[], int] = at if callable(at) else (lambda: at)
    token = _now.set(source)
    try:
        yield
    finally:
        _now.reset(token)


def from_datetime(moment: datetime) -> int:
    """An aware datetime as microseconds. A naive one is refused: we would have to guess its zone."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return (moment - EPOCH) // timedelta(microseconds=1)


def zone(name: object) -> ZoneInfo | None:
    """The IANA zone of this name; None for whatever is none. People's attributes may hold anything."""
    try:
        return ZoneInfo(name) if isinstance(name, str) and name.isascii() else None
    except (ValueError, OSError, KeyError):  # no zone, the name of a folder, one too long for a file
        return None


def to_datetime(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def to_text(at: int | None) -> str | None:
    """RFC 3339 in UTC with ``Z``; fractions only where there are any."""
    return None if at is None else (_EPOCH_WITHOUT_ZONE + timedelta(microseconds=at)).isoformat() + "Z"

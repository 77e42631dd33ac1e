"""Reads single fields of foreign JSON, where anything may be missing, null or of another type."""

import re
from datetime import UTC, datetime
from typing import Any

from kinline import clock

Record = dict[str, Any]

#: What a desk uses as an id: digits, or the words of imported systems. No blanks, no markup.
IDENT = re.compile(r"-?[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
NO_ONE = frozenset({"", "0", "-0"})  #: how events spell "none" where exports have null

MAX_TEXT = 1_000_000  #: characters of one text; a desk's own limit is 65,535
MAX_LINE = 1_000  #: characters of a name or a subject


def record(value: Any) -> Record:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def ident(value: Any) -> str:
    """An id as exact text; empty where there is none. Fractions and booleans are no ids."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    written = str(value).strip()
    return written if IDENT.fullmatch(written) and written not in NO_ONE else ""


def idents(value: Any) -> frozenset[str]:
    return frozenset(filter(None, map(ident, rows(value))))


def text(value: Any) -> str:
    """A text of any length; empty where there is none."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def line(value: Any) -> str:
    """A short text on one line."""
    return " ".join(value[: MAX_LINE * 2].split())[:MAX_LINE] if isinstance(value, str) else ""


def word(value: Any) -> str:
    """A word of a closed list, in lower case: exports write ``open``, events ``OPEN``."""
    return line(value).lower()[:60]


def size(value: Any) -> int:
    """A count of bytes; 0 where it is missing or absurd."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 50 else 0


def moment(value: Any) -> datetime | None:
    """A time in UTC, in whole seconds, which is what exports have (events have nanoseconds).

    None where it is missing, has no zone, or cannot be when a desk received something: before 1970 or
    more than a day ahead of us.
    """
    try:
        found = (
            datetime.fromtimestamp(value, UTC)
            if isinstance(value, int) and not isinstance(value, bool)
            else datetime.fromisoformat(value[:40])
        )
        if found.tzinfo is None:
            return None
        found = found.astimezone(UTC).replace(microsecond=0)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return found if 0 <= clock.from_datetime(found) <= clock.now() + clock.DAY else None

"""Reading foreign fields without believing them: each function gives a plain value, or an empty one."""

import html
import re
from datetime import UTC, datetime
from typing import Any

from kinline import clock
from kinline_blog.decoding import legal

Record = dict[str, Any]  #: a JSON object of theirs, unchecked

MAX_LINE = 500
IDENT = re.compile(r"[0-9]{1,20}")
#: WordPress (MySQL DATETIME, or its REST form) and Disqus (RFC 3339).
MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,6})?)(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def record(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """A string of any length, without what no database takes."""
    return legal(value).strip() if isinstance(value, str) else ""


def line(value: Any, limit: int = MAX_LINE) -> str:
    """A name or a title: one line, with the HTML entities that blogs store in them resolved."""
    return " ".join(html.unescape(text(value)[: 4 * limit]).split())[:limit]


def ident(value: Any) -> str:
    """A positive number as its digits; blogs write 0 for “none”."""
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20 else value
    digits = written.strip() if isinstance(written, str) else ""
    return digits.lstrip("0") if IDENT.fullmatch(digits) else ""


def moment(value: Any) -> datetime | None:
    """A time of theirs. WordPress writes ``0000-00-00 00:00:00`` for none. Without a zone it is taken as UTC."""
    found = MOMENT.fullmatch(text(value)[:40])
    if not found:
        return None
    try:
        read = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or 'Z'}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return read if clock.EARLIEST <= clock.from_datetime(read) <= clock.LATEST else None


def when(gmt: Any, local: Any = "") -> tuple[datetime | None, tuple[str, ...]]:
    """The time of a record and what is odd about it. A blog's local time has no zone: better than none, flagged."""
    read = moment(gmt)
    if read:
        return read, ()
    read = moment(local)
    return (read, ("local_time",)) if read else (None, ("bad_date",))

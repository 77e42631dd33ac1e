"""Dates and times that are written in pieces (value class pattern for date and time), put together."""

import re

_DATE = re.compile(r"\d{4}-(?:\d{3}|\d{1,2}-\d{1,2})(?!\d)")
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_ZONE = re.compile(r"Z|[+-]\d{1,2}:?(?:\d{2})?", re.IGNORECASE)


class Parts:
    """The first date, the first time and the first zone that were told."""

    def __init__(self) -> None:
        self.date = self.time = self.zone = ""

    def take(self, told: str) -> None:
        """A piece: a date, a time, a zone, or several in one."""
        rest = told.strip()[:100]
        date = _DATE.match(rest)
        if date:
            rest = rest[date.end() :].lstrip("Tt ")
        time, rest = _time(rest)
        zone = _ZONE.fullmatch(rest.strip())
        if (rest.strip() and not zone) or not (date or time or zone):
            return  # it is something else
        if (date and self.date) or (time and self.time):
            return
        self.date = self.date or (_full(date[0]) if date else "")
        self.time = self.time or time
        self.zone = self.zone or (_zone(zone[0], whole=bool(date)) if zone else "")

    def told(self, implied: str) -> str:
        """Together; ``implied`` is the date of an earlier property of the same item."""
        date = self.date or (implied if self.time else "")
        if not date:
            return ""
        return f"{date} {self.time}{self.zone}" if self.time else date


def day(value: str) -> str:
    """The date at the beginning of a value, if it has one."""
    found = _DATE.match(value)
    return found[0] if found else ""


def _zone(written: str, *, whole: bool) -> str:
    """In a piece of its own a zone loses its colon; in a whole date it stays as it is written."""
    return written if whole else written.upper().replace(":", "")


def _full(date: str) -> str:
    year, *rest = date.split("-")
    return "-".join([year, *(part if len(rest) == 1 else part.zfill(2) for part in rest)])


def _time(rest: str) -> tuple[str, str]:
    """A time of the day on 24 hours, and what follows it; empty where a time is none."""
    found = _TIME.match(rest)
    if not found or not (found[2] or found[4]):
        return "", rest
    hour, half = int(found[1]), (found[4] or "").lower().replace(".", "")
    if hour > 23 or (half and hour > 12):
        return "", rest
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    seconds = f":{found[3]}" if found[3] else ""
    return f"{hour:02}:{found[2] or '00'}{seconds}", rest[found.end() :]

"""When a mail was written (RFC 5322 section 3.3), as far as it can be believed. No clock is asked.

The Date field counts; where it is missing or cannot be, the newest Received date, then the date of the
mbox From_ line. A Date more than two days after our server took the mail in is a wrong clock or a lie.
A zone that no place on Earth has is believed as written, and noted, while it is less than a day: the time
beside it is nearer to the truth than the date of a server that may have moved the mail weeks later.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from kinline_email.headers import Headers

FIRST_YEAR, LAST_YEAR = 1970, 2099
WIDEST_ZONE = 14 * 3600  #: seconds; Kiribati is +14:00
DAY = 24 * 3600
AHEAD = timedelta(days=2)

#: A zone as Java and web mailers write it. The standard library reads only its letters.
_NAMED_OFFSET = re.compile(r"\b(?:GMT|UTC|UT)([+-])(\d{1,2}):?(\d\d)?(?!\d)")


def occurred_at(found: Headers, envelope_line: str, flags: set[str]) -> datetime | None:
    """The best known time, with the flags ``no_date`` or ``bad_date`` where it is not simply the Date field."""
    received = newest_received(found)
    written, offset = read(found.get("date"))
    possible = abs(offset) < DAY
    if written and possible and not (received and written > received + AHEAD):
        if abs(offset) > WIDEST_ZONE:
            flags.add("bad_date")
        return written
    flags.add("bad_date" if found.get("date") else "no_date")
    after = _envelope_date(envelope_line)
    return received or after or (None if possible else written)


def newest_received(found: Headers) -> datetime | None:
    """The date of the topmost Received field that has one."""
    for value in found.all("received")[:20]:
        moment, offset = read(value[-300:].rpartition(";")[2])
        if moment and abs(offset) <= WIDEST_ZONE:
            return moment
    return None


def read(text: str) -> tuple[datetime | None, float]:
    """A date, and the seconds of its zone; None for what is no date in a sane year. A zone of days is left out."""
    try:
        found = parsedate_tz(_NAMED_OFFSET.sub(_numbered, text[:200]).strip())
        if found is None or not FIRST_YEAR <= found[0] <= LAST_YEAR:
            return None, 0
        offset = found[9] or 0
        zone = timezone(timedelta(seconds=offset)) if offset and abs(offset) < DAY else UTC
        second = min(found[5], 59)  # leap seconds
        return datetime(*found[:5], second, tzinfo=zone).astimezone(UTC), offset
    except (ValueError, TypeError, IndexError, OverflowError):
        return None, 0


def _numbered(zone: re.Match[str]) -> str:
    return f"{zone[1]}{zone[2]:0>2}{zone[3] or '00'}"


def _envelope_date(line: str) -> datetime | None:
    """The date of ``From ann@example.org Fri Nov 20 10:10:10 2026``."""
    found = re.search(r"[A-Z][a-z]{2} +[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d.{0,40}$", line[-100:].rstrip())
    return read(found[0])[0] if found else None

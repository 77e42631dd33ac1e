"""Working time: weekly hours in a time zone, without holidays, and what can be counted in it.

Everything is counted in real seconds between instants, so an hour that a change to summer time takes away is no
working time, and one that it gives counts. Times on a clock that do not exist on such a day stand for the moment
at which the clock was put forward.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import msgspec

from kinline import clock
from kinline.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_HOURS, MOST_HOLIDAYS = 12, 2000  #: spans of one day; dates
FIRST, LAST = date(1970, 1, 1), date(2100, 12, 31)
#: A calendar in which nobody works for so long is a mistake.
LONGEST_CLOSURE = timedelta(days=366)
_LAST = "24:00"
Hours = tuple[tuple[int, int], ...]  #: minutes of the day, from and to


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calendar as people write it. ``hours`` by day of the week, "09:00" to "17:00"; "24:00" ends a day.

    ``country`` (ISO 3166, with ``subdivision``) adds its public holidays; ``holidays`` are days off of our own.
    """

    zone: str
    hours: dict[str, tuple[tuple[str, str], ...]]
    holidays: tuple[date, ...] = ()
    country: str = ""
    subdivision: str = ""


class Calendar:
    """A checked calendar. Instants and lengths are microseconds."""

    def __init__(self, spec: Spec) -> None:
        """Raises `Invalid` with a pointer for what cannot be a calendar, an empty one included."""
        self.spec = spec
        self.zone = _zone(spec.zone)
        self._hours = tuple(_hours(spec.hours.get(day, ()), f"/hours/{day}") for day in DAYS)
        _check(spec, self._hours)
        self._off = frozenset(spec.holidays)

    def add(self, start: int, length: int) -> int:
        """The earliest instant at which ``length`` of working time has passed since ``start``.

        `kinline.clock.LATEST` where that lies behind it: who works a minute a week does not get far.
        """
        left = max(length, 0)
        if not left:
            return start
        for begin, end in self._from(start):
            if begin >= clock.LATEST:
                break
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return clock.LATEST

    def measure(self, start: int, end: int) -> int:
        """How much working time lies between two instants; 0 when they stand the other way round."""
        total = 0
        for begin, until in self._from(start):
            if begin >= end:
                break
            total += min(until, end) - begin
        return total

    def _from(self, start: int) -> Iterator[tuple[int, int]]:
        """Working spans after ``start``, in order, none of them empty, without end: no closure lasts a year."""
        day = clock.to_datetime(start).astimezone(self.zone).date() - timedelta(days=1)
        while True:
            for begin, end in self._day(day):
                if end > start:
                    yield max(begin, start), end
            day += timedelta(days=1)

    def _day(self, day: date) -> list[tuple[int, int]]:
        hours = self._hours[day.weekday()]
        if not hours or day in self._off or day in _public(self.spec.country, self.spec.subdivision, day.year):
            return []
        spans = ((self._instant(day, begin, 0), self._instant(day, end, 1)) for begin, end in hours)
        return [(begin, end) for begin, end in spans if end > begin]

    def _instant(self, day: date, minute: int, fold: int) -> int:
        """When a clock on the wall shows that. Of two such moments (``fold``) work begins at the first and ends at the second."""
        whole = day + timedelta(days=1) if minute == 1440 else day
        wall = datetime.combine(whole, time(minute % 1440 // 60, minute % 60), self.zone)
        early, late = (clock.from_datetime(wall.replace(fold=each)) for each in (0, 1))
        if early > late:  # that time does not exist: PEP 495 gives the two readings in reverse order
            return _forward(self.zone, late, early)
        return late if fold else early


def _forward(zone: ZoneInfo, low: int, high: int) -> int:
    """The moment between two at which the clock is put forward, to the second."""
    before = clock.to_datetime(low).astimezone(zone).utcoffset()
    while high - low > clock.SECOND:
        middle = (low + high) // 2 // clock.SECOND * clock.SECOND
        if clock.to_datetime(middle).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=512)
def _public(country: str, subdivision: str, year: int) -> frozenset[date]:
    """A country's public holidays of a year, as the package `holidays` (MIT) knows them."""
    if not country:
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"There is no time zone “{name[:60]}”.", code="no_such_zone", pointer="/zone") from None


def _hours(given: tuple[tuple[str, str], ...], pointer: str) -> Hours:
    found = tuple(sorted((_minute(begin, pointer), _minute(end, pointer)) for begin, end in given))
    if len(found) > MOST_HOURS:
        raise Invalid(f"A day has at most {MOST_HOURS} spans.", code="too_many", pointer=pointer)
    last = 0
    for begin, end in found:
        if begin < last or end <= begin:
            raise Invalid(
                "Spans of a day end after they begin and do not overlap.", code="invalid_hours", pointer=pointer
            )
        last = end
    return found


def _minute(text: str, pointer: str) -> int:
    if text == _LAST:
        return 1440
    try:
        found = time.fromisoformat(text) if len(text) == 5 else None
    except ValueError:
        found = None
    if found is None:
        raise Invalid(f"“{text[:20]}” is no time like 09:00.", code="invalid_time", pointer=pointer)
    return found.hour * 60 + found.minute


def _check(spec: Spec, hours: tuple[Hours, ...]) -> None:
    unknown = sorted(spec.hours.keys() - set(DAYS))
    if unknown:
        raise Invalid(f"A day is one of {', '.join(DAYS)}.", code="unknown_day", pointer=f"/hours/{unknown[0][:20]}")
    if not any(hours):
        raise Invalid("Nobody ever works in this calendar: give some hours.", code="empty_calendar", pointer="/hours")
    if len(spec.holidays) > MOST_HOLIDAYS:
        raise Invalid(f"At most {MOST_HOLIDAYS} holidays.", code="too_many", pointer="/holidays")
    if any(not FIRST <= day <= LAST for day in spec.holidays):
        raise Invalid("A holiday lies between 1970 and 2100.", code="invalid_date", pointer="/holidays")
    _check_closures(spec, hours)
    if spec.subdivision and not spec.country:
        raise Invalid("A subdivision needs its country.", code="required", pointer="/country")
    _check_country(spec)


def _check_closures(spec: Spec, hours: tuple[Hours, ...]) -> None:
    """Holidays must not close the office for a year: a promise would never be due."""
    off = frozenset(spec.holidays)
    for first in spec.holidays:
        day, end = first, first + LONGEST_CLOSURE
        if day - timedelta(days=1) in off:
            continue  # looked at from its first day
        while (day in off or not hours[day.weekday()]) and day <= end:
            day += timedelta(days=1)
        if day > end:
            raise Invalid(f"Nobody works for a year from {first} on.", code="empty_calendar", pointer="/holidays")


def _check_country(spec: Spec) -> None:
    if not spec.country:
        return
    known = holidays.list_supported_countries(include_aliases=True)
    if spec.country not in known:
        raise Invalid(
            f"Nobody here knows the holidays of “{spec.country[:20]}”; give a code like DE, or list the days yourself.",
            code="no_such_country", pointer="/country",
        )  # fmt: skip
    if spec.subdivision and spec.subdivision not in known[spec.country]:
        raise Invalid(
            f"{spec.country} has no “{spec.subdivision[:20]}”; it has {', '.join(known[spec.country])[:300]}.",
            code="no_such_subdivision", pointer="/subdivision",
        )  # fmt: skip


#: Day and night, all year: for teams without a calendar.
ALWAYS = Calendar(Spec(zone="UTC", hours=dict.fromkeys(DAYS, (("00:00", _LAST),))))

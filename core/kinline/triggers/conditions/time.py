"""``time``: a date that is known of a person comes near, is there, or has passed: a renewal, a birthday.

The date is an attribute, written as RFC 3339 writes dates and times. A date alone begins at midnight in the person's
time zone (the attribute ``time_zone``), in UTC where that is unknown. What is no date is unknown, and never due.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from kinline import clock
from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import Duration
from kinline.triggers.filters import Interest
from kinline.triggers.outcomes import Evidence, Fire, Outcome, Wait
from kinline.triggers.parts import Part


class Time(Part, frozen=True, kw_only=True):
    """A date that is known of the person comes near, is there, or has passed."""

    attribute: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    before: Duration | None = None
    after: Duration | None = None
    every: Literal["year"] | None = None

    def __post_init__(self) -> None:
        if self.before and self.after:
            raise ValueError("write either `before` or `after`")


#: Years before and after the moment for which a yearly date is worked out.
YEARS = 1


@dataclass(frozen=True)
class TimeCondition:
    attribute: str
    shift: int
    yearly: bool

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        for due, evidence in self._dues(sight, sight.now):
            episode = f"{self.attribute}:{due}"
            if due <= sight.now:
                yield Fire(episode=episode, at=due, evidence=evidence)
            else:
                yield Wait(episode=episode, due_at=due, evidence=evidence)

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        """From its moment on; a yearly date for the day that begins with it."""
        for due, evidence in self._dues(sight, at):
            if due <= at and (not self.yearly or at < due + clock.DAY):
                return evidence
        return None

    def interests(self) -> frozenset[Interest]:
        """No interaction: whoever changes the attribute has the person looked at."""
        return frozenset()

    @property
    def lookback(self) -> int | None:
        return 0

    def _dues(self, sight: Sight, at: int) -> Iterator[tuple[int, Evidence]]:
        known = sight.history.person_at(at).attributes
        value, zone = known.get(self.attribute), _zone(known.get("time_zone"))
        found = _moment(value, zone)
        if found is None:
            return
        evidence = Evidence(read={f"person.attributes.{self.attribute}": value})
        year = clock.to_datetime(at).year
        for moment in (_in_year(found, year + away) for away in range(-YEARS, YEARS + 1)) if self.yearly else (found,):
            due = clock.from_datetime(moment) + self.shift
            if clock.EARLIEST < due < clock.LATEST:
                yield due, evidence


def _moment(value: Any, zone: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        if len(value) == 10:
            return datetime.combine(date.fromisoformat(value), time(), zone)
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _zone(name: Any) -> Any:
    try:
        return ZoneInfo(name) if isinstance(name, str) else UTC
    except (ValueError, OSError, KeyError):
        return UTC


def _in_year(moment: datetime, year: int) -> datetime:
    """The same day of another year; of 29 February, the 28th where there is none."""
    try:
        return moment.replace(year=year)
    except ValueError:
        return moment.replace(year=year, day=28)


def compile_time(written: Time, pointer: str, terms: ConditionTerms) -> TimeCondition:
    before = written.before.micros if written.before else 0
    after = written.after.micros if written.after else 0
    return TimeCondition(attribute=written.attribute, shift=after - before, yearly=written.every == "year")


TIME = ConditionType(
    word="time",
    shape=Time,
    compile=compile_time,
    says="A date that is known of the person comes near, is there, or has passed.",
    fields={
        "attribute": "The name of the attribute that holds the date.",
        "before": "So long before it.",
        "after": "So long after it.",
        "every": "Each year again.",
    },
    narrow=True,
)

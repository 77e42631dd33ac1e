"""What a trigger will do once it is live, as far as that is known before: what waits in the end of its back-test, by when it is
due. Whoever does something meanwhile changes it; what news will start is not in it.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from kinline.clock import DAY, HOUR
from kinline.errors import Invalid
from kinline.triggers import Trigger

#: So far a forecast looks ahead, in days.
DAYS = (1, 7, 30)


class Forecast(msgspec.Struct, frozen=True):
    """How many would act within 24 hours, 7 and 30 days. ``existing``: those of them for whom it was due before, as
    `limits.existing` has it. ``busiest``: how many in the busiest hour, beside how many the hub's storm limit allows."""

    day: int
    week: int
    month: int
    existing: int
    busiest: int
    storm_limit: int


class Dues:
    """Counts by the hour what is due after ``now``: memory does not grow with the people."""

    def __init__(self, now: int, trigger: Trigger) -> None:
        self._now, self._hours, self._existing = now, Counter[int](), 0
        existing = trigger.definition.limits.existing
        self._within = existing.fire_within.micros if existing else 0

    def add(self, due: Iterable[int]) -> None:
        """What waits for one person."""
        self._hours.update((at - self._now) // HOUR for at in due if at < self._now + DAYS[-1] * DAY)

    def before(self, fired: Iterable[int]) -> None:
        """When it would have fired, in the time that was tried out."""
        self._existing += sum(1 for at in fired if at >= self._now - self._within)

    def told(self, storm_limit: int) -> Forecast:
        day, week, month = (
            self._existing + sum(n for hour, n in self._hours.items() if hour < each * 24) for each in DAYS
        )
        busiest = max(self._hours.values(), default=0)
        return Forecast(day, week, month, self._existing, busiest, storm_limit)


def refuse_storm(forecast: Forecast | None, trigger: Trigger) -> None:
    """Raises `Invalid` where it would do more in an hour than the hub allows, and does not say how much it may."""
    if forecast is None or forecast.busiest <= forecast.storm_limit or trigger.definition.limits.per_hour:
        return
    raise Invalid(
        f"In its busiest hour it would act {forecast.busiest} times, and after {forecast.storm_limit} it would pause itself: say "
        f"in `limits.per_hour` how often it may act in an hour, or narrow `who`.",
        code="needs_per_hour", pointer="/limits/per_hour",
    )  # fmt: skip

"""The person's own time: laws over every zone and every moment, summer time and its gaps included."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline import clock
from kinline.clock import DAY, HOUR, MINUTE
from kinline.followups.hours import midnight, quiet_until

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"})).map(ZoneInfo)
MOMENTS = st.integers(clock.from_datetime(datetime.fromisoformat("1975-01-01T00:00Z")) // MINUTE, 2_000_000_000 // 60)
HOURS = st.integers(0, 24)


@given(ZONES, MOMENTS, HOURS, HOURS)
def test_quiet_hours_end_at_the_first_moment_that_is_not_quiet(
    zone: ZoneInfo, minute: int, start: int, end: int
) -> None:
    now = minute * MINUTE
    until = quiet_until(now, zone, start, end)
    if until is None:
        return

    # It ends later, within a day and what the clocks were put back (or a day that an island left out)
    assert now < until <= now + 2 * DAY + HOUR

    # All the time until then is quiet, and then it is not, unless the night never ends
    if (start, end % 24) != (0, 0):
        assert quiet_until(until, zone, start, end) is None
    for step in range(1, 8):
        between = now + (until - now) * step // 8
        assert between == until or quiet_until(between, zone, start, end) is not None


@given(ZONES, MOMENTS)
def test_a_day_begins_at_its_first_moment(zone: ZoneInfo, minute: int) -> None:
    now = minute * MINUTE
    begun = midnight(now, zone)

    def day(at: int) -> str:
        return str(clock.to_datetime(at).astimezone(zone).date())

    assert now - DAY - 2 * HOUR < begun <= now
    assert day(begun) == day(now)


WALLS = {
    # the hour from two to three is left out: the night that ends at two ends at the jump
    ("Europe/Madrid", "2026-03-29T00:30:00Z", 22, 2): "2026-03-29T01:00:00Z",
    # it comes twice: a night that ends at three ends after the second
    ("Europe/Madrid", "2026-10-25T00:30:00Z", 22, 3): "2026-10-25T02:00:00Z",
    # and one that ends at two ends before the first
    ("Europe/Madrid", "2026-10-24T23:30:00Z", 22, 2): "2026-10-25T00:00:00Z",
    # midnight itself is left out in Cairo
    ("Africa/Cairo", "2026-04-23T21:30:00Z", 22, 24): "2026-04-23T22:00:00Z",
    # over noon, for those who rest then
    ("Asia/Kathmandu", "2026-01-05T08:15:00Z", 14, 15): "2026-01-05T09:15:00Z",
}


@pytest.mark.parametrize(("zone", "at", "start", "end"), WALLS)
def test_a_night_in_which_the_clocks_change(zone: str, at: str, start: int, end: int) -> None:
    now = clock.from_datetime(datetime.fromisoformat(at))

    assert clock.to_text(quiet_until(now, ZoneInfo(zone), start, end)) == WALLS[zone, at, start, end]


GARBAGE = [
    "",
    "Europe",
    "Atlantis/Centre",
    "../../etc/passwd",
    "/etc/localtime",
    "a" * 5000,
    "Europe/Madrid\x00",
    "é",
    7,
    None,
    ["UTC"],
    True,
]


@pytest.mark.parametrize("name", GARBAGE, ids=lambda name: repr(name)[:30])
def test_what_is_no_zone_is_none(name: object) -> None:
    assert clock.zone(name) is None


def test_a_zone_is_one() -> None:
    assert str(clock.zone("Europe/Madrid")) == "Europe/Madrid"

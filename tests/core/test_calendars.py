"""The arithmetic of working time: laws that hold in every calendar, and days on which clocks jump."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinline import clock
from kinline.calendars import ALWAYS, DAYS, Calendar, Spec
from kinline.clock import HOUR, MINUTE
from kinline.errors import Invalid

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
OFFICE = dict.fromkeys(DAYS[:5], (("09:00", "17:00"),))


def at(text: str) -> int:
    return clock.from_datetime(datetime.fromisoformat(text))


def office(**more: Any) -> Calendar:
    return Calendar(Spec(**{"zone": "Europe/Berlin", "hours": OFFICE, **more}))


@st.composite
def spans(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    """Some spans of a day, in minutes, that do not overlap."""
    ends = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return tuple((f"{a // 60:02}:{a % 60:02}", f"{b // 60:02}:{b % 60:02}") for a, b in pairs)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    hours = draw(st.dictionaries(st.sampled_from(DAYS), spans(), max_size=7))
    hours["tue"] = hours.get("tue") or (("10:00", "16:30"),)
    off = draw(st.sets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=20))
    return Calendar(Spec(zone=draw(st.sampled_from(ZONES)), hours=hours, holidays=tuple(sorted(off))))


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1)).map(
    lambda d: clock.from_datetime(d.replace(tzinfo=UTC))
)
lengths = st.integers(0, 200 * HOUR)


@settings(max_examples=150)
@given(calendar=calendars(), start=instants, length=lengths)
def test_measuring_gives_back_what_was_added(calendar: Calendar, start: int, length: int) -> None:
    assert calendar.measure(start, calendar.add(start, length)) == length


@settings(max_examples=100)
@given(calendar=calendars(), start=instants, later=st.integers(0, 400 * HOUR), length=lengths, more=lengths)
def test_adding_never_goes_back(calendar: Calendar, start: int, later: int, length: int, more: int) -> None:
    assert calendar.add(start, length) <= calendar.add(start + later, length)
    assert calendar.add(start, length) <= calendar.add(start, length + more)
    assert calendar.add(start, length) >= start


@settings(max_examples=100)
@given(calendar=calendars(), start=instants, length=lengths, more=lengths)
def test_adding_in_two_steps_is_adding_once(calendar: Calendar, start: int, length: int, more: int) -> None:
    assert calendar.add(calendar.add(start, length), more) == calendar.add(start, length + more)


@settings(max_examples=100)
@given(calendar=calendars(), a=instants, b=instants, c=instants)
def test_what_lies_between_adds_up(calendar: Calendar, a: int, b: int, c: int) -> None:
    a, b, c = sorted((a, b, c))
    assert calendar.measure(a, b) + calendar.measure(b, c) == calendar.measure(a, c)
    assert calendar.measure(a, b) <= b - a
    assert calendar.measure(b, a) == 0 or a == b


@settings(max_examples=50)
@given(start=instants, length=lengths)
def test_day_and_night_is_time_itself(start: int, length: int) -> None:
    assert ALWAYS.add(start, length) == start + length


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-02T08:00:00+00:00", 4, "2026-03-02T12:00:00+00:00"),  # Monday, 9:00 in Berlin
        ("2026-03-02T05:00:00+00:00", 4, "2026-03-02T12:00:00+00:00"),  # before the office opens
        ("2026-03-06T15:00:00+00:00", 4, "2026-03-09T11:00:00+00:00"),  # Friday, 16:00: one hour is left
        ("2026-03-27T15:00:00+00:00", 4, "2026-03-30T10:00:00+00:00"),  # over the change to summer time
        ("2026-10-23T14:00:00+00:00", 4, "2026-10-26T11:00:00+00:00"),  # and back
        ("2026-03-07T12:00:00+00:00", 0, "2026-03-07T12:00:00+00:00"),  # nothing to wait for
    ],
)
def test_an_answer_is_due_in_office_hours(start: str, hours: int, due: str) -> None:
    assert clock.to_text(office().add(at(start), hours * HOUR)) == due.replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("zone", "day", "worked"),
    [
        ("Europe/Berlin", "2026-03-29", 23),  # 02:00 to 03:00 does not exist
        ("Europe/Berlin", "2026-10-25", 25),  # 02:00 to 03:00 comes twice
        ("Australia/Lord_Howe", "2026-10-04", 23.5),  # half an hour
        ("UTC", "2026-03-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),  # a whole day that never was
    ],
)
def test_a_day_has_as_many_hours_as_it_has(zone: str, day: str, worked: float) -> None:
    calendar = Calendar(Spec(zone=zone, hours=dict.fromkeys(DAYS, (("00:00", "24:00"),))))
    midnight = datetime.fromisoformat(day).replace(tzinfo=calendar.zone)
    after = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=calendar.zone)

    assert calendar.measure(clock.from_datetime(midnight), clock.from_datetime(after)) == worked * HOUR


@pytest.mark.parametrize(
    ("begin", "end", "spring", "autumn"),
    [
        ("02:30", "03:30", 30, 120),  # begins at a time that is not there; at the first of two that are
        ("01:30", "02:30", 30, 120),
        ("02:00", "03:00", 0, 120),  # the hour itself
        ("02:15", "02:45", 0, 90),
    ],
)
def test_hours_inside_the_hour_that_jumps(begin: str, end: str, spring: int, autumn: int) -> None:
    calendar = Calendar(Spec(zone="Europe/Berlin", hours={"sun": ((begin, end),)}))

    found = [
        calendar.measure(at(f"{day}T00:00:00+00:00") - 12 * HOUR, at(f"{day}T00:00:00+00:00") + 36 * HOUR)
        for day in ("2026-03-29", "2026-10-25")
    ]

    assert [each // MINUTE for each in found] == [spring, autumn]


def test_nobody_works_on_a_holiday() -> None:
    # Given Good Friday and Easter Monday in Germany, and a day off of our own
    calendar = office(country="DE", subdivision="BE", holidays=(date(2026, 4, 7),))

    # When somebody writes on Maundy Thursday at four in the afternoon in Berlin
    due = calendar.add(at("2026-04-02T14:00:00+00:00"), 2 * HOUR)

    # Then one hour is left that day, and the other is on Wednesday
    assert clock.to_text(due) == "2026-04-08T08:00:00Z"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"zone": "Europe/Atlantis"}, "no_such_zone", "/zone"),
    ({"zone": "../etc/passwd"}, "no_such_zone", "/zone"),
    ({"zone": ""}, "no_such_zone", "/zone"),
    ({"hours": {}}, "empty_calendar", "/hours"),
    ({"hours": {"mon": ()}}, "empty_calendar", "/hours"),
    ({"hours": {"moonday": (("09:00", "17:00"),)}}, "unknown_day", "/hours/moonday"),
    ({"hours": {"mon": (("17:00", "09:00"),)}}, "invalid_hours", "/hours/mon"),
    ({"hours": {"mon": (("09:00", "09:00"),)}}, "invalid_hours", "/hours/mon"),
    ({"hours": {"mon": (("09:00", "12:00"), ("11:00", "17:00"))}}, "invalid_hours", "/hours/mon"),
    ({"hours": {"mon": (("9", "17:00"),)}}, "invalid_time", "/hours/mon"),
    ({"hours": {"mon": (("25:00", "26:00"),)}}, "invalid_time", "/hours/mon"),
    ({"hours": {"mon": tuple((f"{n:02}:00", f"{n:02}:30") for n in range(13))}}, "too_many", "/hours/mon"),
    ({"country": "XX"}, "no_such_country", "/country"),
    ({"country": "DE", "subdivision": "TX"}, "no_such_subdivision", "/subdivision"),
    ({"subdivision": "BE"}, "required", "/country"),
    ({"holidays": tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(2001))}, "too_many", "/holidays"),
    ({"holidays": tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(900))}, "empty_calendar", "/holidays"),
    ({"holidays": (date(1, 1, 1),)}, "invalid_date", "/holidays"),
]


@pytest.mark.parametrize(("wrong", "code", "pointer"), REFUSED)
def test_what_can_be_no_calendar_is_refused_with_its_place(wrong: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        office(**wrong)

    assert (refused.value.code, refused.value.pointer) == (code, pointer)

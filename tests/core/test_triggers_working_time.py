"""Silences that count only working time: nights, weekends, holidays and days on which clocks jump."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breaking import checks_of
from kinline import clock
from kinline.calendars import DAYS, Calendar, Spec
from kinline.clock import HOUR, MINUTE
from kinline.triggers import Fire, History, Outcome, Seen, Settled, Wait, evaluate, read_trigger
from kinline.words import Direction, Kind, Role, Standing

WEEK: dict[str, tuple[tuple[str, str], ...]] = dict.fromkeys(DAYS[:5], (("09:00", "17:00"),))
OFFICE = Calendar(Spec(zone="Europe/Berlin", hours=WEEK, holidays=(date(2026, 3, 10),)))
NIGHTS = Calendar(Spec(zone="Europe/Berlin", hours={"sun": (("02:15", "02:45"),)}))
BOTH = {"default": OFFICE, "nights": NIGHTS}
US: dict[str, Any] = {"direction": Direction.OUTBOUND, "role": Role.RECIPIENT}


def seen(id: str, at: int, **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.INBOUND, "channel": "email", "standing": Standing.VERIFIED}
    return Seen(id=id, at=at, recorded_at=at, **{"kind": Kind.MESSAGE, **plain, **more})


def at(text: str) -> int:
    return clock.from_datetime(datetime.fromisoformat(f"{text}:00+00:00"))


def decide(silence: str, *history: Seen, now: int, calendars: Any = BOTH) -> tuple[Outcome, ...]:
    trigger = read_trigger(
        f"name: t\nabout: A test.\nwhen: {{silence: {{{silence}, clock: business-hours}}}}\n"
        "do: [{task: {team: support, title: Look}}]\n"
    )
    return evaluate(trigger, History.of(history, calendars=calendars), now)


OURS = "of: us, after: {direction: inbound}, for: 2h"
LATER = at("2027-01-01T00:00")


@pytest.mark.parametrize(
    ("wrote", "due"),
    [
        ("2026-03-02T09:00", "2026-03-02T11:00"),  # a Monday, ten in Berlin
        ("2026-03-06T15:30", "2026-03-09T09:30"),  # Friday, 16:30: half an hour is left, the rest on Monday
        ("2026-03-07T12:00", "2026-03-09T10:00"),  # Saturday
        ("2026-03-09T15:00", "2026-03-11T09:00"),  # Monday 16:00, and Tuesday is a holiday
        ("2026-03-27T15:00", "2026-03-30T08:00"),  # clocks go forward on Sunday: nine in Berlin is seven
        ("2026-10-23T14:00", "2026-10-26T09:00"),  # and back
    ],
)
def test_we_owe_an_answer_within_two_hours_of_work(wrote: str, due: str) -> None:
    message = seen("a", at(wrote))

    [waiting] = decide(OURS, message, now=at(due) - 1)
    assert isinstance(waiting, Wait)
    assert clock.to_text(waiting.due_at) == f"{due}:00Z"
    [fired] = decide(OURS, message, now=at(due))
    assert isinstance(fired, Fire)
    assert fired.evidence.read["silence.calendar"] == "default"
    assert (fired.evidence.absences[0].since, fired.evidence.absences[0].until) == (message.at, fired.at)


@pytest.mark.parametrize(
    ("day", "half_hours"), [("2026-03-29", 0), ("2026-10-25", 3)], ids=["an hour that is not there", "one that comes twice"]
)  # fmt: skip
def test_hours_of_the_clock_that_jump_count_as_they_pass(day: str, half_hours: int) -> None:
    """On the first day 02:15 to 02:45 does not exist; on the second it lasts from the first 02:15 to the second 02:45."""
    before = seen("a", at(f"{day}T00:00") - 12 * HOUR)

    [found] = decide("of: them, for: 30m, calendar: nights", before, now=LATER)

    assert isinstance(found, Fire)
    assert (found.at < before.at + 24 * HOUR) is bool(half_hours)
    assert NIGHTS.measure(before.at, before.at + 24 * HOUR) == half_hours * 30 * MINUTE


def test_it_counts_on_every_side_and_is_broken_outside_the_office_too() -> None:
    friday, saturday, monday = (at(f"2026-03-{day}T15:30") for day in ("06", "07", "09"))

    assert [type(one) for one in decide(OURS, seen("a", friday), seen("x", saturday, **US), now=monday)] == [Settled]
    theirs = decide("of: them, after: {direction: outbound}, for: 2h", seen("x", friday, **US), now=monday)
    anyone = decide("of: anyone, for: 2h", seen("a", friday), now=monday)
    assert [one.at for one in (*theirs, *anyone) if isinstance(one, Fire)] == [at("2026-03-09T09:30")] * 2


def test_a_calendar_that_is_not_there_is_never_due_and_says_so() -> None:
    message = seen("a", at("2026-03-02T09:00"))

    [settled] = decide(OURS, message, now=LATER, calendars={})
    assert isinstance(settled, Settled)
    assert settled.reason == "no_calendar"
    [settled] = decide(OURS + ", calendar: gone", message, seen("x", message.at + HOUR, **US), now=LATER)
    assert isinstance(settled, Settled)
    assert settled.reason == "moved_on"


def test_it_holds_beside_something_that_happens_from_its_due_time_on() -> None:
    when = "{all: [{did: {kind: order}}, {silence: {%s, clock: business-hours}}]}" % OURS  # noqa: UP031
    trigger = read_trigger(f"name: t\nabout: A.\nwhen: {when}\ndo: [{{task: {{team: t, title: T}}}}]")
    history = [seen("a", at("2026-03-06T15:30")), *(seen(f"o{d}", at(f"2026-03-{d}T09:40"), kind=Kind.ORDER) for d in ("08", "09"))]  # fmt: skip

    for calendars, expected in ((BOTH, ["o09"]), ({}, [])):
        found = evaluate(trigger, History.of(history, calendars=calendars), at("2026-03-09T10:00"))
        assert [one.episode for one in found if isinstance(one, Fire) and one.episode[0] == "o"] == expected


@pytest.mark.parametrize(
    ("when", "places"),
    [
        ("{silence: {of: us, for: 1h}}", []),
        ("{silence: {of: us, for: 1h, clock: business-hours}}", [("/when/silence/clock", "default")]),
        (
            "{all: [{did: {}}, {not: {any: [{did: {}}, {silence: {of: us, for: 1h, clock: business-hours, calendar: x}}]}}]}",
            [("/when/all/1/not/any/1/silence/calendar", "x")],
        ),
    ],
)
def test_a_trigger_names_its_calendars_with_their_places(when: str, places: list[tuple[str, str]]) -> None:
    trigger = read_trigger(f"name: t\nabout: A.\nwhen: {when}\ndo: [{{tag: {{add: x}}}}]")

    assert list(trigger.calendars) == places


def test_the_length_of_working_time_cannot_be_told_beforehand() -> None:
    for clock_, expected in (("always", 2 * HOUR), ("business-hours", None)):
        trigger = read_trigger(
            f"name: t\nabout: A.\nwhen: {{silence: {{of: them, for: 2h, clock: {clock_}}}}}\ndo: [{{tag: {{add: x}}}}]"
        )
        assert trigger.lookback == expected


def test_who_works_a_minute_a_week_does_not_get_to_five_years() -> None:
    rarely = Calendar(Spec(zone="UTC", hours={"mon": (("09:00", "09:01"),)}))

    [waiting] = decide(
        "of: them, for: 1830d", seen("a", at("2026-03-02T09:00")), now=LATER, calendars={"default": rarely}
    )

    assert isinstance(waiting, Wait)
    assert waiting.due_at == clock.LATEST


def test_days_of_working_time_are_warned_about() -> None:
    text = "name: t\nabout: A.\nwhen: {silence: {of: us, for: %s, clock: business-hours}}\nwho: answered\ndo: [{tag: {add: x}}]"

    [warning] = read_trigger(text % "1d").warnings
    assert "24 hours" in warning
    assert read_trigger(text % "24h").warnings == ()


LAWS = checks_of("core/test_calendars.py")


@settings(max_examples=100)
@given(
    calendar=LAWS.calendars(),
    start=LAWS.instants,
    minutes=st.integers(1, 6000),
    of=st.sampled_from(["us", "them", "anyone"]),
)
def test_between_start_and_due_lies_exactly_the_working_time_that_was_asked_for(
    calendar: Calendar, start: int, minutes: int, of: str
) -> None:
    silence = f"of: {of}, after: {{direction: inbound}}, for: {minutes}m"

    [found] = decide(silence, seen("a", start), now=start, calendars={"default": calendar})

    assert isinstance(found, Wait)
    assert calendar.measure(start, found.due_at) == minutes * MINUTE
    assert calendar.measure(start, found.due_at - 1) == minutes * MINUTE - 1

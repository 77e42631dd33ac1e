"""Broken habits: somebody stays away longer than their own rhythm."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline.clock import DAY, HOUR
from kinline.triggers import Fire, History, Outcome, Seen, Settled, Wait, evaluate, read_trigger
from kinline.triggers.durations import told
from kinline.triggers.outcomes import moment
from kinline.triggers.rhythm import PATIENCE, WEIGHT, Rhythm
from kinline.words import Direction, Kind, Standing

MONDAY = 1_700_000_000_000_000
WEEKLY = (0, 7, 14, 21)


def order(day: float, **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.INBOUND, "channel": "shop", "standing": Standing.VERIFIED}
    at = MONDAY + round(day * DAY)
    return Seen(id=f"day-{day:g}", at=at, recorded_at=at, **{"kind": Kind.ORDER, **plain, **more})


def decide(
    habit: str, *seen: Seen, now: float = 4000, do: str = "task: {team: sales, title: Look}"
) -> tuple[Outcome, ...]:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {{broken_habit: {habit}}}\ndo: [{{{do}}}]\n")
    return evaluate(trigger, History.of(seen), MONDAY + round(now * DAY))


def fires(*given: Any, **more: Any) -> list[float]:
    return [(one.at - MONDAY) / DAY for one in decide(*given, **more) if isinstance(one, Fire)]


#: Patience after three gaps: a factor of 2 over it makes two weeks of a weekly rhythm.
THREE = 3**PATIENCE
ORDERS = f"{{of: {{kind: order}}, factor: {2 / THREE!r}}}"


def test_somebody_who_comes_weekly_is_missed_after_two_weeks() -> None:
    # Given somebody who ordered each week, four times
    orders = [order(day) for day in WEEKLY]

    # When thirteen days have passed since, it waits
    *_, waiting = decide(ORDERS, *orders, now=34)
    assert isinstance(waiting, Wait)
    assert waiting.due_at == MONDAY + 35 * DAY

    # And after fourteen it fires, and says by which numbers
    *_, fired = decide(ORDERS, *orders, now=35)
    assert isinstance(fired, Fire)
    assert fired.evidence.read == {
        "habit.usual": "7d", "habit.threshold": "14d", "habit.gaps": 3, "habit.model": "log-mean 0, patience 0.2",
    }  # fmt: skip
    assert fired.evidence.interactions == ("day-0", "day-7", "day-14", "day-21")
    [absence] = fired.evidence.absences
    assert (absence.of, absence.since, absence.until) == ("them", MONDAY + 21 * DAY, MONDAY + 35 * DAY)
    assert "order" in absence.looked_for


def test_the_same_silence_is_nothing_unusual_for_somebody_who_comes_monthly() -> None:
    assert fires(ORDERS, *[order(day) for day in (0, 30, 60, 90)], now=104) == []


def test_it_fires_once_for_each_lapse_and_again_after_a_return() -> None:
    orders = [order(day) for day in (*WEEKLY, 100, 107, 114)]

    found = fires(ORDERS, *orders)

    assert len(found) == 2
    assert found[0] == 35
    assert found[1] > 114


def test_coming_at_the_very_last_moment_keeps_the_habit() -> None:
    *_, settled, _ = decide(ORDERS, *[order(day) for day in (*WEEKLY, 35)])

    assert isinstance(settled, Settled)
    assert (settled.reason, settled.by) == ("restarted", "day-35")
    assert fires(ORDERS, *[order(day) for day in (*WEEKLY, 35 + 1 / 1024)])[0] == 35


def test_without_enough_gaps_nothing_is_unusual() -> None:
    assert decide(ORDERS, *[order(day) for day in WEEKLY[:3]]) == ()
    assert len(decide("{of: {kind: order}, least: 2}", *[order(day) for day in WEEKLY[:3]])) == 1


def test_what_comes_together_is_one_occasion() -> None:
    # Given somebody who writes five messages each Monday morning
    messages = [order(day + part / 24, kind=Kind.MESSAGE) for day in WEEKLY for part in range(5)]

    *_, fired = decide(f"{{factor: {2 / THREE!r}}}", *messages)

    # Then the rhythm is weekly, and the clock runs since the very last
    assert isinstance(fired, Fire)
    assert fired.evidence.read["habit.gaps"] == 3
    assert fired.at == MONDAY + 35 * DAY + 4 * HOUR


def test_what_is_usual_among_people_in_general_steadies_a_few_gaps() -> None:
    alone, steadied = (
        decide(f"{ORDERS[:-1]}{more}}}", *[order(day) for day in WEEKLY])[-1] for more in ("", ", usual: 28d")
    )

    usual = 7 ** (3 / (3 + WEIGHT)) * 28 ** (WEIGHT / (3 + WEIGHT))
    assert moment(alone) == MONDAY + 35 * DAY
    assert moment(steadied) - MONDAY - 21 * DAY == pytest.approx(2 * usual * DAY, rel=1e-9)


def test_how_much_that_counts_can_be_said() -> None:
    orders = [order(day) for day in WEEKLY]
    dues = [
        moment(decide(f"{ORDERS[:-1]}, usual: 28d, weight: {weight}}}", *orders)[-1]) - MONDAY - 21 * DAY
        for weight in (1, 10, 1000)
    ]

    assert dues == sorted(dues)
    assert dues[0] == pytest.approx(2 * 7 ** (3 / 4) * 28 ** (1 / 4) * DAY)
    assert dues[-1] == pytest.approx(2 * 28 * DAY, rel=0.01)


def test_the_patience_has_a_floor_and_a_ceiling() -> None:
    orders = [order(day) for day in WEEKLY]

    assert fires(ORDERS[:-1] + ", at_least: 30d}", *orders) == [51]
    assert fires(ORDERS[:-1] + ", at_most: 10d}", *orders) == [31]


def test_a_late_arrival_cancels_what_has_not_fired_yet() -> None:
    orders = [order(day) for day in WEEKLY]

    assert fires(ORDERS, *orders, order(30), now=36) == []


def test_other_things_make_no_habit_and_keep_none() -> None:
    messages = [order(day, kind=Kind.MESSAGE) for day in range(3, 40)]

    assert fires(ORDERS, *[order(day) for day in WEEKLY], *messages) == [35]


def test_claimed_orders_make_no_rhythm_that_moves_a_stage_and_put_a_lapse_off() -> None:
    stage = "stage: {track: business, to: lapsing}"
    claimed = {"standing": Standing.CLAIMED}

    assert fires(ORDERS, *[order(day, **claimed) for day in WEEKLY], do=stage) == []
    assert fires(ORDERS, *[order(day) for day in WEEKLY], order(30, **claimed), do=stage) == [44]
    [fired] = decide(ORDERS, *[order(day, **claimed) for day in WEEKLY])
    assert isinstance(fired, Fire)
    assert not fired.proved


def test_it_holds_until_they_come_again() -> None:
    when = f"{{all: [{{did: {{kind: message}}}}, {{broken_habit: {ORDERS}}}]}}"
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: t, title: T}}}}]")
    orders = [order(day) for day in (*WEEKLY, 60)]
    writes = [order(day, kind=Kind.MESSAGE) for day in (34, 36, 59, 61)]

    found = evaluate(trigger, History.of([*orders, *writes]), MONDAY + 62 * DAY)

    assert [one.episode for one in found if isinstance(one, Fire)] == ["day-21", "day-36", "day-59"]


@pytest.mark.parametrize(("hours", "said"), [(0, "0s"), (1, "1h"), (24, "1d"), (25, "1d1h"), (24 * 40 + 23, "40d23h")])
def test_a_length_is_told_as_people_write_it(hours: int, said: str) -> None:
    assert told(hours * HOUR) == said
    assert told(hours * HOUR + 1) == said


# Laws

GAPS = st.lists(st.floats(0.6, 400), min_size=3, max_size=12)


def _orders(gaps: list[float]) -> list[Seen]:
    days = [0.0]
    for gap in gaps:
        days.append(days[-1] + gap)
    return [order(day) for day in days]


@given(GAPS, st.randoms(use_true_random=False), st.integers(0, 3000))
def test_order_of_arrival_and_duplicates_change_nothing(gaps: list[float], dice: Any, now: int) -> None:
    orders = _orders(gaps)
    shuffled, doubled = list(orders), [*orders, *orders[::2]]
    for arrived in (shuffled, doubled):
        dice.shuffle(arrived)

    assert decide(ORDERS, *shuffled, now=now) == decide(ORDERS, *orders, now=now)
    assert fires(ORDERS, *doubled, now=now) == fires(ORDERS, *orders, now=now)


@given(GAPS, st.floats(1, 50), st.floats(0, 50))
def test_more_patience_never_fires_sooner_or_more_often(gaps: list[float], factor: float, more: float) -> None:
    habit = "{{of: {{kind: order}}, factor: {}}}"
    impatient, patient = (
        {one.episode: one.at for one in decide(habit.format(each), *_orders(gaps)) if isinstance(one, Fire)}
        for each in (factor, factor + more)
    )

    assert patient.keys() <= impatient.keys()
    assert all(at >= impatient[episode] for episode, at in patient.items())


@given(GAPS)
def test_every_lapse_fires_once_and_what_comes_later_takes_none_back(gaps: list[float]) -> None:
    orders = _orders(gaps)
    known: dict[str, int] = {}

    for end in range(len(orders)):
        now = (orders[end + 1].at if end + 1 < len(orders) else MONDAY + 4000 * DAY) - MONDAY
        found = [one for one in decide(ORDERS, *orders[: end + 1], now=(now - 1) / DAY) if isinstance(one, Fire)]
        episodes = {one.episode: one.at for one in found}
        assert len(episodes) == len(found)
        assert episodes.items() >= known.items()
        known = episodes


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=50), st.floats(1e-3, 1e6))
def test_the_usual_gap_lies_between_the_shortest_and_the_longest_seen_or_stated(
    gaps: list[float], everybody: float
) -> None:
    rhythm = Rhythm()
    for gap in gaps:
        rhythm.add(gap)

    assert min(gaps) * (1 - 1e-9) <= rhythm.usual() <= max(gaps) * (1 + 1e-9)
    assert min(*gaps, everybody) * (1 - 1e-9) <= rhythm.usual(everybody) <= max(*gaps, everybody) * (1 + 1e-9)
    assert rhythm.unusual(2) == pytest.approx(2 * rhythm.usual() * len(gaps) ** PATIENCE)
    assert math.isclose(rhythm.usual(rhythm.usual()), rhythm.usual(), rel_tol=1e-9)

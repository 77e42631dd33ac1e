"""What a trigger says about stages, about dates, and about what became of our messages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kinline.clock import DAY, from_datetime
from kinline.errors import Invalid
from kinline.triggers import Fire, History, Outcome, PersonState, Received, Seen, Settled, Wait, evaluate, read_trigger
from kinline.triggers.outcomes import moment
from kinline.words import Direction, Kind, Standing

MONDAY = 1_700_000_000_000_000


def decide(
    when: str, *, persons: Any = (), receipts: Any = (), seen: tuple[Seen, ...] = (), now: int = MONDAY + 400 * DAY
) -> tuple[Outcome, ...]:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: t, title: T}}}}]\n")
    return evaluate(trigger, History.of(seen, persons, receipts), now)


def business(*moves: tuple[int, str]) -> list[tuple[int, PersonState]]:
    return [(MONDAY + day * DAY, PersonState(business=stage)) for day, stage in moves]


CUSTOMER = "{stage: {track: business, to: customer}}"


# stage


def test_entering_a_stage_happens_once_for_each_entry() -> None:
    persons = business((1, "prospect"), (2, "customer"), (3, "customer"), (5, "lapsed"), (9, "customer"))

    found = decide(CUSTOMER, persons=persons)

    assert [(type(one), moment(one)) for one in found] == [(Fire, MONDAY + 2 * DAY), (Fire, MONDAY + 9 * DAY)]
    assert found[0].evidence.read == {"person.business": "customer", "person.business.before": "prospect"}


def test_nobody_enters_the_stage_where_everybody_begins() -> None:
    assert decide("{stage: {track: business, to: none}}", persons=business((1, "prospect"))) == ()


def test_where_they_came_from_narrows() -> None:
    when = "{stage: {track: business, to: customer, from: [lapsed, lapsing]}}"
    persons = business((1, "customer"), (5, "lapsed"), (9, "customer"))

    assert [moment(one) for one in decide(when, persons=persons)] == [MONDAY + 9 * DAY]


def test_staying_waits_fires_when_due_and_ends_with_the_next_move() -> None:
    when = "{stage: {track: business, to: lapsing, for: 30d}}"
    persons = business((0, "lapsing"))

    [waiting] = decide(when, persons=persons, now=MONDAY + 29 * DAY)
    assert isinstance(waiting, Wait)
    assert waiting.due_at == MONDAY + 30 * DAY
    [fired] = decide(when, persons=persons, now=MONDAY + 30 * DAY)
    assert isinstance(fired, Fire)
    [settled] = decide(when, persons=[*persons, *business((30, "customer"))])
    assert isinstance(settled, Settled)
    assert [type(one) for one in decide(when, persons=[*persons, *business((31, "customer"))])] == [Fire]


def test_two_moves_at_one_moment_are_one() -> None:
    persons = [(MONDAY, PersonState(business="lead")), (MONDAY, PersonState(business="customer"))]

    assert decide("{stage: {track: business, to: lead}}", persons=persons) == ()
    assert len(decide(CUSTOMER, persons=persons)) == 1


def test_a_stage_holds_beside_something_that_happens() -> None:
    when = "{all: [{did: {kind: order}}, {stage: {track: business, to: lapsed}}]}"
    plain: dict[str, Any] = {"channel": "shop", "direction": Direction.INBOUND, "standing": Standing.VERIFIED}
    orders = tuple(
        Seen(id=str(day), at=MONDAY + day * DAY, recorded_at=MONDAY, kind=Kind.ORDER, **plain) for day in (1, 5)
    )

    found = decide(when, persons=business((0, "customer"), (3, "lapsed")), seen=orders)

    assert [one.episode for one in found if one.episode in ("1", "5")] == ["5"]


def test_a_stage_that_rests_on_imported_history_says_so() -> None:
    [found] = decide(CUSTOMER, persons=[(MONDAY, PersonState(business="customer", imported={"business": MONDAY}))])

    assert found.evidence.imported


@pytest.mark.parametrize("words", ["track: business, to: fan", "track: mood, to: fan", "to: customer"])
def test_a_stage_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(Invalid):
        decide(f"{{stage: {{{words}}}}}")


# time


def known(**attributes: Any) -> list[tuple[int, PersonState]]:
    return [(MONDAY - 900 * DAY, PersonState(attributes=attributes))]


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return from_datetime(datetime(year, month, day, hour, tzinfo=UTC))


def test_a_date_comes_near_in_the_zone_of_the_person() -> None:
    persons = known(renewal="2026-05-10", time_zone="Europe/Madrid")
    when = "{time: {attribute: renewal, before: 7d}}"

    [waiting] = decide(when, persons=persons, now=at(2026, 5, 1))
    assert isinstance(waiting, Wait)
    assert waiting.due_at == at(2026, 5, 2, 22)
    [fired] = decide(when, persons=persons, now=at(2026, 5, 3))
    assert isinstance(fired, Fire)
    assert fired.evidence.read == {"person.attributes.renewal": "2026-05-10"}


def test_a_moment_has_its_own_zone_and_may_have_passed() -> None:
    [fired] = decide(
        "{time: {attribute: trial_ends, after: 2h}}", persons=known(trial_ends="2023-01-01T10:00:00+02:00")
    )

    assert fired.at == at(2023, 1, 1, 10)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "value", [None, 7, "soon", "2026-13-01", "2026-05-10T10:00:00", "", ["2026-05-10"], "9" * 5000]
)
def test_what_is_no_date_is_never_due(value: Any) -> None:
    assert decide("{time: {attribute: renewal}}", persons=known(renewal=value)) == ()


def test_a_birthday_comes_each_year_also_of_a_leap_day() -> None:
    when = "{time: {attribute: birthday, every: year}}"

    found = decide(when, persons=known(birthday="1992-02-29"), now=at(2026, 6, 1))

    fired = [one.at for one in found if isinstance(one, Fire)]
    waits = [one.due_at for one in found if isinstance(one, Wait)]
    assert (fired, waits) == ([at(2025, 2, 28), at(2026, 2, 28)], [at(2027, 2, 28)])


def test_either_before_or_after() -> None:
    with pytest.raises(Invalid):
        decide("{time: {attribute: renewal, before: 1d, after: 1d}}")


# receipt


def received(id: str, report: str, day: int, followup: str = "f1", **more: Any) -> Received:
    return Received(id=id, at=MONDAY + day * DAY, followup=followup, report=report, channel="email", **more)


def test_each_report_about_a_message_counts_once() -> None:
    receipts = [
        received("a", "read", 1),
        received("b", "read", 2),
        received("c", "read", 3, "f2"),
        received("d", "bounced", 4),
    ]

    found = decide("{receipt: {report: read}}", receipts=receipts)

    assert [one.episode for one in found] == ["f1:read", "f2:read"]


def test_reports_are_narrowed_by_channel_trigger_and_finality() -> None:
    receipts = [received("a", "bounced", 1, permanent=True, trigger="welcome"), received("b", "bounced", 2, "f2")]

    for words, count in [
        ("permanent: true", 1),
        ("trigger: welcome", 1),
        ("channel: twitter", 0),
        ("channel: email", 2),
    ]:
        assert len(decide(f"{{receipt: {{report: bounced, {words}}}}}", receipts=receipts)) == count


def test_a_message_that_nobody_opened_for_days() -> None:
    when = "{all: [{did: {kind: order}}, {not: {receipt: {report: read}}}]}"
    plain: dict[str, Any] = {"channel": "shop", "direction": Direction.INBOUND, "standing": Standing.VERIFIED}
    order = Seen(id="o", at=MONDAY + 2 * DAY, recorded_at=MONDAY, kind=Kind.ORDER, **plain)

    assert len(decide(when, seen=(order,), receipts=[received("a", "read", 3)])) == 1
    assert decide(when, seen=(order,), receipts=[received("a", "read", 1)]) == ()

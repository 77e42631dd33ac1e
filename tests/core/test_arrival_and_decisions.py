"""Whenever news arrives, and however often: the same decisions, or exactly the differences that lateness explains.

The pure replay over a thousand made-up histories; the store, and processes that are killed, over fewer.
"""

import random
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.test_triggers_properties import HISTORIES, WHENS, trigger

from kinline.backtest.replay import Decided, replay
from kinline.backtest.replay_input import Past
from kinline.catalogue.trigger_store import Active
from kinline.clock import HOUR
from kinline.hub import Hub
from kinline.testing.laws import empty
from kinline.triggers import History, Seen
from kinline.words import Direction, Kind, Role, Standing, TriggerState, Verdict
from shop import FIRST, Shop, decisions, made_up

END = 200 * HOUR
MORE = (
    "{sequence: {steps: [{kind: message}, {kind: order}], within: 8h}}",
    "{all: [{did: {kind: order}}, {not: {did: {kind: message, count: 1, within: 6h}}}]}",
)
DELAYS = st.lists(st.sampled_from([0, 0, HOUR, 3 * HOUR, 9 * HOUR]), min_size=14, max_size=14)
Key = tuple[str, int]


def tried(when: str) -> Active:
    """A trigger that was live all the time; its lateness is four hours."""
    return Active("t", 1, TriggerState.LIVE, -1, trigger(when))


def lived(history: list[Seen], delays: list[int]) -> Past:
    """This history, with each thing known so much later than it happened, and never two at once."""
    apart = [msgspec.structs.replace(seen, at=seen.at + number) for number, seen in enumerate(history)]
    return Past("ann", History.of(apart), {seen.id: seen.at + late for seen, late in zip(apart, delays, strict=False)})


def by_key(decided: list[Decided]) -> dict[Key, Decided]:
    found = {(each.fire.once, each.fire.at): each for each in decided}
    assert len({once for once, _ in found}) == len(decided), "something was decided twice"
    return found


@settings(max_examples=1000)
@given(HISTORIES, DELAYS, st.sampled_from(WHENS + MORE))
def test_only_what_came_too_late_makes_a_difference(history: list[Seen], delays: list[int], when: str) -> None:
    asked, late = tried(when), lived(history, delays)
    in_time = by_key(replay(asked, lived(history, [0] * len(history)), until=END))
    found = by_key(replay(asked, late, until=END))

    # A decision differs only where something had happened by then that was not known
    spans = [(seen.at, late.known_at[seen.id]) for seen in late.history.seen]
    for _, at in in_time.keys() ^ found.keys():
        assert any(happened <= at < known for happened, known in spans), "a difference that nothing late explains"

    # What is decided both ways is about the same, and is held back exactly where it was known too late
    for key in in_time.keys() & found.keys():
        wait = found[key].now - key[1]
        too_late = wait > asked.compiled.lateness
        assert in_time[key].verdict is Verdict.FIRED
        assert found[key].verdict is (Verdict.SKIPPED if too_late else Verdict.FIRED)
        assert ("late" in found[key].reason) is too_late
        assert any(known == found[key].now for _, known in spans) or wait == 0


def seen(name: str, at: int, kind: Kind, *, ours: bool = False) -> Seen:
    direction, role = (Direction.OUTBOUND, Role.RECIPIENT) if ours else (Direction.INBOUND, Role.AUTHOR)
    return Seen(
        id=name, at=at, recorded_at=at, kind=kind, direction=direction, role=role, channel="email",
        standing=Standing.VERIFIED,
    )  # fmt: skip


def test_a_late_answer_that_ends_one_episode_arms_the_next() -> None:
    # Given a question that waited too long; our answer, known three hours late; and, before that time was over, another
    history = [
        seen("asked", 0, Kind.MESSAGE), seen("answered", 2 * HOUR, Kind.MESSAGE, ours=True), seen("again", 3 * HOUR, Kind.MESSAGE),
    ]  # fmt: skip
    asked = tried("{silence: {of: us, after: {kind: message, direction: inbound}, for: 4h}}")

    decided = replay(asked, lived(history, [0, 3 * HOUR, 0]), until=END)

    # Then the second question, taken for a repetition of the first, is not forgotten
    assert [each.fire.once for each in decided] == ["asked", "again"]


def test_what_is_once_in_a_life_is_decided_once_though_something_older_comes_late() -> None:
    history = [seen("older", 0, Kind.MESSAGE), seen("first-we-saw", HOUR, Kind.MESSAGE)]

    [decided] = replay(tried("{did: {kind: message, count: 1}}"), lived(history, [3 * HOUR, 0]), until=END)

    assert decided.fire.evidence.about == "first-we-saw"


def test_a_first_step_that_comes_late_completes_the_sequence() -> None:
    history = [seen("wrote", 0, Kind.MESSAGE), seen("bought", HOUR, Kind.ORDER)]
    asked = tried("{sequence: {steps: [{kind: message}, {kind: order}], within: 8h}}")

    [decided] = replay(asked, lived(history, [2 * HOUR, 0]), until=END)

    assert (decided.fire.once, decided.now) == ("bought", 2 * HOUR)


@settings(max_examples=100)
@given(HISTORIES, DELAYS, st.sampled_from(WHENS + MORE), st.randoms(use_true_random=False))
def test_the_order_of_what_comes_at_once_makes_none(
    history: list[Seen], delays: list[int], when: str, dice: Any
) -> None:
    past = lived(history, delays)
    mixed = list(past.history.seen)
    dice.shuffle(mixed)
    known = dict(sorted(past.known_at.items(), key=lambda _: dice.random()))

    assert replay(tried(when), Past("ann", History.of(mixed), known), until=END) == replay(tried(when), past, until=END)


def test_a_year_told_twice_and_in_any_order_ends_in_the_same_decisions(hub: Hub) -> None:
    # Given a year in a shop, lived through in order
    orders, last = made_up(1, customers=5, days=280), FIRST + timedelta(280)
    Shop(hub).live(orders, last)
    expected = decisions(hub)
    assert {row[0] for row in expected} > {"lapse", "back"}

    # When the same arrives shuffled within each day, everything twice, in batches of any size
    empty(hub.store)
    Shop(hub).live(orders, last, random.Random(1))

    # Then the decisions are the same
    assert decisions(hub) == expected

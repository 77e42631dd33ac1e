"""What must hold of deciding for every history: order, time and repetition change nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kinline.clock import HOUR
from kinline.triggers import Fire, History, Outcome, Seen, Settled, Trigger, Wait, evaluate, read_trigger
from kinline.words import Direction, Kind, Role, Standing

WHENS = (
    "{did: {kind: message}}",
    "{did: {kind: [message, order], count: 3}}",
    "{did: {kind: [message, order], count: 2, within: 5h}}",
    "{did: {kind: message, distinct_channels: 2, within: 6h}}",
    "{silence: {of: us, after: {kind: message, direction: inbound}, for: 3h}}",
    "{silence: {of: us, after: {direction: inbound}, for: 3h, rearm: last}}",
    "{silence: {of: them, for: 4h}}",
    "{silence: {of: them, after: {direction: outbound}, for: 4h, rearm: first}}",
    "{silence: {of: anyone, after: {kind: order}, for: 2h}}",
    "{broken_habit: {of: {kind: [message, order]}, factor: 1.5, least: 2, apart: 1h}}",
    "{broken_habit: {factor: 1, least: 2, usual: 4h, apart: 30m, at_least: 1h, at_most: 6h}}",
    "{any: [{did: {kind: order}}, {silence: {of: us, after: {kind: message}, for: 2h}}]}",
)
DIDS = [when for when in WHENS if when.startswith("{did")]
SILENCES = [when for when in WHENS if when.startswith(("{silence", "{broken_habit"))]


def trigger(when: str, do: str = "task: {team: support, title: Look}") -> Trigger:
    return read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{{do}}}]\n")


def _seen(number: int, drawn: tuple[Any, ...]) -> Seen:
    at, kind, (direction, role), channel, automatic, standing = drawn
    return Seen(
        id=f"{number:03}",
        at=at,
        recorded_at=at,
        kind=kind,
        direction=direction,
        role=role,
        channel=channel,
        automatic=automatic,
        standing=standing,
        conversation="c",
    )


DRAWN = st.tuples(
    st.integers(0, 48).map(lambda half: half * HOUR // 2),
    st.sampled_from([Kind.MESSAGE, Kind.ORDER, Kind.REACTION, Kind.NOTE]),
    st.sampled_from([(Direction.INBOUND, Role.AUTHOR), (Direction.OUTBOUND, Role.RECIPIENT)]),
    st.sampled_from(["email", "twitter"]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([Standing.VERIFIED, Standing.VERIFIED, Standing.CLAIMED]),
)
HISTORIES = st.lists(DRAWN, max_size=14).map(lambda all_: [_seen(at, drawn) for at, drawn in enumerate(all_)])
NOWS = st.integers(0, 60).map(lambda hours: hours * HOUR)


@given(HISTORIES, st.randoms(use_true_random=False), st.sampled_from(WHENS), NOWS)
def test_any_order_of_arrival_gives_the_same_outcomes(history: list[Seen], dice: Any, when: str, now: int) -> None:
    shuffled = list(history)
    dice.shuffle(shuffled)

    assert evaluate(trigger(when), History.of(shuffled), now) == evaluate(trigger(when), History.of(history), now)


@given(HISTORIES, st.sampled_from(DIDS))
def test_what_happens_later_only_adds_fires_of_did(history: list[Seen], when: str) -> None:
    ordered = History.of(history).seen
    asked = trigger(when)
    known: list[Outcome] = []

    for end in range(len(ordered) + 1):
        found = list(evaluate(asked, History.of(ordered[:end]), 100 * HOUR))
        assert found[: len(known)] == known
        known = found


@given(HISTORIES, st.sampled_from(SILENCES), NOWS)
def test_a_fired_silence_stays_fired_whatever_comes_later(history: list[Seen], when: str, now: int) -> None:
    ordered = History.of(history).seen
    then = History.of(seen for seen in ordered if seen.at <= now)

    before = {one.episode: one for one in evaluate(trigger(when), then, now) if isinstance(one, Fire)}
    after = {one.episode: one for one in evaluate(trigger(when), History.of(ordered), 100 * HOUR)}

    assert all(after[episode] == fire for episode, fire in before.items())


@given(HISTORIES, st.sampled_from(SILENCES), NOWS)
def test_what_waits_either_fires_when_due_or_is_settled_before(history: list[Seen], when: str, now: int) -> None:
    asked = trigger(when)
    waits = [one for one in evaluate(asked, History.of(history), now) if isinstance(one, Wait)]

    for wait in waits:
        later = {one.episode: one for one in evaluate(asked, History.of(history), wait.due_at)}
        outcome = later[wait.episode]
        assert isinstance(outcome, Fire | Settled)
        assert outcome.at == wait.due_at if isinstance(outcome, Fire) else outcome.at <= wait.due_at


@given(HISTORIES, st.sampled_from(WHENS), NOWS)
def test_asking_step_by_step_fires_what_asking_once_fires(history: list[Seen], when: str, now: int) -> None:
    """A hub that decides at each arrival and at each due time fires exactly what one look at the end finds."""
    asked, fired = trigger(when), set()
    arrivals = sorted({seen.at for seen in history})
    moments = list(arrivals)
    while moments:
        moment = moments.pop(0)
        known = History.of(seen for seen in history if seen.at <= moment)
        for one in evaluate(asked, known, moment):
            if isinstance(one, Fire):
                fired.add(one.episode)
            elif isinstance(one, Wait) and one.due_at > moment:
                moments = sorted({*moments, one.due_at})

    end = evaluate(asked, History.of(history), 200 * HOUR)
    assert fired == {one.episode for one in end if isinstance(one, Fire)}


@given(HISTORIES, st.sampled_from(WHENS), NOWS)
def test_what_is_automatic_could_as_well_not_be_there(history: list[Seen], when: str, now: int) -> None:
    people = [seen for seen in history if not seen.automatic]

    assert evaluate(trigger(when), History.of(history), now) == evaluate(trigger(when), History.of(people), now)


@given(HISTORIES, st.sampled_from(WHENS))
def test_no_stage_moves_on_a_history_of_claims_alone(history: list[Seen], when: str) -> None:
    claimed = [seen for seen in history if seen.standing is Standing.CLAIMED]
    asked = trigger(when, "stage: {track: business, to: lead}")

    assert not [one for one in evaluate(asked, History.of(claimed), 100 * HOUR) if isinstance(one, Fire)]


@given(HISTORIES, st.sampled_from([when for when in WHENS if trigger(when).lookback is not None]), NOWS)
def test_a_history_cut_at_the_lookback_decides_the_same(history: list[Seen], when: str, now: int) -> None:
    asked = trigger(when)
    assert asked.lookback is not None
    cut = [seen for seen in history if seen.at >= now - asked.lookback]

    whole, part = (
        [one for one in evaluate(asked, History.of(which), 100 * HOUR, since=now) if isinstance(one, Fire)]
        for which in (history, cut)
    )

    assert whole == part

"""What a trigger says about one thing after another, and about peers who answer."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline.clock import DAY, HOUR
from kinline.errors import Invalid
from kinline.triggers import Fire, History, Seen, evaluate, read_trigger
from kinline.words import Direction, Kind, Role, Standing

MONDAY = 1_700_000_000_000_000
KINDS = {"c": Kind.COMMENT, "m": Kind.MESSAGE, "o": Kind.ORDER, "x": Kind.REVIEW}


def seen(id: str, at: int, kind: Kind, **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.INBOUND, "channel": "email", "standing": Standing.VERIFIED}
    return Seen(id=id, at=MONDAY + at, recorded_at=MONDAY + at, kind=kind, **{**plain, **more})


def life(word: str, step: int = HOUR) -> list[Seen]:
    """``cmo``: a comment, an hour later a message, then an order. Their ids are their places."""
    return [seen(f"{place}", place * step, KINDS[letter]) for place, letter in enumerate(word) if letter != " "]


def fires(when: str, history: list[Seen], *, do: str = "task: {team: t, title: T}") -> list[Fire]:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{{do}}}]\n")
    return [one for one in evaluate(trigger, History.of(history), MONDAY + 400 * DAY) if isinstance(one, Fire)]


def ends(when: str, word: str) -> list[str]:
    return [fire.episode for fire in fires(when, life(word))]


CMO = "{sequence: {steps: [{kind: comment}, {kind: message}, {kind: order}]}}"


@pytest.mark.parametrize(
    ("word", "ended"),
    [
        ("cmo", ["2"]), ("com", []), ("cmcmo", ["4"]), ("cmoo", ["2"]), ("cmocmo", ["2", "5"]), ("mocmo", ["4"]),
        ("ccmmoo", ["4"]), ("cxmxo", ["4"]), ("", []),
    ],
)  # fmt: skip
def test_each_step_comes_after_the_one_before_and_is_used_once(word: str, ended: list[str]) -> None:
    assert ends(CMO, word) == ended


def test_one_interaction_takes_one_step_only() -> None:
    assert ends("{sequence: {steps: [{kind: message}, {kind: message}]}}", "mmmmm") == ["1", "3"]


def test_the_latest_beginning_counts_so_that_a_window_is_met_where_it_can_be() -> None:
    when = "{sequence: {steps: [{kind: comment}, {kind: order}], within: 2h}}"

    assert ends(when, "c   co") == ["5"]
    assert ends(when, "c  o") == []
    assert ends(when, "c o") == []
    assert ends(when, "co") == ["1"]


def test_something_in_between_ends_what_began_before_it() -> None:
    when = "{sequence: {steps: [{kind: comment}, {kind: order}], without: {kind: review}}}"

    assert (ends(when, "cxo"), ends(when, "xco"), ends(when, "cxco"), ends(when, "cox")) == ([], ["2"], ["3"], ["1"])
    [fire] = fires(when, life("co"))
    assert [absence.looked_for for absence in fire.evidence.absences] == ["anything with kind: review"]


def test_steps_go_over_channels_and_sides() -> None:
    ours: dict[str, Any] = {"direction": Direction.OUTBOUND, "role": Role.RECIPIENT}
    history = [
        seen("asked", 0, Kind.POST, channel="twitter"),
        seen("answered", HOUR, Kind.MESSAGE, **ours),
        seen("bought", 2 * HOUR, Kind.ORDER, channel="support"),
    ]
    when = "{sequence: {steps: [{kind: post}, {direction: outbound}, {kind: order}]}}"

    [fire] = fires(when, history)

    assert fire.evidence.interactions == ("asked", "answered", "bought")


def test_what_is_only_claimed_moves_no_stage() -> None:
    history = [*life("cm"), seen("2", 5 * HOUR, Kind.ORDER, standing=Standing.CLAIMED)]

    assert fires(CMO, history, do="stage: {track: business, to: customer}") == []
    assert [fire.proved for fire in fires(CMO, history)] == [False]


def test_it_holds_within_all_for_as_long_as_its_window() -> None:
    when = "{all: [{did: {kind: review}}, {sequence: {steps: [{kind: comment}, {kind: order}], within: 4h}}]}"

    assert ends(when, "co x") == ["3"]
    assert ends(when, "co    x") == []


@given(st.text("cmox", max_size=9))
def test_it_agrees_with_trying_every_choice(word: str) -> None:
    """Whether a sequence can be found at all, by trying all ways to choose its steps."""
    choices = any("".join(chosen) == "cmo" for chosen in _subsequences(word))

    assert bool(ends(CMO, word)) == choices


@given(st.text("cmox", max_size=6), st.randoms())
def test_the_order_of_arrival_does_not_matter(word: str, dice: Any) -> None:
    history = life(word)
    shuffled = list(history)
    dice.shuffle(shuffled)

    assert fires(CMO, shuffled + history[:2]) == fires(CMO, history + history[:2])


@given(st.text("cmox", max_size=7), st.text("cmox", max_size=3))
def test_what_comes_later_takes_no_fire_back(word: str, later: str) -> None:
    before = ends(CMO, word)

    assert ends(CMO, word + later)[: len(before)] == before


def _subsequences(word: str) -> list[str]:
    found = [""]
    for letter in word:
        found += [each + letter for each in found if len(each) < 3]
    return found


def test_a_sequence_of_one_step_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        fires("{sequence: {steps: [{kind: order}]}}", [])

    assert refusal.value.pointer == "/when/sequence/steps"


# answered by a peer


def question(id: str = "q", at: int = 0, **more: Any) -> Seen:
    return seen(id, at, Kind.POST, **more)


def reply(id: str, at: int, answers: str = "q", **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.AMONG, "role": Role.RECIPIENT, "answers": answers}
    return seen(id, at, Kind.COMMENT, **{**plain, **more})


PEER = "{answered_by_peer: {asked: {kind: post}, within: 1d}}"


def test_the_first_answer_of_a_peer_counts_once() -> None:
    [fire] = fires(PEER, [question(), reply("a", HOUR), reply("b", 2 * HOUR)])

    assert (fire.episode, fire.evidence.interactions, fire.evidence.about) == ("q", ("q", "a"), "q")


@pytest.mark.parametrize(
    "other",
    [
        reply("late", 2 * DAY),
        reply("ours", HOUR, direction=Direction.OUTBOUND),
        reply("own", HOUR, role=Role.AUTHOR),
        reply("machine", HOUR, automatic=True),
        reply("elsewhere", HOUR, answers="another"),
    ],
    ids=lambda one: one.id,
)
def test_what_is_no_answer_of_a_peer_does_not_count(other: Seen) -> None:
    assert fires(PEER, [question(), other]) == []


def test_any_order_of_arrival_gives_the_same() -> None:
    history = [question(), reply("a", HOUR), question("r", 2 * HOUR), reply("b", 3 * HOUR, answers="r")]

    assert len({str(fires(PEER, list(order))) for order in permutations(history)}) == 1


def test_a_peer_helps_whatever_the_direction_of_the_words() -> None:
    """In a brand's thread on X an answer names the brand too, and below our own post each comment is one to us."""
    below_ours = reply("b", HOUR, direction=Direction.INBOUND)
    to_us_too = reply("c", HOUR, direction=Direction.INBOUND, to_us=True)

    assert [fire.episode for fire in fires(PEER, [question(), below_ours])] == ["q"]
    assert fires(PEER, [question(), to_us_too]) == []

"""The conditions `sentiment` and `topic`, and filters on what scorers and people make of what was written."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinline.clock import DAY, HOUR
from kinline.triggers import Fire, History, Outcome, Seen, evaluate, read_trigger
from kinline.triggers.history import Judged
from kinline.triggers.score_use import interests, on_sentiment_alone
from kinline.triggers.shipped import shipped_texts
from kinline.words import Direction, Kind, Role, Standing

FALL = "{sentiment: {falls_by: 0.5, within: 30d, least: 3}}"
LEVEL = "{sentiment: {lt: -0.3}}"


def judged(value: float | str | None, confidence: float = 1.0) -> Judged:
    return Judged(value=value, confidence=confidence, scorer="parrot", version="1", language="en")


def seen(number: int, at: int, mood: float | None = None, topic: str | None = None, **more: Any) -> Seen:
    confidence = more.pop("confidence", 1.0)
    found = {"sentiment": mood, "topic": topic}
    plain: dict[str, Any] = {
        "kind": Kind.MESSAGE, "direction": Direction.INBOUND, "channel": "email", "standing": Standing.VERIFIED,
        "judged": {what: judged(value, confidence) for what, value in found.items()},
    }  # fmt: skip
    return Seen(id=f"{number:03}", at=at, recorded_at=at, **(plain | more))


def moods(*values: float | None, every: int = DAY, **more: Any) -> list[Seen]:
    return [seen(place, place * every, value, **more) for place, value in enumerate(values)]


def decide(
    when: str, history: list[Seen], now: int = 1000 * DAY, do: str = "task: {team: a, title: b}"
) -> list[Outcome]:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{{do}}}]\n")
    return list(evaluate(trigger, History.of(history), now))


def fires(when: str, history: list[Seen], **more: Any) -> list[int]:
    return [int(one.episode) for one in decide(when, history, **more) if isinstance(one, Fire)]


# the level


def test_a_level_is_reached_at_each_interaction_within_the_bounds() -> None:
    assert fires(LEVEL, moods(0.2, -0.3, -0.31, None, -0.9)) == [2, 4]


def test_what_is_not_sure_enough_is_unknown() -> None:
    assert fires(LEVEL, moods(-0.9, confidence=0.49)) == []
    assert fires("{sentiment: {lt: -0.3, confidence: 0.4}}", moods(-0.9, confidence=0.49)) == [0]
    assert fires("{sentiment: {lt: -0.3, confidence: 0.8}}", moods(-0.9, confidence=0.7)) == []


def test_the_level_holds_by_the_newest_that_is_known_and_no_longer_than_its_time() -> None:
    when = "{all: [{did: {kind: order}}, {sentiment: {lt: -0.3, within: 7d}}]}"
    orders = [seen(50 + day, day * DAY + HOUR, kind=Kind.ORDER) for day in (0, 3, 8, 20)]

    assert fires(when, [*moods(-0.8, None), *orders]) == [50, 53]
    assert fires(when, [*moods(-0.8, 0.1), *orders]) == [50]


def test_only_what_the_person_said_counts() -> None:
    ours = seen(0, 0, -0.9, direction=Direction.OUTBOUND, role=Role.RECIPIENT)
    other = seen(1, 1, -0.9, direction=Direction.AMONG, role=Role.MENTIONED)

    assert fires(LEVEL, [ours, other, seen(2, 2, -0.9, automatic=True)]) == []


def test_said_narrows_what_counts() -> None:
    history = [seen(0, 0, -0.9), seen(1, 1, -0.9, channel="twitter")]

    assert fires("{sentiment: {lt: -0.3, said: {channel: twitter}}}", history) == [1]


# the fall


def test_a_fall_is_noticed_where_the_newest_three_lie_far_enough_under_what_was_before() -> None:
    #      before: 0.5 0.5 0.5          now: 0.2, -0.1, -0.2 → mean -0.03
    history = moods(0.5, 0.5, 0.5, 0.2, -0.1, -0.2)

    [fire] = [one for one in decide(FALL, history) if isinstance(one, Fire)]

    assert fire.episode == "005"
    assert fire.evidence.interactions == ("003", "004", "005")
    told = {name: value for name, value in fire.evidence.read.items() if name.startswith("sentiment.")}
    assert told == {"sentiment.before": 0.5, "sentiment.now": -0.033, "sentiment.counted_before": 3}
    assert fire.evidence.read["interaction.sentiment.judged"]["scorer"] == "parrot"


def test_a_fall_needs_as_many_before_as_now_and_all_of_now_within_the_time() -> None:
    assert fires(FALL, moods(0.9, 0.9, -0.9, -0.9, -0.9)) == []
    assert fires(FALL, moods(0.9, 0.9, 0.9, -0.9, -0.9, -0.9, every=15 * DAY)) == []
    assert fires(FALL, moods(0.9, 0.9, 0.9, -0.9, -0.9, -0.9, every=14 * DAY)) == [5]


def test_exactly_the_fall_asked_for_is_a_fall() -> None:
    assert fires(FALL, moods(0.3, 0.3, 0.3, -0.2, -0.2, -0.2)) == [5]


def test_who_stays_angry_is_noticed_once_and_again_after_a_recovery() -> None:
    low, high = [-0.8] * 3, [0.8] * 9

    assert fires(FALL, moods(*[0.8] * 3, *low, -0.8, -0.8)) == [5]
    assert fires(FALL, moods(*[0.8] * 3, *low, *high, *low)) == [5, 16]


def test_the_unknown_is_passed_over_and_not_taken_for_neutral() -> None:
    history = moods(0.8, None, 0.8, 0.8, None, -0.8, -0.8, None, -0.8)

    assert fires(FALL, history) == [8]


# the topic


def test_a_topic_each_time_or_when_it_is_so_often() -> None:
    days = {0: "complaint", 1: "praise", 2: "complaint", 9: "complaint", 10: "refund"}
    history = [seen(day, day * DAY, topic=topic) for day, topic in days.items()]

    assert fires("{topic: {is: complaint}}", history) == [0, 2, 9]
    assert fires("{topic: {is: [complaint, refund], count: 2, within: 3d}}", history) == [2, 10]


def test_the_confidence_of_a_topic_is_the_conditions_own() -> None:
    history = [seen(0, 0, topic="complaint", confidence=0.6)]

    assert fires("{topic: {is: complaint}}", history) == [0]
    assert fires("{topic: {is: complaint, confidence: 0.8}}", history) == []


def test_a_claimed_word_moves_no_stage() -> None:
    history = [seen(number, number, -0.9, "complaint", standing=Standing.CLAIMED) for number in range(9)]

    for when in (LEVEL, FALL, "{topic: {is: complaint}}"):
        assert fires(when, history, do="stage: {track: business, to: lead}") == []


def test_filters_and_expressions_see_what_was_judged() -> None:
    history = [msgspec.structs.replace(seen(0, 0, -0.9, "complaint"), topic="complaint", sentiment=-0.9)]

    [fire] = decide("{did: {where: \"topic == 'complaint' && sentiment < -0.5\"}}", history)
    assert isinstance(fire, Fire)
    assert fire.evidence.read["interaction.topic.judged"]["version"] == "1"


# what a trigger looks at, and what it rests on


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{did: {kind: order}}", False),
        ("{did: {topic: complaint}}", True),
        ("{did: {language: es}}", True),
        ("{did: {where: 'sentiment < 0.0'}}", True),
        ("{silence: {of: us, after: {where: \"topic == 'x'\"}, for: 2h}}", True),
        ("{sequence: {steps: [{kind: order}, {kind: message}], without: {topic: refund}}}", True),
        ("{all: [{did: {kind: order}}, {not: {topic: {is: complaint}}}]}", True),
        ("{any: [{did: {kind: order}}, {sentiment: {lt: 0}}]}", True),
    ],
)
def test_a_trigger_knows_whether_it_looks_at_judgements(when: str, expected: bool) -> None:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{tag: {{add: x}}}}]\n")

    assert trigger.looks_at_judgements is expected
    assert bool(interests(trigger.definition.when)) is expected


def test_what_only_a_denial_looks_at_has_to_be_judged_too() -> None:
    when = "{all: [{did: {kind: order}}, {not: {topic: {is: complaint, said: {channel: email}}}}]}"
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{tag: {{add: x}}}}]\n")

    assert trigger.needs_judged("message", "inbound", "email")
    assert not trigger.needs_judged("message", "outbound", "email")
    assert not trigger.needs_judged("message", "inbound", "twitter")
    assert not trigger.concerns("message", "inbound", "email")


@pytest.mark.parametrize(
    ("when", "back"),
    [
        ("{all: [{did: {kind: order}}, {not: {topic: {is: complaint}}}]}", None),
        ("{all: [{did: {kind: order}}, {not: {topic: {is: complaint, count: 1, within: 7d}}}]}", 7 * DAY),
        ("{all: [{topic: {is: complaint}}, {sentiment: {lt: 0, within: 2d}}]}", None),
        ("{all: [{did: {kind: order}}, {not: {receipt: {report: read}}}]}", None),
        ("{topic: {is: complaint}}", 0),
        ("{sentiment: {lt: 0, within: 2d}}", 2 * DAY),
    ],
)
def test_what_holds_for_ever_is_looked_for_in_all_of_the_history(when: str, back: int | None) -> None:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{tag: {{add: x}}}}]\n")

    assert trigger.lookback == back


def test_a_language_means_its_regions_too() -> None:
    history = [seen(place, place, language=language) for place, language in enumerate(("es", "es-MX", "en", ""))]

    assert fires("{did: {language: es}}", history) == [0, 1]


ALONE = [
    LEVEL,
    FALL,
    "{did: {sentiment: {lt: -0.5}}}",
    "{did: {where: 'sentiment < -0.5'}}",
    "{any: [{did: {kind: order}}, {sentiment: {lt: -0.3}}]}",
    "{all: [{did: {kind: message}}, {sentiment: {lt: -0.3}}]}",
    "{all: [{sentiment: {lt: -0.3}}, {not: {did: {kind: order, count: 1}}}]}",
]
BESIDE = [
    "{all: [{topic: {is: complaint}}, {sentiment: {lt: -0.3}}]}",
    "{all: [{did: {kind: message, count: 3, within: 7d}}, {sentiment: {lt: -0.3}}]}",
    "{did: {sentiment: {lt: -0.5}, topic: complaint}}",
    "{did: {sentiment: {lt: -0.5}, where: \"text.contains('refund')\"}}",
    "{silence: {of: us, after: {sentiment: {lt: -0.5}}, for: 2h}}",
    "{did: {kind: order}}",
]


@pytest.mark.parametrize("when", ALONE + BESIDE)
def test_who_rests_on_sentiment_alone_is_warned(when: str) -> None:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: a, title: b}}}}]\n")

    assert any("sentiment alone" in warning for warning in trigger.warnings) is (when in ALONE)


def test_no_shipped_trigger_rests_on_sentiment_alone() -> None:
    for text in shipped_texts().values():
        assert not on_sentiment_alone(read_trigger(text).definition.when)


# laws

MOODS = st.sampled_from([-0.9, -0.5, -0.2, 0.0, 0.3, 0.7, None])
DRAWN = st.tuples(
    st.integers(0, 80), MOODS, st.sampled_from(["complaint", "praise", None]), st.sampled_from([0.3, 0.9])
)
HISTORIES = st.lists(DRAWN, max_size=16).map(
    lambda drawn: [
        seen(place, day * 12 * HOUR, mood, topic, confidence=sure)
        for place, (day, mood, topic, sure) in enumerate(drawn)
    ]
)
WHENS = (
    LEVEL,
    "{sentiment: {falls_by: 0.4, within: 10d, least: 2}}",
    "{topic: {is: complaint}}",
    "{topic: {is: complaint, count: 2, within: 5d}}",
    "{all: [{topic: {is: complaint, count: 1, within: 3d}}, {sentiment: {lt: -0.1, within: 5d}}]}",
    "{silence: {of: us, after: {topic: complaint}, for: 1d}}",
)


@settings(deadline=None)
@given(
    HISTORIES, st.randoms(use_true_random=False), st.sampled_from(WHENS), st.integers(0, 50).map(lambda day: day * DAY)
)
def test_any_order_of_arrival_gives_the_same_outcomes(history: list[Seen], dice: Any, when: str, now: int) -> None:
    shuffled = list(history)
    dice.shuffle(shuffled)

    assert decide(when, shuffled, now) == decide(when, history, now)


@settings(deadline=None)
@given(HISTORIES, st.sampled_from(WHENS[:5]))
def test_what_happens_later_only_adds_fires(history: list[Seen], when: str) -> None:
    """Later is at a later instant: what happens at one instant is one step, and none of it comes before the other."""
    ordered, known = History.of(history).seen, list[Outcome]()

    for now in sorted({one.at for one in ordered}):
        found = decide(when, [one for one in ordered if one.at <= now])
        assert found[: len(known)] == known
        known = found


def test_of_two_at_one_instant_both_are_told_whichever_came_about_first() -> None:
    """What the law above met when it took one of them for later: the newest of an instant is told in each fire."""
    both = [seen(number, 0, -0.9, "complaint", confidence=0.9) for number in range(2)]

    [first, *_] = decide(WHENS[4], both)

    assert isinstance(first, Fire)
    assert set(first.evidence.interactions) == {"000", "001"}


@settings(deadline=None)
@given(HISTORIES, st.sampled_from(WHENS))
def test_the_unknown_could_as_well_not_be_there(history: list[Seen], when: str) -> None:
    known = [one for one in history if any(each.known(0.5) is not None for each in one.judged.values())]

    assert decide(when, known) == decide(when, history)


@settings(deadline=None)
@given(HISTORIES, st.sampled_from([LEVEL, WHENS[3], WHENS[4]]), st.integers(0, 40).map(lambda day: day * DAY))
def test_a_history_cut_at_the_lookback_decides_the_same(history: list[Seen], when: str, since: int) -> None:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{tag: {{add: x}}}}]\n")
    assert trigger.lookback is not None
    cut = [one for one in history if one.at >= since - trigger.lookback]

    whole, part = (evaluate(trigger, History.of(which), 100 * DAY, since=since) for which in (history, cut))

    assert whole == part


@settings(deadline=None)
@given(HISTORIES)
def test_a_fall_is_the_fall_of_the_means_worked_out_by_hand(history: list[Seen]) -> None:
    """The definition of docs/triggers.md, written down naively."""
    values = [(one, one.judged["sentiment"].known()) for one in History.of(history).seen]
    known = [(one, float(value)) for one, value in values if value is not None]
    expected, before = [], False
    for end in range(1, len(known) + 1):
        now, old = known[max(end - 2, 0) : end], known[: max(end - 2, 0)]
        enough = len(now) == 2 and len(old) >= 2 and now[0][0].at > now[-1][0].at - 10 * DAY
        fallen = enough and _mean(old) - _mean(now) >= 0.4 - 1e-9
        if fallen and not before:
            expected.append(int(known[end - 1][0].id))
        before = fallen

    assert sorted(fires(WHENS[1], history)) == sorted(expected)


def _mean(several: list[tuple[Seen, float]]) -> float:
    return sum(value for _, value in several) / len(several)

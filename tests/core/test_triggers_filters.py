"""Filters and expressions: what is unknown never matches, and nothing raises."""

from typing import Any

import pytest

from kinline.errors import Invalid
from kinline.triggers import History, PersonState, Seen, evaluate, read_trigger
from kinline.triggers.expressions import compile_expression
from kinline.words import Direction, Kind


def seen(**more: Any) -> Seen:
    plain: dict[str, Any] = {"kind": Kind.MESSAGE, "direction": Direction.INBOUND, "channel": "email"}
    return Seen(id="a", at=0, recorded_at=0, **{**plain, **more})


def matches(filter_: str, **more: Any) -> bool:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {{did: {filter_}}}\ndo: [{{tag: {{add: x}}}}]\n")
    return bool(evaluate(trigger, History.of([seen(**more)]), 1))


def where(expression: str, **more: Any) -> bool:
    return matches(f'{{where: "{expression}"}}', **more)


def test_structured_filters_narrow_together() -> None:
    wanted = "{kind: [message, comment], channel: email, topic: complaint, sentiment: {lt: -0.3}}"

    assert matches(wanted, topic="complaint", sentiment=-0.5)
    assert not matches(wanted, topic="complaint", sentiment=-0.3)
    assert not matches(wanted, topic="praise", sentiment=-0.5)
    assert not matches(wanted, topic="complaint", sentiment=-0.5, channel="blog")


@pytest.mark.parametrize("bounds", ["{lt: 2}", "{gt: -2}", "{lte: 2, gte: -2}"])
def test_an_unknown_sentiment_is_within_no_bounds(bounds: str) -> None:
    assert not matches(f"{{sentiment: {bounds}}}")
    assert not matches(f"{{sentiment: {bounds}}}", sentiment=float("nan"))
    assert matches(f"{{sentiment: {bounds}}}", sentiment=0.0)


@pytest.mark.parametrize(
    "expression",
    [
        "topic == 'complaint'",
        "topic != 'complaint'",
        "!(topic == 'complaint')",
        "sentiment < 0.0",
        "sentiment != 0.5",
        "not (sentiment > 0.0)",
        "language != 'de'",
        "rating <= 5.0",
        "facts.stars > 1",
        "topic == '' or topic != ''",
    ],
)
def test_the_unknown_never_matches_not_even_denied(expression: str) -> None:
    assert not where(expression)


def test_what_is_known_decides_where_it_can() -> None:
    assert where("topic == 'complaint' or kind == 'message'")
    assert not where("topic == 'complaint' and kind == 'order'")
    assert where("has(facts.stars) == false")


@pytest.mark.parametrize(
    ("expression", "facts"),
    [
        ("facts.a > 3", {"a": None}),
        ("facts.a > 3", {"a": "four"}),
        ("facts.a > 3", {"a": 2**80}),
        ("facts.a.b > 3", {"a": 4}),
        ("facts.a[7] > 3", {"a": [4]}),
        ("facts.a", {"a": "yes"}),
        ("facts.a.startsWith('x')", {"a": 4}),
        ("facts.a == 'x'", {"a": "\ud800"}),
        ("1 / facts.a > 0", {"a": 0}),
    ],
)
def test_what_does_not_fit_does_not_match_and_does_not_raise(expression: str, facts: dict[str, Any]) -> None:
    assert not where(expression, facts=facts)


def test_facts_are_read_and_whole_numbers_compare_with_fractions() -> None:
    assert where("facts.order.total > 99.5", facts={"order": {"total": 100}})
    assert where("rating >= 4.0", facts={"rating": 5})
    assert where("facts.urgent", facts={"urgent": True})


def test_a_text_that_is_no_unicode_matches_nothing() -> None:
    assert not where("text.contains('x')", text="\ud800x")


def test_a_pattern_over_a_long_text_answers_at_once() -> None:
    assert not where("text.matches('(a+)+$')", text="a" * 100_000 + "b")


def test_english_words_read_as_cel() -> None:
    assert where("kind == 'message' and not automatic")
    assert where("text == 'and or not'", text="and or not")
    assert where("not (kind == 'order') or automatic")


@pytest.mark.parametrize("text", ["not kind == 'x'", "not automatic == true", "(not kind != 'x')"])
def test_not_before_a_comparison_is_refused_since_cel_would_read_it_otherwise(text: str) -> None:
    with pytest.raises(Invalid, match=r"not \(…\)"):
        compile_expression(text, "interaction", "")


@pytest.mark.parametrize("text", ["(" * 1000 + "true" + ")" * 1000, "[" * 1000 + "]" * 1000, "!" * 2100 + "true"])
def test_deep_and_long_expressions_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_expression(text, "interaction", "/x")

    assert caught.value.code in ("too_deep", "too_large")
    assert caught.value.pointer == "/x"


def test_loops_within_loops_run_out_of_steps() -> None:
    ten = "[1,2,3,4,5,6,7,8,9,0]"
    bomb = f"{ten}.all(a,{ten}.all(b,{ten}.all(c,{ten}.all(d,{ten}.all(e,a+b+c+d+e>=0)))))"

    assert not where(bomb)


@pytest.mark.parametrize(
    ("who", "person", "expected"),
    [
        ("business in ['customer', 'loyal']", PersonState(business="loyal"), True),
        ("relationship == 'fan' and 'vip' in tags", PersonState(relationship="fan", tags=frozenset({"vip"})), True),
        ("attributes.city == 'Kyiv'", PersonState(attributes={"city": "Kyiv"}), True),
        ("attributes.city == 'Kyiv'", PersonState(), False),
        ("attributes.city != 'Kyiv'", PersonState(), False),
        ("!answered", PersonState(), True),
    ],
)
def test_people_are_asked_by_stage_tag_and_attribute(who: str, person: PersonState, expected: bool) -> None:
    trigger = read_trigger(
        f'name: t\nabout: A test.\nwho: "{who}"\nwhen: {{did: {{}}}}\ndo: [{{stage: {{track: business, to: lapsed}}}}]'
    )

    assert trigger.addresses(person) is expected


def test_one_platform_alone_is_warned_about() -> None:
    text = "name: t\nabout: A.\nwhen: {did: {kind: message, channel: %s}}\ndo: [{tag: {add: x}}]"

    (warning,) = read_trigger(text % "twitter").warnings
    assert "only at twitter" in warning
    assert read_trigger(text % "[twitter, email]").warnings == ()


def test_a_trigger_about_everything_is_warned_about() -> None:
    (warning,) = read_trigger("name: t\nabout: A.\nwhen: {did: {}}\ndo: [{tag: {add: x}}]").warnings

    assert "everything" in warning


def test_a_name_that_nobody_fills_in_is_warned_about() -> None:
    text = "name: t\nabout: A.\nwhen: {did: {kind: order}}\ndo: [{task: {team: x, title: '{{ persn.name }}'}}]"

    (warning,) = read_trigger(text).warnings
    assert "persn.name" in warning

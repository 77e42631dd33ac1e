"""Message templates: nothing in them can hurt, and nothing is missing from a sentence."""

import contextlib
import time
from typing import Any

import pytest

from kinline.errors import Invalid
from kinline.triggers.templates import MAX_LINE, Form, check, render

ANN = {"person": {"name": "Ann", "first_name": None, "tags": ["vip"]}, "count": 2}


def test_a_template_is_filled_in_and_says_what_it_reads() -> None:
    template = check("Dear {{ person.name | upcase }}{% if count > 1 %}, again{% endif %}.")

    assert template.render(ANN) == "Dear ANN, again."
    assert template.names == {"person.name", "count"}


def test_what_a_customer_wrote_is_never_read_as_a_template() -> None:
    """Catalogue R3."""
    theirs = "{{ person.email }} {% if x %} {% include 'y' %}"

    assert render("You wrote: {{ interaction.text }}", {"interaction": {"text": theirs}}) == f"You wrote: {theirs}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hi {{ first_name }}", "first_name"),
        ("Hi {{ person.first_name }}", "person.first_name"),
        ("Hi {{ person.first_name | upcase }}", "person.first_name"),
        ("Hi {{ nobody.first.name }}", "nobody.first.name"),
        ("Hi {{ person.__class__ }}", "person.__class__"),
    ],
)
def test_a_missing_value_is_an_error_and_no_gap(text: str, name: str) -> None:
    """Catalogue R6: never "Hi None"."""
    with pytest.raises(Invalid) as caught:
        render(text, ANN)

    assert (caught.value.code, caught.value.detail) == ("missing_value", f"missing {name}")


@pytest.mark.parametrize("text", ["Hi {{ person }}", "Hi {{ person.tags }}"])
def test_a_whole_record_is_no_word_in_a_sentence(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        render(text, ANN)

    assert caught.value.code == "missing_value"


def test_a_value_that_may_be_missing_has_a_default_or_is_asked_about() -> None:
    assert render("Hi {{ person.first_name | default: 'you' }}", ANN) == "Hi you"
    assert render("Hi{% if person.first_name %} {{ person.first_name }}{% endif %}", ANN) == "Hi"
    assert render("Hi{% unless nobody %} you{% endunless %}", ANN) == "Hi you"


def test_html_is_escaped_and_text_is_not() -> None:
    data = {"name": "<img src=x onerror=alert(1)>"}

    assert render("<p>{{ name }}</p>", data, "html") == "<p>&lt;img src=x onerror=alert(1)&gt;</p>"
    assert render("{{ name }}", data) == data["name"]


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028"])
def test_a_line_break_in_a_name_reaches_no_subject(breaks: str) -> None:
    """Catalogue R5."""
    with pytest.raises(Invalid) as caught:
        render("For {{ name }}", {"name": f"Ann{breaks}Bcc: ben@example.org"}, "line")

    assert caught.value.code == "line_break"


def test_a_name_of_ten_kilobytes_is_cut_in_a_subject() -> None:
    assert len(render("{{ name }}", {"name": "n" * 10_000}, "line")) == MAX_LINE


def test_output_has_a_limit() -> None:
    with pytest.raises(Invalid) as caught:
        render("{{ text }}", {"text": "x" * 70_000})

    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("text", "code", "within"),
    [
        ("{{ name", "template_syntax", (1, 1)),
        ("one\n{{ name | shout }}", "unknown_filter", (2, 11)),
        ("one\ntwo {% for x in y %}{% endfor %}", "template_syntax", (2, 8)),
        ("{% if name %}", "template_syntax", (1, 14)),
        ("{% assign x = 1 %}", "template_syntax", (1, 4)),
        ("{% liquid echo x %}", "template_syntax", (1, 4)),
        ("{{ 'a' * 3 }}", "template_syntax", (1, 8)),
        ("{% if (1..999999999) contains 5 %}x{% endif %}", "template_syntax", (1, 7)),
        ("{{ name | default: (1..999999999) }}", "template_syntax", (1, 20)),
        ("{% if a %}" * 30 + "{% endif %}" * 30, "too_deep", (1, 214)),
        ("x" * 40_000, "too_large", None),
    ],
)
def test_a_bad_template_is_refused_when_saved_with_its_spot(text: str, code: str, within: Any) -> None:
    """Catalogue R1, R2, R7."""
    with pytest.raises(Invalid) as caught:
        check(text)

    assert (caught.value.code, caught.value.more.get("within")) == (code, within)


@pytest.mark.alone
@pytest.mark.parametrize(
    "attack",
    [
        "{{" * 15_000,
        "{{" + " " * 31_000,
        "{%" * 15_000,
        "{% raw %}" * 3_500,
        ("{{a" + " | upcase" * 50 + "}}") * 60,
        ("{% if" + " a and" * 80 + " a %}{% endif %}") * 50,
        "{{ a" + "[0" * 240 + " }}",
        "{{ " + "a." * 240 + "b }}",
        "{{ '" * 8_000,
        "{% comment %}" * 2_400,
    ],
)
@pytest.mark.parametrize("form", ["text", "html"])
def test_a_hostile_template_costs_no_time(attack: str, form: Form) -> None:
    begun = time.perf_counter()

    with contextlib.suppress(Invalid):
        render(attack, {"a": None}, form)

    assert time.perf_counter() - begun < 3

"""Stored templates: checked when saved, versioned, written once, in the person's language."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from acting import live, rows, says, template
from kinline.accounts.connected import AccountRef
from kinline.catalogue import references, template_store
from kinline.catalogue.template_store import Form
from kinline.decide import previews
from kinline.errors import Conflict, Invalid, NotFound
from kinline.hub import Hub
from kinline.identity import persons
from kinline.testing.factories import ANN
from settable import Time

DATA = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "templates.yaml").read_text("utf-8"))
FORMS = ("text", "subject", "html")


def given_as(case: dict[str, Any]) -> tuple[str, dict[str, Form], str]:
    base: dict[str, Any] = DATA["base"]
    languages = {tag: dict(form) for tag, form in case.get("languages", base["languages"]).items()}
    if "es" in languages:
        languages["es"] |= {name: case[name] for name in FORMS if name in case}
        languages["es"] |= {"text": "x" * case["repeat"]} if "repeat" in case else {}
    forms = {tag: Form(**form) for tag, form in languages.items()}
    return case.get("name", base["name"]), forms, case.get("default", base["default"])


def test_the_base_of_all_bad_templates_is_good() -> None:
    assert set(template_store.checked(*given_as({}))) == {"en", "es"}


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: case["is"])
def test_a_bad_template_gets_its_exact_answer(case: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        template_store.checked(*given_as(case))

    assert (caught.value.code, caught.value.pointer) == (case["code"], case["pointer"])
    assert caught.value.detail


def test_a_version_is_made_only_when_something_changed(hub: Hub) -> None:
    with hub.store.write() as session:
        first, new = template_store.save(session, "hello", {"en": Form(text="Hello")}, default="en", by="Cleo")
        same, again = template_store.save(session, "hello", {"EN": Form(text="Hello")}, default="EN", by="Dora")
        second, changed = template_store.save(session, "hello", {"en": Form(text="Hi")}, default="en", by="Dora")
        every = template_store.versions(session, "hello")

    assert (first.version, same.version, second.version) == (1, 1, 2)
    assert (new, again, changed) == (True, False, True)
    assert [(each.version, each.made_by) for each in every] == [(2, "Dora"), (1, "Cleo")]


def test_a_template_that_a_trigger_names_is_not_forgotten(hub: Hub) -> None:
    template(hub, "hello", en="Hello")
    live(hub, "greet", "[{wait: 1h}, {message: {template: hello, class: service}}]")

    with hub.store.write() as session, pytest.raises(Conflict):
        template_store.remove(session, "hello", references.users_of(session, "message", "template", "hello"))
    live(hub, "greet", "[{message: {text: Hi, class: service}}]")
    with hub.store.write() as session:
        template_store.remove(session, "hello", references.users_of(session, "message", "template", "hello"))
        with pytest.raises(NotFound):
            template_store.newest(session, "hello")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["es"], "es"), (["es-MX"], "es"), (["ES-419"], "es"), (["pt"], "en"), (["pt-BR"], "pt-br"),
        (["pt-BR-x-old"], "pt-br"), (["fr", "de"], "de"), ([None, "", 7, "de-AT"], "de"), (["x" * 99], "en"), ([], "en"),
    ],
)  # fmt: skip
def test_a_language_is_looked_up_by_its_first_parts(wanted: list[object], found: str) -> None:
    forms = {tag: Form(text="x") for tag in ("en", "es", "de", "pt-br")}
    stored = template_store.StoredTemplate(
        name="x", version=1, about="", default="en", languages=forms, made_by="", made_at=None
    )

    assert template_store.language_for(stored, wanted) == found


@given(st.lists(st.text(max_size=12) | st.none() | st.integers(), max_size=4))
def test_whatever_is_wanted_it_is_one_of_its_languages(wanted: list[object]) -> None:
    forms = {tag: Form(text="x") for tag in ("en", "es-mx")}
    stored = template_store.StoredTemplate(
        name="x", version=1, about="", default="en", languages=forms, made_by="", made_at=None
    )

    assert template_store.language_for(stored, wanted) in forms


def test_what_a_customer_wrote_is_put_in_once_and_never_read_as_a_template(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    # R3, R4: braces and markup in what a customer wrote
    template(
        hub, "quote",
        en=Form(text="You wrote: {{ interaction.text }}", html="<p>{{ interaction.text }}</p>"),
    )  # fmt: skip
    live(hub, "answer", "[{message: {template: quote, class: service}}]")
    hostile = "{{ person.email }} {% if x %} <img src=x onerror=alert(1)>"
    says(hub, inbox, hostile)

    [(body, html)] = rows(hub, "SELECT body, html FROM followup")
    assert body == f"You wrote: {hostile}"
    assert "<img" not in html
    assert "{{ person.email }}" in html


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_an_address_that_runs_is_no_link(hub: Hub, inbox: AccountRef, time: Time, url: str) -> None:
    template(hub, "link", en=Form(text="x", html='<a href="{{ interaction.subject }}">here</a>'))
    live(hub, "answer", "[{message: {template: link, class: service}}]")
    says(hub, inbox, subject=url)

    assert url.partition(":")[0] not in rows(hub, "SELECT html FROM followup")[0][0]


def test_a_line_break_in_a_subject_is_refused_and_a_long_name_cut(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # R5
    template(hub, "hello", en=Form(text="Hi", subject="Re: {{ interaction.text }}"))
    live(hub, "answer", "[{message: {template: hello, class: service}}]")
    says(hub, inbox, "one\r\nBcc: everybody@example.org")
    assert rows(hub, "SELECT count(*) FROM followup") == [(0,)]
    assert rows(hub, "SELECT reason FROM decision") == [("message: a line break where one line must be",)]

    time.now += 60_000_000
    says(hub, inbox, "x" * 10_000)
    assert len(rows(hub, "SELECT subject FROM followup")[0][0]) == 200


@pytest.mark.parametrize("value", ["{{ person.shoe_size }}", "{{ interaction.facts }}", "{{ person.city | upcase }}"])
def test_what_is_missing_stops_the_message_and_is_named(hub: Hub, inbox: AccountRef, time: Time, value: str) -> None:
    # R6
    template(hub, "hello", en=f"Hi {value}")
    live(hub, "answer", "[{message: {template: hello, class: service}}]")
    says(hub, inbox)

    assert rows(hub, "SELECT count(*) FROM followup") == [(0,)]
    [(reason,)] = rows(hub, "SELECT reason FROM decision")
    assert reason.startswith(("message: missing person.", "message: cannot be filled in"))


def test_a_preview_is_for_a_person_in_their_language(hub: Hub, inbox: AccountRef, time: Time) -> None:
    template(
        hub, "hello", en="Hello {{ person.first_name }}: {{ interaction.text }}", es="Hola {{ person.first_name }}"
    )
    says(hub, inbox, "Where is it?")

    with hub.store.read() as session:
        ann, stored = persons.find(session, str(ANN)), template_store.newest(session, "hello")
        assert previews.preview(session, ann, stored).text == "Hello Ann: Where is it?"
        assert previews.preview(session, ann, stored, language="es").source == "hello@1 es"
        with pytest.raises(Invalid) as caught:
            previews.preview(session, ann, stored, language="fr")
    assert caught.value.code == "no_such_language"


def test_a_template_that_speaks_of_what_nobody_fills_in_says_so(hub: Hub) -> None:
    with hub.store.write() as session:
        stored, _ = template_store.save(
            session, "hello", {"en": Form(text="{{ order.total }}")}, default="en", by="Cleo"
        )

    assert "`order.total`" in stored.warnings[0]

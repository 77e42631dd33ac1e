"""What triggers do beside messages, tasks, tags and stages: attributes, other triggers, languages; approval."""

from typing import Any

import pytest

from acting import ABOUT, Square, change, live, record, rows, save, says, template
from kinline import handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.contract.plugins import channels
from kinline.decide.person import decide
from kinline.desk import approvals
from kinline.errors import Invalid
from kinline.followups import manage
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity import attributes, persons
from kinline.testing.factories import ANN
from kinline.words import TriggerState
from settable import NINE, Time


def known(hub: Hub) -> dict[str, Any]:
    with hub.store.read() as session:
        return load_history.attributes(session, persons.find(session, str(ANN)))


def refused(hub: Hub, text: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        save(hub, text)
    return caught.value


def trigger(name: str, do: str) -> str:
    return f"name: {name}\n{ABOUT}when: {{did: {{kind: message, direction: inbound}}}}\ndo: {do}\n"


# attribute


def test_an_attribute_is_set_from_words_numbers_and_what_they_wrote(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(
        hub, "note",
        '[{attribute: {name: last_words, value: "{{ interaction.subject }}"}}, {attribute: {name: score, value: 7}},'
        " {attribute: {name: wrote, value: true}}, {attribute: {name: city, value: null}}]",
    )  # fmt: skip
    says(hub, inbox, subject="A parcel")

    assert known(hub) == {"last_words": "A parcel", "score": 7, "wrote": True}
    assert rows(hub, "SELECT DISTINCT source, at FROM attribute") == [("trigger:note", NINE)]


def test_who_only_says_who_they_are_sets_no_attribute(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "note", "[{attribute: {name: score, value: 7}}]")
    says(hub, inbox, claimed=True)

    assert known(hub) == {}
    assert "sets nothing" in rows(hub, "SELECT reason FROM decision")[0][0]


def test_an_attribute_that_a_trigger_sets_moves_the_wait_of_another(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger that knows when to ask again, and one that asks then
    live(hub, "ask", "[{tag: {add: asked}}]", when=f"{ABOUT}when: {{time: {{attribute: ask_on}}}}\n")
    live(hub, "plan", '[{attribute: {name: ask_on, value: "2026-03-05"}}]')
    says(hub, inbox)
    assert rows(hub, "SELECT tag FROM tag") == []

    # When that day comes
    time.now = NINE + 3 * DAY
    handlers.drain(hub)

    # Then it asks
    assert rows(hub, "SELECT tag FROM tag") == [("asked",)]


@pytest.mark.parametrize(
    "text",
    [
        f"name: x\n{ABOUT}when: {{time: {{attribute: ask_on}}}}\ndo: [{{attribute: {{name: ask_on, value: soon}}}}]",
        f"{trigger('x', '[{attribute: {name: city, value: Kyiv}}]')}who: \"attributes.city == 'Kyiv'\"",
    ],
)
def test_a_trigger_that_asks_for_the_attribute_it_sets_is_refused(hub: Hub, text: str) -> None:
    assert (refused(hub, text).code, refused(hub, text).pointer) == ("triggers_itself", "/do/0/attribute")


# start and stop


def test_a_trigger_starts_another_under_its_own_rules(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger for customers only, once a person, and one that starts it
    live(
        hub, "gift", '[{task: {team: care, title: "A gift for {{ person.name }}"}}]', when=f"{ABOUT}when: {{did: {{kind: visit}}}}\n",
        more="who: \"'vip' in tags\"\nlimits: {once_per: person}",
    )  # fmt: skip
    live(hub, "praise", "[{start: {trigger: gift}}]", when=ABOUT + "when: {did: {kind: message}}\n")

    # When somebody writes who is none
    says(hub, inbox, "One")
    assert rows(hub, "SELECT reason FROM decision") == [
        ("start: the trigger “gift” is for others, its `who` does not hold",)
    ]

    # And somebody who is one, twice
    live(hub, "mark", "[{tag: {add: vip}}]")
    time.now = NINE + HOUR
    says(hub, inbox, "Two")
    time.now = NINE + 2 * HOUR
    says(hub, inbox, "Three")
    time.now = NINE + 3 * HOUR
    says(hub, inbox, "Four")

    # Then it was started once, with a decision of its own, and both say who led there
    gifts = rows(
        hub,
        "SELECT d.verdict, d.chain FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = 'gift'",
    )
    assert len(gifts) == 1
    assert gifts[0][0] == "fired"
    [(praise,)], [(gift,)] = (rows(hub, "SELECT id FROM trigger_rule WHERE name = {p}", n) for n in ("praise", "gift"))
    assert gifts[0][1] == f'["{praise}","{gift}"]'
    assert rows(hub, "SELECT title FROM task") == [("A gift for Ann Archer",)]
    reasons = rows(hub, "SELECT reason FROM decision WHERE trigger_id = {p} ORDER BY at", praise)
    assert reasons[-1] == ("start: the trigger “gift” decided about this before",)


def test_what_is_not_live_is_not_started_and_a_shadow_only_records(hub: Hub, inbox: AccountRef, time: Time) -> None:
    save(hub, trigger("draft", "[{tag: {add: draft}}]"))
    save(hub, trigger("dark", "[{task: {team: a, title: dark}}]"))
    with hub.store.write() as session:
        trigger_store.set_state(session, "dark", TriggerState.SHADOW)
    live(
        hub,
        "lead",
        "[{start: {trigger: draft}}, {start: {trigger: dark}}]",
        when=f"{ABOUT}when: {{did: {{kind: message}}}}\n",
    )

    says(hub, inbox)

    verdicts = rows(hub, "SELECT verdict FROM decision ORDER BY verdict")
    assert verdicts.count(("shadowed",)) == 2  # by itself, and started
    assert rows(hub, "SELECT reason FROM decision WHERE verdict = 'fired'") == [
        ("start: the trigger “draft” is not live",)
    ]
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]


def test_a_chain_of_starts_stops_by_its_depth(hub: Hub, inbox: AccountRef, time: Time) -> None:
    never = f"{ABOUT}when: {{did: {{kind: letter}}}}\n"
    live(hub, "t4", "[{tag: {add: deep}}]", when=never)
    for number in (3, 2, 1):
        live(hub, f"t{number}", f"[{{start: {{trigger: t{number + 1}}}}}]", when=never)
    live(hub, "t0", "[{start: {trigger: t1}}]")

    says(hub, inbox)

    told = dict(rows(hub, "SELECT t.name, d.verdict FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id"))
    assert told == {"t0": "fired", "t1": "fired", "t2": "fired", "t3": "skipped"}
    assert rows(hub, "SELECT count(*) FROM tag") == [(0,)]


def test_triggers_that_start_each_other_in_a_circle_are_refused(hub: Hub) -> None:
    save(hub, trigger("one", "[{tag: {add: x}}]"))
    save(hub, trigger("two", "[{start: {trigger: one}}]"))

    wrong = refused(hub, trigger("one", "[{start: {trigger: two}}]"))
    alone = refused(hub, trigger("self", "[{start: {trigger: self}}]"))

    assert (wrong.code, wrong.pointer) == ("triggers_itself", "/do/0/start/trigger")
    assert "one starts two starts one" in wrong.detail
    assert (wrong.more["line"], wrong.more["column"]) == (4, 24)
    assert (alone.code, alone.pointer) == ("triggers_itself", "/do/0/start/trigger")


def test_a_trigger_calls_off_what_another_has_under_way(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a message that waits for approval, a step and an armed silence, all of one trigger
    silent = f"{ABOUT}when: {{silence: {{of: us, after: {{kind: message, direction: inbound}}, for: 2d}}}}\n"
    live(hub, "chase", "[{task: {team: a, title: silent}}]", when=silent)
    live(
        hub,
        "remind",
        "[{message: {text: Hi, class: service, approval: true}}, {wait: 1d}, {task: {team: a, title: x}}]",
    )
    says(hub, inbox)
    assert rows(hub, "SELECT state FROM wait") == [("armed",)]

    # When they order, and another trigger calls it off
    live(
        hub, "ordered", "[{stop: {trigger: remind}}, {stop: {trigger: chase}}]",
        when=f"{ABOUT}when: {{did: {{kind: order}}}}\n",
    )  # fmt: skip
    time.now = NINE + HOUR
    says(hub, inbox, "order 1", kind="order")
    [(decision,)] = rows(
        hub, "SELECT d.id FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = 'ordered'"
    )

    # Then all three end, and name the decision
    said = f"stopped: by trigger:ordered, decision {decision}"
    assert rows(hub, "SELECT state, reason FROM followup") == [("cancelled", said)]
    assert rows(hub, "SELECT state, reason FROM step") == [("stopped", said)]
    assert rows(hub, "SELECT state, reason FROM wait") == [("closed", said)]

    # And the silence does not come back when it would have been due, nor when somebody looks again
    for days in (1, 2, 3):
        time.now = NINE + days * DAY + HOUR
        decide(hub, str(rows(hub, "SELECT id FROM person")[0][0]), None)
        handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]
    skipped = rows(
        hub, "SELECT verdict, reason FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = 'chase'"
    )
    assert skipped == [("skipped", said)]


# messages by template, and over which channel


def test_a_message_is_in_the_persons_language_else_in_that_of_what_they_wrote(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    template(hub, "hello", en="Hello", es="Hola", de="Hallo", pt_BR="Oi")
    live(
        hub,
        "greet",
        "[{message: {template: hello, class: transactional}}]",
        when=f"{ABOUT}when: {{did: {{kind: message}}}}\n",
    )
    for number, (mine, theirs) in enumerate(
        [(None, ""), (None, "es"), ("es-MX", "de"), ("fr", "de-AT"), ("pt-br", ""), ("pt", ""), (7, "zz-"), ("FR", "")]
    ):
        time.now = NINE + number * 2 * DAY
        with hub.store.write() as session:
            if number:
                identity = rows(hub, "SELECT id FROM identity")[0][0]
                attributes.state(session, identity, "language", mine, source="test")
        says(hub, inbox, f"message {number}", language=theirs)

    said = [body for (body,) in rows(hub, "SELECT body FROM followup ORDER BY created_at")]
    assert said == ["Hello", "Hola", "Hola", "Hallo", "Oi", "Hello", "Hello", "Hello"]


def test_without_a_channel_named_it_is_the_preferred_one_else_the_last_used(
    hub: Hub, inbox: AccountRef, account: AccountRef, time: Time
) -> None:
    # Given Ann, whom two channels reach, who wrote last over the second
    with hub.store.write() as session:
        for name in ("aaa", "zzz"):
            made = type(name, (Square,), {"name": name, "reaches": frozenset({ANN.type})})()
            channels().loaded[name] = made
            connected.connect(session, hub.secret, name, f"account-{name}", {})
        other = connected.ref(connected.named(session, "account-zzz"))
    try:
        record(hub, inbox, source_id="first")
        time.now = NINE + HOUR
        record(hub, other, source_id="second", occurred_at=None)
        when = f"{ABOUT}when: {{did: {{kind: visit}}}}\n"
        live(hub, "greet", "[{message: {text: Hi, class: transactional}}]", when=when)

        def visits(name: str) -> str:
            says(hub, account, name, kind="visit", source_id=name)  # where nobody can be answered
            return str(rows(hub, "SELECT channel FROM followup ORDER BY created_at DESC, id LIMIT 1")[0][0])

        # Then it is the last used, the preferred one, and the named one
        assert visits("one") == "zzz"
        with hub.store.write() as session:
            identity = rows(hub, "SELECT id FROM identity")[0][0]
            attributes.state(session, identity, "preferred_channel", "email", source="test")
        time.now += 2 * DAY
        assert visits("two") == "email"
        live(hub, "greet", "[{message: {text: Hi, class: transactional, channel: aaa}}]", when=when)
        time.now += 2 * DAY
        assert visits("three") == "aaa"
    finally:
        for name in ("aaa", "zzz"):
            del channels().loaded[name]


# approval


def test_a_message_waits_for_approval_and_goes_when_it_has_it(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "careful", "[{message: {text: Hi, class: service, approval: true}}]")
    says(hub, inbox)
    [(followup, state, reason)] = rows(hub, "SELECT id, state, reason FROM followup")
    assert (state, reason) == ("pending", "approval: it waits for somebody's approval")

    with hub.store.read() as session:
        [waiting] = approvals.listed(session)
    assert (waiting.id, waiting.sort, waiting.trigger, waiting.text) == (followup, "message", "careful", "Hi")
    assert waiting.expires_at == "2026-03-05T09:00:00Z"

    time.now = NINE + 30 * HOUR
    with hub.store.write() as session:
        manage.approve(session, followup, by="Dora")
    handlers.drain(hub)
    assert rows(hub, "SELECT state, approved_by FROM followup") == [("sent", "Dora")]


def test_what_nobody_approves_expires_and_says_so(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "careful", "[{message: {text: Hi, class: service, approval: true}}]")
    says(hub, inbox)
    for hours in (24, 48, 71):
        time.now = NINE + hours * HOUR
        handlers.drain(hub)
        assert rows(hub, "SELECT state FROM followup") == [("pending",)]

    time.now = NINE + 72 * HOUR
    handlers.drain(hub)

    assert rows(hub, "SELECT state, reason FROM followup") == [("expired", "nobody approved it in time")]
    with hub.store.read() as session:
        assert approvals.listed(session) == []


# names that mean nothing


@pytest.mark.parametrize(
    ("do", "code", "pointer"),
    [
        ("[{message: {template: nowhere, class: service}}]", "no_such_template", "/do/0/message/template"),
        ("[{wait: 1d}, {webhook: {endpoint: nowhere}}]", "no_such_endpoint", "/do/1/webhook/endpoint"),
        ("[{publish: {account: nowhere, text: x}}]", "no_such_account", "/do/0/publish/account"),
        ("[{publish: {account: inbox, text: x}}]", "cannot_publish", "/do/0/publish/account"),
        ("[{start: {trigger: nowhere}}]", "no_such_trigger", "/do/0/start/trigger"),
        ("[{stop: {trigger: nowhere}}]", "no_such_trigger", "/do/0/stop/trigger"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_cure(
    hub: Hub, inbox: AccountRef, do: str, code: str, pointer: str
) -> None:
    wrong = refused(hub, trigger("x", do))

    assert (wrong.code, wrong.pointer, wrong.more["line"]) == (code, pointer, 4)
    assert "first" in wrong.detail or "name one" in wrong.detail


def test_what_is_gone_since_it_was_saved_is_found_when_it_goes_live(hub: Hub) -> None:
    template(hub, "hello", en="Hello")
    save(hub, trigger("x", "[{message: {template: hello, class: service}}]"))
    change(hub, "DELETE FROM template")

    with hub.store.write() as session, pytest.raises(Invalid) as caught:
        trigger_store.set_state(session, "x", TriggerState.LIVE, override="a test")

    assert caught.value.code == "no_such_template"

"""Waits between actions: the rest is done once, when it is due, if nothing speaks against it."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from acting import ABOUT, WROTE, change, live, record, rows, says, template
from kinline import handlers
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import AccessScope
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.decide import actions, in_progress, steps
from kinline.errors import Conflict, NotFound
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.testing.factories import ANN, BEN
from kinline.timeline.filters import NO_FILTERS
from kinline.timeline.reading import everything, page
from kinline.why import shown_steps
from kinline.why.explain import why
from kinline.words import TriggerState
from settable import NINE, Time

THREE = """
  - message: {template: first, class: service}
  - wait: {for: 2d, unless: "replied or answered"}
  - message: {text: "Are you still there, {{ person.first_name }}?", class: service}
  - tag: {add: reminded}
  - wait: 3d
  - task: {team: sales, title: "Call {{ person.name }}"}
"""
COMPLAINED = f"{ABOUT}when: {{did: {{kind: message, direction: inbound, where: \"text.contains('broken')\"}}}}\n"


def follow(hub: Hub, inbox: AccountRef, text: str = "It is broken") -> None:
    template(hub, "first", en="We saw it, {{ person.first_name }}.", es="Lo vimos, {{ person.first_name }}.")
    live(hub, "follow", THREE, when=COMPLAINED)
    says(hub, inbox, text)


def states(hub: Hub) -> list[tuple[object, ...]]:
    return rows(hub, "SELECT number, state, reason FROM step ORDER BY number")


def died(hub: Hub) -> None:
    """The lease of whoever was working is over."""
    change(hub, "UPDATE job SET lease_until = 1 WHERE state = 'running'")


def test_the_story_of_three_steps_with_a_crash_before_each(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a follow-up in three steps, and Ann, who complains
    follow(hub, inbox)
    assert rows(hub, "SELECT body, state FROM followup") == [("We saw it, Ann.", "sent")]
    assert states(hub) == [(1, "waiting", "")]

    # When two days are nearly over, nothing happens
    time.now = NINE + 2 * DAY - 1
    handlers.drain(hub)
    assert states(hub) == [(1, "waiting", "")]

    # And when they are over, and the worker dies in the middle of the second step
    time.now = NINE + 2 * DAY
    with monkeypatch.context() as broken:
        broken.setitem(actions._DOERS, "tag", _dies)
        with pytest.raises(KeyboardInterrupt):
            handlers.drain(hub)

    # Then nothing of it was done
    assert rows(hub, "SELECT count(*) FROM followup") == [(1,)]
    assert states(hub) == [(1, "waiting", "")]

    # And another worker does all of it, once
    died(hub)
    handlers.drain(hub)
    handlers.drain(hub)
    assert [body for (body,) in rows(hub, "SELECT body FROM followup ORDER BY created_at")] == [
        "We saw it, Ann.", "Are you still there, Ann?",
    ]  # fmt: skip
    assert rows(hub, "SELECT tag FROM tag") == [("reminded",)]
    assert states(hub) == [(1, "done", ""), (4, "waiting", "")]

    # And the third step comes three days later, and was asked for twice
    time.now = NINE + 5 * DAY
    [(step,)] = rows(hub, "SELECT id FROM step WHERE number = 4")
    handlers.drain(hub)
    steps.take(hub, step)
    assert rows(hub, "SELECT title FROM task") == [("Call Ann Archer",)]
    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]


def _dies(*_: object) -> str:
    raise KeyboardInterrupt


def test_an_answer_of_hers_ends_it(hub: Hub, inbox: AccountRef, time: Time) -> None:
    follow(hub, inbox)
    time.now = NINE + DAY
    says(hub, inbox, "Thank you, it works")

    time.now = NINE + 2 * DAY
    handlers.drain(hub)

    assert states(hub) == [(1, "stopped", "its `unless` holds: replied or answered")]
    assert rows(hub, "SELECT count(*) FROM followup") == [(1,)]


def test_an_answer_of_one_of_us_ends_it_too_and_a_machines_does_not(hub: Hub, inbox: AccountRef, time: Time) -> None:
    follow(hub, inbox)
    time.now = NINE + DAY
    says(hub, inbox, "Mended", ours=True)

    time.now = NINE + 2 * DAY
    handlers.drain(hub)

    assert states(hub)[0][1] == "stopped"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("pause", "its trigger is not live any more, it is paused"),
        ("edit", "its trigger changed: version 1 decided, 2 is live"),
        ("delete", "its trigger is gone"),
    ],
)
def test_a_trigger_that_is_another_one_now_does_not_go_on(
    hub: Hub, inbox: AccountRef, time: Time, what: str, reason: str
) -> None:
    follow(hub, inbox)
    if what == "pause":
        with hub.store.write() as session:
            trigger_store.set_state(session, "follow", TriggerState.PAUSED)
    elif what == "edit":
        live(hub, "follow", THREE.replace("3d", "4d"), when=COMPLAINED)
    else:
        change(hub, "DELETE FROM trigger_version")
        change(hub, "DELETE FROM trigger_rule")

    time.now = NINE + 2 * DAY
    handlers.drain(hub)

    assert states(hub) == [(1, "stopped", reason)]


def test_what_is_due_too_long_ago_is_left_undone(hub: Hub, inbox: AccountRef, time: Time) -> None:
    follow(hub, inbox)

    time.now = NINE + 2 * DAY + 4 * HOUR + 1
    handlers.drain(hub)

    assert states(hub) == [(1, "stopped", "late: it was due longer ago than this trigger's lateness")]


def test_the_version_of_a_template_that_was_decided_on_is_what_is_sent(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a step that will write by a stored template
    template(hub, "first", en="Old words")
    live(hub, "follow", "[{wait: 1h}, {message: {template: first, class: service}}]", when=COMPLAINED)
    says(hub, inbox, "It is broken")

    # When the template is edited between decision and step
    template(hub, "first", en="New words")
    time.now = NINE + HOUR
    handlers.drain(hub)

    # Then the words decided on go out, and it is known which they were
    assert rows(hub, "SELECT body, template FROM followup") == [("Old words", "first@1 en")]


def test_after_a_merge_the_rest_is_done_for_who_they_are_now(hub: Hub, inbox: AccountRef, time: Time) -> None:
    follow(hub, inbox)
    record(hub, inbox, author=BEN, source_id="ben", text="Hi")
    handlers.drain(hub)
    with hub.store.write() as session:
        ann, ben = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        merges.merge(session, ann, ben, evidence={}, made_by="Cleo")

    time.now = NINE + 2 * DAY
    handlers.drain(hub)

    with hub.store.read() as session:
        root = persons.find(session, str(ANN))
    assert rows(hub, "SELECT DISTINCT person_id FROM tag") == [(root,)]
    assert states(hub)[0][1] == "done"


def test_somebody_may_call_the_rest_off_and_is_told_when_it_is_too_late(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    follow(hub, inbox)
    [(step,)] = rows(hub, "SELECT id FROM step")
    with hub.store.write() as session:
        in_progress.cancel(session, step, by="Dora", reason="she telephoned")

    time.now = NINE + 2 * DAY
    handlers.drain(hub)

    assert states(hub) == [(1, "stopped", "cancelled by Dora: she telephoned")]
    with hub.store.write() as session, pytest.raises(Conflict):
        in_progress.cancel(session, step, by="Dora")
    with hub.store.write() as session, pytest.raises(NotFound):
        in_progress.cancel(session, "0" * 32, by="Dora")


def test_an_if_is_asked_when_its_action_is_done(hub: Hub, inbox: AccountRef, time: Time) -> None:
    do = "[{wait: 1h}, {task: {team: a, title: late, if: \"!('calm' in tags)\"}}]"
    live(hub, "ask", do)
    says(hub, inbox)
    time.now = NINE + 60
    live(hub, "calm", "[{tag: {add: calm}}]", when=COMPLAINED)
    says(hub, inbox, "broken", source_id="second")

    time.now = NINE + HOUR + 120
    handlers.drain(hub)

    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]
    assert [state for _, state, _ in states(hub)] == ["done", "done"]
    assert {reason for *_, reason in states(hub)} == {"task: its `if` did not hold"}


def test_a_message_that_lacks_a_value_says_so_and_the_rest_goes_on(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "ask", '[{wait: 1h}, {message: {text: "{{ person.shoe_size }}", class: service}}, {tag: {add: done}}]')
    says(hub, inbox)

    time.now = NINE + HOUR
    handlers.drain(hub)

    assert states(hub) == [(0, "done", "message: missing person.shoe_size")]
    assert rows(hub, "SELECT tag FROM tag") == [("done",)]


def test_why_tells_of_what_waits(hub: Hub, inbox: AccountRef, time: Time) -> None:
    follow(hub, inbox)
    [(decision,)] = rows(hub, "SELECT id FROM decision")

    with hub.store.read() as session:
        english, spanish = why(session, decision), why(session, decision, language="es")

    assert [step.then for step in english.steps] == [["message", "tag"]]
    assert "the rest, which waits until 4 March 2026 at 09:00 UTC" in english.summary
    assert "lo demás, que espera hasta el 4 de marzo de 2026" in spanish.summary


def test_several_workers_at_once_do_the_rest_once(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "ask", "[{wait: 1h}, {task: {team: a, title: one}}]")
    says(hub, inbox)
    time.now = NINE + HOUR
    [(step,)] = rows(hub, "SELECT id FROM step")

    with ThreadPoolExecutor(4) as workers:
        contexts = [copy_context() for _ in range(8)]
        list(workers.map(lambda context: context.run(steps.take, hub, step), contexts))

    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]
    assert states(hub) == [(0, "done", "")]


def test_the_rest_of_a_variant_is_that_variants(hub: Hub, inbox: AccountRef, time: Time) -> None:
    experiment = """
experiment:
  variants:
    - {name: calls, weight: 1, do: [{wait: 1d}, {task: {team: a, title: Call}}]}
    - {name: tags, weight: 1, do: [{wait: 1d}, {tag: {add: asked}}]}
  outcome: {did: {kind: order}, within: 30d}
"""
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, f"name: try\n{WROTE}{experiment}", made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
    says(hub, inbox)
    [(arm, decision)] = rows(hub, "SELECT arm, id FROM decision")
    with hub.store.read() as session:
        [step] = shown_steps.of_decision(session, decision)
    assert step.then == [{"calls": "task", "tags": "tag"}[arm]]

    time.now = NINE + DAY
    handlers.drain(hub)

    done = {"calls": rows(hub, "SELECT count(*) FROM task"), "tags": rows(hub, "SELECT count(*) FROM tag")}
    assert done.pop(arm) == [(1,)]
    assert list(done.values()) == [[(0,)]]


def test_the_timeline_shows_what_waits_to_whom_may_read_it(hub: Hub, inbox: AccountRef, time: Time) -> None:
    follow(hub, inbox)

    with hub.store.read() as session:
        ann = persons.find(session, str(ANN))
        lines = [entry.shown for entry in everything(session, ann) if entry.shown["type"] == "step"]
        hidden = page(session, ann, NO_FILTERS, reader=AccessScope(frozenset()))

    assert [(line["state"], line["due_at"], line["trigger"]) for line in lines] == [
        ("waiting", "2026-03-04T09:00:00Z", "follow")
    ]
    assert hidden.entries == []


def test_a_wait_between_tags_is_a_wait_too(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "slow-tag", "[{tag: {add: one}}, {wait: 1d}, {tag: {add: two}}]")
    says(hub, inbox)
    assert rows(hub, "SELECT tag FROM tag") == [("one",)]

    time.now = NINE + DAY
    handlers.drain(hub)

    assert rows(hub, "SELECT tag, at FROM tag ORDER BY at") == [("one", NINE), ("two", NINE + DAY)]

"""Why something did not happen: every reason there is can be produced, is shown, and is said in English and Spanish."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from breaking import checks_of
from kinline import clock, handlers
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.hub import Hub
from kinline.messages import Thread
from kinline.reason_texts import HEADS, read
from kinline.reasons import Reason, worded
from kinline.record.batch import record_batch
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.why.explain import why
from kinline.words import Origin, SendClass, TriggerState
from kinline_api.app import Application, create_app
from settable import NINE

DOCS = Path(__file__).parents[2] / "docs" / "triggers.md"
#: The table of the page: where a reason stands, and what it says.
LISTED = re.findall(
    r"^\| (?:decision|message|wait) \| `(\w+)` \| (.+?) \| (.+?) \|$", DOCS.read_text("utf-8"), re.MULTILINE
)
guards: Any = checks_of("core/test_guards.py")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SILENCE = "when: {silence: {of: us, after: {kind: message}, for: 2h}}"
TASK = """
name: watch
about: Somebody wrote.
when: {did: {kind: message}}
do: [{task: {team: t, title: Look}}]
"""
MARKETING, SERVICE = SendClass.MARKETING, SendClass.SERVICE


class World(guards.World):  # type: ignore[misc]
    """Ann, her mail, and a trigger."""

    def watches(self, text: str = TASK, state: TriggerState = TriggerState.LIVE) -> None:
        with self.hub.store.write() as session:
            row, _ = trigger_store.save(session, text, made_by="Cleo", override="a test")
            trigger_store.set_state(session, row.name, state, override="a test")

    def writes(self, *, origin: Origin = Origin.LIVE, ago: int = 0, **more: Any) -> str:
        """Ann writes again; returns the interaction."""
        what = InteractionFactory.build(occurred_at=clock.to_datetime(self.now - ago), **more)
        with self.hub.store.write() as session:
            inbox = guards.connected.ref(guards.connected.named(session, "inbox"))
            [made] = record_batch(session, [RecordingFactory.build(account=inbox, what=what, origin=origin)])
        handlers.drain(self.hub)
        return str(made.interaction_id)

    def decision(self, trigger: str = "watch", skip: bool = True) -> str:
        statement = "SELECT d.id FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = {p} AND d.verdict = {p}"
        return str(self.sql(statement, trigger, "skipped" if skip else "fired")[0][0])


@pytest.fixture
def world(hub: Hub) -> Iterator[World]:
    with clock.frozen(NINE):
        made = World(hub)
    with clock.frozen(made):
        yield made


@pytest.fixture
def door(world: World, key: Callable[..., dict[str, str]]) -> Iterator[TestClient[Application]]:
    with TestClient(create_app(world.hub), base_url="http://127.0.0.1") as client:
        client.headers.update(key("admin"))
        yield client


def imported(world: World) -> str:
    world.watches()
    world.writes(origin=Origin.IMPORT)
    return world.decision()


def late(world: World) -> str:
    world.watches()
    world.sql("UPDATE trigger_rule SET live_since = 0")
    world.writes(ago=5 * HOUR)
    return world.decision()


def chain(world: World) -> str:
    """A message at the end of three triggers that started each other, at which a fourth looks."""
    followup = world.wants(SERVICE)
    world.sql(
        "INSERT INTO decision (id, trigger_id, version, person_id, once_key, verdict, reason, at, decided_at, evidence, chain) "
        "VALUES ('d', 'c', 1, {p}, 'k', 'fired', '', 0, 0, '{}', '[\"a\", \"b\", \"c\"]')", world.ann,
    )  # fmt: skip
    world.sql("UPDATE followup SET decision_id = 'd' WHERE id = {p}", followup)
    world.watches(TASK.replace("kind: message", "kind: message, direction: outbound, automatic: any"))
    world.outcome(followup)
    return world.decision()


def once(world: World) -> str:
    world.watches(TASK + "limits: {once_per: 7d}\n")
    world.writes()
    world.now += HOUR
    world.writes()
    return world.decision()


def decision_storm(world: World) -> str:
    world.hub.settings.storm_limit = 2
    world.watches()
    for _ in range(3):
        world.writes()
    assert world.sql("SELECT state FROM trigger_rule WHERE name = 'watch'") == [("paused",)]
    return world.decision()


def held(setting: Callable[[World], object], send_class: SendClass, about: str | None = None) -> Callable[[World], str]:
    """A message that the guards hold back."""

    def produce(world: World) -> str:
        if send_class is MARKETING:
            world.allows("marketing", True)
            world.now += 1
        setting(world)
        followup = world.wants(send_class, about=about)
        world.outcome(followup)
        return str(followup)

    return produce


def never_allowed(world: World) -> str:
    followup = world.wants(MARKETING)
    world.outcome(followup)
    return str(followup)


def week(world: World) -> None:
    world.hub.settings.contact_budget_week = 2
    world.sent_before(2, trigger="other")
    world.sql("UPDATE followup SET sent_at = {p}", NINE - 3 * DAY)


def long_day(world: World) -> None:
    """The last half hour of a day that has 25."""
    world.hub.settings.time_zone = "Europe/Madrid"
    world.hub.settings.quiet_from = world.hub.settings.quiet_until = 0
    midnight = clock.from_datetime(datetime.fromisoformat("2026-10-25T00:00:00+02:00"))
    world.sent_before(3, trigger="other")
    world.sql("UPDATE followup SET sent_at = {p}", midnight + 1)
    world.now = midnight + 24 * HOUR + HOUR // 2


def handle_becomes(value: str) -> Callable[[World], str]:
    """A message that was made ready, and whose handle is found to be another by the time it is tried again."""

    def produce(world: World) -> str:
        first = world.wants(SendClass.TRANSACTIONAL)
        assert world.outcome(first)[0] == "sent"
        followup = world.wants(SERVICE, trigger="other")
        world.sql(
            "UPDATE followup SET prepared = (SELECT prepared FROM followup WHERE state = 'sent') WHERE id = {p}",
            followup,
        )
        world.sql("UPDATE identity SET value = {p}", value)
        world.outcome(followup)
        return str(followup)

    return produce


def too_late(world: World) -> str:
    followup = world.wants(SERVICE)
    world.now += 25 * HOUR
    world.outcome(followup)
    return str(followup)


def subject(world: World) -> None:
    for number in range(2):
        about = world.writes(thread=Thread(key=f"other {number}"))
        world.sent_before(1, trigger=f"other {number}", about=about)
    world.hub.settings.contact_budget = 100


def rungs(world: World) -> None:
    world.hub.settings.contact_budget = world.hub.settings.contact_budget_week = 1000
    world.sent_before(60, trigger="other")
    world.sql("UPDATE followup SET sent_at = {p}", NINE - HOUR // 4)


def this_trigger_answered(world: World) -> None:
    about = world.writes(thread=Thread(key="earlier"))
    world.sent_before(1, trigger=world.trigger, about=about)


def answers_an_answer(world: World) -> str:
    first = world.wants(SERVICE)
    assert world.outcome(first)[0] == "sent"
    [(ours,)] = world.sql("SELECT interaction_id FROM followup WHERE id = {p}", first)
    back = world.writes(thread=Thread(key="somewhere else"))
    world.sql("UPDATE interaction SET answers_id = {p} WHERE id = {p}", ours, back)
    followup = world.wants(SERVICE, about=back, trigger="other")
    world.outcome(followup)
    return str(followup)


WAITS = {"fired": 0, "moved_on": 0, "restarted": 0, "not_addressed": 0, "trigger changed": 0}
PRODUCED: dict[str, Callable[[World], str]] = {
    "history that was imported starts nothing": imported,
    "late: it happened longer ago than this trigger's lateness": late,
    "once per {limit}": once,
    "a chain of more than {n} triggers stops": chain,
    "storm: the trigger reached its limit and paused itself: {n} decisions in an hour": decision_storm,
    "trigger: its trigger is not live any more, it is {state}": held(guards.trigger_paused, SERVICE),
    "consent: they asked not to be written to": held(guards.nobody_may_write, SERVICE),
    "consent: they never allowed marketing": never_allowed,
    "consent: they refused marketing": held(guards.marketing_refused, MARKETING),
    "consent: a service message answers something they wrote; this answers nothing of theirs": held(guards.nothing, SERVICE, ""),
    "suppression: this handle is suppressed: {why}": held(guards.suppressed, SERVICE),
    "suppression: {handle} is one of our own addresses": handle_becomes("help@hub.example"),
    "suppression: nobody reads {handle}": handle_becomes("noreply@example.org"),
    "budget: they had {n} automatic messages in 24 hours, over all channels": held(guards.budget_used_up, SERVICE),
    "budget: they had {n} automatic messages today, over all channels": held(long_day, MARKETING, ""),
    "budget: they had {n} automatic messages in 7 days, over all channels": held(week, SERVICE),
    "budget: this trigger wrote to them within 24 hours": held(guards.this_trigger_wrote, SERVICE),
    "quiet hours: it is {time} where they are": held(guards.late_in_the_evening, SERVICE),
    "loop: it would answer a machine ({why})": held(guards.answering_a_machine, SERVICE),
    "loop: this conversation had an automatic message within 24 hours": held(guards.this_conversation_had_one, SERVICE),
    "loop: it would answer what answers an automatic message of ours": answers_an_answer,
    "loop: this trigger answered them within 24 hours": held(this_trigger_answered, SendClass.TRANSACTIONAL),
    "loop: they had {n} automatic answers in 3 hours, {m} under this subject": held(subject, SERVICE),
    "loop: they had {n} automatic messages in {m} minutes, {k} in this conversation": held(rungs, MARKETING, ""),
    "storm: the trigger reached its limit and paused itself: {n} messages in an hour": held(guards.storm, SERVICE),
    "approval: it waits for somebody's approval": held(guards.approval_wanted, SERVICE),
    "it was due too long ago to be welcome": too_late,
}  # fmt: skip
#: Those that other tests produce, and why not here.
ELSEWHERE = {
    "we caused it ourselves by this trigger": "its filter passes over it before; core/test_verdicts.py asks the rule alone",
    "loop: {n} strangers at {domain} had automatic answers within 24 hours": "core/test_loops.py",
    "ended": "core/test_silence_of_ours.py",
    "resting": "core/test_silence_of_ours.py",
}


def test_there_is_a_test_for_every_reason() -> None:
    assert {reason for _, reason, _ in LISTED} == set(PRODUCED) | set(ELSEWHERE) | set(WAITS)


@on_sqlite
@pytest.mark.parametrize("reason", PRODUCED)
def test_a_reason_is_kept_and_said_in_both_languages(world: World, reason: str) -> None:
    # Given something that was held back
    reference = PRODUCED[reason](world)

    # When somebody asks why, in English and in Spanish
    with world.hub.store.read() as session:
        english, spanish = (why(session, reference, language=language) for language in ("en", "es"))
    said = english if english.reason else english.followups[0]
    stored = said.reason

    # Then it is this reason, and both paragraphs say it
    assert re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+", re.escape(reason)).replace("s\\ in", "s?\\ in"), stored), stored
    assert worded(said.because, "en") in english.summary
    assert worded(said.because, "es") in spanish.summary
    assert stored not in spanish.summary


SKIPS, HELD = (
    "storm: the trigger reached its limit and paused itself: {n} decisions in an hour",
    "consent: they never allowed marketing",
)


@on_sqlite
@pytest.mark.parametrize("reason", [SKIPS, HELD])
def test_a_reason_is_shown_over_http(world: World, door: TestClient[Application], reason: str) -> None:
    reference = PRODUCED[reason](world)

    listed = (
        door.get("/v1/decisions?verdict=skipped").json()["decisions"] + door.get("/v1/followups").json()["followups"]
    )
    told = {language: door.get(f"/v1/why/{reference}?language={language}").json() for language in ("en", "es")}

    [found] = [Reason(each["reason_code"], each["reason_values"]) for each in listed if each["id"] == reference]
    assert worded(found, "en") in told["en"]["summary"]
    assert worded(found, "es") in told["es"]["summary"]


EDITED = TASK.replace("watch", "wait").replace(
    "{did: {kind: message}}", "{silence: {of: them, after: {kind: message}, for: 2h}}"
)


@on_sqlite
def test_how_a_wait_ended_is_shown_and_said_in_both_languages(world: World, door: TestClient[Application]) -> None:
    # Given Ann, who writes twice, after whom nobody looks in time; and a trigger that is edited, another for nobody
    world.watches(EDITED)
    world.watches(EDITED.replace("wait", "nobody") + "who: \"'nobody' in tags\"\n")
    world.watches(
        TASK.replace("watch", "answer").replace(
            "{did: {kind: message}}", "{silence: {of: us, after: {kind: message}, for: 8h, rearm: last}}"
        )
    )
    world.writes(text="First")
    world.now += HOUR
    world.writes(text="Second")
    world.now += HOUR
    with world.hub.store.write() as session:
        inbox = guards.connected.ref(guards.connected.named(session, "inbox"))
        ours = InteractionFactory.build(ours=True, occurred_at=clock.to_datetime(world.now))
        record_batch(session, [RecordingFactory.build(account=inbox, what=ours)])
    world.now += 7 * HOUR
    handlers.drain(world.hub)
    world.writes(text="Third")
    with world.hub.store.write() as session:
        trigger_store.save(session, EDITED.replace("2h", "3h"), made_by="Cleo", override="a test")

    # When somebody looks at her waits
    asked = [
        door.get(f"/v1/people/{ANN}/waits", params={"language": language, "state": "closed"}).json()["waits"]
        for language in ("en", "es")
    ]

    # Then each way to end is there, in both languages
    assert {wait["reason"] for wait in asked[0]} == set(WAITS)
    assert {wait["said"] for wait in asked[0]} == {worded(read(reason), "en") for reason in WAITS}
    assert {wait["said"] for wait in asked[1]} == {worded(read(reason), "es") for reason in WAITS}
    assert not set(WAITS) & {wait["said"] for wait in asked[1]}


@on_sqlite
def test_waits_come_in_pages_and_by_state(world: World, door: TestClient[Application]) -> None:
    world.watches(EDITED)
    for minute in range(3):
        world.now += minute
        world.writes(text=f"{minute}")
    asked = f"/v1/people/{ANN}/waits"

    first = door.get(asked, params={"limit": "2"}).json()
    rest = door.get(asked, params={"limit": "2", "cursor": first["next"]}).json()

    assert [len(first["waits"]), len(rest["waits"]), rest["next"]] == [2, 1, None]
    assert [wait["state"] for wait in first["waits"] + rest["waits"]].count("armed") == 1
    assert len(door.get(asked, params={"state": "armed"}).json()["waits"]) == 1
    assert door.get(f"/v1/people/{BEN}/waits").status_code == 404


@pytest.mark.parametrize(("code", "english", "spanish"), LISTED)
def test_the_page_lists_every_reason_in_both_languages(code: str, english: str, spanish: str) -> None:
    about = english.partition(": ")[0]
    values: dict[str, Any] = {name: f"{{{name}}}" for name in re.findall(r"\{(\w+)\}", english)}
    reason = Reason(code, values | ({"about": about} if about in HEADS else {}))

    assert english in (
        code.replace("trigger_changed", "trigger changed"),
        worded(reason, "en"),
    )  # a wait is shown by its code
    assert spanish == worded(reason, "es")

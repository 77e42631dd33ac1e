"""Why, beyond what counted: chance, what led here and on, who else looked, ways not taken, and what still waits."""

import pytest
from sqlmodel import Session

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import AccessScope
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR, MINUTE
from kinline.decide import facts
from kinline.errors import NotFound
from kinline.hub import Hub
from kinline.identity import attributes, merges, persons
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, CLEO, InteractionFactory, RecordingFactory
from kinline.triggers.experiments import Experiment
from kinline.why.explain import waits, why
from kinline.why.explanation import Why
from kinline.why.wait_list import WaitShown
from kinline.words import Track, TriggerState
from settable import NINE, Time

#: What is said is put together the same way whatever the database.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

QUIET = """
name: quiet
about: Nobody of us answered for two hours.
when: {silence: {of: us, after: {kind: message, direction: inbound}, for: 2h}}
do: [{message: {class: service, text: "We saw it."}}]
"""
HELLO = """
name: hello
about: Somebody wrote.
when: {did: {kind: message, direction: inbound}}
do: [{message: {class: service, text: "Hello."}}]
"""
NOTE = """
name: note
about: Somebody wrote; a person should know.
when: {did: {kind: message, direction: inbound}}
do: [{task: {team: care, title: Look}}]
"""
TONE = NOTE + "experiment: {name: tone, hold_out: 50%, outcome: {did: {kind: order}, within: 30d}}\n"


def live(hub: Hub, *texts: str, state: TriggerState = TriggerState.LIVE) -> None:
    with hub.store.write() as session:
        for text in texts:
            row, _ = trigger_store.save(session, text, made_by="Cleo")
            trigger_store.set_state(session, row.name, state, override="a test")


def happens(hub: Hub, inbox: AccountRef, *what: Interaction) -> list[str]:
    with hub.store.write() as session:
        made = record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in what])
    handlers.drain(hub)
    return [str(each.interaction_id) for each in made]


def writes(**more: object) -> Interaction:
    return InteractionFactory.build(occurred_at=clock.to_datetime(clock.now()), **more)


def decision(hub: Hub, trigger: str) -> str:
    with hub.store.read() as session:
        statement = "SELECT d.id FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = {p} ORDER BY d.at, d.id"
        return str(sql.run(session, statement, trigger)[0][0])


def explained(
    hub: Hub, reference: str, language: str = "en", zone: str = "UTC", reader: AccessScope | None = None
) -> Why:
    with hub.store.read() as session:
        return why(session, reference, language=language, zone=zone, reader=reader or AccessScope())


def ann(session: Session) -> str:
    return persons.find(session, str(ANN))


def awaited(hub: Hub, language: str = "en", reader: AccessScope | None = None) -> list[WaitShown]:
    with hub.store.read() as session:
        found = waits(session, ann(session), state="armed", language=language, reader=reader or AccessScope())
    return sorted((each for _, each in found if each), key=lambda wait: wait.due_at)


@on_sqlite
@pytest.mark.parametrize(("arm", "language", "sentence"), [
    ("hold-out", "en", "In the experiment “tone” chance gave them nothing, so that the others can be compared with somebody."),
    ("hold-out", "es", "En el experimento «tone», el azar no le asignó nada, para poder comparar con alguien a las demás personas."),
    ("acted", "en", "In the experiment “tone” chance gave them “acted”."),
    ("acted", "es", "En el experimento «tone», el azar le asignó «acted»."),
])  # fmt: skip
def test_the_arm_that_chance_gave_is_told(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, arm: str, language: str, sentence: str
) -> None:
    monkeypatch.setattr(Experiment, "arm_of", lambda _, person: arm)
    live(hub, TONE)
    happens(hub, inbox, writes())

    told = explained(hub, decision(hub, "note"), language)

    assert told.experiment is not None
    assert (told.experiment.experiment, told.experiment.arm, told.experiment.first) == ("tone", arm, None)
    assert told.verdict == ("skipped" if arm == "hold-out" else "fired")
    assert sentence in told.summary


@on_sqlite
def test_a_hold_out_is_told_in_good_spanish(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Experiment, "arm_of", lambda _, person: "hold-out")
    live(hub, TONE)
    happens(hub, inbox, writes(text="¿Dónde está?"))

    assert explained(hub, decision(hub, "note"), "es", "Europe/Madrid").summary == (
        "El 2 de marzo de 2026 a las 10:00 CET, el disparador «note» se habría activado para ann@example.org, pero no llegó "
        "a actuar: Somebody wrote; a person should know. Lo que se tuvo en cuenta: email:ann@example.org escribió (Email, 2 "
        "de marzo de 2026 a las 10:00 CET): “¿Dónde está?”. El motivo anotado: grupo de control: esta persona no recibe "
        "nada, para poder comparar con ella a las demás. En el experimento «tone», el azar no le asignó nada, para poder "
        "comparar con alguien a las demás personas."
    )


def test_what_other_triggers_decided_about_the_same_thing_is_told(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given two triggers that answer whoever writes, and one in shadow
    live(hub, HELLO, NOTE)
    live(hub, NOTE.replace("name: note", "name: quietly"), state=TriggerState.SHADOW)
    happens(hub, inbox, writes())

    # When one decision is explained
    told = explained(hub, decision(hub, "note"))

    # Then the others stand beside it, as they ended
    assert sorted((one.trigger, one.verdict, one.same) for one in told.considered) == [
        ("hello", "fired", True), ("quietly", "shadowed", True),
    ]  # fmt: skip
    assert "Other triggers looked at about the same time: " in told.summary
    assert "“quietly” would have fired, but is in shadow" in told.summary
    assert "«quietly» se habría activado, pero está en sombra" in explained(hub, decision(hub, "note"), "es").summary


def test_what_was_decided_long_before_is_not_told(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, HELLO, NOTE)
    happens(hub, inbox, writes())
    time.now = NINE + 2 * HOUR
    happens(hub, inbox, writes(text="And now?"))

    assert [one.trigger for one in explained(hub, decision(hub, "note")).considered] == ["hello"]


def test_others_see_no_decisions_about_what_they_may_not_read(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, HELLO, NOTE)
    happens(hub, inbox, writes())

    assert explained(hub, decision(hub, "note"), reader=AccessScope(frozenset())).considered == []
    assert len(explained(hub, decision(hub, "note"), reader=AccessScope(frozenset({inbox.id}))).considered) == 1


def test_a_cascade_is_told_with_its_depth(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a greeting, and a trigger that looks at what we send
    live(hub, HELLO, NOTE.replace("inbound", "outbound, automatic: any").replace("note", "sent"))
    happens(hub, inbox, writes())

    # Then each end tells of the other
    last, first = explained(hub, decision(hub, "sent")), explained(hub, decision(hub, "hello"))
    assert last.cascade is not None
    assert (last.cascade.triggers, last.cascade.depth, last.cascade.stopped) == (["hello", "sent"], 2, False)
    assert "Triggers led here one after the other: hello → sent (2 of 3 at most)." in last.summary
    assert [(one.trigger, one.verdict) for one in first.led_to] == [("sent", "fired")]
    assert "It led to more: “sent” fired." in first.summary
    assert "Tuvo más consecuencias: «sent» se activó." in explained(hub, decision(hub, "hello"), "es").summary


@on_sqlite
def test_where_a_cascade_stopped_is_told(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a hub in which no trigger may follow another
    monkeypatch.setattr("kinline.decide.verdicts.DEEPEST", 1)
    monkeypatch.setattr("kinline.why.context.DEEPEST", 1)
    live(hub, HELLO, NOTE.replace("inbound", "outbound, automatic: any").replace("note", "sent"))
    happens(hub, inbox, writes())

    told = explained(hub, decision(hub, "sent"))

    assert (told.verdict, told.reason) == ("skipped", "a chain of more than 1 trigger stops")
    assert told.cascade is not None
    assert (told.cascade.depth, told.cascade.stopped) == (2, True)
    assert "The reason noted: a chain of more than 1 trigger stops." in told.summary
    assert "so it stopped here" in told.summary
    assert "una cadena de más de 1 disparador se detiene" in explained(hub, decision(hub, "sent"), "es").summary


def test_the_ways_that_were_not_taken_are_told_as_they_were(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann with two addresses, who is written to where she wrote
    live(hub, HELLO)
    happens(hub, inbox, writes(author=CLEO, source_id="x"), writes(source_id="mail"))
    told = explained(hub, decision(hub, "hello"))
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "second", {"address": "sales@hub.example"})

    # When she writes again, and another account is there by now
    time.now = NINE + 2 * DAY
    happens(hub, inbox, writes(text="Anybody?", source_id="again"))
    with hub.store.read() as session:
        [(newest,)] = sql.run(session, "SELECT id FROM followup ORDER BY created_at DESC LIMIT 1")
    later = explained(hub, newest)

    # Then the first explanation knows one way, and the second both, and why
    assert all([way.taken for way in message.ways] == [True] for message in told.followups)
    assert [(way.channel, way.account, way.handle, way.taken, way.why) for way in later.followups[0].ways] == [
        ("email", "inbox", "email:ann@example.org", True, "they wrote there, and it answers that"),
        ("email", "second", "email:ann@example.org", False, "it answers where they wrote"),
    ]
    assert "The message took Email because they wrote there, and it answers that." in later.summary
    assert "Other ways to them were there: Email to ann@example.org (it answers where they wrote)." in later.summary
    assert "El mensaje fue por Email porque escribió allí, y es la respuesta." in explained(hub, newest, "es").summary
    assert (
        explained(hub, newest, reader=AccessScope(frozenset({inbox.id}))).followups[0].ways
        == later.followups[0].ways[:1]
    )


def test_a_wait_says_when_we_look_again_and_what_for(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann's message at nine, which nobody answered yet
    live(hub, QUIET)
    [asked] = happens(hub, inbox, writes(text="Hello?"))

    # When somebody asks what waits
    [found] = awaited(hub)

    # Then it is told, and can be explained like everything else
    assert (found.trigger, found.state, found.due_at) == ("quiet", "armed", "2026-03-02T11:00:00Z")
    assert [one.id for one in found.interactions] == [asked]
    assert found.told == (
        "We will look again on 2 March 2026 at 11:00 UTC: if nothing comes between, the trigger “quiet” fires for "
        "ann@example.org: Nobody of us answered for two hours. What counted: email:ann@example.org wrote (Email, 2 March "
        "2026 at 09:00 UTC): “Hello?”. Since 2 March 2026 at 09:00 UTC we look for anything that one of us did towards the "
        "person; if that comes before 2 March 2026 at 11:00 UTC, nothing happens."
    )
    assert awaited(hub, "es")[0].told == (
        "El 2 de marzo de 2026 a las 11:00 UTC volveremos a mirar: si hasta entonces no llega nada, el disparador «quiet» "
        "se activará para ann@example.org: Nobody of us answered for two hours. Lo que se tuvo en cuenta: "
        "email:ann@example.org escribió (Email, 2 de marzo de 2026 a las 09:00 UTC): “Hello?”. Desde el 2 de marzo de 2026 "
        "a las 09:00 UTC buscamos cualquier cosa nuestra dirigida a esa persona; si llega antes del 2 de marzo de 2026 a "
        "las 11:00 UTC, no pasará nada."
    )
    assert (explained(hub, found.id).sort, explained(hub, found.id).summary) == ("wait", found.told)


def test_a_wait_that_is_over_says_why(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, QUIET)
    happens(hub, inbox, writes())
    [found] = awaited(hub)
    time.now = NINE + HOUR
    happens(hub, inbox, writes(ours=True, text="On it"))
    time.now = NINE + 3 * HOUR
    handlers.drain(hub)

    assert awaited(hub) == []
    told = explained(hub, found.id)
    assert (told.verdict, told.reason) == ("waited", "moved_on")
    assert "The reason noted: something came that broke it." in told.summary
    assert "El motivo anotado: llegó algo que rompió el silencio." in explained(hub, found.id, "es").summary


@on_sqlite
def test_a_wait_of_a_trigger_that_does_not_look_is_told_as_far_as_it_is_known(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub, QUIET)
    happens(hub, inbox, writes())
    with hub.store.write() as session:
        trigger_store.set_state(session, "quiet", TriggerState.PAUSED)

    [found] = awaited(hub)

    assert (found.trigger, found.absences) == ("quiet", [])
    assert found.told.startswith("We will look again on 2 March 2026 at 11:00 UTC")


def test_waits_follow_a_merge_and_stay_hidden_from_who_may_not_read(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, QUIET)
    happens(hub, inbox, writes(author=CLEO))
    happens(hub, inbox, writes())
    with hub.store.write() as session:
        merges.merge(session, ann(session), persons.find(session, str(CLEO)), evidence={}, made_by="Ben")
    handlers.drain(hub)

    assert len(awaited(hub)) >= 1
    assert awaited(hub, reader=AccessScope(frozenset())) == []
    with pytest.raises(NotFound):
        explained(hub, awaited(hub)[0].id, reader=AccessScope(frozenset()))


ZONES = {
    ("en", "America/New_York"): "On 1 March 2026 at 20:30 EST,",
    ("es", "America/New_York"): "El 1 de marzo de 2026 a las 20:30 EST,",
    ("es", "Europe/London"): "El 2 de marzo de 2026 a la 01:30 GMT,",
    ("en", "Asia/Kathmandu"): "On 2 March 2026 at 07:15 +0545,",
}


@on_sqlite
@pytest.mark.parametrize(("language", "zone"), ZONES)
def test_times_are_those_of_the_readers_clock(
    hub: Hub, inbox: AccountRef, time: Time, language: str, zone: str
) -> None:
    time.now = NINE - 7 * HOUR - 30 * MINUTE
    live(hub, NOTE)
    happens(hub, inbox, writes())

    assert explained(hub, decision(hub, "note"), language, zone).summary.startswith(ZONES[language, zone])


@on_sqlite
def test_what_was_read_of_the_person_is_told(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, NOTE + "who: \"'vip' in tags and business == 'none'\"\n")
    happens(hub, inbox, InteractionFactory.build(kind="reaction"))
    with hub.store.write() as session:
        facts.tag(session, ann(session), "vip", by="Ben")
        attributes.state(session, ANN.id, "city", "Kyiv", source="Ben", at=clock.now())
    time.now += MINUTE
    happens(hub, inbox, writes())

    assert (
        "At that moment the business stage was “none” and the tags were vip."
        in explained(hub, decision(hub, "note")).summary
    )
    assert (
        "la etapa comercial era «none» y las etiquetas eran vip" in explained(hub, decision(hub, "note"), "es").summary
    )


@on_sqlite
def test_a_move_is_named_for_what_it_is(hub: Hub, inbox: AccountRef, time: Time) -> None:
    happens(hub, inbox, writes())
    with hub.store.write() as session:
        moved = facts.move(session, ann(session), Track.BUSINESS, "lead", by="Ben")

    assert "the business stage became “lead”" in explained(hub, moved).summary
    assert "la etapa comercial pasó a ser «lead»" in explained(hub, moved, "es").summary

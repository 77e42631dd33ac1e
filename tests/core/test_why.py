"""Why: what we did explains itself, in data and in words, to whoever may know."""

import msgspec
import pytest

from kinline import clock, handlers, ids
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import AccessScope
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.errors import NotFound
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import consents, merges, persons
from kinline.messages import Deletion, Interaction
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, CLEO, MORNING, InteractionFactory, RecordingFactory, minutes
from kinline.why.explain import why
from kinline.why.explanation import Why
from kinline.words import Kind, Origin, SendClass, TriggerState
from settable import NINE, Time

RESCUE = """
name: rescue
about: Somebody complained and we have been silent for two hours.
when:
  silence:
    of: us
    after: {kind: message, direction: inbound, where: "text.contains('broken')"}
    for: 2h
do:
  - task: {team: support, title: "{{ person.name }} waits"}
  - message: {class: service, text: "We saw it."}
limits: {once_per: conversation}
"""


def happens(hub: Hub, inbox: AccountRef, *what: Interaction | Deletion, origin: Origin = Origin.LIVE) -> list[str]:
    with hub.store.write() as session:
        recordings = [
            RecordingFactory.build(account=inbox, what=each, origin=origin, arrived_at=clock.now()) for each in what
        ]
        outcomes = record_batch(session, recordings)
    handlers.drain(hub)
    return [str(outcome.interaction_id) for outcome in outcomes]


def complaint(text: str = "My parcel is broken", **more: object) -> Interaction:
    return InteractionFactory.build(text=text, source_id="complaint", **more)


def silent(hub: Hub, inbox: AccountRef, time: Time, *what: Interaction) -> list[str]:
    """A trigger, a complaint at nine, and two hours in which nobody answers. Returns the interactions."""
    with hub.store.write() as session:
        trigger_store.save(session, RESCUE, made_by="Cleo")
        trigger_store.set_state(session, "rescue", TriggerState.LIVE, override="a test")
    happened = happens(hub, inbox, *(what or (complaint(),)))
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)
    return happened


def only(hub: Hub, statement: str) -> str:
    with hub.store.read() as session:
        [(found,)] = sql.run(session, statement)
    return str(found)


def explained(hub: Hub, reference: str, language: str = "en", reader: AccessScope | None = None) -> Why:
    with hub.store.read() as session:
        return why(session, reference, language=language, reader=reader or AccessScope())


def test_a_decision_names_what_counted_and_what_was_missed(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a complaint of Ann's at nine that nobody answered until eleven
    [asked] = silent(hub, inbox, time)

    # When somebody asks why we wrote to her
    told = explained(hub, only(hub, "SELECT id FROM decision"))

    # Then the trigger, the complaint and the silence are named
    assert told.trigger is not None
    assert (told.trigger.name, told.trigger.version, told.trigger.override) == ("rescue", 1, "a test")
    assert (told.verdict, told.at) == ("fired", "2026-03-02T11:00:00Z")
    assert [(one.id, one.at, one.channel, one.text) for one in told.interactions] == [
        (asked, "2026-03-02T09:00:00Z", "email", "My parcel is broken")
    ]
    [missed] = told.absences
    assert (missed.of, missed.since, missed.until) == ("us", "2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z")
    assert [one.handle for one in told.identities] == ["email:ann@example.org"]


def test_a_decision_tells_what_came_of_it(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time)

    told = explained(hub, only(hub, "SELECT id FROM decision"))

    assert [(task.team, task.title, task.state) for task in told.tasks] == [
        ("support", "ann@example.org waits", "open")
    ]
    [message] = told.followups
    assert (message.state, message.to, message.send_class) == ("sent", "email:ann@example.org", "service")
    assert message.text == "We saw it."
    assert [(one.number, one.outcome) for one in message.attempts] == [(1, "sent")]


def test_message_task_and_decision_give_the_same_explanation(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time)
    decision = explained(hub, only(hub, "SELECT id FROM decision"))

    for table in ("followup", "task"):
        other = explained(hub, only(hub, f"SELECT id FROM {table}"))
        assert msgspec.structs.replace(other, reference=decision.reference, sort="decision") == decision
    ours = explained(hub, only(hub, "SELECT interaction_id FROM followup"))
    assert (ours.sort, ours.summary) == ("interaction", decision.summary)


def test_it_reads_like_sentences(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time)

    assert explained(hub, only(hub, "SELECT id FROM decision")).summary == (
        "On 2 March 2026 at 11:00 UTC, the trigger “rescue” fired for ann@example.org: Somebody complained and we have "
        "been silent for two hours. What counted: email:ann@example.org wrote (Email, 2 March 2026 at 09:00 UTC): “My "
        "parcel is broken”. From 2 March 2026 at 09:00 UTC to 2 March 2026 at 11:00 UTC we looked for anything that one "
        "of us did towards the person, and there was nothing. What came of it: a task for support, “ann@example.org "
        "waits” (open) and a service message (Email) to ann@example.org, sent on 2 March 2026 at 11:00 UTC."
    )


@pytest.mark.parametrize("language", ["es", "es-AR", "ES"])
def test_it_reads_in_spanish(hub: Hub, inbox: AccountRef, time: Time, language: str) -> None:
    silent(hub, inbox, time)

    told = explained(hub, only(hub, "SELECT id FROM decision"), language)

    assert told.summary.startswith("El 2 de marzo de 2026 a las 11:00 UTC, el disparador «rescue» se activó para")
    assert "buscamos cualquier cosa nuestra dirigida a esa persona, y no hubo nada" in told.summary


def test_languages_we_do_not_speak_are_answered_in_english(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time)
    decision = only(hub, "SELECT id FROM decision")

    assert explained(hub, decision, "tlh").summary == explained(hub, decision).summary


def test_what_was_held_back_says_by_what(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, who asked not to be written to
    happens(hub, inbox, InteractionFactory.build())
    with hub.store.write() as session:
        consents.state(session, ANN.id, "*", False, evidence={"said": "on the phone"})

    # When a trigger wants to write to her
    silent(hub, inbox, time)

    # Then the explanation says what stopped it
    [message] = explained(hub, only(hub, "SELECT id FROM decision")).followups
    assert (message.state, message.sent_at) == ("cancelled", None)
    assert message.reason == "consent: they asked not to be written to"
    told = explained(hub, only(hub, "SELECT id FROM followup"))
    assert "which was held back (consent: they asked not to be written to)" in told.summary


def test_a_skipped_decision_says_why_it_was_skipped(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        text = "name: rescue\nabout: A test.\nwhen: {did: {kind: message}}\ndo: [{task: {team: care, title: Look}}]\n"
        trigger_store.save(session, text, made_by="Cleo")
        trigger_store.set_state(session, "rescue", TriggerState.LIVE, override="a test")
    happens(hub, inbox, complaint(), origin=Origin.IMPORT)

    told = explained(hub, only(hub, "SELECT id FROM decision"))

    assert (told.verdict, told.followups, told.tasks) == ("skipped", [], [])
    assert "would have fired" in told.summary
    assert "The reason noted: history that was imported starts nothing." in told.summary


def test_the_merges_that_it_relied_on_are_told_with_their_evidence(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann and an X account that somebody found to be hers
    happens(hub, inbox, InteractionFactory.build(), InteractionFactory.build(author=CLEO))
    with hub.store.write() as session:
        pair = persons.find(session, str(ANN)), persons.find(session, str(CLEO))
        line = merges.merge(session, *pair, evidence={"by": "phone"}, made_by="Ben")
    handlers.drain(hub)

    # When she complains and we are silent
    silent(hub, inbox, time)

    # Then the merge stands in the explanation, also after it was undone
    decision = only(hub, "SELECT id FROM decision")
    [joined] = explained(hub, decision).merges
    assert (joined.id, joined.by, joined.evidence) == (line.id, "Ben", {"by": "phone"})
    assert (joined.one, joined.other) == (["email:ann@example.org"], ["x_id:300"])
    assert "Ben said that ann@example.org and X 300 are the same person" in explained(hub, decision).summary
    with hub.store.write() as session:
        merges.undo(session, line.id, made_by="Ben")
    [undone] = explained(hub, decision).merges
    assert undone.undone_at == "2026-03-02T11:00:00Z"
    assert "Ben said" not in explained(hub, decision).summary


def test_a_merge_explains_itself(hub: Hub, inbox: AccountRef) -> None:
    happens(hub, inbox, InteractionFactory.build(), InteractionFactory.build(author=CLEO))
    with hub.store.write() as session:
        pair = persons.find(session, str(ANN)), persons.find(session, str(CLEO))
        line = merges.merge(session, *pair, evidence={"reason": "she told me"}, made_by="Ben")

    told = explained(hub, line.id)

    assert (told.sort, told.by, [one.other for one in told.merges]) == ("merge", "Ben", [["x_id:300"]])
    assert told.summary == (
        "That this is one person we know, because Ben said that ann@example.org and X 300 are the same person "
        "(2 March 2026 at 09:00 UTC): “she told me”."
    )


def test_a_merge_that_was_undone_says_who_undid_it_in_both_languages(hub: Hub, inbox: AccountRef) -> None:
    happens(hub, inbox, InteractionFactory.build(), InteractionFactory.build(author=CLEO))
    with hub.store.write() as session:
        pair = persons.find(session, str(ANN)), persons.find(session, str(CLEO))
        line = merges.merge(session, *pair, evidence={"proof": "trusted account", "account": "shop"}, made_by="shop")
        merges.undo(session, line.id, made_by="Dana")

    assert explained(hub, line.id).summary == (
        "That this is one person we know, because shop, which is trusted for it, says that ann@example.org and X 300 are "
        "the same person (2 March 2026 at 09:00 UTC). Dana undid that on 2 March 2026 at 09:00 UTC: they are two again, as "
        "far as nothing else joins them."
    )
    assert "Dana lo deshizo el" in explained(hub, line.id, "es").summary


def test_a_stage_move_is_explained_by_its_decision(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
    happens(hub, inbox, InteractionFactory.build(kind=Kind.ORDER))

    told = explained(hub, only(hub, "SELECT id FROM stage"))

    assert told.sort == "stage"
    assert [(move.track, move.stage, move.at) for move in told.moves] == [
        ("business", "customer", "2026-03-02T09:00:00Z")
    ]
    assert told.read == {"person.business": "none"}
    assert "At that moment the business stage was “none”." in told.summary


def test_what_a_human_wrote_names_the_human_and_what_it_answers(hub: Hub, inbox: AccountRef, time: Time) -> None:
    [asked] = happens(hub, inbox, InteractionFactory.build())
    with hub.store.write() as session:
        draft = Draft(
            id=ids.new(), person_id=persons.find(session, str(ANN)), send_class=SendClass.HUMAN, text="On its way.",
            made_by="Ben", about=asked,
        )  # fmt: skip
        assert plan(hub, session, draft) == ""
    handlers.drain(hub)

    told = explained(hub, draft.id)

    assert (told.by, told.trigger, told.decision) == ("Ben", None, None)
    assert [one.id for one in told.interactions] == [asked]
    assert told.summary.startswith("Ben wrote this by hand, on 2 March 2026 at 09:00 UTC.")


def test_what_people_did_has_no_why(hub: Hub, inbox: AccountRef) -> None:
    [theirs] = happens(hub, inbox, InteractionFactory.build())

    with pytest.raises(NotFound) as refused:
        explained(hub, theirs)
    assert refused.value.code == "not_ours"
    with pytest.raises(NotFound) as refused:
        explained(hub, "0" * 32)
    assert refused.value.code == "nothing_to_explain"


def test_who_may_not_read_an_account_sees_that_something_counted_and_not_what(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    [asked] = silent(hub, inbox, time)

    told = explained(hub, only(hub, "SELECT id FROM decision"), reader=AccessScope(frozenset()))

    assert [(one.id, one.hidden, one.text, one.by) for one in told.interactions] == [(asked, True, "", "")]
    [message] = told.followups
    assert (message.text, message.to, message.state) == ("", "", "sent")
    assert "broken" not in msgspec.json.encode(told).decode()


def test_what_was_deleted_since_is_not_shown_again(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time)
    happens(hub, inbox, Deletion(source_id="complaint"))

    told = explained(hub, only(hub, "SELECT id FROM decision"))

    assert [(one.deleted, one.text) for one in told.interactions] == [(True, "")]
    assert "broken" not in told.summary


def test_braces_in_what_people_wrote_are_text(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time, complaint("broken {at} {0} {by.__class__} %s {{"))

    assert "“broken {at} {0} {by.__class__} %s {{”" in explained(hub, only(hub, "SELECT id FROM decision")).summary


def test_a_long_text_is_cut(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time, complaint("broken " * 10_000))

    [one] = explained(hub, only(hub, "SELECT id FROM decision")).interactions
    assert len(one.text) <= 280
    assert one.text.endswith("broken…")


def test_an_unproved_line_is_told_as_such(hub: Hub, inbox: AccountRef, time: Time) -> None:
    silent(hub, inbox, time, complaint(claimed=True, author=BEN))

    told = explained(hub, only(hub, "SELECT id FROM decision"))

    assert told.proved is False
    assert "Somebody only says that they are this person" in told.summary


def test_a_message_waiting_for_the_morning_says_so(hub: Hub, inbox: AccountRef, time: Time) -> None:
    evening = MORNING + minutes(690)
    time.now = clock.from_datetime(evening)
    with hub.store.write() as session:
        trigger_store.save(session, RESCUE, made_by="Cleo")
        trigger_store.set_state(session, "rescue", TriggerState.LIVE, override="a test")
    happens(hub, inbox, complaint(occurred_at=evening))
    time.now += 2 * HOUR
    handlers.drain(hub)

    told = explained(hub, only(hub, "SELECT id FROM decision"))

    assert [one.state for one in told.followups] == ["pending"]
    assert told.followups[0].due_at == clock.to_text(NINE + DAY - HOUR)
    assert "still waiting (quiet hours: it is 22:30 where they are)" in told.summary

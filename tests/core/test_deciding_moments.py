"""Stages, dates and receipts start what was asked for, on a real store."""

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.decide import facts
from kinline.hub import Hub
from kinline.identity import attributes, persons
from kinline.messages import Interaction, Receipt
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, InteractionFactory, RecordingFactory
from kinline.words import Kind, Origin, Track, TriggerState
from settable import NINE, Time


def live(hub: Hub, when: str, do: str = "task: {team: care, title: Look}", name: str = "look") -> None:
    with hub.store.write() as session:
        text = f"name: {name}\nabout: A test.\nwhen: {when}\ndo: [{{{do}}}]\n"
        row, _ = trigger_store.save(session, text, made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")


def happens(hub: Hub, inbox: AccountRef, *what: Interaction | Receipt, origin: Origin = Origin.LIVE) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each, origin=origin) for each in what])
    handlers.drain(hub)


def count(hub: Hub, what: str) -> int:
    with hub.store.read() as session:
        return int(sql.run(session, f"SELECT count(*) FROM {what}")[0][0])


MAKES_CUSTOMER = ("{did: {kind: order}}", "stage: {track: business, to: customer}", "order-makes-customer")
WELCOME = "{stage: {track: business, to: customer}}"


def test_a_move_by_a_trigger_starts_another(hub: Hub, inbox: AccountRef) -> None:
    live(hub, *MAKES_CUSTOMER)
    live(hub, WELCOME)

    happens(hub, inbox, InteractionFactory.build(kind=Kind.ORDER))

    assert count(hub, "task") == 1


def test_a_move_by_hand_starts_it_too_and_only_once(hub: Hub, inbox: AccountRef) -> None:
    live(hub, WELCOME)
    happens(hub, inbox, InteractionFactory.build())
    with hub.store.write() as session:
        facts.move(session, persons.find(session, str(ANN)), Track.BUSINESS, "customer", by="Cleo")
    handlers.drain(hub)
    assert count(hub, "task") == 1

    happens(hub, inbox, InteractionFactory.build(source_id="later"))
    assert count(hub, "task") == 1


def test_a_stage_out_of_imported_history_reaches_nobody(hub: Hub, inbox: AccountRef) -> None:
    live(hub, *MAKES_CUSTOMER)
    live(hub, WELCOME)

    happens(hub, inbox, InteractionFactory.build(kind=Kind.ORDER), origin=Origin.IMPORT)

    assert count(hub, "stage") == 1
    assert count(hub, "task") == 0
    assert count(hub, "decision WHERE reason = 'history that was imported starts nothing'") == 1


def test_somebody_who_stays_is_noticed_when_it_is_due_unless_they_moved(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub, "{stage: {track: business, to: lead, for: 30d}}")
    happens(hub, inbox, InteractionFactory.build())
    with hub.store.write() as session:
        facts.move(session, persons.find(session, str(ANN)), Track.BUSINESS, "lead", by="Cleo")
    handlers.drain(hub)
    assert (count(hub, "wait WHERE state = 'armed'"), count(hub, "task")) == (1, 0)

    time.now = NINE + 30 * DAY + HOUR
    handlers.drain(hub)

    assert count(hub, "task") == 1


def test_a_date_is_noticed_and_moves_with_its_attribute(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a contract that ends in May, told in March
    live(hub, "{time: {attribute: renewal, before: 7d}}")
    happens(hub, inbox, InteractionFactory.build())
    with hub.store.read() as session:
        [(identity,)] = sql.run(session, "SELECT id FROM identity WHERE value = 'ann@example.org'")
    for day in ("2026-05-10", "2026-06-10"):
        with hub.store.write() as session:
            attributes.state(session, identity, "renewal", day, source="shop")
        handlers.drain(hub)

    # Then nothing happens in May any more, and a week before the tenth of June it does
    when = clock.to_datetime(NINE).replace(year=2026, month=6, day=3, hour=0, minute=0)
    time.now = clock.from_datetime(when) - HOUR
    handlers.drain(hub)
    assert count(hub, "task") == 0
    time.now = clock.from_datetime(when) + HOUR
    handlers.drain(hub)
    assert count(hub, "task") == 1


def test_a_bounce_of_our_message_starts_what_was_asked_for(hub: Hub, inbox: AccountRef) -> None:
    # Given a greeting that went out, and somebody who wants to hear of bounces
    live(hub, "{did: {kind: message}}", "message: {class: service, text: Hello.}", "greet")
    live(hub, "{receipt: {report: bounced, trigger: greet}}")
    happens(hub, inbox, InteractionFactory.build(text="Hi"))
    with hub.store.read() as session:
        [(source_id, state)] = sql.run(session, "SELECT source_id, state FROM followup")
    assert state == "sent"

    # When it bounces, and the bounce is told twice
    bounce = Receipt(source_id=source_id, report="bounced", permanent=True, recipient=ANN)
    happens(hub, inbox, bounce)
    happens(hub, inbox, bounce)

    assert count(hub, "task") == 1
    assert count(hub, "decision WHERE trigger_id IN (SELECT id FROM trigger_rule WHERE name = 'look')") == 1

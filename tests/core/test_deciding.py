"""Deciding and following up, on a real store: what people do, or stop doing, starts what was asked for."""

from datetime import timedelta

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR, MINUTE
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity import consents, merges, persons
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory, minutes
from kinline.timeline.reading import everything
from kinline.words import Kind, Origin, Track, TriggerState
from settable import NINE, Time

RESCUE = """
name: rescue-quiet-complaint
about: Somebody complained and we have been silent for two hours.
when:
  silence:
    of: us
    after: {kind: message, direction: inbound, where: "text.contains('broken')"}
    for: 2h
do:
  - task: {team: support, title: "{{ person.name }} waits for an answer"}
  - message: {class: service, text: "Dear {{ person.first_name | default: 'you' }}, we saw it."}
limits: {once_per: conversation}
"""


WELCOME = """
name: hello
about: Somebody wrote to one account.
when: {{did: {{kind: message, direction: inbound, account: {account}}}}}
do: [{{tag: {{add: {account}}}}}]
"""


def live(hub: Hub, text: str, state: TriggerState = TriggerState.LIVE) -> str:
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, text, made_by="Cleo")
        trigger_store.set_state(session, row.name, state, override="a test")
        return row.id


def happens(hub: Hub, inbox: AccountRef, *what: Interaction, origin: Origin = Origin.LIVE) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each, origin=origin) for each in what])
    handlers.drain(hub)


def rows(hub: Hub, statement: str) -> list[tuple[object, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement)


def complaint(**more: object) -> Interaction:
    return InteractionFactory.build(text="My parcel is broken", source_id="complaint", **more)


def test_a_silence_of_ours_is_noticed_when_it_is_due(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger that watches over quiet complaints, and Ann, who complains at nine
    live(hub, RESCUE)
    happens(hub, inbox, complaint())

    # When one hour passes, nothing happens
    time.now = NINE + HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]

    # And when two hours have passed, somebody is asked to answer, and Ann hears from us
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]
    assert rows(hub, "SELECT team, state FROM task") == [("support", "open")]
    assert rows(hub, "SELECT state, channel FROM followup") == [("sent", "email")]


def test_an_answer_of_ours_in_time_stops_it(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a complaint, and an answer an hour later
    live(hub, RESCUE)
    happens(hub, inbox, complaint())
    time.now = NINE + HOUR
    happens(hub, inbox, InteractionFactory.build(ours=True, text="On it", occurred_at=MORNING + minutes(60)))

    # When the two hours are over
    time.now = NINE + 3 * HOUR
    handlers.drain(hub)

    # Then nothing was decided
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]
    assert rows(hub, "SELECT state, reason FROM wait") == [("closed", "moved_on")]


def test_the_message_that_went_out_stands_on_the_timeline_with_its_cause(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub, RESCUE)
    happens(hub, inbox, complaint())
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)

    with hub.store.read() as session:
        newest, *_ = everything(session, persons.find(session, str(ANN)))
    assert newest.shown["direction"] == "outbound"
    assert newest.shown["because"]["trigger"] == "rescue-quiet-complaint"
    assert len(list((hub.settings.home / "outbox" / "email").iterdir())) == 1


def test_it_is_decided_once_however_often_somebody_looks(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, RESCUE)
    happens(hub, inbox, complaint())
    for hour in (2, 3, 4, 5):
        time.now = NINE + hour * HOUR
        happens(hub, inbox, InteractionFactory.build(text="hello?", occurred_at=MORNING + timedelta(hours=hour)))

    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]
    assert rows(hub, "SELECT count(*) FROM followup") == [(1,)]


def test_what_is_imported_starts_no_message_and_no_task(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, RESCUE)
    happens(hub, inbox, complaint(), origin=Origin.IMPORT)
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)

    assert rows(hub, "SELECT count(*) FROM wait") == [(0,)]  # no clock of ours runs for what was imported
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]


def test_what_is_imported_and_happened_starts_nothing_and_says_so(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, "name: orders\nabout: A test.\nwhen: {did: {kind: order}}\ndo: [{task: {team: care, title: Look}}]\n")
    happens(hub, inbox, InteractionFactory.build(kind=Kind.ORDER), origin=Origin.IMPORT)

    assert rows(hub, "SELECT verdict, reason FROM decision") == [
        ("skipped", "history that was imported starts nothing")
    ]
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]


def test_a_silence_that_is_over_after_the_import_is_no_history(hub: Hub, inbox: AccountRef, time: Time) -> None:
    """Nobody is forgotten because they were imported: they are quiet for so long now."""
    live(
        hub,
        "name: quiet\nabout: A test.\nwhen: {silence: {of: them, for: 2d}}\ndo: [{task: {team: care, title: Look}}]\n",
    )
    happens(hub, inbox, InteractionFactory.build(), origin=Origin.IMPORT)
    time.now = NINE + 2 * DAY + HOUR
    handlers.drain(hub)

    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]


def test_what_comes_late_is_recorded_as_late(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, RESCUE.replace("conversation}", "conversation, lateness: 1h}"))
    time.now = NINE + DAY
    with hub.store.write() as session:
        sql.run(session, "UPDATE trigger_rule SET live_since = {p}", NINE - DAY)
    happens(hub, inbox, complaint())

    [(verdict, reason)] = rows(hub, "SELECT verdict, reason FROM decision")
    assert verdict == "skipped"
    assert "late" in str(reason)


def test_a_trigger_in_shadow_decides_and_does_nothing(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, RESCUE, TriggerState.SHADOW)
    happens(hub, inbox, complaint())
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)

    assert rows(hub, "SELECT verdict FROM decision") == [("shadowed",)]
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]


def test_the_life_cycle_follows_what_people_do(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given the shipped triggers
    with hub.store.write() as session:
        assert "order-makes-customer" in trigger_store.install_shipped(session)

    # When Ann writes to us, and orders a day later
    happens(hub, inbox, InteractionFactory.build())
    time.now = NINE + DAY
    happens(hub, inbox, InteractionFactory.build(kind=Kind.ORDER, occurred_at=MORNING + timedelta(days=1)))

    # Then she became a prospect, then a customer
    with hub.store.read() as session:
        root = persons.find(session, str(ANN))
        assert load_history.stages(session, root)[Track.BUSINESS] == "customer"
    assert rows(hub, "SELECT stage FROM stage ORDER BY at") == [("prospect",), ("customer",)]


def test_the_life_cycle_of_imported_history_is_dated_as_it_was(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a hub that gets a year of history at once, in the wrong order
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
    time.now = NINE + 400 * DAY
    days = [(Kind.ORDER, 300), (Kind.MESSAGE, 0), (Kind.ORDER, 1)]
    happens(
        hub,
        inbox,
        *[InteractionFactory.build(kind=kind, occurred_at=MORNING + timedelta(days=day)) for kind, day in days],
        origin=Origin.IMPORT,
    )

    # Then each stage begins when it began
    moves = rows(hub, "SELECT stage, at FROM stage WHERE track = 'business' ORDER BY at")
    assert [(stage, (int(str(at)) - NINE) // DAY) for stage, at in moves] == [
        ("prospect", 0),
        ("customer", 1),
        ("lapsing", 91),
        ("customer", 300),
        ("lapsing", 390),
    ]


def test_a_claimed_line_moves_no_stage(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
    happens(hub, inbox, InteractionFactory.build(claimed=True))

    assert rows(hub, "SELECT count(*) FROM stage") == [(0,)]


def test_who_asked_not_to_be_written_to_is_not(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, RESCUE)
    happens(hub, inbox, complaint())
    with hub.store.write() as session:
        consents.state(session, ANN.id, "*", False, evidence={"said": "on the phone"})
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)

    [(state, reason)] = rows(hub, "SELECT state, reason FROM followup")
    assert (state, reason) == ("cancelled", "consent: they asked not to be written to")


def test_nobody_is_woken_at_night(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a complaint at half past eight in the evening
    live(hub, RESCUE)
    evening = MORNING.replace(hour=20, minute=30)
    time.now = clock.from_datetime(evening)
    happens(hub, inbox, complaint(occurred_at=evening))

    # When we notice the silence at half past ten
    time.now += 2 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT state, reason FROM followup") == [("pending", "quiet hours: it is 22:30 where they are")]

    # Then the message goes out in the morning
    time.now = clock.from_datetime(MORNING + timedelta(days=1)) - HOUR + MINUTE
    handlers.drain(hub)
    assert rows(hub, "SELECT state FROM followup") == [("sent",)]


def test_a_merge_starts_nothing(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, who complained, and Ben; and a trigger that came after all was late
    happens(hub, inbox, complaint(), InteractionFactory.build(author=BEN))
    time.now = NINE + 3 * HOUR
    live(hub, RESCUE)

    # When they are found to be one person
    with hub.store.write() as session:
        one, other = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        merges.merge(session, one, other, evidence={"by": "phone"}, made_by="Cleo")
    handlers.drain(hub)

    # Then nothing went out
    assert rows(hub, "SELECT count(*) FROM followup") == [(0,)]


def test_a_paused_trigger_keeps_its_waits(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an armed silence whose trigger is paused over its due time
    live(hub, RESCUE.replace("conversation}", "conversation, lateness: 1d}"))
    happens(hub, inbox, complaint())
    with hub.store.write() as session:
        trigger_store.set_state(session, "rescue-quiet-complaint", TriggerState.PAUSED)
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT state FROM wait") == [("kept",)]

    # When it goes on
    with hub.store.write() as session:
        trigger_store.set_state(session, "rescue-quiet-complaint", TriggerState.LIVE, override="a test")
    time.now += HOUR
    handlers.drain(hub)

    # Then it is decided
    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]


def test_a_customer_met_again_under_another_handle_stays_a_customer(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, a customer, who also wrote as Ben, whom we took for somebody new
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
    happens(hub, inbox, InteractionFactory.build(kind=Kind.ORDER))
    happens(hub, inbox, InteractionFactory.build(author=BEN, occurred_at=MORNING + minutes(5)))

    # When they are found to be one person
    with hub.store.write() as session:
        one, other = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        merges.merge(session, one, other, evidence={"by": "phone"}, made_by="Cleo")
    handlers.drain(hub)

    # Then she is a customer, and the next message changes nothing of that
    time.now = NINE + HOUR
    happens(hub, inbox, InteractionFactory.build(author=BEN, occurred_at=MORNING + minutes(60)))
    with hub.store.read() as session:
        assert load_history.stages(session, persons.find(session, str(ANN)))[Track.BUSINESS] == "customer"


def test_a_trigger_can_look_at_one_account(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, WELCOME.format(account="inbox"))
    live(hub, WELCOME.format(account="elsewhere").replace("hello", "other"))
    happens(hub, inbox, InteractionFactory.build())

    assert rows(hub, "SELECT tag FROM tag") == [("inbox",)]

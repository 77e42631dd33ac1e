"""Recording: once, for ever, the same on both databases, whatever the order."""

import contextlib
from datetime import timedelta
from importlib.resources import files

import msgspec
import pytest

from kinline import clock
from kinline.accounts.connected import AccountRef, ref
from kinline.catalogue import trigger_store
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.messages import Deletion, Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.record.interests import Interests
from kinline.record.recording import Outcome
from kinline.store import sql
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, PartyFactory, RecordingFactory, minutes
from kinline.timeline.filters import NO_FILTERS, Filters
from kinline.timeline.reading import END, everything, page
from kinline.words import HandleType, ItemState, Role, Standing, TriggerState

SHIPPED = "first-contact-makes-prospect.yaml"
RECORDED, DUPLICATE = ItemState.RECORDED, ItemState.DUPLICATE


@pytest.fixture
def inbox(hub: Hub) -> AccountRef:
    return account(hub, "inbox")


def account(hub: Hub, name: str) -> AccountRef:
    row = Account(id=f"{name:0<32}", channel="email", name=name, created_at=clock.now())
    with hub.store.write() as session:
        session.add(row)
    return ref(row)


def record(hub: Hub, inbox: AccountRef, *what: Interaction | Deletion) -> list[Outcome]:
    with hub.store.write() as session:
        return record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in what])


def timeline(hub: Hub, who: str = "email:ann@example.org", filters: Filters = NO_FILTERS) -> list[bytes]:
    with hub.store.read() as session:
        return [entry.json() for entry in everything(session, persons.find(session, who), filters)]


def test_a_message_stands_on_its_authors_timeline(hub: Hub, inbox: AccountRef) -> None:
    # When Ann writes to us
    outcomes = record(hub, inbox, InteractionFactory.build(text="Where is my parcel?"))

    # Then it is recorded, and her timeline shows it
    assert [outcome.state for outcome in outcomes] == [RECORDED]
    [line] = timeline(hub)
    assert b"Where is my parcel?" in line


def test_the_same_delivery_twice_is_recorded_once(hub: Hub, inbox: AccountRef) -> None:
    # Given a message
    message = InteractionFactory.build()

    # When it comes twice in one batch and once more later
    first, second = record(hub, inbox, message, message)
    [third] = record(hub, inbox, message)

    # Then the first is recorded, and all answer with the same id
    assert [first.state, second.state, third.state] == [RECORDED, DUPLICATE, DUPLICATE]
    assert first.interaction_id == second.interaction_id == third.interaction_id
    assert len(timeline(hub)) == 1


def test_one_mail_to_two_mailboxes_is_one_interaction_with_two_copies(hub: Hub, inbox: AccountRef) -> None:
    # Given two mailboxes
    other = account(hub, "sales")
    message = InteractionFactory.build()

    # When the mail reaches both
    [one], [two] = record(hub, inbox, message), record(hub, other, message)

    # Then there is one interaction
    assert one.interaction_id == two.interaction_id
    assert len(timeline(hub)) == 1
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM copy")[0][0] == 2


def test_the_newest_version_counts_whatever_comes_first(hub: Hub, inbox: AccountRef) -> None:
    # Given a post that was edited twice
    versions = [
        InteractionFactory.build(source_id="post", text=text, changed_at=MORNING + minutes(n))
        for n, text in enumerate(("first", "second", "third"))
    ]

    # When the versions arrive out of order
    states = [outcome.state for outcome in record(hub, inbox, versions[1], versions[2], versions[0], versions[2])]

    # Then the last one stands on the timeline, and the repeated one is a duplicate
    assert states == [RECORDED, RECORDED, RECORDED, DUPLICATE]
    [line] = timeline(hub)
    assert b"third" in line
    assert b'"edited":true' in line


def test_a_deletion_that_comes_first_is_applied_when_the_thing_comes(hub: Hub, inbox: AccountRef) -> None:
    # Given that we hear of a deletion before the post itself
    [outcome] = record(hub, inbox, Deletion(source_id="post", occurred_at=MORNING))
    assert outcome.state is RECORDED

    # When the post comes
    record(hub, inbox, InteractionFactory.build(source_id="post", text="too hasty"))

    # Then the timeline shows that something was deleted, and not what
    [line] = timeline(hub)
    assert b'"deleted":"2026-03-02T09:00:00Z"' in line
    assert b"too hasty" not in line


def test_deleting_one_copy_deletes_only_that_copy(hub: Hub, inbox: AccountRef) -> None:
    # Given a mail in two mailboxes
    other, message = account(hub, "sales"), InteractionFactory.build(source_id="mail")
    record(hub, inbox, message)
    record(hub, other, message)

    # When it is deleted in one
    record(hub, inbox, Deletion(source_id="mail"))
    assert b"deleted" not in timeline(hub)[0]

    # And then in the other
    record(hub, other, Deletion(source_id="mail"))
    assert b'"deleted"' in timeline(hub)[0]


def test_a_deletion_without_a_time_that_is_told_again_says_nothing_new(hub: Hub, inbox: AccountRef) -> None:
    # Given a mail, and its deletion by a source that tells no times
    record(hub, inbox, InteractionFactory.build(source_id="mail"))
    deletion = RecordingFactory.build(account=inbox, what=Deletion(source_id="mail"))
    with hub.store.write() as session:
        first = record_batch(session, [deletion])
    before = timeline(hub)

    # When the same file is imported again a day later
    with hub.store.write() as session:
        again = record_batch(session, [msgspec.structs.replace(deletion, arrived_at=deletion.arrived_at + clock.DAY)])

    # Then nothing is recorded, and the timeline is the same bytes
    assert [outcome.state for outcome in first + again] == [RECORDED, DUPLICATE]
    assert timeline(hub) == before


def test_a_thread_is_one_conversation_whatever_arrives_first(hub: Hub, inbox: AccountRef) -> None:
    # Given a question, its answer, and an answer to that, each knowing only the one above
    thread = [
        InteractionFactory.build(source_id=key, occurred_at=MORNING + minutes(n), thread=Thread(key=key, parent=parent))
        for n, (key, parent) in enumerate([("a", ""), ("b", "a"), ("c", "b")])
    ]

    # When they arrive backwards, one by one
    for each in (thread[2], thread[0], thread[1]):
        record(hub, inbox, each)

    # Then they are one conversation
    with hub.store.read() as session:
        found = {entry.shown["conversation"] for entry in everything(session, persons.find(session, "ann@example.org"))}
    assert len(found) == 1


def test_nobody_is_made_out_of_a_mailer_daemon(hub: Hub, inbox: AccountRef) -> None:
    daemon = type(ANN)(ANN.type, "MAILER-DAEMON@example.org")
    record(hub, inbox, InteractionFactory.build(author=daemon))

    with hub.store.read() as session:
        assert persons.search(session) == []


def test_two_spellings_of_one_address_are_one_person(hub: Hub, inbox: AccountRef) -> None:
    shouted = type(ANN)(ANN.type, " ann@EXAMPLE.org ")
    record(hub, inbox, InteractionFactory.build(), InteractionFactory.build(author=shouted))

    assert len(timeline(hub)) == 2


def test_text_that_no_database_can_keep_is_mended(hub: Hub, inbox: AccountRef) -> None:
    record(hub, inbox, InteractionFactory.build(text="a\x00b", subject="\ud800"))

    [line] = timeline(hub)
    assert "a�b" in line.decode()


def test_pages_follow_one_another_without_gap_or_double(hub: Hub, inbox: AccountRef) -> None:
    # Given thirty messages, some at the same second
    messages = [InteractionFactory.build(occurred_at=MORNING + timedelta(seconds=n // 3)) for n in range(30)]
    record(hub, inbox, *messages)

    # When they are read in pages of seven
    seen: list[str] = []
    with hub.store.read() as session:
        root = persons.find(session, "ann@example.org")
        found = page(session, root, limit=7)
        seen += [entry.shown["id"] for entry in found.entries]
        while found.next:
            found = page(session, root, before=found.next, limit=7)
            seen += [entry.shown["id"] for entry in found.entries]

    # Then each is there once, newest first
    assert len(seen) == len(set(seen)) == 30


def test_many_identities_of_one_person_in_one_message_are_one_line(hub: Hub, inbox: AccountRef) -> None:
    # Given messages to forty addresses, all of them of one person, whose walks are merged line by line
    held = [Handle(HandleType.EMAIL, f"ann{n}@example.org") for n in range(40)]
    everybody = tuple(PartyFactory.build(handle=handle, role=Role.RECIPIENT, name="") for handle in held)
    messages = [InteractionFactory.build(occurred_at=MORNING + minutes(n), parties=everybody) for n in range(3)]
    record(hub, inbox, *messages, InteractionFactory.build(author=held[7], occurred_at=MORNING + minutes(1)))
    with hub.store.write() as session:
        first, *others = [persons.find(session, str(handle)) for handle in held]
        for other in others:
            merges.merge(session, persons.root_of(session, first), other, evidence={}, made_by="Cleo")

    # When the timeline is read in pages of one
    seen, place = [], END
    with hub.store.read() as session:
        root = persons.find(session, str(held[3]))
        while True:
            found = page(session, root, before=place, limit=1)
            seen += [entry.shown["id"] for entry in found.entries]
            if found.next is None:
                break
            place = found.next

    # Then each message is there once, in the order of one large page
    with hub.store.read() as session:
        assert seen == [entry.shown["id"] for entry in page(session, root).entries]
    assert len(seen) == len(set(seen)) == 4


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (Filters(channel="email"), 3),
        (Filters(channel="twitter"), 0),
        (Filters(kind="message"), 3),
        (Filters(kind="order"), 0),
        (Filters(direction="inbound"), 2),
        (Filters(direction="outbound"), 1),
        (Filters(text="PARCEL"), 2),
        (Filters(text="ÄRGER"), 1),
        (Filters(text="100%"), 0),
        (Filters(since=clock.from_datetime(MORNING + minutes(1))), 2),
        (Filters(until=clock.from_datetime(MORNING + minutes(1))), 1),
        (Filters(direction="inbound", text="parcel", kind="message"), 1),
    ],
)
def test_a_timeline_can_be_narrowed(hub: Hub, inbox: AccountRef, filters: Filters, count: int) -> None:
    record(
        hub,
        inbox,
        InteractionFactory.build(text="my parcel"),
        InteractionFactory.build(text="großer ärger", subject="", occurred_at=MORNING + minutes(1)),
        InteractionFactory.build(ours=True, text="Your parcel is on its way", occurred_at=MORNING + minutes(2)),
    )

    assert len(timeline(hub, filters=filters)) == count


def test_what_ben_does_is_not_on_anns_timeline(hub: Hub, inbox: AccountRef) -> None:
    record(hub, inbox, InteractionFactory.build(author=BEN), InteractionFactory.build(author=ANN))

    assert len(timeline(hub)) == 1


def test_a_name_that_somebody_typed_never_covers_a_proved_one(hub: Hub, inbox: AccountRef) -> None:
    # Given Ann, whom her mail server vouches for, and somebody who types her address under another name
    typed = Party(role=Role.AUTHOR, handle=ANN, name="A much longer name than hers", standing=Standing.CLAIMED)
    proved = Party(role=Role.AUTHOR, handle=ANN, name="Ann Archer", standing=Standing.VERIFIED)
    record(hub, inbox, InteractionFactory.build(parties=(typed,)), InteractionFactory.build(parties=(proved,)))

    # Then she is called as she calls herself, and the other name is shown for what it is
    with hub.store.read() as session:
        [ann] = persons.search(session, "archer")
    assert ann.name == "Ann Archer"
    assert ann.identities[0].claimed_names == ["A much longer name than hers"]


def test_a_rolled_back_change_of_triggers_is_forgotten(hub: Hub, inbox: AccountRef) -> None:
    # Given that a change of triggers was looked at in a transaction that came to nothing
    with contextlib.suppress(ZeroDivisionError), hub.store.write() as session:
        row, _ = trigger_store.save(session, (files("kinline.triggers.shipped") / SHIPPED).read_text(), made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        assert Interests.current(session).wanted
        raise ZeroDivisionError

    # When the next one records
    record(hub, inbox, InteractionFactory.build())

    # Then it plans nothing, for there is no trigger
    with hub.store.read() as session:
        assert not Interests.current(session).wanted
        assert sql.run(session, "SELECT count(*) FROM job WHERE actor <> 'identity.match'") == [(0,)]

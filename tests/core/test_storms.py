"""Many at once: no deadlock reaches a caller, and nothing is left half done (two writers, one order)."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.errors import Conflict, Invalid
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.identity.locking import lock
from kinline.messages import Applied, Attachment, Deletion, Interaction, Party, Receipt, Thread
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import Store, sql
from kinline.store.models import Account
from kinline.testing.factories import MORNING, InteractionFactory, PartyFactory, RecordingFactory, minutes
from kinline.testing.laws import people_are_whole, timelines
from kinline.words import HandleType, Role

INBOX = AccountRef("1" * 32, "email", "", "inbox")
SALES = AccountRef("2" * 32, "email", "", "sales")
PEOPLE = [Handle(HandleType.EMAIL, f"person{n}@example.org") for n in range(12)]


def connect(store: Store) -> None:
    with store.write() as session:
        for account in (INBOX, SALES):
            session.add(Account(id=account.id, channel="email", name=account.name, created_at=clock.now()))


def at_once(works: list[Callable[[], None]]) -> None:
    """Start all together; the first thing that went wrong in any of them is raised here."""
    gate = threading.Barrier(len(works))

    def started(work: Callable[[], None]) -> None:
        gate.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(started, work) for work in works]:
            done.result()


def merging(store: Store, people: list[str], seed: int, rounds: int) -> Callable[[], None]:
    """Somebody who joins and parts people at random."""
    dice = random.Random(seed)
    made: list[str] = []

    def once() -> None:
        with store.write() as session:
            if made and dice.random() < 0.45:
                merges.undo(session, made.pop(dice.randrange(len(made))), made_by="Cleo")
            else:
                one, other = dice.sample(people, 2)
                made.append(merges.merge(session, one, other, evidence={}, made_by="Cleo").id)

    def work() -> None:
        for _ in range(rounds):
            try:
                once()
            except (Conflict, Invalid) as refused:
                if refused.code != "already_merged":
                    raise

    return work


def recording(store: Store, seed: int, count: int) -> Callable[[], None]:
    """Somebody who records what they write."""
    dice = random.Random(seed)

    def work() -> None:
        for n in range(count):
            what = InteractionFactory.build(source_id=f"{seed}-{n}", author=dice.choice(PEOPLE))
            with store.write() as session:
                record_batch(session, [RecordingFactory.build(account=INBOX, what=what)])

    return work


def deciding(store: Store, people: list[str], seed: int, count: int) -> Callable[[], None]:
    """Somebody who holds a person while looking at them."""
    dice = random.Random(seed)

    def work() -> None:
        for _ in range(count):
            with store.write() as session:
                root = lock(session, dice.choice(people))
                assert persons.members(session, root) == persons.members(session, persons.root_of(session, root))
                assert persons.root_of(session, root) == root

    return work


def test_merging_undoing_and_recording_at_once(hub: Hub) -> None:
    # Given a dozen people
    connect(hub.store)
    with hub.store.write() as session:
        first = [InteractionFactory.build(source_id=f"first{n}", author=who) for n, who in enumerate(PEOPLE)]
        record_batch(session, [RecordingFactory.build(account=INBOX, what=what) for what in first])
    with hub.store.read() as session:
        people = [persons.holder_of(session, who.id) for who in PEOPLE]
    rounds, each = (25, 25) if hub.store.dialect == "postgresql" else (8, 8)

    # When eight threads join and part them at random, while four record what they write, and two decide about them
    at_once(
        [merging(hub.store, people, n, rounds) for n in range(8)]
        + [recording(hub.store, 100 + n, each) for n in range(4)]
        + [deciding(hub.store, people, 200 + n, rounds) for n in range(2)]
    )

    # Then everybody is whole, and every interaction is on exactly the timeline of whom it is from
    people_are_whole(hub.store)
    with hub.store.read() as session:
        [(count,)] = sql.run(session, "SELECT count(*) FROM interaction")
        [(lines,)] = sql.run(session, "SELECT count(*) FROM participant")
    assert count == lines == len(PEOPLE) + 4 * each

    # And when all merges are undone, each has their own again
    with hub.store.read() as session:
        left = sql.run(session, "SELECT id FROM merge_log WHERE undone_at IS NULL")
    for (merge_id,) in left:
        with hub.store.write() as session:
            merges.undo(session, merge_id, made_by="Cleo")
    people_are_whole(hub.store)
    assert sum(len(lines) for lines in timelines(hub.store).values()) == count


def anything(dice: random.Random, plain: bool) -> Interaction | Deletion | Applied | Receipt:
    """Something that touches what everybody else touches too; where it is plain, without what takes locks of its own."""
    key, who = f"k{dice.randrange(8)}", dice.choice(PEOPLE)
    alias = (Handle(HandleType.X_HANDLE, f"name{dice.randrange(3)}"),)
    kind = dice.randrange(8)
    if kind == 0 and not plain:
        return Deletion(source_id=key, occurred_at=MORNING + minutes(dice.randrange(3)))
    if kind == 1:
        return Applied(reason="a list", names=(PartyFactory.build(handle=who, also=alias),))
    if kind == 2:
        return Receipt(source_id=key, report="read", recipient=who)
    return InteractionFactory.build(
        source_id=key,
        text=dice.choice(["one", "two", "three"]),
        changed_at=MORNING + minutes(dice.randrange(3)),
        parties=(
            PartyFactory.build(handle=who, also=alias),
            Party(role=Role.RECIPIENT, handle=dice.choice(PEOPLE)),
            Party(role=Role.MENTIONED, handle=dice.choice(PEOPLE)),
        ),
        thread=None
        if plain
        else Thread(key=key, parent=f"k{dice.randrange(8)}", ancestors=(f"k{dice.randrange(10)}",)),
        attachments=tuple(
            Attachment(name=f"{n}", media_type="text/plain", content=b"%d" % dice.randrange(4)) for n in range(2)
        ),
    )


def batch_of(dice: random.Random) -> list[Recording]:
    plain = dice.random() < 0.7
    return [
        RecordingFactory.build(account=dice.choice((INBOX, SALES)), what=anything(dice, plain))
        for _ in range(dice.randrange(4, 16))
    ]


def test_batches_that_touch_the_same_things_do_not_wait_in_a_circle(hub: Hub) -> None:
    # Given batches full of the same people, threads, versions, deletions and files, each in another order
    connect(hub.store)
    writers, rounds = (6, 12) if hub.store.dialect == "postgresql" else (4, 4)
    batches = {
        seed: [batch_of(dice) for _ in range(rounds)] for seed in range(writers) for dice in [random.Random(seed)]
    }

    # When several processes' worth of threads record them at once
    def writer(seed: int) -> Callable[[], None]:
        def work() -> None:
            for batch in batches[seed]:
                with hub.store.write() as session:  # a deadlock would be raised here
                    record_batch(session, batch)

        return work

    at_once([writer(seed) for seed in range(writers)])
    shown = timelines(hub.store)

    # Then nothing was broken off, and one by one they give the same timelines again
    people_are_whole(hub.store)
    for seed in reversed(range(writers)):
        for batch in batches[seed]:
            with hub.store.write() as session:
                record_batch(session, batch)
    assert timelines(hub.store) == shown

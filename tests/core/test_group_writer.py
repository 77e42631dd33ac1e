"""Group commit: many at once, one transaction, a bad one fails alone, and everybody gets an answer."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlmodel import Session

from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.errors import Conflict, Unavailable
from kinline.hub import Hub
from kinline.intake.typed import IdempotencyKey, PostAnswer, TypedPost, record_posts
from kinline.record.writer import CAPACITY, GroupWriter, write_all
from kinline.store import Store, sql
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.testing.laws import the_ledger_adds_up
from kinline.words import ItemState

INBOX = AccountRef("1" * 32, "email", "", "inbox")
Writer = GroupWriter[TypedPost, PostAnswer]


@pytest.fixture(autouse=True)
def inbox(hub: Hub) -> None:
    with hub.store.write() as session:
        session.add(Account(id=INBOX.id, channel="email", name="inbox", created_at=clock.now()))


@pytest.fixture
def writer(hub: Hub) -> Iterator[Writer]:
    made = GroupWriter(hub.store, record_posts)
    made.start()
    yield made
    made.stop()


def post(source: str, **more: Any) -> TypedPost:
    key = more.pop("key", None)
    exclusive = more.pop("exclusive", False)
    what = InteractionFactory.build(source_id=source, **more)
    recording = RecordingFactory.build(account=INBOX, what=what, exclusive=exclusive)
    return TypedPost((recording,), IdempotencyKey("k", key, what.text) if key else None)


def count(hub: Hub, table: str) -> int:
    with hub.store.read() as session:
        return int(sql.run(session, f"SELECT count(*) FROM {table}")[0][0])


def test_everybody_gets_their_own_answer(hub: Hub, writer: Writer) -> None:
    # When twelve threads post thirty times each, some of it the same
    def posts(thread: int) -> list[tuple[str, Future[PostAnswer]]]:
        return [(source, writer.submit(post(source))) for n in range(30) for source in (f"{thread % 6}-{n}",)]

    with ThreadPoolExecutor(12) as pool:
        answers = [each for found in pool.map(posts, range(12)) for each in found]

    # Then all copies of one name the same interaction, and one of them recorded it
    told: dict[str, list[Any]] = {}
    for source, answer in answers:
        told.setdefault(source, []).append(answer.result(timeout=30).outcomes[0])
    assert len(told) == count(hub, "interaction") == 180
    for outcomes in told.values():
        assert len({each.interaction_id for each in outcomes}) == 1
        assert sorted(each.state for each in outcomes) == [ItemState.DUPLICATE, ItemState.RECORDED]
    the_ledger_adds_up(hub.store)


def test_a_poisonous_unit_fails_alone(hub: Hub, writer: Writer) -> None:
    # When two in thirty cannot be stored
    answers = [writer.submit(post(f"m{n}", sequence=2**70 if n in (7, 20) else 0)) for n in range(30)]

    # Then those two fail, and the others are recorded
    failed = [n for n, answer in enumerate(answers) if answer.exception(timeout=30)]
    assert failed == [7, 20]
    assert count(hub, "interaction") == 28
    the_ledger_adds_up(hub.store)


def test_a_value_too_large_for_an_index_is_its_own_fault(hub: Hub) -> None:
    """PostgreSQL files it under trouble of the database, which would be tried again for ever."""

    def work(session: Session, units: Sequence[str]) -> list[bool]:
        for number, unit in enumerate(units):
            kind = "".join(chr(0x4E00 + (number * 977 + n * 131) % 20000) for n in range(len(unit)))
            sql.run(
                session,
                "INSERT INTO alias (identity_id, type, value, seen_from, seen_to) VALUES ({p}, 'url', {p}, 0, 0)",
                unit[:50], kind,
            )  # fmt: skip
        return [True] * len(units)

    results = write_all(hub.store, work, ["a", "b" * 9000, "c"])

    assert [results[0], results[2]] == [True, True]
    assert not isinstance(results[1], Unavailable)


def test_trouble_of_the_database_is_told_to_all_at_once(hub: Hub) -> None:
    # Given a database that is away for good
    tried: list[int] = []

    def work(session: Session, units: Sequence[int]) -> list[bool]:
        tried.append(len(units))
        raise psycopg.OperationalError("the server went away")

    # Then nobody is blamed for it, and nobody is kept waiting for halves to fail too
    results = write_all(hub.store, work, list(range(64)))
    assert tried == [64]
    assert all(isinstance(each, Unavailable) and each.code == "database_down" for each in results)


def test_a_batch_that_was_in_the_way_of_another_is_written_again(hub: Hub) -> None:
    # Given a transaction that the database breaks off twice in favour of another one
    tried: list[int] = []

    def work(session: Session, units: Sequence[int]) -> list[bool]:
        tried.append(len(units))
        if len(tried) < 3:
            raise psycopg.errors.DeadlockDetected("deadlock detected")
        return [True] * len(units)

    assert write_all(hub.store, work, [1, 2, 3]) == [True, True, True]
    assert tried == [3, 3, 3]


def test_who_does_not_wait_any_more_does_not_stop_the_others(hub: Hub, writer: Writer) -> None:
    # Given somebody whose answer cannot be told, and somebody who gave up waiting
    def gone(result: PostAnswer | BaseException) -> None:
        raise RuntimeError("my loop is closed")

    writer.give(post("one"), gone)
    cancelled = writer.submit(post("two"))
    cancelled.cancel()

    # Then the next one gets theirs
    assert writer.submit(post("three")).result(timeout=10).outcomes[0].state is ItemState.RECORDED
    assert count(hub, "interaction") == 3


def test_a_work_that_forgets_somebody_does_not_stop_the_writer(hub: Hub) -> None:
    forgetful: GroupWriter[str, str] = GroupWriter(hub.store, lambda session, units: [])
    forgetful.start()

    assert isinstance(forgetful.submit("me").exception(timeout=10), RuntimeError)
    assert isinstance(forgetful.submit("me too").exception(timeout=10), RuntimeError)
    forgetful.stop()


def test_a_full_queue_says_come_back(hub: Hub) -> None:
    # Given a writer that is stuck
    stuck, go = threading.Event(), threading.Event()

    def work(session: Session, units: Sequence[int]) -> list[int]:
        stuck.set()
        go.wait(30)
        return list(units)

    writer: GroupWriter[int, int] = GroupWriter(hub.store, work)
    writer.start()
    first = writer.submit(0)
    stuck.wait(30)

    # When more is given than it may keep waiting
    waiting = [writer.submit(n) for n in range(CAPACITY)]
    with pytest.raises(Unavailable) as refused:
        writer.submit(1)

    # Then that is said, and what was taken is done
    assert refused.value.code == "busy"
    go.set()
    assert first.result(30) == 0
    assert [each.result(30) for each in waiting] == list(range(CAPACITY))
    writer.stop()


def test_stopping_writes_what_was_accepted_and_takes_no_more(hub: Hub) -> None:
    writer: Writer = GroupWriter(hub.store, record_posts)
    writer.start()
    accepted = [writer.submit(post(f"m{n}")) for n in range(300)]
    writer.stop()
    writer.stop()

    assert all(each.done() for each in accepted)
    assert count(hub, "interaction") == 300
    with pytest.raises(Unavailable):
        writer.submit(post("late"))


def test_a_repeated_key_gets_the_first_answer_and_other_content_a_conflict(hub: Hub) -> None:
    def work(session: Session, units: Sequence[TypedPost]) -> list[PostAnswer]:
        return record_posts(session, units)

    # When one batch brings a request, the same request, and another one under the same key
    units = [post("a", key="K"), post("a", key="K"), post("b", key="K", text="something else")]
    first, again, other = write_all(hub.store, work, units)

    # Then there is one effect
    assert isinstance(first, PostAnswer)
    assert isinstance(again, PostAnswer)
    assert isinstance(other, PostAnswer)
    assert first.outcomes == again.outcomes
    assert (first.replayed, again.replayed, other.conflict) == (False, True, True)
    assert count(hub, "interaction") == 1
    the_ledger_adds_up(hub.store)


def test_the_same_key_from_two_processes_at_once_has_one_effect(hub: Hub, database_url: str) -> None:
    # Given two processes' worth of writers
    stores = [Store(database_url) for _ in range(2)]
    writers: list[Writer] = [GroupWriter(store, record_posts) for store in stores]
    for each in writers:
        each.start()

    # When both bring the same keys
    answers = [writer.submit(post(f"m{n}", key=f"K{n}")) for n in range(40) for writer in writers]
    for answer in answers:
        failed = answer.exception(timeout=30)
        assert failed is None or (isinstance(failed, Conflict) and failed.code == "idempotency_in_progress")
    for each in writers:
        each.stop()

    # Then each was recorded once
    assert count(hub, "interaction") == 40
    the_ledger_adds_up(hub.store)
    for store in stores:
        store.close()


def test_a_refused_post_leaves_nothing_behind(hub: Hub, writer: Writer) -> None:
    # Given a message that was recorded
    assert writer.submit(post("m", exclusive=True)).result(10).outcomes[0].state is ItemState.RECORDED
    before = {
        table: count(hub, table) for table in ("identity", "person", "copy", "participant", "thread_key", "revision")
    }

    # When somebody sends other content, from another person, under its id
    refused = writer.submit(post("m", exclusive=True, author=BEN, text="other")).result(10).outcomes[0]
    same = writer.submit(post("m", exclusive=True, author=ANN)).result(10).outcomes[0]

    # Then it is refused, counted, and not even who wrote it is kept
    assert (refused.state, refused.code) == (ItemState.REFUSED, "idempotency_conflict")
    assert same.state is ItemState.DUPLICATE
    assert {table: count(hub, table) for table in before} == before
    the_ledger_adds_up(hub.store)


def test_the_ledger_adds_up_in_the_middle_of_it_all(hub: Hub, writer: Writer) -> None:
    # Given somebody who posts without a pause
    end = threading.Event()

    posted: list[str] = []

    def posts() -> None:
        while not end.is_set():
            writer.submit(post(f"m{len(posted)}")).result(timeout=30)
            posted.append("")

    with ThreadPoolExecutor(2) as pool:
        posting = pool.submit(posts)
        try:
            # When the ledger is asked again and again, it adds up every time
            asked = 0
            while asked < 150 or len(posted) < 5:
                the_ledger_adds_up(hub.store)
                asked += 1
        finally:
            end.set()
    posting.result()

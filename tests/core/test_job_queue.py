"""The queue of record: one at a time, by the database's clock, and nothing planned is lost."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlmodel import Session

from kinline import clock
from kinline.clock import HOUR, SECOND
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.jobs.queue import BACKOFF, MAX_ATTEMPTS, Claimed
from kinline.store import Store, sql

NOW = 1_772_442_000 * SECOND
LEASE = 60


def plan(store: Store, *keys: str | tuple[str, int], at: int = NOW) -> None:
    with store.write() as session, clock.frozen(NOW):
        queue.plan(session, "person.decide", list(keys), run_at=at)  # type: ignore[arg-type]


def jobs(store: Store) -> list[tuple[str, str, int, int]]:
    """Key, state, time and attempts of all jobs."""
    with store.read() as session:
        rows = sql.run(session, "SELECT key, state, run_at, attempts FROM job ORDER BY key, state")
    return [(key.removeprefix("person.decide:"), state, at, attempts) for key, state, at, attempts in rows]


def the_job(store: Store) -> str:
    with store.read() as session:
        [(found, _)] = queue.due(session, 10, wake_again_after=0, now=NOW + 1000 * HOUR)
    return found


def claim(store: Store, job_id: str, *, lease: int = LEASE, now: int = NOW) -> Claimed | None:
    with store.write() as session:
        return queue.claim(session, job_id, lease, now)


def claimed(store: Store) -> Claimed:
    found = claim(store, the_job(store), now=NOW + 1000 * HOUR)
    assert found is not None
    return found


def finish(store: Store, job: Claimed) -> bool:
    with store.write() as session:
        return queue.finish(session, job)


def let_the_lease_run_out(store: Store) -> None:
    with store.write() as session:
        sql.run(session, "UPDATE job SET lease_until = 0 WHERE state = 'running'")


def test_one_pending_job_for_each_key(hub: Hub) -> None:
    # When the same is planned again, for later and for earlier, with more and less to look back to
    plan(hub.store, ("ann", 50), "ben", at=NOW)
    plan(hub.store, ("ann", 70), "ann", at=NOW + HOUR)
    plan(hub.store, ("ann", 20), ("ann", 30), at=NOW - HOUR)

    # Then there is one job for each, at the earliest time, looking back the furthest
    assert jobs(hub.store) == [("ann", "pending", NOW - HOUR, 0), ("ben", "pending", NOW, 0)]
    with hub.store.read() as session:
        assert sql.run(session, "SELECT since FROM job WHERE key = 'person.decide:ann'") == [(20,)]


def test_only_one_worker_gets_a_job(hub: Hub) -> None:
    # Given a job that eight workers want at once
    plan(hub.store, "ann")
    job_id = the_job(hub.store)
    gate = threading.Barrier(8)

    def work(_: int) -> Claimed | None:
        gate.wait()
        return claim(hub.store, job_id)

    with ThreadPoolExecutor(8) as pool:
        found = [each for each in pool.map(work, range(8)) if each]

    # Then one has it, and can finish it once
    assert len(found) == 1
    assert (found[0].actor, found[0].key, found[0].attempts) == ("person.decide", "ann", 1)
    assert finish(hub.store, found[0])
    assert not finish(hub.store, found[0])
    assert jobs(hub.store) == []


def test_a_job_is_not_given_out_before_its_time(hub: Hub) -> None:
    plan(hub.store, "ann", at=NOW + HOUR)
    job_id = the_job(hub.store)

    assert claim(hub.store, job_id, now=NOW + HOUR - 1) is None
    assert claim(hub.store, job_id, now=NOW + HOUR) is not None


def test_who_held_a_job_too_long_can_finish_it_no_more(hub: Hub) -> None:
    # Given a worker that sleeps over its lease, and another one that takes over
    plan(hub.store, "ann")
    slow = claimed(hub.store)
    assert claim(hub.store, slow.id) is None
    let_the_lease_run_out(hub.store)
    quick = claim(hub.store, slow.id)
    assert quick is not None

    # When the slow one wakes up, nothing it says counts
    with hub.store.write() as session:
        assert not queue.extend(session, slow, LEASE)
        assert not queue.finish(session, slow)
        queue.give_back(session, slow, "too late", now=NOW)

    # Then the job is the quick one's
    assert [(state, attempts) for _, state, _, attempts in jobs(hub.store)] == [("running", 2)]
    assert finish(hub.store, quick)


def test_leases_run_by_the_databases_clock(hub: Hub) -> None:
    # Given a worker whose own clock is a day ahead
    plan(hub.store, "ann")
    with clock.frozen(NOW + 24 * HOUR):
        job = claim(hub.store, the_job(hub.store), now=NOW + 24 * HOUR)
        assert job is not None

        # Then it can neither take nor see a job that a living worker holds
        assert claim(hub.store, job.id, now=NOW + 48 * HOUR) is None
        with hub.store.read() as session:
            assert queue.due(session, 10, wake_again_after=0, now=NOW + 48 * HOUR) == []
            [(until,)] = sql.run(session, "SELECT lease_until FROM job")
            assert abs(until - queue.database_now(session) - LEASE * SECOND) < 20 * SECOND
            assert abs(queue.database_now(session) - time.time() * SECOND) < 5 * SECOND

    # And holding it longer counts from now on
    with hub.store.write() as session:
        assert queue.extend(session, job, 1000)
        [(later,)] = sql.run(session, "SELECT lease_until FROM job")
    assert later > until


def test_a_lease_that_ran_out_is_due_again(hub: Hub) -> None:
    plan(hub.store, "ann")
    job = claimed(hub.store)
    let_the_lease_run_out(hub.store)

    with hub.store.read() as session:
        assert queue.due(session, 10, wake_again_after=0, now=NOW) == [(job.id, "person.decide")]


def test_who_was_woken_is_not_woken_again_at_once(hub: Hub) -> None:
    plan(hub.store, "ann", "ben")
    with hub.store.write() as session:
        due = queue.due(session, 1, wake_again_after=10 * SECOND, now=NOW)
        queue.woken(session, [job_id for job_id, _ in due], NOW)
        assert len(due) == 1

    with hub.store.read() as session:
        assert len(queue.due(session, 10, wake_again_after=10 * SECOND, now=NOW + SECOND)) == 1
        assert len(queue.due(session, 10, wake_again_after=10 * SECOND, now=NOW + 11 * SECOND)) == 2


def test_a_failing_job_is_tried_later_and_later_and_then_left_for_a_person(hub: Hub) -> None:
    plan(hub.store, "ann")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = claimed(hub.store)
        assert job.attempts == attempt
        with hub.store.write() as session:
            queue.give_back(session, job, "it \x00 failed \ud800", now=NOW)
        [(_, state, at, _)] = jobs(hub.store)
        if attempt < MAX_ATTEMPTS:
            assert (state, at) == ("pending", NOW + BACKOFF[attempt - 1] * SECOND)

    # Then it is nobody's turn any more
    assert state == "dead"
    with hub.store.read() as session:
        assert queue.due(session, 10, wake_again_after=0, now=NOW + 1000 * HOUR) == []
        [(error,)] = sql.run(session, "SELECT error FROM job")
    assert error.startswith("it")


def given_up(store: Store) -> None:
    """Let all jobs that wait fail for the last time."""
    with store.write() as session:
        sql.run(session, "UPDATE job SET state = 'dead', attempts = 8, error = 'it failed' WHERE state = 'pending'")


def test_what_was_given_up_is_planned_again_with_all_its_attempts(hub: Hub) -> None:
    # Given Ann's job that was given up twice, once as planned anew, and is pending again; and Ben's
    plan(hub.store, ("ann", 70), "ben")
    given_up(hub.store)
    plan(hub.store, ("ann", 50))
    given_up(hub.store)
    plan(hub.store, ("ann", 90), at=NOW + HOUR)

    # When all are tried again
    with hub.store.write() as session, clock.frozen(NOW):
        assert queue.retry(session) == 3

    # Then each has one job that is due now, and looks back as far as any of them did
    assert jobs(hub.store) == [("ann", "pending", NOW, 0), ("ben", "pending", NOW, 0)]
    with hub.store.read() as session:
        assert sql.run(session, "SELECT since FROM job ORDER BY key") == [(50,), (None,)]


def test_one_job_is_tried_again_and_only_if_it_was_given_up(hub: Hub) -> None:
    plan(hub.store, "ann", "ben")
    given_up(hub.store)
    with hub.store.read() as session:
        [(ann,)] = sql.run(session, "SELECT id FROM job WHERE key = 'person.decide:ann'")

    with hub.store.write() as session, clock.frozen(NOW):
        tried = queue.retry(session, ann), queue.retry(session, ann), queue.retry(session, "nobody")

    assert tried == (1, 0, 0)
    assert [(key, state) for key, state, _, _ in jobs(hub.store)] == [("ann", "pending"), ("ben", "dead")]


def test_work_planned_anew_takes_over_from_a_job_that_failed(hub: Hub) -> None:
    # Given a job that runs, and the same work planned for later meanwhile
    plan(hub.store, ("ann", 10))
    job = claimed(hub.store)
    plan(hub.store, ("ann", 90), at=NOW + 5 * HOUR)

    # When the running one fails
    with hub.store.write() as session:
        queue.give_back(session, job, "failed", now=NOW)

    # Then one job is left, which is tried when the failed one would have been, and looks back as far
    [(key, state, at, _)] = jobs(hub.store)
    assert (key, state, at) == ("ann", "pending", NOW + BACKOFF[0] * SECOND)
    with hub.store.read() as session:
        assert sql.run(session, "SELECT since FROM job") == [(10,)]


def test_what_is_planned_while_a_job_runs_is_done_after_it(hub: Hub) -> None:
    # Given a job in a worker's hands
    plan(hub.store, "ann")
    job = claimed(hub.store)

    # When there is news
    plan(hub.store, "ann", at=NOW + 1)
    assert finish(hub.store, job)

    # Then it is not lost
    assert jobs(hub.store) == [("ann", "pending", NOW + 1, 0)]


class Waiting:
    """Something done in another thread, which may have to wait for us."""

    def __init__(self, work: Callable[[], Claimed | None]) -> None:
        self._thread = threading.Thread(target=self._run, args=(work,))
        self.result: Claimed | None = None
        self._thread.start()

    def _run(self, work: Callable[[], Claimed | None]) -> None:
        self.result = work()

    @property
    def waits(self) -> bool:
        self._thread.join(0.4)
        return self._thread.is_alive()

    def done(self) -> Claimed | None:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.result


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_that_claims_while_news_is_written_sees_the_news(hub: Hub) -> None:
    # Given a pending job, and a transaction that brings news and plans the same
    plan(hub.store, "ann")
    job_id = the_job(hub.store)
    with hub.store.write() as session:
        sql.run(session, "INSERT INTO meta (key, value) VALUES ('news', 'yes')")
        queue.plan(session, "person.decide", ["ann"], run_at=NOW)

        # When a worker wants the job before that commits, it waits
        worker = Waiting(lambda: claim(hub.store, job_id))
        assert worker.waits

    # Then it gets the job, and what it looks at holds the news
    assert worker.done() is not None
    assert len(jobs(hub.store)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("claim_holds", [True, False])
def test_news_written_while_a_worker_claims_is_planned_anew(hub: Hub, claim_holds: bool) -> None:
    # Given a worker that has claimed the pending job, and not yet committed that
    plan(hub.store, "ann")
    job_id = the_job(hub.store)

    def news() -> None:
        with hub.store.write() as session:
            sql.run(session, "INSERT INTO meta (key, value) VALUES ('news', 'yes')")
            queue.plan(session, "person.decide", ["ann"], run_at=NOW)

    def claiming(session: Session) -> Waiting:
        assert queue.claim(session, job_id, LEASE, NOW) is not None
        ingest = Waiting(news)
        assert ingest.waits
        return ingest

    if claim_holds:
        with hub.store.write() as session:
            ingest = claiming(session)
    else:
        with suppress(ZeroDivisionError), hub.store.write() as session:
            ingest = claiming(session)
            raise ZeroDivisionError
    ingest.done()

    # Then a job is pending that was planned with the news: the old one, if the claim came to nothing
    states = [state for _, state, _, _ in jobs(hub.store)]
    assert states == (["pending", "running"] if claim_holds else ["pending"])


def test_no_news_is_lost_between_many_who_bring_it_and_many_who_look(hub: Hub) -> None:
    # Given people who bring news about one person, each with a plan in the same transaction
    with hub.store.write() as session:
        sql.run(session, "INSERT INTO meta (key, value) VALUES ('news', '0')")
    rounds = 30 if hub.store.dialect == "postgresql" else 12
    bringing, seen, end = 4, [0], threading.Event()

    def bring() -> None:
        for _ in range(rounds):
            with hub.store.write() as session:
                sql.run(session, "UPDATE meta SET value = CAST(CAST(value AS integer) + 1 AS text) WHERE key = 'news'")
                queue.plan(session, "person.decide", ["ann"], run_at=NOW)

    def look() -> None:
        while not end.is_set() or jobs(hub.store):
            with hub.store.read() as session:
                due = queue.due(session, 5, wake_again_after=0, now=NOW)
            for job_id, _ in due:
                if (job := claim(hub.store, job_id)) is not None:
                    with hub.store.read() as session:
                        seen.append(int(sql.run(session, "SELECT value FROM meta WHERE key = 'news'")[0][0]))
                    finish(hub.store, job)

    with ThreadPoolExecutor(bringing + 2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        for each in [pool.submit(bring) for _ in range(bringing)]:
            each.result()
        end.set()
        for each in looking:
            each.result()

    # Then somebody looked after the last of it
    assert max(seen) == bringing * rounds
    assert jobs(hub.store) == []

"""Durable time: what waits is a row, found when it is due, by whoever looks, and decided once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from costs import cost
from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR, MINUTE, SECOND
from kinline.decide import due
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.jobs import queue
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.bulk import many_waits
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.triggers import read_trigger
from kinline.words import HandleType, TriggerState
from settable import NINE, Time

QUIET = """
name: quiet
about: Somebody asked, and nobody answered for two hours.
when: {silence: {of: us, after: {kind: message, direction: inbound}, for: 2h}}
do: [{task: {team: support, title: "Somebody waits"}}]
limits: {lateness: 2d}
"""


def live(hub: Hub, text: str = QUIET) -> str:
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, text, made_by="Cleo", override="a test")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        return row.id


def put(hub: Hub, state: TriggerState, name: str = "quiet") -> None:
    with hub.store.write() as session:
        trigger_store.set_state(session, name, state, override="a test")


def happens(hub: Hub, inbox: AccountRef, *what: Interaction) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in what])
    handlers.drain(hub)


def crowd(number: int) -> list[Interaction]:
    people = [Handle(HandleType.EMAIL, f"person{each}@example.org") for each in range(number)]
    return [InteractionFactory.build(author=who) for who in people]


def rows(hub: Hub, statement: str) -> list[tuple[object, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement)


WAITS = "SELECT state, reason FROM wait ORDER BY state, reason"
DECIDED = "SELECT count(*) FROM decision"


def test_two_sweepers_at_once_take_each_wait_once(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given forty people who wait, and whose time has come
    live(hub)
    happens(hub, inbox, *crowd(40))
    gate = threading.Barrier(4)

    def sweep(_: int) -> int:
        gate.wait()
        with clock.frozen(NINE + 3 * HOUR), hub.store.write() as session:
            return due.plan_due(session, clock.now())

    # When four sweepers look at the same moment
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(sweep, range(4)))

    # Then each wait was taken by one of them, and each person is looked at once
    assert sum(taken) == 40
    assert rows(hub, "SELECT state, count(*) FROM wait GROUP BY state") == [("due", 40)]
    assert rows(hub, "SELECT count(*) FROM job WHERE state = 'pending'") == [(40,)]
    time.now = NINE + 3 * HOUR
    handlers.drain(hub)
    assert rows(hub, DECIDED) == [(40,)]
    assert rows(hub, WAITS) == [("closed", "fired")] * 40


def test_the_longest_overdue_come_first(hub: Hub, inbox: AccountRef) -> None:
    live(hub)
    happens(hub, inbox, *crowd(6))
    with hub.store.write() as session:
        people = [person for (person,) in sql.run(session, "SELECT person_id FROM wait ORDER BY id")]
        for number, person in enumerate(people):
            sql.run(session, "UPDATE wait SET due_at = {p} WHERE person_id = {p}", NINE - number, person)

        assert due.plan_due(session, NINE, limit=2) == 2

        left = [
            person for (person,) in sql.run(session, "SELECT person_id FROM wait WHERE state = 'armed' ORDER BY id")
        ]
    assert left == people[:4]


def test_what_falls_due_while_its_trigger_rests_is_met_once_and_not_again(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    # Given people who wait under a trigger that was paused
    live(hub)
    happens(hub, inbox, *crowd(3))
    put(hub, TriggerState.PAUSED)
    time.now = NINE + 3 * HOUR

    # When somebody sweeps twice
    with hub.store.write() as session:
        first, second = due.plan_due(session, time.now), due.plan_due(session, time.now)

    # Then the second finds nothing, and what waits is kept for the day it looks again
    assert (first, second) == (3, 0)
    assert rows(hub, WAITS) == [("kept", "")] * 3
    put(hub, TriggerState.LIVE)
    handlers.drain(hub)
    assert rows(hub, DECIDED) == [(3,)]


def test_what_was_due_when_its_trigger_was_paused_is_kept_too(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a wait that a sweeper took, and a pause before anybody looked at the person
    live(hub)
    happens(hub, inbox, *crowd(1))
    time.now = NINE + 3 * HOUR
    handlers.plan_due(hub)
    put(hub, TriggerState.PAUSED)
    handlers.drain(hub)
    assert rows(hub, WAITS) == [("kept", "")]

    put(hub, TriggerState.LIVE)
    handlers.drain(hub)
    assert rows(hub, DECIDED) == [(1,)]


def test_an_edit_ends_what_waited_under_the_old_words(hub: Hub, inbox: AccountRef) -> None:
    live(hub)
    happens(hub, inbox, *crowd(2))
    with hub.store.write() as session:
        trigger_store.save(session, QUIET.replace("2h", "3h"), made_by="Cleo", override="a test")

    assert ("closed", "trigger changed") in rows(hub, WAITS)
    assert rows(hub, "SELECT count(*) FROM wait WHERE state = 'armed' AND version = 1") == [(0,)]


def test_an_edit_that_leaves_the_condition_alone_keeps_what_waits(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given two who wait, and what they get said otherwise: another text, another duration of the same length
    live(hub)
    happens(hub, inbox, *crowd(2))
    before = rows(hub, "SELECT * FROM wait ORDER BY id")
    other = QUIET.replace("Somebody waits", "Answer them").replace("for: 2h", "for: 120m").replace("2d", "3d")
    with hub.store.write() as session:
        trigger_store.save(session, other, made_by="Cleo", override="a test")
    handlers.drain(hub)

    # Then all that waits is as it was, and fires with the new words
    assert rows(hub, "SELECT * FROM wait ORDER BY id") == before
    time.now = NINE + 3 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT title FROM task") == [("Answer them",)] * 2


@pytest.mark.parametrize(
    ("old", "new"), [("2h}}", "2h}}\nwho: \"business == 'none'\""), ("lateness: 2d", "lateness: 2d, once_per: person")]
)
def test_who_and_how_often_are_of_the_condition(old: str, new: str) -> None:
    assert read_trigger(QUIET).condition_id != read_trigger(QUIET.replace(old, new)).condition_id


def test_once_keys_survive_every_edit(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub)
    happens(hub, inbox, *crowd(1))
    time.now = NINE + 3 * HOUR
    handlers.drain(hub)
    with hub.store.write() as session:
        trigger_store.save(session, QUIET.replace("2h", "1h"), made_by="Cleo", override="a test")
    with hub.store.write() as session:
        [(person,)] = sql.run(session, "SELECT id FROM person")
        queue.plan(session, "person.decide", [(person, 0)])
    handlers.drain(hub)

    assert rows(hub, DECIDED) == [(1,)]


def test_an_edit_and_a_sweep_at_once_do_not_lock_each_other_out(hub: Hub, inbox: AccountRef) -> None:
    live(hub)
    happens(hub, inbox, *crowd(20))
    put(hub, TriggerState.PAUSED)
    gate = threading.Barrier(2)

    def sweep() -> None:
        gate.wait()
        for _ in range(10):
            with hub.store.write() as session:
                due.plan_due(session, NINE + 3 * HOUR, limit=2)

    def edit() -> None:
        gate.wait()
        for number in range(10):
            with hub.store.write() as session:
                trigger_store.save(session, QUIET.replace("2h", f"{number + 3}h"), made_by="Cleo", override="a test")

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(sweep), pool.submit(edit)]:
            done.result()
    assert {state for state, _ in rows(hub, WAITS)} == {"closed"}


def test_a_merge_at_the_last_moment_takes_no_silence_away(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, who waits, and Ben; the time has come, and nobody swept yet
    live(hub)
    happens(hub, inbox, InteractionFactory.build(author=ANN))
    happens(hub, inbox, InteractionFactory.build(author=BEN, kind="comment"))
    time.now = NINE + 2 * HOUR + SECOND
    with hub.store.write() as session:
        merges.merge(session, *[persons.find(session, str(who)) for who in (ANN, BEN)], evidence={}, made_by="Cleo")
    for job, _ in due_jobs(hub):
        handlers.work(hub, job)
    assert rows(hub, DECIDED) == [(0,)]

    # Then the sweep still finds it, and it is decided once
    handlers.drain(hub)
    handlers.drain(hub)
    assert rows(hub, DECIDED) == [(1,)]


def due_jobs(hub: Hub) -> list[tuple[str, str]]:
    with hub.store.read() as session:
        return queue.due(session, 100, wake_again_after=0, now=clock.now())


SKEWS = {"all right": 0, "two minutes ahead": 2 * MINUTE, "two minutes behind": -2 * MINUTE}


@pytest.mark.parametrize("first", SKEWS.values(), ids=list(SKEWS))
@pytest.mark.parametrize("second", SKEWS.values(), ids=list(SKEWS))
def test_workers_whose_clocks_disagree_decide_once(
    hub: Hub, inbox: AccountRef, time: Time, first: int, second: int
) -> None:
    # Given two workers, one of whom sweeps by its clock and the other works by its own
    live(hub)
    happens(hub, inbox, *crowd(2))
    for minute in range(115, 130):
        with clock.frozen(NINE + minute * MINUTE + first):
            handlers.plan_due(hub)
        with clock.frozen(NINE + minute * MINUTE + second):
            for job, _ in due_jobs(hub):
                handlers.work(hub, job)

    # Then each silence was decided once, and nothing is left waiting
    assert rows(hub, DECIDED) == [(2,)]
    assert rows(hub, WAITS) == [("closed", "fired")] * 2


@pytest.mark.parametrize("jump", [10 * MINUTE, -10 * MINUTE], ids=["ahead", "back"])
def test_a_jump_of_the_databases_clock_doubles_nothing(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    # Given a worker that holds a job while the database's clock jumps
    live(hub)
    happens(hub, inbox, *crowd(1))
    time.now = NINE + 3 * HOUR
    handlers.plan_due(hub)
    [(job, _)] = due_jobs(hub)
    with hub.store.write() as session:
        held = queue.claim(session, job, hub.settings.lease, time.now)
    assert held is not None
    real = queue.database_now
    monkeypatch.setattr(queue, "database_now", lambda session: real(session) + jump)

    # When another one looks meanwhile, and the first one does its work
    handlers.drain(hub)
    handlers.decide_person(hub, held)
    with hub.store.write() as session:
        queue.finish(session, held)
    handlers.drain(hub)

    # Then it was decided once, and no job is left
    assert rows(hub, DECIDED) == [(1,)]
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]
    assert rows(hub, "SELECT count(*) FROM job") == [(0,)]


def test_a_worker_that_dies_between_deciding_and_finishing_doubles_nothing(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub)
    happens(hub, inbox, *crowd(1))
    time.now = NINE + 3 * HOUR
    handlers.plan_due(hub)
    [(job, _)] = due_jobs(hub)
    with hub.store.write() as session:
        held = queue.claim(session, job, hub.settings.lease, time.now)
    assert held is not None
    handlers.decide_person(hub, held)

    # When its lease runs out and another one does the same again
    with hub.store.write() as session:
        sql.run(session, "UPDATE job SET lease_until = 0")
    handlers.drain(hub)

    assert rows(hub, DECIDED) == [(1,)]
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]


MANY, FEW = 100_000, 100


def test_what_is_not_due_costs_nothing(hub: Hub) -> None:
    """A sweep over a hundred thousand armed waits reads what one over a hundred reads."""
    trigger = live(hub)
    worked: dict[int, list[int]] = {}
    for count in (FEW, MANY):
        many_waits(hub.store, trigger, count, first=NINE + DAY)
        worked[count] = [work_of(hub, look) for look in (due.any_due, due.plan_due)]

    assert worked[MANY] == pytest.approx(worked[FEW], rel=0.5, abs=20)


def test_a_resting_triggers_overdue_waits_cost_the_sweep_nothing(hub: Hub) -> None:
    trigger = live(hub)
    many_waits(hub.store, trigger, 2_000, first=NINE - DAY)
    put(hub, TriggerState.PAUSED)
    with hub.store.write() as session:
        while due.plan_due(session, NINE):
            pass
        sql.run(session, "ANALYZE")

    assert work_of(hub, due.any_due) < 100
    assert rows(hub, "SELECT state, count(*) FROM wait GROUP BY state") == [("kept", 2_000)]


def work_of(hub: Hub, look: Callable[..., object]) -> int:
    """How much the database works for it: steps of its machine on SQLite, pages touched on PostgreSQL."""
    spent = 0
    real = sql.run

    def run(session: object, statement: str, *values: object) -> list[tuple[object, ...]]:
        nonlocal spent
        if "FROM wait" in statement:
            spent += cost(session, hub.store, statement, *values)
        return real(session, statement, *values)  # type: ignore[arg-type]

    with hub.store.write() as session, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sql, "run", run)
        look(session, NINE)
    return spent


def test_once_in_a_week_holds_also_for_what_arrives_late(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger that may act once a week, and acted
    live(hub, QUIET.replace("{silence: {of: us, after: {kind: message, direction: inbound}, for: 2h}}", "{did: {kind: message}}")
         .replace("lateness: 2d", "once_per: 7d, lateness: 2d"))  # fmt: skip
    time.now = NINE + DAY
    happens(hub, inbox, InteractionFactory.build(occurred_at=clock.to_datetime(NINE + DAY)))

    # When something arrives that happened a day before
    happens(hub, inbox, InteractionFactory.build(occurred_at=clock.to_datetime(NINE + HOUR)))

    # Then it is skipped, and says so
    with hub.store.write() as session:
        found = sql.run(session, "SELECT verdict, reason FROM decision ORDER BY decided_at, at DESC")
    assert found == [("fired", ""), ("skipped", "once per 7d")]

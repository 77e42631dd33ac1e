"""Waits: what a sweep costs when millions are armed and nothing is due, and how many due ones a second it plans."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from hubs import Bench, fresh
from kinline import clock
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.decide import due
from kinline.store import sql
from kinline.testing.bulk import many_waits
from kinline.words import TriggerState
from measure import Figure, interleaved, middle

#: Twice, at most, for a thousand times as many; and the rate that the sweep must keep up.
GROWTH, RATE = 2.0, 2000.0
FEW, LOOKS, DUE = 10_000, 200, 20_000
QUIET = """
name: quiet
about: Nobody answered for two hours.
when: {silence: {of: us, after: {kind: message}, for: 2h}}
do: [{task: {team: support, title: Somebody waits}}]
"""


def measure(database: str, *, armed: int, rounds: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        hubs = {count: stack.enter_context(fresh(database, triggers=False)) for count in (FEW, armed)}
        for count, bench in hubs.items():
            _arm(bench, count, first=clock.now() + DAY)
        for name, look in (("a look while nothing is due", _nothing), ("planning one that is due", _one)):
            found = interleaved(rounds, {str(count): lambda b=bench, w=look: w(b) for count, bench in hubs.items()})  # type: ignore[misc]
            few, many = (middle(values) for values in found.values())
            yield Figure(
                f"{name}: {armed:,} armed waits, of {FEW:,}", database, many, "ms", many / few, f"{few:.3g} ms", GROWTH,
                more_is_better=False, checked=f"{hubs[armed].count('SELECT count(*) FROM wait'):,} rows",
            )  # fmt: skip
        yield _rate(database, hubs[FEW])


def _rate(database: str, bench: Bench) -> Figure:
    """Due waits a second, planned as a sweeper does it."""
    _arm(bench, DUE, first=clock.now() - HOUR)
    began, planned = time.perf_counter(), 0
    while taken := _planned(bench):
        planned += taken
    spent = time.perf_counter() - began
    jobs = bench.count("SELECT count(*) FROM job WHERE actor = 'person.decide' AND state = 'pending'")
    if not planned == DUE == bench.count("SELECT count(*) FROM wait WHERE state = 'due'") or jobs < DUE:
        raise AssertionError(f"{planned} planned, {jobs} jobs, of {DUE}")
    return Figure(
        "due waits swept, one sweeper",
        database,
        planned / spent,
        "/s",
        None,
        "",
        RATE,
        checked=f"{planned:,} planned once",
    )


def _planned(bench: Bench) -> int:
    with bench.hub.store.write() as session:
        return due.plan_due(session, clock.now())


def _nothing(bench: Bench) -> float:
    """The middle of many looks that find nothing, in milliseconds."""
    spent = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        with bench.hub.store.read() as session:
            if due.any_due(session, clock.now()):
                raise AssertionError("nothing is due")
        spent.append(time.perf_counter() - began)
    return 1000 * middle(spent)


def _one(bench: Bench) -> float:
    """The middle of planning one wait that has just fallen due."""
    spent = []
    for _ in range(LOOKS // 4):
        with bench.hub.store.write() as session:
            sql.run(
                session,
                "UPDATE wait SET due_at = {p} WHERE id = (SELECT id FROM wait WHERE state = 'armed' ORDER BY due_at DESC LIMIT 1)",
                clock.now() - 1,
            )  # fmt: skip
        began = time.perf_counter()
        if _planned(bench) != 1:
            raise AssertionError("one is due")
        spent.append(time.perf_counter() - began)
    return 1000 * middle(spent)


def _arm(bench: Bench, count: int, *, first: int) -> None:
    with bench.hub.store.write() as session:
        row, _ = trigger_store.save(session, QUIET, made_by="bench")
        if row.state != TriggerState.LIVE:
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
    many_waits(bench.hub.store, row.id, count, first=first)
    settled = "PRAGMA wal_checkpoint(TRUNCATE)" if bench.hub.store.dialect == "sqlite" else "VACUUM ANALYZE wait"
    with bench.hub.store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(settled)

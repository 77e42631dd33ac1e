"""Merging persons, which must not depend on how much they did; and reading them afterwards."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from sqlmodel import Session

from hubs import Bench, fresh
from kinline.handles import Handle
from kinline.identity import merges, persons
from kinline.store import sql
from kinline.timeline import reading
from kinline.words import HandleType
from measure import Figure, interleaved, middle
from pages import fill

#: The targets (RESULTS.md): twice, milliseconds, three times.
MERGE_GROWTH, LOCK, AFTER_TEN = 2.0, 10.0, 3.0
ROUNDS = 33


def measure(database: str, *, hot: int) -> Iterator[Figure]:
    """Merging persons with 100 and with ``hot`` interactions: what it costs, how long it locks, what reading costs after."""
    with fresh(database, triggers=False) as bench:
        few = [Handle(HandleType.EMAIL, f"few{n}@customers.example") for n in range(24)]
        many = [Handle(HandleType.EMAIL, f"many{n}@customers.example") for n in range(2)]
        fill(bench, [*few, *many], [*[100] * len(few), hot, 100])
        pairs = {"small": few, "large": many}
        found = interleaved(ROUNDS, {name: partial(_merge_and_undo, bench, *pair[:2]) for name, pair in pairs.items()})
        small, large = (middle(found[name][3:]) for name in pairs)  # the first ones have statements to prepare
        _merge(bench, *many)
        joined = _lines(bench, many[1])
        if joined != hot + 100:
            raise AssertionError(f"{joined} lines of the person with {hot} and the one with 100")
        before = _newest(bench, few[0])
        for handle in few[1:10]:
            _merge(bench, few[0], handle)
        after = _newest(bench, few[0])
        ten = _lines(bench, few[0])
    checked = f"{joined:,} lines are the joined person's"
    yield Figure(
        f"merge, {hot:,} interactions against 100", database, large, "ms", large / small, f"{small:.2f} ms",
        MERGE_GROWTH, more_is_better=False, checked=checked, note=f"{ROUNDS} times in turn",
    )  # fmt: skip
    yield Figure(
        "the lock of a merge", database, large, "ms", None, "", LOCK, more_is_better=False,
        note=f"the whole transaction; the longest of {ROUNDS} {max(found['large'][3:]):.1f} ms",
    )  # fmt: skip
    yield Figure(
        "newest page of ten persons merged", database, after, "ms", after / before, f"{before:.2f} ms before", AFTER_TEN,
        more_is_better=False, checked=f"{ten:,} lines of ten times 100",
    )  # fmt: skip


def _lines(bench: Bench, handle: Handle) -> int:
    """How many lines the person's timeline has."""
    with bench.hub.store.read() as session:
        held = [span.identity_id for span in persons.spans(session, _root(session, handle))]
        return int(sql.select_in(session, "SELECT count(*) FROM participant WHERE identity_id {in}", held)[0][0])


def _merge(bench: Bench, one: Handle, other: Handle) -> tuple[str, float]:
    began = time.perf_counter()
    with bench.hub.store.write() as session:
        line = merges.merge(session, _root(session, one), _root(session, other), evidence={"bench": 1}, made_by="bench")
        merge_id = line.id
    return merge_id, (time.perf_counter() - began) * 1000


def _merge_and_undo(bench: Bench, one: Handle, other: Handle) -> float:
    merge_id, took = _merge(bench, one, other)
    with bench.hub.store.write() as session:
        merges.undo(session, merge_id, made_by="bench")
    return took


def _milliseconds(read: Callable[[], object]) -> float:
    began = time.perf_counter()
    read()
    return (time.perf_counter() - began) * 1000


def _newest(bench: Bench, handle: Handle) -> float:
    with bench.hub.store.read() as session:
        root = _root(session, handle)
        return middle([_milliseconds(lambda: reading.page(session, root)) for _ in range(200)])


def _root(session: Session, handle: Handle) -> str:
    return persons.find(session, str(handle))

"""A back-test beside what really was: what other triggers did to the same people, and what this one did live."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from sqlmodel import Session

from kinline.catalogue.backtest_runs import Compared
from kinline.clock import DAY
from kinline.store import sql


class ComparableHit(Protocol):
    """As much of a hit as is compared."""

    @property
    def person(self) -> str: ...

    @property
    def at(self) -> int: ...

    @property
    def once(self) -> str: ...


def overlap(session: Session, hits: Iterable[ComparableHit], trigger_id: str) -> Counter[str]:
    """By name of another trigger: how many hits are within a day of something that it did to the same person."""
    by_person: dict[str, list[int]] = {}
    for hit in hits:
        by_person.setdefault(hit.person, []).append(hit.at)
    rows = sql.select_in(
        session,
        "SELECT p.root_id, coalesce(t.name, d.trigger_id), d.at FROM decision d JOIN person p ON p.id = d.person_id "
        "LEFT JOIN trigger_rule t ON t.id = d.trigger_id "
        "WHERE p.root_id {in} AND d.verdict = 'fired' AND d.trigger_id <> {p}",
        by_person,
        trigger_id,
    )
    near = {(person, at, name) for person, name, acted in rows for at in by_person[person] if abs(at - acted) <= DAY}
    return Counter(name for _, _, name in near)


def alike(
    session: Session, hits: Iterable[ComparableHit], roots: Iterable[str], trigger_id: str, since: int, until: int
) -> tuple[int, int]:
    """How many of these hits this trigger decided in shadow or live, over the time that both know; and how many there are."""
    time = _time(session, trigger_id, since, until)
    if time is None:
        return 0, 0
    version, start = time
    rows = sql.select_in(
        session,
        "SELECT p.root_id, d.once_key, d.at FROM decision d JOIN person p ON p.id = d.person_id WHERE p.root_id {in} "
        "AND d.trigger_id = {p} AND d.version = {p} AND d.at >= {p} AND d.at <= {p}",
        roots, trigger_id, version, start, until,
    )  # fmt: skip
    tried = {(hit.person, hit.once, hit.at) for hit in hits if start <= hit.at <= until}
    return len({(*row,) for row in rows} & tried), len(tried)


def compare(session: Session, both: int, tried: int, trigger_id: str, since: int, until: int) -> Compared | None:
    """None where this version never was in shadow or live within that time. ``both`` and ``tried``: `alike`, over everybody."""
    time = _time(session, trigger_id, since, until)
    if time is None:
        return None
    version, start = time
    [(decided,)] = sql.run(
        session,
        "SELECT count(*) FROM decision WHERE trigger_id = {p} AND version = {p} AND at >= {p} AND at <= {p}",
        trigger_id, version, start, until,
    )  # fmt: skip
    return Compared(start, until, both, decided - both, tried - both)


def _time(session: Session, trigger_id: str, since: int, until: int) -> tuple[int, int] | None:
    """Which version was live or in shadow since when, within that time."""
    rows = sql.run(
        session,
        "SELECT r.live_since, v.made_at, r.version FROM trigger_rule r JOIN trigger_version v "
        "ON v.trigger_id = r.id AND v.version = r.version WHERE r.id = {p} AND r.live_since IS NOT NULL",
        trigger_id,
    )
    start = max(since, rows[0][0], rows[0][1]) if rows else until + 1
    return (rows[0][2], start) if start <= until else None

"""A back-test beside what really was: what other triggers did to the same people, and what this one did live."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline.catalogue.backtest_runs import Compared
from kinline.clock import DAY
from kinline.store.ask import Ask, Count, among, columns
from kinline.store.models import Decision, Person, TriggerRow, TriggerVersion
from kinline.words import Verdict


class ComparableHit(Protocol):
    """As much of a hit as is compared."""

    @property
    def person(self) -> str: ...

    @property
    def at(self) -> int: ...

    @property
    def once(self) -> str: ...


class _OtherDeed(msgspec.Struct, frozen=True):
    root_id: str
    trigger: str
    at: int


class _OwnDecision(msgspec.Struct, frozen=True):
    root_id: str
    once_key: str
    at: int


_OTHERS = Ask(
    select(
        *columns(
            Decision,
            _OtherDeed,
            root_id=col(Person.root_id),
            trigger=func.coalesce(col(TriggerRow.name), col(Decision.trigger_id)),
        )
    )
    .join(Person, col(Person.id) == col(Decision.person_id))
    .outerjoin(TriggerRow, col(TriggerRow.id) == col(Decision.trigger_id))
    .where(
        among(Person.root_id, "roots"),
        col(Decision.verdict) == Verdict.FIRED.value,
        col(Decision.trigger_id) != bindparam("own"),
    ),
    _OtherDeed,
)
_THEN = (
    col(Decision.trigger_id) == bindparam("trigger"),
    col(Decision.version) == bindparam("version"),
    col(Decision.at) >= bindparam("since"),
    col(Decision.at) <= bindparam("until"),
)
_OWN = Ask(
    select(*columns(Decision, _OwnDecision, root_id=col(Person.root_id)))
    .join(Person, col(Person.id) == col(Decision.person_id))
    .where(among(Person.root_id, "roots"), *_THEN),
    _OwnDecision,
)
_DECIDED = Ask(select(func.count().label("count")).where(*_THEN), Count)


def overlap(session: Session, hits: Iterable[ComparableHit], trigger_id: str) -> Counter[str]:
    """By name of another trigger: how many hits are within a day of something that it did to the same person."""
    by_person: dict[str, list[int]] = {}
    for hit in hits:
        by_person.setdefault(hit.person, []).append(hit.at)
    near = {
        (row.root_id, at, row.trigger)
        for row in _OTHERS.rows(session, roots=by_person, own=trigger_id)
        for at in by_person[row.root_id]
        if abs(at - row.at) <= DAY
    }
    return Counter(name for _, _, name in near)


def alike(
    session: Session, hits: Iterable[ComparableHit], roots: Iterable[str], trigger_id: str, since: int, until: int
) -> tuple[int, int]:
    """How many of these hits this trigger decided in shadow or live, over the time that both know; and how many there are."""
    time = _time(session, trigger_id, since, until)
    if time is None:
        return 0, 0
    version, start = time
    rows = _OWN.rows(session, roots=roots, trigger=trigger_id, version=version, since=start, until=until)
    tried = {(hit.person, hit.once, hit.at) for hit in hits if start <= hit.at <= until}
    return len({(row.root_id, row.once_key, row.at) for row in rows} & tried), len(tried)


def compare(session: Session, both: int, tried: int, trigger_id: str, since: int, until: int) -> Compared | None:
    """None where this version never was in shadow or live within that time. ``both`` and ``tried``: `alike`, over everybody."""
    time = _time(session, trigger_id, since, until)
    if time is None:
        return None
    version, start = time
    decided = _DECIDED.one(session, trigger=trigger_id, version=version, since=start, until=until).count
    return Compared(start, until, both, decided - both, tried - both)


def _time(session: Session, trigger_id: str, since: int, until: int) -> tuple[int, int] | None:
    """Which version was live or in shadow since when, within that time."""
    rule = session.get(TriggerRow, trigger_id)
    if rule is None or rule.live_since is None:
        return None
    start = max(since, rule.live_since, session.get_one(TriggerVersion, (trigger_id, rule.version)).made_at)
    return (rule.version, start) if start <= until else None

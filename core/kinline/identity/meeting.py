"""Identities and their first persons, made when somebody is met for the first time."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from kinline import clock, ids
from kinline.handles import Handle
from kinline.identity.parties import MAX_NAME, Who, home_person, identify
from kinline.jobs import queue
from kinline.messages import Party
from kinline.store import memory, sql
from kinline.store.models import Alias, Identity, IdentityLink, IdentityName, Person, metadata
from kinline.words import Standing

_IDENTITY = metadata.tables[str(Identity.__tablename__)]
_PERSON = metadata.tables[str(Person.__tablename__)]
_LINK = metadata.tables[str(IdentityLink.__tablename__)]
_NAME = metadata.tables[str(IdentityName.__tablename__)]
_ALIAS = metadata.tables[str(Alias.__tablename__)]
#: The job that looks who may be one with an identity, when something new is known of it.
MATCH = "identity.match"


def meet(session: Session, lines: Iterable[tuple[Who, int]]) -> None:
    """Make the identities of these lines, each with a person of its own, where they are new; keep their names, and when
    they were seen."""
    handles: dict[str, Handle] = {}
    names: dict[tuple[str, str, int], int] = {}
    for line, at in lines:
        if line.identity_id and line.identity:
            handles[line.identity_id] = line.identity
            if line.party.name:
                name = (line.identity_id, line.party.name, int(line.party.standing is Standing.VERIFIED))
                names[name] = max(at, names.get(name, at))
    _make(session, {each: handles[each] for each in sorted(memory.unsure(session, handles))})
    unsure = memory.unsure(session, names)
    _name(session, {each: names[each] for each in unsure})
    memory.tell(session, unsure)


def _name(session: Session, seen: Mapping[tuple[str, str, int], int]) -> None:
    rows: dict[tuple[str, str, int], tuple[str, int]] = {}
    for (identity_id, name, proved), at in sorted(seen.items()):
        kept = name[:MAX_NAME].replace("\x00", "")
        rows[identity_id, kept, proved] = fold(kept), max(at, rows.get((identity_id, kept, proved), ("", at))[1])
    listed = [(*key, *told) for key, told in sorted(rows.items())]
    new = sql.insert_new(session, _NAME, listed, 3)
    columns = tuple(column.name for column in _NAME.columns)
    sql.upsert(session, _NAME, columns, [row for row in listed if row[:3] not in new], _LATER)
    queue.plan(session, MATCH, {identity for identity, _, _ in new})


_LATER = (
    "ON CONFLICT (identity_id, name, proved) DO UPDATE SET last_at = excluded.last_at "
    "WHERE identity_name.last_at < excluded.last_at"
)


def _make(session: Session, handles: dict[str, Handle]) -> None:
    now = clock.now()
    rows = [(identity_id, handle.type, handle.issuer, handle.value, now) for identity_id, handle in handles.items()]
    new = [identity_id for (identity_id,) in sorted(sql.insert_new(session, _IDENTITY, rows, 1))]
    sql.insert(session, _PERSON, sorted((home_person(each), home_person(each), now) for each in new))
    sql.insert(session, _LINK, [_home_link(each, now) for each in new])
    queue.plan(session, MATCH, new)
    memory.tell(session, handles)


def fold(text: str) -> str:
    """Text as searching sees it: one spelling for accents, no upper and lower case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def remember_aliases(session: Session, met: Iterable[tuple[Party, int]]) -> None:
    """Handles that were shown beside somebody's own, with the time they were seen. Later and earlier sightings widen the
    span. They make no person and join nobody: who takes part under one is another person, and may be the same one.
    """
    seen: dict[tuple[str, str, str], tuple[int, int]] = {}
    for party, at in met:
        for key in _aliases(party):
            first, last = seen.get(key, (at, at))
            seen[key] = min(first, at), max(last, at)
    listed = [(*key, *span) for key, span in sorted(seen.items())]  # in order, so that nobody waits in a circle
    new = sql.insert_new(session, _ALIAS, listed, 3)
    columns = tuple(column.name for column in _ALIAS.columns)
    sql.upsert(session, _ALIAS, columns, [row for row in listed if row[:3] not in new], _WIDER)
    queue.plan(session, MATCH, {identity for identity, _, _ in new})


def _aliases(party: Party) -> Iterable[tuple[str, str, str]]:
    known = identify(party.handle) if party.handle and not party.ours else None
    if known is None or known.blocked:
        return
    for alias in party.also:
        other = identify(alias)
        if other and not other.blocked and other.id != known.id:
            yield known.id, str(other.handle.type), str(other.handle).partition(":")[2]


_WIDER = (
    "ON CONFLICT (identity_id, type, value) DO UPDATE SET seen_from = {least}(alias.seen_from, excluded.seen_from), "
    "seen_to = -{least}(-alias.seen_to, -excluded.seen_to)"
)


def _home_link(identity_id: str, now: int) -> tuple[Any, ...]:
    return (
        ids.derived("home", identity_id), identity_id, home_person(identity_id), None, None, Standing.INFERRED,
        '{"why":"first seen"}', "hub", now, None,
    )  # fmt: skip

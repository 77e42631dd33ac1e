"""Identities and their first persons, made when somebody is met for the first time."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from kinline import clock, ids
from kinline.handles import Handle
from kinline.identity.parties import MAX_NAME, Who, home_person, identify
from kinline.messages import Party
from kinline.store import memory, sql
from kinline.store.models import Identity, IdentityLink, IdentityName, Person, metadata
from kinline.words import HandleType, Standing

_IDENTITY = metadata.tables[str(Identity.__tablename__)]
_PERSON = metadata.tables[str(Person.__tablename__)]
_LINK = metadata.tables[str(IdentityLink.__tablename__)]
_NAME = metadata.tables[str(IdentityName.__tablename__)]


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
    columns = tuple(column.name for column in _NAME.columns)
    sql.upsert(session, _NAME, columns, [(*key, *told) for key, told in sorted(rows.items())], _LATER)


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
    memory.tell(session, handles)


def fold(text: str) -> str:
    """Text as searching sees it: one spelling for accents, no upper and lower case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def remember_aliases(session: Session, met: Iterable[tuple[Party, int]]) -> None:
    """Handles that can change owner, with the time they were seen. Later and earlier sightings widen the span."""
    seen: dict[tuple[str, str, str], tuple[int, int]] = {}
    for party, at in met:
        known = identify(party.handle) if party.handle else None
        for alias in party.also:
            other = identify(alias)
            if known and other and other.handle.type in (HandleType.X_HANDLE, HandleType.URL):
                key = known.id, str(other.handle.type), other.handle.value
                first, last = seen.get(key, (at, at))
                seen[key] = min(first, at), max(last, at)
    cursor, sqlite = sql.driver(session)
    for key, span in sorted(seen.items()):  # in order, as all writing is, so that nobody waits in a circle
        cursor.execute(_ALIAS[sqlite], (*key, *span))
    cursor.close()


def _alias_statement(mark: str, least: str, greatest: str) -> str:
    return (
        f"INSERT INTO alias VALUES ({','.join([mark] * 5)}) ON CONFLICT (identity_id, type, value) "
        f"DO UPDATE SET seen_from = {least}(alias.seen_from, excluded.seen_from), "
        f"seen_to = {greatest}(alias.seen_to, excluded.seen_to)"
    )


_ALIAS = {True: _alias_statement("?", "min", "max"), False: _alias_statement("%s", "LEAST", "GREATEST")}


def _home_link(identity_id: str, now: int) -> tuple[Any, ...]:
    return (
        ids.derived("home", identity_id), identity_id, home_person(identity_id), None, None, Standing.INFERRED,
        '{"why":"first seen"}', "hub", now, None,
    )  # fmt: skip

"""Identities and their first persons, made when somebody is met for the first time."""

import unicodedata
from collections.abc import Iterable
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


def meet(session: Session, lines: Iterable[Who]) -> None:
    """Make the identities of these lines, each with a person of its own, where they are new; keep their names."""
    handles: dict[str, Handle] = {}
    names: set[tuple[str, str, int]] = set()
    for line in lines:
        if line.identity_id and line.identity:
            handles[line.identity_id] = line.identity
            if line.party.name:
                names.add((line.identity_id, line.party.name, int(line.party.standing is Standing.VERIFIED)))
    _make(session, {each: handles[each] for each in sorted(memory.unsure(session, handles))})
    unsure = memory.unsure(session, names)
    sql.insert(session, _NAME, sorted({_named(*each) for each in unsure}))
    memory.tell(session, unsure)


def _make(session: Session, handles: dict[str, Handle]) -> None:
    now = clock.now()
    rows = [(identity_id, handle.type, handle.issuer, handle.value, now) for identity_id, handle in handles.items()]
    new = [identity_id for (identity_id,) in sorted(sql.insert_new(session, _IDENTITY, rows, 1))]
    sql.insert(session, _PERSON, sorted((home_person(each), home_person(each), now) for each in new))
    sql.insert(session, _LINK, [_home_link(each, now) for each in new])
    memory.tell(session, handles)


def _named(identity_id: str, name: str, proved: int) -> tuple[str, str, int, str]:
    kept = name[:MAX_NAME].replace("\x00", "")
    return identity_id, kept, proved, fold(kept)


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

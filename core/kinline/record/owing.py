"""The questions that `kinline.record.owed` asks of the store, and the one answer it writes: since when each pair waits."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlmodel import Session

from kinline.clock import DAY
from kinline.store import sql
from kinline.triggers.filters import MODERATED_AWAY
from kinline.words import Kind

Pair = tuple[str, str]  #: an identity, and the place where it wrote
EVERYBODY = ""  #: the identity of the row that is of a whole place
#: What wants an answer by its nature. Orders, visits, page views, likes and posts of their own do not.
ASKING = frozenset({Kind.MESSAGE, Kind.COMMENT, Kind.MENTION, Kind.QUOTE, Kind.REVIEW, Kind.LETTER, Kind.CALL})
#: How far behind ours the clock of somebody may be who answers what we wrote.
BEHIND = DAY
NEVER = -(2**62)
#: Pairs of one person that are looked at in one go; nobody waits in more places.
MOST = 5_000


class Asked(msgspec.Struct, frozen=True, order=True):
    """Something that wants an answer."""

    identity: str
    place: str
    at: int
    interaction: str
    channel: str
    kind: str


class Row(msgspec.Struct, frozen=True):
    """A row as it stands."""

    identity: str
    place: str
    since: int | None
    interaction: str | None
    answered_at: int | None
    answered_in: str | None


def row_id(identity: str, place: str) -> str:
    """Both have one length, so they cannot run into each other; that of a whole place is the place."""
    return identity + place


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


#: One of us said it to somebody, in interaction ``i`` with its line ``p``.
_BY_US = (
    "p.direction = 'outbound' AND p.role <> 'author' AND i.automatic = '' AND i.kind <> 'note' AND i.deleted_at IS NULL"
)
#: They asked it, in interaction ``i`` with its line ``p``.
_BY_THEM = (
    f"p.direction = 'inbound' AND p.role = 'author' AND p.kind IN ({_listed(ASKING)}) AND i.automatic = '' "
    f"AND i.deleted_at IS NULL AND i.moderation NOT IN ({_listed(MODERATED_AWAY)})"
)
#: All identities ``m`` of the person who holds the identity of link ``l``.
_OF_ONE = (
    "identity_link l JOIN person a ON a.id = l.person_id JOIN person b ON b.root_id = a.root_id "
    "JOIN identity_link m ON m.person_id = b.id AND m.withdrawn_at IS NULL"
)
_PLACE = "coalesce(k.conversation_id, i.id)"


def roots(session: Session, identities: Iterable[str]) -> dict[str, str]:
    """The person who answers for each identity now."""
    statement = (
        "SELECT l.identity_id, p.root_id FROM identity_link l JOIN person p ON p.id = l.person_id "
        "WHERE l.identity_id {in} AND l.withdrawn_at IS NULL"
    )
    return dict(sql.select_in(session, statement, sorted(set(identities))))


def rows(session: Session, wanted: Iterable[str]) -> dict[str, Row]:
    """Those of these rows that are there, by id."""
    found = sql.select_in(
        session,
        "SELECT id, identity_id, place, since, interaction_id, answered_at, answered_in FROM owed WHERE id {in}",
        wanted,
    )
    return {each: Row(*told) for each, *told in found}


def last_spoken(session: Session, identities: Iterable[str], since: int) -> dict[str, int]:
    """When one of us last spoke to whoever holds each identity, on any channel, where that was not before ``since``."""
    found = sql.select_in(
        session,
        f"SELECT l.identity_id, max(p.sort_at) FROM {_OF_ONE} JOIN participant p ON p.identity_id = m.identity_id "
        "JOIN interaction i ON i.id = p.interaction_id WHERE l.identity_id {in} AND l.withdrawn_at IS NULL "
        f"AND p.sort_at >= {{p}} AND {_BY_US} GROUP BY l.identity_id",
        sorted(identities), since,
    )  # fmt: skip
    return dict(found)


def answered_there(known: Mapping[str, Row], pair: Pair) -> int:
    """The latest of what answered in the place itself: this one, or everybody."""
    found = [row.answered_at for each in (row_id(*pair), pair[1]) if (row := known.get(each))]
    return max((at for at in found if at is not None), default=NEVER)


def waiting_in(session: Session, until: Mapping[str, int]) -> list[Pair]:
    """Who waits in each of these places since that moment or before."""
    statement = "SELECT identity_id, place FROM owed WHERE place = {p} AND since <= {p} ORDER BY identity_id"
    return [(i, p) for place, at in sorted(until.items()) for i, p in sql.run(session, statement, place, at)]


def waiting_of(session: Session, identities: Iterable[str]) -> list[Pair]:
    """Where the persons wait who hold these identities."""
    found = sql.select_in(
        session,
        f"SELECT DISTINCT o.identity_id, o.place FROM {_OF_ONE} JOIN owed o ON o.id >= m.identity_id "
        "AND o.id < m.identity_id || 'g' AND o.identity_id <> '' AND o.since IS NOT NULL WHERE l.identity_id {in} AND l.withdrawn_at IS NULL",
        sorted(set(identities)),
    )
    return [(identity, place) for identity, place in found]


def settle(session: Session, pairs: Iterable[Pair]) -> None:
    """Write since when each of these pairs waits, or that it does not, from what is stored."""
    for pair in pairs:
        known = rows(session, [row_id(*pair), pair[1]])
        cut = max(answered_there(known, pair), _spoken_to(session, pair[0]))
        found = _first_after(session, pair, cut)
        if found is None:
            statement = "UPDATE owed SET since = NULL WHERE id = {p} AND since IS NOT NULL"
            sql.changed(session, statement, row_id(*pair))
        else:
            _waits(session, pair, found)


def _spoken_to(session: Session, identity: str) -> int:
    """When one of us last said something to the person who holds this identity, on any channel."""
    found = sql.run(
        session,
        "SELECT (SELECT p.sort_at FROM participant p JOIN interaction i ON i.id = p.interaction_id "
        f"WHERE p.identity_id = m.identity_id AND {_BY_US} ORDER BY p.sort_at DESC LIMIT 1) FROM {_OF_ONE} "
        "WHERE l.identity_id = {p} AND l.withdrawn_at IS NULL",
        identity,
    )
    return max((at for (at,) in found if at is not None), default=NEVER)


_FIRST = (
    "SELECT {at}, i.id, i.channel, i.kind FROM participant p JOIN interaction i ON i.id = p.interaction_id "
    "LEFT JOIN thread_key k ON k.id = i.thread_key_id {more} "
    f"WHERE p.identity_id = {{p}} AND {_BY_THEM} AND {_PLACE} = {{p}} AND "
)
_LATER = _FIRST.replace("{at}", "p.sort_at").replace("{more}", "") + "p.sort_at > {p} ORDER BY p.sort_at, i.id LIMIT 1"
#: What answers something of ours was said after it, though their clock is a little behind.
_AFTER_ALL = (
    _FIRST.replace("{at}", "a.sort_at + 1").replace(
        "{more}", "JOIN interaction a ON a.id = i.answers_id AND a.direction = 'outbound'"
    )
    + "p.sort_at > {p} AND p.sort_at <= {p} AND a.sort_at >= {p} AND a.sort_at < p.sort_at + {p} "
    "ORDER BY a.sort_at, i.id LIMIT 1"
)


def _first_after(session: Session, pair: Pair, cut: int) -> tuple[Any, ...] | None:
    """The first thing that this one asked there after the cut: moment, id, channel and kind."""
    found = sql.run(session, _LATER, *pair, cut)
    if cut > NEVER:
        found += sql.run(session, _AFTER_ALL, *pair, cut - BEHIND, cut, cut, BEHIND)
    return min(found, default=None)


def _waits(session: Session, pair: Pair, found: tuple[Any, ...]) -> None:
    at, interaction, channel, kind = found
    sql.changed(
        session,
        "INSERT INTO owed (id, identity_id, place, channel, kind, since, asked_at, interaction_id, answered_by) "
        "VALUES ({p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, '') ON CONFLICT (id) DO UPDATE SET since = excluded.since, "
        "asked_at = excluded.asked_at, interaction_id = excluded.interaction_id, kind = excluded.kind, "
        "channel = excluded.channel",
        row_id(*pair), *pair, channel, kind, at, at, interaction,
    )  # fmt: skip


def asked_since(session: Session, identity: str) -> list[Pair]:
    """All pairs of the person who holds this identity that may wait: those that wait, and where they wrote since one
    of us last spoke to them."""
    cut = _spoken_to(session, identity)
    found = sql.run(
        session,
        f"SELECT DISTINCT m.identity_id, {_PLACE} FROM {_OF_ONE} JOIN participant p ON p.identity_id = m.identity_id "
        "JOIN interaction i ON i.id = p.interaction_id LEFT JOIN thread_key k ON k.id = i.thread_key_id "
        f"WHERE l.identity_id = {{p}} AND l.withdrawn_at IS NULL AND p.sort_at > {{p}} AND {_BY_THEM} LIMIT {{p}}",
        identity, cut - BEHIND if cut > NEVER else NEVER, MOST,
    )  # fmt: skip
    return sorted({*((i, place) for i, place in found), *waiting_of(session, [identity])})


def answers_in(session: Session, place: str) -> list[tuple[Any, ...]]:
    """What of a conversation answers the place or somebody in it: moment, id, channel, whom (everybody: "")."""
    return sql.run(
        session,
        "SELECT i.sort_at, i.id, i.channel, CASE WHEN i.direction = 'outbound' THEN '' ELSE q.author_id END "
        "FROM thread_key k JOIN interaction i ON i.thread_key_id = k.id LEFT JOIN interaction q ON q.id = i.answers_id "
        "WHERE k.conversation_id = {p} AND i.automatic = '' AND i.kind <> 'note' AND i.deleted_at IS NULL AND "
        "(i.direction = 'outbound' OR (i.direction = 'among' AND i.author_id IS NOT NULL AND q.author_id IS NOT NULL "
        "AND q.author_id <> i.author_id)) ORDER BY i.sort_at DESC, i.id LIMIT {p}",
        place, MOST,
    )  # fmt: skip

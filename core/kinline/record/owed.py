"""Who waits for our answer, since when: a row for each who wrote and each place, exact in any order of arrival.

Somebody waits in a place (a conversation, or an interaction that is in none) since the first thing they wrote there that
nothing answered. What answers: a word of one of us to them, on any channel; a word of one of us in that conversation,
whoever it was for; somebody else's answer to them there; that the conversation was solved or closed. Automatic mail,
notes and what was moderated away ask nothing and answer nothing. Imported history counts.

`keep` is for what was just recorded, and touches only what that can change. `settle_person` works out the same from
everything that is stored: for merges, edits and deletions.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlmodel import Session

from kinline.record import owing
from kinline.record.moving import moved
from kinline.record.owing import ASKING, EVERYBODY, NEVER, Asked, Pair, Row, row_id
from kinline.record.prepare import Ready
from kinline.record.versions import named
from kinline.store import sql
from kinline.store.models import Owed, metadata
from kinline.triggers.filters import MODERATED_AWAY
from kinline.words import ConversationState, Direction, Kind, Role

_OWED = metadata.tables[str(Owed.__tablename__)]
#: PostgreSQL advisory locks: who asks and who answers one person do not pass each other unseen.
WAITING, PLACES = 727281, 1024
FOREVER = 2**62
#: What answered in a place: somebody else, one of us, or that the conversation was solved or closed.
PEER, US, CLOSED = "peer", "us", "closed"
#: The states of a conversation in which nobody waits for what was said before.
ENDED = frozenset({ConversationState.SOLVED, ConversationState.CLOSED})


class _News(msgspec.Struct):
    """What a batch brought that bears on what we owe."""

    asked: list[Asked]
    answers: list[Ready]
    helped: list[Ready]
    places: dict[str, str]


def keep(
    session: Session, fresh: Sequence[Ready], joined: Sequence[tuple[str, str]] = (), changed: Iterable[str] = ()
) -> None:
    """Bring what we owe up to what was just recorded, in the transaction that records it and after all else but jobs:
    two that wrote these rows and then others would wait for each other.

    ``joined``: conversations that it joined, each with the one it is part of now; ``changed``: what it edited or deleted.
    """
    news = _news(session, fresh)
    edited = {each: {identity for _, identity in named(session, each)} for each in sorted(set(changed))}
    _alone(session, news, {place for pair in joined for place in pair}, set().union(*edited.values()))
    for old, root in joined:
        moved(session, old, root)
    for ready in news.answers:
        if ready.chain and ready.id in news.places:
            _answered(session, (EVERYBODY, news.places[ready.id]), US, ready)
    pairs = {pair for ready in news.helped if ready.id in news.places and (pair := _helped(session, ready))}
    known = owing.rows(session, _looked_at(fresh, news))
    pairs |= set(_answered_before(session, fresh, known))
    until = {
        place: at for place in news.places.values() if (at := owing.answered_there(known, (EVERYBODY, place))) > NEVER
    }
    pairs |= set(owing.waiting_in(session, until | dict.fromkeys((root for _, root in joined), FOREVER)))
    pairs |= set(owing.waiting_of(session, {each for ready in news.answers for each in addressed(ready)}))
    pairs |= _ask(session, news.asked, known)
    owing.settle(session, sorted(pairs))
    if edited:
        _look_again(session, edited)


def _looked_at(fresh: Sequence[Ready], news: _News) -> list[str]:
    """The rows that bear on this: of who asked, of the places, and of what was answered before it came."""
    asked = {row_id(each.identity, each.place) for each in news.asked}
    before = {row_id(each.id, each.id) for each in fresh if each.author_id and (each.chain or asks(each))}
    return sorted({*asked, *news.places.values(), *before})


def _news(session: Session, fresh: Sequence[Ready]) -> _News:
    bearing = [ready for ready in fresh if not ready.what.automatic and ready.what.kind is not Kind.NOTE]
    asking = [ready for ready in bearing if asks(ready)]
    answers = [ready for ready in bearing if ready.what.direction is Direction.OUTBOUND]
    helped = [ready for ready in bearing if ready.what.direction is Direction.AMONG and ready.what.answers]
    rows = sql.select_in(
        session,
        "SELECT i.id, coalesce(k.conversation_id, i.id) FROM interaction i LEFT JOIN thread_key k "
        "ON k.id = i.thread_key_id WHERE i.id {in} AND i.deleted_at IS NULL",
        sorted({ready.id for ready in (*asking, *answers, *helped)}),
    )
    places = dict(rows)
    asked = [
        Asked(
            str(each.author_id), places[each.id], each.sort_at, each.id, each.recording.account.channel, each.what.kind
        )
        for each in asking
        if each.id in places
    ]
    return _News(sorted(asked), answers, helped, places)


def asks(ready: Ready) -> bool:
    """Whether it wants an answer of ours, from somebody we know."""
    what = ready.what
    wanted = what.direction is Direction.INBOUND and what.kind in ASKING and what.moderation not in MODERATED_AWAY
    return wanted and ready.author_id is not None


def _alone(session: Session, news: _News, joined: Iterable[str], concerned: set[str]) -> None:
    """On PostgreSQL, hold the persons and places concerned until this commits: an answer and a question both in flight
    would not see each other. Few locks, taken in order, after everything else but jobs was written."""
    if sql.on_sqlite(session):
        return
    spoken_to = {each for ready in news.answers for each in addressed(ready)}
    _hold(session, {each.identity for each in news.asked} | spoken_to | concerned, {*news.places.values(), *joined})


def _hold(session: Session, identities: set[str], places: set[str]) -> None:
    keys = {*owing.roots(session, identities).values(), *places} if identities else places
    locks = sorted({int(key[:8], 16) % PLACES for key in keys})
    if locks:
        sql.run(session, "SELECT pg_advisory_xact_lock({p}, place) FROM unnest({p}::int[]) AS place", WAITING, locks)


def addressed(ready: Ready) -> Iterable[str]:
    """The identities to whom one of us said it."""
    return (line.identity_id for line in ready.lines if line.identity_id and line.party.role is not Role.AUTHOR)


def _answered(session: Session, pair: Pair, by: str, ready: Ready) -> None:
    _note(session, pair, ready.sort_at, by, ready.id, ready.recording.account.channel)


def _note(session: Session, pair: Pair, at: int, by: str, interaction: str | None, channel: str) -> None:
    """Something answered this pair up to a moment; the latest counts."""
    sql.changed(
        session,
        "INSERT INTO owed (id, identity_id, place, channel, kind, answered_at, answered_by, answered_in) "
        "VALUES ({p}, {p}, {p}, {p}, '', {p}, {p}, {p}) ON CONFLICT (id) DO UPDATE SET answered_at = excluded.answered_at, "
        "answered_by = excluded.answered_by, answered_in = excluded.answered_in "
        "WHERE owed.answered_at IS NULL OR owed.answered_at < excluded.answered_at",
        row_id(*pair), *pair, channel, at, by, interaction,
    )  # fmt: skip


def closed(session: Session, conversation: str, at: int) -> None:
    """The conversation was solved or closed: nobody waits there for what was said before."""
    [(channel,)] = sql.run(session, "SELECT channel FROM conversation WHERE id = {p}", conversation)
    _note(session, (EVERYBODY, conversation), at, CLOSED, None, channel)
    owing.settle(session, owing.waiting_in(session, {conversation: at}))


def settle_person(session: Session, identity: str) -> None:
    """Work out anew where the person who holds this identity waits: after a merge and its undoing."""
    if not sql.on_sqlite(session):
        _hold(session, {identity}, set())
    owing.settle(session, owing.asked_since(session, identity))


def _look_again(session: Session, edited: dict[str, set[str]]) -> None:
    """What was edited or deleted, and whom it names: what they asked or answered may be different now."""
    rows = sql.select_in(
        session,
        "SELECT DISTINCT k.conversation_id, i.channel FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id "
        "WHERE i.id {in}",
        edited,
    )
    for place, channel in sorted(rows):
        _answers_anew(session, place, channel)
    for identity in sorted(set().union(*edited.values())):
        owing.settle(session, owing.asked_since(session, identity))


def _answers_anew(session: Session, place: str, channel: str) -> None:
    """Forget what answered in a conversation, and note it again from what is stored."""
    statement = "UPDATE owed SET answered_at = NULL, answered_by = '', answered_in = NULL WHERE place = {p}"
    sql.changed(session, statement, place)
    for at, interaction, where, whom in owing.answers_in(session, place):
        _note(session, (whom, place), at, PEER if whom else US, interaction, where)
    statement = "SELECT state_at FROM conversation WHERE id = {p} AND state IN ('solved', 'closed')"
    for (at,) in sql.run(session, statement, place):
        _note(session, (EVERYBODY, place), at, CLOSED, None, channel)
    owing.settle(session, owing.waiting_in(session, {place: FOREVER}))


def _helped(session: Session, ready: Ready) -> Pair | None:
    """Whom somebody else answered: whoever wrote what it answers. Where that is not here yet, it is noted for it."""
    rows = sql.run(
        session,
        "SELECT i.author_id, coalesce(k.conversation_id, i.id) FROM interaction i LEFT JOIN thread_key k "
        "ON k.id = i.thread_key_id WHERE i.id = {p}",
        ready.answers_id,
    )
    asker, place = rows[0] if rows else (ready.answers_id, ready.answers_id)
    if asker is None or ready.author_id in (None, asker):
        return None
    _answered(session, (asker, place), PEER, ready)
    return asker, place


def _answered_before(session: Session, fresh: Sequence[Ready], known: dict[str, Row]) -> Iterator[Pair]:
    """Whose words somebody else answered before they came here themselves."""
    for one in fresh:
        row = known.get(row_id(one.id, one.id))
        if row is None or row.answered_at is None:
            continue
        [(place, lives)] = sql.run(
            session,
            "SELECT coalesce(k.conversation_id, i.id), EXISTS (SELECT 1 FROM interaction q WHERE q.id = {p} "
            "AND q.deleted_at IS NULL) FROM interaction i LEFT JOIN thread_key k ON k.id = i.thread_key_id WHERE i.id = {p}",
            row.answered_in, one.id,
        )  # fmt: skip
        if lives:
            pair = (str(one.author_id), place)
            _note(session, pair, row.answered_at, PEER, row.answered_in, one.recording.account.channel)
            if asks(one):
                asked = "UPDATE owed SET asked_at = {p}, interaction_id = {p}, kind = {p} WHERE id = {p} AND asked_at IS NULL"
                sql.changed(session, asked, one.sort_at, one.id, one.what.kind, row_id(*pair))
            yield pair


def _ask(session: Session, asked: list[Asked], known: dict[str, Row]) -> set[Pair]:
    """Start the clocks that nothing has answered; returns the pairs that take a closer look."""
    first: dict[Pair, Asked] = {}
    for each in sorted(asked, key=lambda each: (each.at, each.interaction)):
        first.setdefault((each.identity, each.place), each)
    new = {pair: one for pair, one in first.items() if (one.at, one.interaction) < _since(known.get(row_id(*pair)))}
    if not new:
        return set()
    spoken = owing.last_spoken(session, {identity for identity, _ in new}, min(one.at for one in new.values()))
    late = {
        pair for pair, one in new.items()
        if max(spoken.get(pair[0], NEVER), owing.answered_there(known, pair)) >= one.at
    }  # fmt: skip
    rows = [
        (row_id(*pair), *pair, one.channel, one.kind, one.at, one.at, one.interaction, "")
        for pair, one in sorted(new.items())
        if pair not in late
    ]
    sql.upsert(session, _OWED, _STARTED, rows, _EARLIER)
    return late


def _since(row: Row | None) -> tuple[int, str]:
    return _NOT_YET if row is None or row.since is None else (row.since, row.interaction or "")


_NOT_YET = (FOREVER, "")
_STARTED = ("id", "identity_id", "place", "channel", "kind", "since", "asked_at", "interaction_id", "answered_by")
_EARLIER = (
    "ON CONFLICT (id) DO UPDATE SET since = excluded.since, asked_at = excluded.asked_at, kind = excluded.kind, "
    "channel = excluded.channel, interaction_id = excluded.interaction_id"
)

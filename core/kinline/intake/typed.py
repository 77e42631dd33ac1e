"""Typed interactions: what the API brings needs no understanding, and is recorded at once.

A post is one request: one interaction or many. All posts of one commit share one intake for each account, and one for what
is history there.
"""

from collections.abc import Sequence

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Conflict
from kinline.intake.receive import UNDERSTOOD
from kinline.record.batch import record_batch
from kinline.record.recording import Outcome, Recording
from kinline.store import sql
from kinline.store.models import Idempotency, Intake, ItemRow, metadata

_INTAKE = metadata.tables[str(Intake.__tablename__)]
_ITEM = metadata.tables[str(ItemRow.__tablename__)]
_KEYS = metadata.tables[str(Idempotency.__tablename__)]


class IdempotencyKey(msgspec.Struct, frozen=True):
    """What a caller gave so that a repeated request gets the first answer."""

    api_key_id: str
    key: str
    request_hash: str


class TypedPost(msgspec.Struct, frozen=True):
    """One request to record, and the key under which its answer is kept."""

    recordings: tuple[Recording, ...]
    idempotency: IdempotencyKey | None = None


class PostAnswer(msgspec.Struct, frozen=True):
    """Outcomes in the order of the recordings; or the answer given before; or a conflict."""

    outcomes: tuple[Outcome, ...] = ()
    replayed: bool = False
    conflict: bool = False


_answers = msgspec.json.Decoder(tuple[Outcome, ...])


def record_posts(session: Session, posts: Sequence[TypedPost]) -> list[PostAnswer]:
    """Record many posts in one transaction. Work for the group writer."""
    earlier = [_earlier(session, post.idempotency) if post.idempotency else None for post in posts]
    fresh = [post for post, answer in zip(posts, earlier, strict=True) if answer is None]
    recordings = [each for post in fresh for each in post.recordings]
    intakes = {brought: ids.new() for brought in sorted({_brought(each) for each in recordings})}
    outcomes = record_batch(session, recordings)
    _enter(session, intakes, recordings, outcomes)
    ready = iter(outcomes)
    answers = [
        answer or PostAnswer(tuple(next(ready) for _ in post.recordings))
        for post, answer in zip(posts, earlier, strict=True)
    ]
    _keep(session, posts, answers)
    return answers


def _earlier(session: Session, key: IdempotencyKey | None) -> PostAnswer | None:
    if key is None:
        return None
    statement = "SELECT request_hash, body FROM idempotency WHERE api_key_id = {p} AND key = {p}"
    found = sql.run(session, statement, key.api_key_id, key.key)
    if not found:
        return None
    if found[0][0] != key.request_hash:
        return PostAnswer(conflict=True)
    return PostAnswer(_answers.decode(found[0][1]), replayed=True)


def _keep(session: Session, posts: Sequence[TypedPost], answers: list[PostAnswer]) -> None:
    rows = [
        (key.api_key_id, key.key, key.request_hash, 200, msgspec.json.encode(answer.outcomes).decode(), clock.now())
        for post, answer in zip(posts, answers, strict=True)
        if (key := post.idempotency) and not answer.replayed and not answer.conflict
    ]
    if len(sql.insert_new(session, _KEYS, sorted(rows), 2)) != len(rows):
        # The same key twice at once: this transaction fails, is cut in halves, and the second sees the first.
        raise Conflict("A request with this Idempotency-Key is in flight.", code="idempotency_in_progress")


def _brought(recording: Recording) -> tuple[str, str]:
    return recording.account.id, recording.origin


def _enter(
    session: Session, intakes: dict[tuple[str, str], str], recordings: list[Recording], outcomes: list[Outcome]
) -> None:
    """The ledger's lines: one intake for each account and origin, one item for each recording."""
    now = clock.now()
    counts = dict.fromkeys(intakes, 0)
    items = []
    for recording, outcome in zip(recordings, outcomes, strict=True):
        brought = _brought(recording)
        items.append(
            (
                intakes[brought],
                counts[brought],
                recording.account.id,
                outcome.state,
                outcome.code,
                outcome.reason,
                outcome.interaction_id,
                now,
            )
        )
        counts[brought] += 1
    rows = [
        (
            intake,
            account,
            now,
            origin,
            "api",
            "application/json",
            "{}",
            None,
            UNDERSTOOD,
            counts[account, origin],
            0,
            now,
        )
        for (account, origin), intake in intakes.items()
    ]
    sql.insert(session, _INTAKE, rows)
    sql.insert(session, _ITEM, items)

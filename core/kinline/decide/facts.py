"""What people decide about a person by hand: stages and tags, beside what triggers do. Dated, never rewritten."""

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Conflict, Invalid, NotFound
from kinline.history import load_history
from kinline.identity.locking import lock
from kinline.identity.persons import members
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import StageRow, TagRow
from kinline.words import STAGES, Track

LONGEST_TAG = 200


class MoveShown(msgspec.Struct, frozen=True):
    """A move in the life cycle. ``at`` is when it holds from, ``recorded_at`` when we knew."""

    id: str
    track: str
    stage: str
    at: str | None
    recorded_at: str | None
    by: str
    decision: str | None


def moves(session: Session, root: str) -> list[MoveShown]:
    """All moves of a person on both tracks, oldest first."""
    rows = sql.select_in(
        session,
        "SELECT id, track, stage, at, recorded_at, made_by, decision_id FROM stage WHERE person_id {in} ORDER BY at, step, id",
        members(session, root),
    )
    return [
        MoveShown(each, track, stage, clock.to_text(at), clock.to_text(recorded), by, decision)
        for each, track, stage, at, recorded, by, decision in rows
    ]


def move(session: Session, person: str, track: Track, stage: str, *, by: str) -> str:
    """Somebody moves them, from now on. Returns the move's id. Raises `Conflict` when they are there already."""
    if stage not in STAGES[track]:
        known = ", ".join(STAGES[track])
        raise Invalid(f"The stages of the {track} track are {known}.", code="unknown_value", pointer="/stage")
    root = lock(session, person)
    if load_history.stages(session, root)[track] == stage:
        raise Conflict(f"They are at the stage {stage} already.", code="already_so")
    now = clock.now()
    made = StageRow(
        id=ids.new(), person_id=root, track=track, stage=stage, made_by=by, recorded_at=now,
        at=_after(session, root, "SELECT max(at) FROM stage WHERE person_id {in} AND track = {p}", track, now),
    )  # fmt: skip
    session.add(made)
    session.flush()
    queue.plan(session, "person.decide", [(root, made.at)])
    return made.id


def tag(session: Session, person: str, word: str, *, by: str) -> list[str]:
    """Put a tag on them; nothing changes when it is there. Returns all their tags."""
    if not 1 <= len(word) <= LONGEST_TAG or not word.isprintable() or word != word.strip():
        raise Invalid(f"A tag has 1 to {LONGEST_TAG} printable characters.", code="invalid_tag")
    root = lock(session, person)
    if word not in load_history.tags(session, root):
        _tag(session, root, word, 1, by)
    return load_history.tags(session, root)


def untag(session: Session, person: str, word: str, *, by: str) -> list[str]:
    """Take a tag off them. Returns the tags that stay."""
    root = lock(session, person)
    if word not in load_history.tags(session, root):
        raise NotFound("They have no such tag.", code="no_such_tag")
    _tag(session, root, word, 0, by)
    return load_history.tags(session, root)


def _tag(session: Session, root: str, word: str, present: int, by: str) -> None:
    now = clock.now()
    at = _after(session, root, "SELECT max(at) FROM tag WHERE person_id {in} AND tag = {p}", word, now)
    session.add(TagRow(id=ids.new(), person_id=root, tag=word, present=present, at=at, recorded_at=now, made_by=by))
    session.flush()


def _after(session: Session, root: str, latest: str, about: str, now: int) -> int:
    """Now, or just after the latest: what somebody says now counts, whatever a clock ahead of ours said."""
    found = sql.select_in(session, latest, members(session, root), about)[0][0]
    return now if found is None else max(now, found + 1)

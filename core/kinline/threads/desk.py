"""What the desk said of a conversation, where it is joined into another or a part of it is parted."""

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline.store import sql
from kinline.store.ask import Ask, among
from kinline.store.models import Conversation
from kinline.words import Priority


class _Desk(msgspec.Struct, frozen=True):
    """What goes along from a conversation that is joined into another."""

    id: str
    state: str
    state_at: int | None
    team_id: str | None
    assignee: str | None
    outcome: str
    priority: str
    number: str
    told_at: int | None
    last_at: int
    asked_at: int | None
    answered_at: int | None
    first_answered_at: int | None
    snoozed_at: int | None
    snoozed_until: int | None


_DESK = Ask(
    select(*[col(getattr(Conversation, name)) for name in _Desk.__struct_fields__]).where(
        among(col(Conversation.id), "conversations")
    ),
    _Desk,
)


def forward(session: Session, old: str, root: str) -> None:
    """What somebody said of either stands; where they differ, what was said of the one that was last put into a state."""
    found = {row.id: row for row in _DESK.rows(session, conversations=[old, root])}
    one, other = found[old], found[root]
    later, earlier = (one, other) if (one.state_at or 0) > (other.state_at or 0) else (other, one)
    now = msgspec.structs.replace(
        later,
        team_id=later.team_id or earlier.team_id,
        assignee=later.assignee or earlier.assignee,
        outcome=later.outcome or earlier.outcome,
        priority=earlier.priority if later.priority == Priority.NORMAL else later.priority,
        number=later.number or earlier.number,
        told_at=_latest(one.told_at, other.told_at),
        last_at=max(one.last_at, other.last_at),
        asked_at=_latest(one.asked_at, other.asked_at),
        answered_at=_latest(one.answered_at, other.answered_at),
        first_answered_at=min((at for at in (one.first_answered_at, other.first_answered_at) if at), default=None),
    )
    names = _Desk.__struct_fields__[1:]
    changes = ", ".join(f"{name} = {{p}}" for name in names)
    sql.changed(
        session, f"UPDATE conversation SET {changes} WHERE id = {{p}}", *(getattr(now, each) for each in names), root
    )
    _copy_moves(session, old, root)


def _latest(one: int | None, other: int | None) -> int | None:
    return max((at for at in (one, other) if at is not None), default=None)


def copy(session: Session, old: str, fresh: str) -> None:
    """What is parted stays with whom it was, and as it was put."""
    _copy_moves(session, old, fresh)
    (was,) = _DESK.rows(session, conversations=[old])
    values = (was.state, was.state_at, was.team_id, was.assignee, was.priority)
    sql.changed(
        session,
        "UPDATE conversation SET state = {p}, state_at = {p}, team_id = {p}, assignee = {p}, priority = {p} WHERE id = {p}",
        *values, fresh,
    )  # fmt: skip


def _copy_moves(session: Session, old: str, root: str) -> None:
    """What people said of either was said of both."""
    moved = (
        "SELECT {p}, at, state, made_by, elsewhere FROM state_move WHERE conversation_id = {p} ON CONFLICT DO NOTHING"
    )
    sql.changed(session, f"INSERT INTO state_move (conversation_id, at, state, made_by, elsewhere) {moved}", root, old)

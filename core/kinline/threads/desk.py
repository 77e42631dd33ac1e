"""What the desk said of a conversation, where it is joined into another or a part of it is parted."""

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.store import sql
from kinline.store.ask import Ask, Change, among, new, setting
from kinline.store.models import Conversation, StateMoveRow, metadata
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


_FORWARDED = _Desk.__struct_fields__[1:]
_COPIED = ("state", "state_at", "team_id", "assignee", "priority")
_CONVERSATION, _MOVE = (metadata.tables[str(each.__tablename__)] for each in (Conversation, StateMoveRow))
_THIS = _CONVERSATION.c.id == bindparam("conversation")
_FORWARD, _COPY = (Change(setting(_CONVERSATION, names).where(_THIS)) for names in (_FORWARDED, _COPIED))


class _MoveRow(msgspec.Struct, frozen=True):
    at: int
    state: str
    made_by: str
    elsewhere: int


_MOVES = Ask(
    select(*[_MOVE.c[name] for name in _MoveRow.__struct_fields__]).where(
        _MOVE.c.conversation_id == bindparam("conversation")
    ),
    _MoveRow,
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
    _FORWARD.run(session, conversation=root, **new(**{name: getattr(now, name) for name in _FORWARDED}))
    _copy_moves(session, old, root)


def _latest(one: int | None, other: int | None) -> int | None:
    return max((at for at in (one, other) if at is not None), default=None)


def copy(session: Session, old: str, fresh: str) -> None:
    """What is parted stays with whom it was, and as it was put."""
    _copy_moves(session, old, fresh)
    (was,) = _DESK.rows(session, conversations=[old])
    _COPY.run(session, conversation=fresh, **new(**{name: getattr(was, name) for name in _COPIED}))


def _copy_moves(session: Session, old: str, root: str) -> None:
    """What people said of either was said of both."""
    moves = [(root, *msgspec.structs.astuple(row)) for row in _MOVES.rows(session, conversation=old)]
    sql.insert(session, _MOVE, sorted(moves))

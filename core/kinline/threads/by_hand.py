"""What people say of conversations: that two are one, or that one is two. It stands, whatever arrives later."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.store import sql
from kinline.store.ask import Ask, Change, among
from kinline.store.models import InteractionRow, ThreadEdit, ThreadKey, metadata

_EDIT = metadata.tables[str(ThreadEdit.__tablename__)]


class _Side(msgspec.Struct, frozen=True):
    id: str
    side: int
    conversation_id: str


_PARTED = Ask(
    select(ThreadEdit.id, ThreadEdit.side, ThreadKey.conversation_id)
    .join(InteractionRow, col(InteractionRow.id) == col(ThreadEdit.interaction_id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(among(col(ThreadKey.conversation_id), "conversations"), col(ThreadEdit.joined) == 0),
    _Side,
)


_FORGET = Change(_EDIT.delete().where(among(_EDIT.c.id, "edits")))


def remember(
    session: Session, one_side: Iterable[str], other_side: Iterable[str], *, joined: bool, made_by: str
) -> str:
    """Keep that the interactions of the one side and those of the other are, or are not, of one conversation."""
    edit, now = ids.new(), clock.now()
    rows = [
        (edit, interaction, side, int(joined), made_by, now)
        for side, interactions in enumerate((one_side, other_side))
        for interaction in interactions
    ]
    sql.insert(session, _EDIT, sorted(rows))
    return edit


def forget_parting(session: Session, one: str, other: str) -> None:
    """Somebody joins them after all: what parted them stands no more."""
    sides: dict[str, dict[int, set[str]]] = {}
    for row in _PARTED.rows(session, conversations=[one, other]):
        sides.setdefault(row.id, {}).setdefault(row.side, set()).add(row.conversation_id)
    between = [
        edit
        for edit, found in sides.items()
        if any(one in found.get(side, ()) and other in found.get(1 - side, ()) for side in (0, 1))
    ]
    if between:
        _FORGET.run(session, edits=between)


def parted(session: Session, conversation: str, others: Sequence[str]) -> bool:
    """Whether somebody parted something of this conversation from something of one of the others."""
    if not others:
        return False
    sides: dict[tuple[str, int], set[str]] = {}
    for row in _PARTED.rows(session, conversations=[conversation, *others]):
        sides.setdefault((row.id, row.side), set()).add(row.conversation_id)
    return any(
        conversation in here and bool(sides.get((edit, 1 - side), set()) & set(others))
        for (edit, side), here in sides.items()
    )

"""Conversations as a list: first those in which somebody waits, longest first; then the rest, newest first."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, exists, or_, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, visible_to
from kinline.desk.conversations import ConversationStanding, View, standing_columns, views
from kinline.errors import Invalid
from kinline.store.ask import Ask, among, keyset, place
from kinline.store.models import Conversation, InteractionRow, Team, ThreadKey, WaitingRow
from kinline.threads.numbers import prefix_of
from kinline.words import ConversationState

Place = tuple[int, int, str]  #: 0 while somebody waits, 1 after them; the time that orders that part; id
FIRST: Place = (0, -(2**62), "")
_NEWEST = (2**62, "")


class ConversationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations: in a state, of a team (its name), of an assignee, of a number (ours or another desk's), of a
    priority, with an answer overdue or not, with somebody who waits or not."""

    state: str = ""
    team: str = ""
    assignee: str = ""
    number: str = ""
    priority: str = ""
    overdue: bool | None = None
    waiting: bool | None = None


def listed(
    session: Session, wanted: ConversationFilter | None = None, *, after: Place = FIRST, limit: int = 50, reader: AccessScope = EVERYTHING
) -> list[tuple[Place, View]]:  # fmt: skip
    """A page, each with its place. Those joined into another are left out; the number of one finds the other."""
    asked = wanted or ConversationFilter()
    if asked.state and asked.state not in set(ConversationState):
        raise Invalid(f"A state is one of {', '.join(ConversationState)}.", code="invalid_state", pointer="/state")
    found = dict(_places(session, asked, after, limit, reader))
    known = {view.id: view for view in views(session, list(found.values()), reader)}
    return [(each, known[row.id]) for each, row in found.items() if row.id in known]


def _places(
    session: Session, asked: ConversationFilter, after: Place, limit: int, reader: AccessScope
) -> Iterator[tuple[Place, ConversationStanding]]:
    narrowed = frozenset(_narrowing(asked))
    given: dict[str, Any] = {
        "state": asked.state, "team": asked.team, "assignee": asked.assignee, "priority": asked.priority,
        "numbers": _numbered(session, asked.number) if asked.number else [], "now": clock.now(), **accounts_of(reader),
    }  # fmt: skip
    begin, at, each = after
    left = limit
    for part, start in ((0, (at, each)), (1, _NEWEST if begin == 0 else (at, each))):
        if part >= begin and left > 0:
            page = _page(part, narrowed, reader.accounts is not None)
            rows = page.rows(session, **place(start), most=left, **given)
            yield from (((part, row.at or 0, row.id), row) for row in rows)
            left -= len(rows)


@lru_cache(maxsize=256)
def _page(part: int, narrowed: frozenset[str], restricted: bool) -> Ask[ConversationStanding]:
    """One part of the list. Of which only a desk told, and in which nothing was said yet, stands last."""
    order = col(Conversation.waiting_since) if part == 0 else col(Conversation.last_at)
    columns = (order, col(Conversation.id))
    waits = order.is_not(None) if part == 0 else col(Conversation.waiting_since).is_(None)
    return Ask(
        select(*standing_columns(order))
        .outerjoin(Team, col(Team.id) == col(Conversation.team_id))
        .where(
            waits,
            col(Conversation.merged_into).is_(None),
            *(_NARROWED[name] for name in sorted(narrowed)),
            *([_seen()] if restricted else []),
            keyset(*columns, descending=part == 1),
        )
        .order_by(*(columns if part == 0 else (each.desc() for each in columns)))
        .limit(bindparam("most")),
        ConversationStanding,
    )


def _seen() -> ColumnElement[bool]:
    """Something was said in it that the reader may read."""
    return (
        exists()
        .where(
            col(ThreadKey.conversation_id) == col(Conversation.id),
            col(InteractionRow.thread_key_id) == col(ThreadKey.id),
            visible_to(AccessScope(frozenset()), InteractionRow),
        )
        .correlate(Conversation)
    )


_LATE = exists().where(
    col(WaitingRow.place) == col(Conversation.id),
    col(WaitingRow.ended_at).is_(None),
    col(WaitingRow.due_at) < bindparam("now"),
)
_NARROWED: dict[str, ColumnElement[bool]] = {
    "state": col(Conversation.state) == bindparam("state"),
    "team": col(Team.name) == bindparam("team"),
    "assignee": col(Conversation.assignee) == bindparam("assignee"),
    "priority": col(Conversation.priority) == bindparam("priority"),
    "number": among(col(Conversation.id), "numbers"),
    "overdue": _LATE,
    "in time": ~_LATE,
    "waiting": col(Conversation.waiting_since).is_not(None),
    "answered": col(Conversation.waiting_since).is_(None),
}


def _narrowing(asked: ConversationFilter) -> Iterator[str]:
    yield from (name for name in ("state", "team", "assignee", "priority", "number") if getattr(asked, name))
    if asked.overdue is not None:
        yield "overdue" if asked.overdue else "in time"
    if asked.waiting is not None:
        yield "waiting" if asked.waiting else "answered"


def _numbered(session: Session, number: str) -> list[str]:
    """The conversations of that number, or into which they were joined."""
    prefix = prefix_of(number)
    ours = (
        (col(Conversation.id) >= prefix) & (col(Conversation.id) < f"{prefix}g")
        if prefix
        else col(Conversation.id) == ""
    )
    theirs = (col(Conversation.number) != "") & (col(Conversation.number) == number.strip())
    found = session.scalars(select(Conversation).where(or_(ours, theirs)).limit(200))
    return sorted({row.merged_into or row.id for row in found})

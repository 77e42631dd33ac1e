"""Who waits for us, as lists: those who wait longest first, a page at a time, by index."""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, or_, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, visible_to
from kinline.store.ask import Ask, Count, among, columns, keyset, place
from kinline.store.models import Conversation, InteractionRow, Team, WaitingRow

Place = tuple[int, str]  #: since, id
OLDEST: Place = (-(2**62), "")
#: More than this many are not counted.
COUNTED = 1_000


class List(StrEnum):
    """The lists there are."""

    WAITING = "waiting"  #: they wait for our answer
    PAUSED = "paused"  #: somebody else answered them, or one of us did elsewhere: no clock runs
    INDIRECT = "indirect"  #: they spoke to another outsider
    FORWARDED = "forwarded"  #: one of us passed it on: who asked is to be named
    IMPORTED = "imported"  #: history that was never answered
    SNOOZED = "snoozed"  #: their conversation was put off


class WaitingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a list: on a channel, of a kind of interaction, for a team (its name), of these identities (None: of
    anybody), overdue or not."""

    list: List = List.WAITING
    channel: str = ""
    kind: str = ""
    team: str = ""
    identities: frozenset[str] | None = None
    overdue: bool | None = None


class WaitingEntry(msgspec.Struct, frozen=True):
    """Somebody who waits, and where."""

    id: str
    since: int
    identity_id: str
    channel: str
    level: str
    kind: str
    place: str
    asked_id: str
    also_asks: int
    due_at: int | None
    paused_at: int | None
    paused_how: str
    paused_by: str
    paused_until: int | None
    conversation_id: str | None
    state: str | None
    team: str | None
    assignee: str | None
    doc: str | None
    ended_at: int | None
    ended_how: str


_COLUMNS = columns(
    WaitingRow,
    WaitingEntry,
    conversation_id=Conversation.id,
    state=Conversation.state,
    team=Team.name,
    assignee=Conversation.assignee,
    doc=InteractionRow.doc,
)
_SNOOZED = and_(
    func.coalesce(col(Conversation.snoozed_until), 0) > bindparam("now"),
    col(WaitingRow.last_known_at) <= func.coalesce(col(Conversation.snoozed_at), 0),
    or_(col(WaitingRow.due_at).is_(None), col(WaitingRow.due_at) >= bindparam("now")),
)
_LISTED: ColumnElement[bool] = literal_column("waiting.tab <> ''")  # as the index says it
_IN: dict[List, tuple[ColumnElement[bool], ...]] = {
    each: (_LISTED, col(WaitingRow.tab) == each.value) for each in List if each is not List.SNOOZED
}
_IN[List.SNOOZED] = (*_IN[List.WAITING], _SNOOZED)
_IN[List.WAITING] = (*_IN[List.WAITING], ~_SNOOZED)


def listed(
    session: Session, wanted: WaitingFilter, *, after: Place = OLDEST, limit: int = 50, reader: AccessScope = EVERYTHING
) -> list[WaitingEntry]:  # fmt: skip
    """A page of a list, those who wait longest first."""
    ask = _page(wanted.list, frozenset(_narrowing(wanted)), reader.accounts is not None)
    return ask.rows(
        session, **place(after), now=clock.now(), most=limit, channel=wanted.channel, kind=wanted.kind, team=wanted.team,
        identities=sorted(wanted.identities or ()), **accounts_of(reader),
    )  # fmt: skip


def counts(session: Session, lists: Iterable[List], reader: AccessScope = EVERYTHING) -> dict[str, int]:
    """How many stand in each of these lists, up to `COUNTED`."""
    now = clock.now()
    found = {
        each: _count(each, reader.accounts is not None).first(session, now=now, most=COUNTED, **accounts_of(reader))
        for each in lists
    }
    return {str(each): row.count if row else 0 for each, row in found.items()}


def one(session: Session, row: str, reader: AccessScope = EVERYTHING) -> WaitingEntry | None:
    """That one, in whatever list it stands, or in none any more. None: the reader may not see it."""
    return _one(reader.accounts is not None).first(session, row=row, **accounts_of(reader))


@lru_cache(maxsize=2)
def _one(restricted: bool) -> Ask[WaitingEntry]:
    seen = visible_to(_restricted(restricted), InteractionRow)
    return Ask(_joined(*_COLUMNS).where(col(WaitingRow.id) == bindparam("row"), seen), WaitingEntry)


@lru_cache(maxsize=256)
def _page(of: List, narrowed: frozenset[str], restricted: bool) -> Ask[WaitingEntry]:
    return Ask(
        _joined(*_COLUMNS)
        .where(
            *_IN[of],
            *(_NARROWED[name] for name in sorted(narrowed)),
            visible_to(_restricted(restricted), InteractionRow),
            keyset(col(WaitingRow.since), col(WaitingRow.id)),
        )
        .order_by(col(WaitingRow.since), col(WaitingRow.id))
        .limit(bindparam("most")),
        WaitingEntry,
    )


@lru_cache(maxsize=32)
def _count(of: List, restricted: bool) -> Ask[Count]:
    few = (
        _joined(col(WaitingRow.id))
        .where(*_IN[of], visible_to(_restricted(restricted), InteractionRow))
        .limit(bindparam("most"))
        .subquery()
    )
    return Ask(select(func.count().label("count")).select_from(few), Count)


def _joined(*columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(WaitingRow)
        .outerjoin(Conversation, col(Conversation.id) == col(WaitingRow.place))
        .outerjoin(Team, col(Team.id) == col(Conversation.team_id))
        .join(InteractionRow, col(InteractionRow.id) == col(WaitingRow.asked_id))
    )


def _restricted(restricted: bool) -> AccessScope:
    return AccessScope(frozenset()) if restricted else EVERYTHING


_LATE = and_(col(WaitingRow.due_at).is_not(None), col(WaitingRow.due_at) < bindparam("now"))
_NARROWED: dict[str, ColumnElement[bool]] = {
    "channel": col(WaitingRow.channel) == bindparam("channel"),
    "kind": col(WaitingRow.kind) == bindparam("kind"),
    "team": col(Team.name) == bindparam("team"),
    "identities": among(col(WaitingRow.who), "identities"),
    "overdue": _LATE,
    "in time": ~_LATE,
}


def _narrowing(wanted: WaitingFilter) -> Iterable[str]:
    yield from (name for name in ("channel", "kind", "team") if getattr(wanted, name))
    if wanted.identities is not None:
        yield "identities"
    if wanted.overdue is not None:
        yield "overdue" if wanted.overdue else "in time"

"""What waits for somebody's approval: messages, public posts and calls, in one list."""

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, func, literal, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, rests_on_visible
from kinline.store.ask import Ask, among, columns, keyset
from kinline.store.ask import place as after_place
from kinline.store.models import Account, DeliveryRow, EndpointRow, FollowUp, Person, TriggerRow
from kinline.words import PUBLIC

Place = tuple[int, str]  #: created_at, id
FIRST: Place = (-(2**62), "")


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Something that goes out when somebody says so, and expires otherwise."""

    id: str
    sort: str  #: message, post or call
    person: str
    trigger: str | None
    decision: str | None
    by: str
    over: str  #: the account or endpoint
    subject: str
    text: str
    created_at: str | None
    expires_at: str | None


class _ApprovalRow(msgspec.Struct, frozen=True):
    created_at: int
    id: str
    send_class: str
    root_id: str
    trigger: str | None
    decision_id: str | None
    made_by: str
    over: str
    subject: str
    body: str
    expires_at: int


class _Made(msgspec.Struct, frozen=True):
    created_at: int
    id: str


_MESSAGES = (
    select(
        *columns(
            FollowUp,
            _ApprovalRow,
            root_id=col(Person.root_id),
            trigger=col(TriggerRow.name),
            over=col(Account.name),
        )
    )
    .join(Person, col(Person.id) == col(FollowUp.person_id))
    .join(Account, col(Account.id) == col(FollowUp.account_id))
    .outerjoin(TriggerRow, col(TriggerRow.id) == col(FollowUp.trigger_id))
)
_CALLS = (
    select(
        *columns(
            DeliveryRow,
            _ApprovalRow,
            send_class=literal("call"),
            root_id=col(Person.root_id),
            trigger=col(TriggerRow.name),
            made_by=literal("trigger:").concat(func.coalesce(col(TriggerRow.name), "")),
            over=col(EndpointRow.name),
            subject=literal(""),
        )
    )
    .join(Person, col(Person.id) == col(DeliveryRow.person_id))
    .join(EndpointRow, col(EndpointRow.id) == col(DeliveryRow.endpoint_id))
    .outerjoin(TriggerRow, col(TriggerRow.id) == col(DeliveryRow.trigger_id))
)


def listed(
    session: Session, *, after: Place = FIRST, limit: int = 50, reader: AccessScope = EVERYTHING
) -> list[Approval]:  # fmt: skip
    """Those that wait longest first."""
    rows = [
        row
        for ask in _pages(reader.accounts is not None)
        for row in ask.rows(session, most=limit, **after_place(after), **accounts_of(reader))
    ]
    return [_one(row) for row in sorted(rows, key=lambda row: (row.created_at, row.id))[:limit]]


def place(session: Session, approval: Approval) -> Place:
    """Where it stands in the list."""
    row = (_CALL if approval.sort == "call" else _MESSAGE).one(session, id=approval.id)
    return row.created_at, row.id


_MESSAGE, _CALL = (
    Ask(select(col(table.created_at), col(table.id)).where(col(table.id) == bindparam("id")), _Made)
    for table in (FollowUp, DeliveryRow)
)


@lru_cache(maxsize=2)
def _pages(restricted: bool) -> tuple[Ask[_ApprovalRow], Ask[_ApprovalRow]]:
    """Of messages, by the account over which they go; of calls, by what their decision rests on."""
    through = [among(col(FollowUp.account_id), "accounts")] if restricted else []
    because = [rests_on_visible(col(DeliveryRow.decision_id))] if restricted else []
    return _page(_MESSAGES, FollowUp, through), _page(_CALLS, DeliveryRow, because)


def _page(
    statement: Select[*tuple[Any, ...]], table: type[FollowUp | DeliveryRow], seen: list[ColumnElement[bool]]
) -> Ask[_ApprovalRow]:
    order = col(table.created_at), col(table.id)
    waits = col(table.state) == "pending", col(table.needs_approval) == 1, col(table.approved_by).is_(None)
    return Ask(statement.where(*waits, *seen, keyset(*order)).order_by(*order).limit(bindparam("most")), _ApprovalRow)


def _one(row: _ApprovalRow) -> Approval:
    return Approval(
        id=row.id, sort={"call": "call", PUBLIC: "post"}.get(row.send_class, "message"), person=row.root_id,
        trigger=row.trigger, decision=row.decision_id, by=row.made_by, over=row.over, subject=row.subject,
        text=row.body, created_at=clock.to_text(row.created_at), expires_at=clock.to_text(row.expires_at),
    )  # fmt: skip

"""Calls that a decision asked for: planned, approved, called off, tried again by hand, and shown.

The body is made once and stored, so every try sends the same bytes under the same ``webhook-id``.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, select
from sqlmodel import Session, col

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, rests_on_visible
from kinline.clock import DAY, HOUR
from kinline.errors import Conflict, Invalid, NotFound
from kinline.hub import Hub
from kinline.identity.locking import lock
from kinline.jobs import queue
from kinline.reasons import Reasoned, fields
from kinline.store import sql
from kinline.store.ask import Ask, Change, keyset, new, setting
from kinline.store.ask import place as after
from kinline.store.models import DeliveryRow, DeliveryTry, EndpointRow, Person, TriggerRow, metadata
from kinline.webhooks import endpoints

JOB = "webhook.deliver"
#: How long a call is tried.
EXPIRES = 3 * DAY
#: Bytes of a body, at most. Standard Webhooks asks for less than 20 kB.
LARGEST = 20_000
Place = tuple[int, str]  #: created_at, id
NEWEST: Place = (2**62, "")
_DELIVERY = metadata.tables[str(DeliveryRow.__tablename__)]


class DueCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is to be made."""

    id: str
    endpoint: str
    decision_id: str
    trigger_id: str
    person_id: str
    body: dict[str, Any]
    needs_approval: bool = False


class DeliveryShown(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """A call to an endpoint, and how far it came. ``id`` is its ``webhook-id`` on every try."""

    id: str
    endpoint: str
    person: str
    decision: str
    trigger: str | None
    state: str
    attempts: int
    needs_approval: bool
    approved_by: str | None
    created_at: str | None
    due_at: str | None
    expires_at: str | None
    done_at: str | None


class TryShown(msgspec.Struct, frozen=True):
    """One try: delivered, retry or failed; ``started`` while nobody knows."""

    number: int
    at: str | None
    outcome: str
    detail: str


class DeliveryDetail(DeliveryShown, frozen=True, kw_only=True):
    """A call with its tries and the body that is sent."""

    body: dict[str, Any]
    tries: list[TryShown]


def plan(hub: Hub, session: Session, call: DueCall) -> str:
    """Keep it and have it made. Returns why that cannot be, or nothing. Raises `NotFound`."""
    endpoint = endpoints.named(session, call.endpoint)
    body = msgspec.json.encode(call.body).decode()
    if len(body) > LARGEST:
        raise Invalid(f"the call would have more than {LARGEST} bytes; write `evidence: false`", code="too_large")
    now = clock.now()
    expires = now + (hub.settings.approval_hours * HOUR if call.needs_approval else EXPIRES)
    row = (
        call.id, endpoint.id, call.decision_id, call.trigger_id, call.person_id, body, "pending",
        WAITS if call.needs_approval else "", 0, now, expires, int(call.needs_approval), None, now, None,
    )  # fmt: skip
    sql.insert(session, _DELIVERY, [row])
    queue.plan(session, JOB, [call.id], run_at=expires if call.needs_approval else now)
    return ""


#: The reason of a call that somebody has to let go first.
WAITS = "approval: it waits for somebody's approval"


def close(session: Session, delivery_id: str, state: str, reason: str) -> bool:
    """It is over. False: it was before."""
    return bool(_CLOSE.run(session, call=delivery_id, **new(state=state, reason=reason[:1000], done_at=clock.now())))


def approve(session: Session, delivery_id: str, *, by: str) -> None:
    """Let it go. Raises `Conflict` where it waits for nobody."""
    row = _held(session, delivery_id, "pending", "approved")
    if not row.needs_approval:
        raise Conflict("This call needs no approval.", code="needs_no_approval")
    if row.approved_by:
        raise Conflict(f"{row.approved_by} approved it already.", code="already_so")
    now = clock.now()
    row.approved_by, row.reason, row.due_at, row.expires_at = by, "", now, now + EXPIRES
    session.flush()
    queue.plan(session, JOB, [delivery_id])


def cancel(session: Session, delivery_id: str, *, by: str, reason: str = "") -> None:
    """Stop it. Raises `Conflict` when it is too late for that."""
    _held(session, delivery_id, "pending", "cancelled")
    close(session, delivery_id, "cancelled", f"cancelled by {by}" + (f": {reason}" if reason else ""))


def replay(session: Session, delivery_id: str, *, by: str) -> None:
    """Make it again, whatever became of it, under the same id; whoever had it knows it by that."""
    row = _held(session, delivery_id, "", "")
    if row.state == "pending":
        raise Conflict("This call is still being tried.", code="already_so")
    if row.needs_approval and not row.approved_by:
        raise Conflict("Nobody approved this call while it waited.", code="not_approved")
    now = clock.now()
    row.state, row.reason, row.done_at = "pending", f"tried again by {by}", None
    row.due_at, row.expires_at = now, now + EXPIRES
    session.flush()
    queue.plan(session, JOB, [delivery_id])


class _DeliveryLine(msgspec.Struct, frozen=True):
    id: str
    endpoint: str
    person: str
    decision: str
    trigger: str | None
    state: str
    reason: str
    attempts: int
    needs_approval: int
    approved_by: str | None
    created_at: int
    due_at: int
    expires_at: int
    done_at: int | None


class _TryLine(msgspec.Struct, frozen=True):
    number: int
    at: int
    outcome: str
    detail: str


_COLUMNS: dict[str, Any] = {
    **_DELIVERY.c,
    "endpoint": col(EndpointRow.name), "person": col(Person.root_id), "decision": _DELIVERY.c.decision_id,
    "trigger": col(TriggerRow.name),
}  # fmt: skip
_ALL = (
    select(*[_COLUMNS[name].label(name) for name in _DeliveryLine.__struct_fields__])
    .join(EndpointRow, col(EndpointRow.id) == _DELIVERY.c.endpoint_id)
    .join(Person, col(Person.id) == _DELIVERY.c.person_id)
    .outerjoin(TriggerRow, col(TriggerRow.id) == _DELIVERY.c.trigger_id)
)
_TRIES = Ask(
    select(*[col(getattr(DeliveryTry, name)) for name in _TryLine.__struct_fields__])
    .where(col(DeliveryTry.delivery_id) == bindparam("call"))
    .order_by(col(DeliveryTry.number)),
    _TryLine,
)
_CLOSE = Change(
    setting(_DELIVERY, ("state", "reason", "done_at")).where(
        _DELIVERY.c.id == bindparam("call"), _DELIVERY.c.state == "pending"
    )
)


@lru_cache
def _list(narrowed: tuple[str, ...], restricted: bool) -> Ask[_DeliveryLine]:
    created = _DELIVERY.c.created_at, _DELIVERY.c.id
    asked = _ALL.where(keyset(*created, descending=True), *_narrow(narrowed, restricted))
    return Ask(asked.order_by(*[each.desc() for each in created]).limit(bindparam("most")), _DeliveryLine)


@lru_cache
def _one(restricted: bool) -> Ask[_DeliveryLine]:
    return Ask(_ALL.where(*_narrow(("id",), restricted)), _DeliveryLine)


def _narrow(names: Iterable[str], restricted: bool) -> list[ColumnElement[bool]]:
    """What a reader may see who may not see everything is what rests on an interaction that they may see."""
    seen = [rests_on_visible(_DELIVERY.c.decision_id)] if restricted else []
    return [*(_COLUMNS[name] == bindparam(f"that_{name}") for name in names), *seen]


def listed(
    session: Session, *, endpoint: str = "", state: str = "", person: str = "", decision: str = "",
    before: Place = NEWEST, limit: int = 50, reader: AccessScope = EVERYTHING,
) -> list[DeliveryShown]:  # fmt: skip
    """The newest first, narrowed by endpoint (a name), state, person (a root) and decision."""
    named = {"endpoint": endpoint, "state": state, "person": person, "decision": decision}
    wanted = {name: value for name, value in named.items() if value}
    rows = _list(tuple(wanted), reader.accounts is not None).rows(
        session, most=limit, **after(before), **{f"that_{name}": value for name, value in wanted.items()}, **accounts_of(reader)
    )  # fmt: skip
    return [DeliveryShown(**_fields(row)) for row in rows]


def place(session: Session, delivery_id: str) -> Place:
    """Where it stands in the list."""
    row = session.get_one(DeliveryRow, delivery_id)
    return row.created_at, row.id


def detail(session: Session, delivery_id: str, reader: AccessScope = EVERYTHING) -> DeliveryDetail:
    """Raises `NotFound`, also for one about something that the reader may not read."""
    row = _one(reader.accounts is not None).first(session, that_id=delivery_id, **accounts_of(reader))
    if row is None:
        raise _missing()
    tries = _TRIES.rows(session, call=delivery_id)
    return DeliveryDetail(
        **_fields(row), body=msgspec.json.decode(session.get_one(DeliveryRow, row.id).body),
        tries=[TryShown(each.number, clock.to_text(each.at), each.outcome, each.detail) for each in tries],
    )  # fmt: skip


def _held(session: Session, delivery_id: str, state: str, done: str) -> DeliveryRow:
    """The call, under its person's lock, in the state that this is allowed in."""
    row = session.get(DeliveryRow, delivery_id)
    if row is None:
        raise _missing()
    lock(session, row.person_id)
    row = session.get_one(DeliveryRow, delivery_id, populate_existing=True)
    if state and row.state != state:
        raise Conflict(f"Only a call that is {state} can be {done}; this one is {row.state}.", code=f"not_{state}")
    return row


def _missing() -> NotFound:
    return NotFound("There is no such delivery.", code="no_such_delivery")


def _fields(row: _DeliveryLine) -> dict[str, Any]:
    told = msgspec.structs.asdict(row)
    moments = {name: clock.to_text(told[name]) for name in ("created_at", "due_at", "expires_at", "done_at")}
    said = fields(reason_texts.read(row.reason))
    return told | moments | {"needs_approval": bool(row.needs_approval), **said}

"""Calls that a decision asked for: planned, approved, called off, tried again by hand, and shown.

The body is made once and stored, so every try sends the same bytes under the same ``webhook-id``.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.clock import DAY, HOUR
from kinline.errors import Conflict, Invalid, NotFound
from kinline.hub import Hub
from kinline.identity.locking import lock
from kinline.jobs import queue
from kinline.reasons import Reasoned, fields
from kinline.store import sql
from kinline.store.models import DeliveryRow, metadata
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
    statement = "UPDATE delivery SET state = {p}, reason = {p}, done_at = {p} WHERE id = {p} AND state = 'pending'"
    return bool(sql.changed(session, statement, state, reason[:1000], clock.now(), delivery_id))


def approve(session: Session, delivery_id: str, *, by: str) -> None:
    """Let it go. Raises `Conflict` where it waits for nobody."""
    row = _held(session, delivery_id, "pending", "approved")
    if not row.needs_approval:
        raise Conflict("This call needs no approval.", code="needs_no_approval")
    if row.approved_by:
        raise Conflict(f"{row.approved_by} approved it already.", code="already_so")
    now = clock.now()
    sql.run(
        session,
        "UPDATE delivery SET approved_by = {p}, reason = '', due_at = {p}, expires_at = {p} WHERE id = {p}",
        by, now, now + EXPIRES, delivery_id,
    )  # fmt: skip
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
    sql.run(
        session,
        "UPDATE delivery SET state = 'pending', reason = {p}, due_at = {p}, expires_at = {p}, done_at = NULL WHERE id = {p}",
        f"tried again by {by}", now, now + EXPIRES, delivery_id,
    )  # fmt: skip
    queue.plan(session, JOB, [delivery_id])


_SELECT = (
    "SELECT d.id, e.name, p.root_id, d.decision_id, t.name, d.state, d.reason, d.attempts, d.needs_approval, "
    "d.approved_by, d.created_at, d.due_at, d.expires_at, d.done_at FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id "
    "JOIN person p ON p.id = d.person_id LEFT JOIN trigger_rule t ON t.id = d.trigger_id WHERE "
)
#: What rests on an interaction that the reader may see.
_SEEN = (
    "EXISTS (SELECT 1 FROM decision x JOIN interaction i ON i.id = x.cause_id JOIN copy c ON c.source_id = i.source_id "
    "AND c.interaction_id = i.id WHERE x.id = d.decision_id AND c.account_id {in}) AND "
)


def listed(
    session: Session, *, endpoint: str = "", state: str = "", person: str = "", decision: str = "",
    before: Place = NEWEST, limit: int = 50, reader: AccessScope = EVERYTHING,
) -> list[DeliveryShown]:  # fmt: skip
    """The newest first, narrowed by endpoint (a name), state, person (a root) and decision."""
    wanted = [("e.name", endpoint), ("d.state", state), ("p.root_id", person), ("d.decision_id", decision)]
    narrowed = "".join(f"AND {column} = {{p}} " for column, value in wanted if value)
    where = f"(d.created_at, d.id) < ({{p}}, {{p}}) {narrowed}ORDER BY d.created_at DESC, d.id DESC LIMIT {{p}}"
    rows = _rows(session, where, reader, *before, *(value for _, value in wanted if value), limit)
    return [DeliveryShown(**_fields(row)) for row in rows]


def place(session: Session, delivery_id: str) -> Place:
    """Where it stands in the list."""
    return sql.run(session, "SELECT created_at, id FROM delivery WHERE id = {p}", delivery_id)[0]


def detail(session: Session, delivery_id: str, reader: AccessScope = EVERYTHING) -> DeliveryDetail:
    """Raises `NotFound`, also for one about something that the reader may not read."""
    rows = _rows(session, "d.id = {p}", reader, delivery_id)
    if not rows:
        raise _missing()
    body = sql.run(session, "SELECT body FROM delivery WHERE id = {p}", delivery_id)[0][0]
    tries = sql.run(
        session,
        "SELECT number, at, outcome, detail FROM delivery_try WHERE delivery_id = {p} ORDER BY number",
        delivery_id,
    )
    return DeliveryDetail(
        **_fields(rows[0]), body=msgspec.json.decode(body),
        tries=[TryShown(number, clock.to_text(at), outcome, said) for number, at, outcome, said in tries],
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


def _rows(session: Session, narrowed: str, reader: AccessScope, *values: Any) -> list[tuple[Any, ...]]:
    if reader.accounts is None:
        return sql.run(session, _SELECT + narrowed, *values)
    return sql.select_in(session, _SELECT + _SEEN + narrowed, reader.accounts, *values)


def _fields(row: tuple[Any, ...]) -> dict[str, Any]:
    (each, endpoint, person, decision, trigger, state, reason, attempts, needs, approved, created, due, expires,
     done) = row  # fmt: skip
    return {
        "id": each, "endpoint": endpoint, "person": person, "decision": decision, "trigger": trigger, "state": state,
        "attempts": attempts, "needs_approval": bool(needs), "approved_by": approved,
        "created_at": clock.to_text(created), "due_at": clock.to_text(due), "expires_at": clock.to_text(expires),
        "done_at": clock.to_text(done), **fields(reason_texts.read(reason)),
    }  # fmt: skip

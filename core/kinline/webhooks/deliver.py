"""Making a call: signed anew on every try, with the same id and the same bytes.

Only a 2xx is a yes. Anything else is tried again with growing pauses for three days; 410 says that the endpoint is
gone, and disables it; so does an endpoint that took nothing for three days. Redirects are not followed, private
addresses are not called, and of the answer nothing but its status is kept.
"""

import msgspec
from sqlmodel import Session

from kinline import clock, http, signatures
from kinline.clock import DAY, HOUR, MINUTE, SECOND
from kinline.errors import ChannelError
from kinline.followups import outbox
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.messages import Prepared
from kinline.store import sql
from kinline.store.models import DeliveryRow, EndpointRow
from kinline.webhooks import endpoints
from kinline.webhooks.deliveries import JOB, close
from kinline.words import TriggerState

#: Pauses after each try, by tries made (Standard Webhooks, "Deliverability and reliability").
PAUSES = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY)
#: Seconds for a whole call.
DEADLINE = 20.0
#: Bytes of an answer that are read, and thrown away.
READ = 10_000
MEDIA_TYPE = "application/cloudevents+json"


class PreparedCall(msgspec.Struct, frozen=True):
    """A call with all that is needed to make it."""

    id: str
    number: int
    body: bytes
    url: str
    secrets: list[str]


class TryResult(msgspec.Struct, frozen=True):
    """What came of a try. ``status`` 0: no answer."""

    ok: bool
    said: str
    status: int = 0
    retry_after: int = 0  #: microseconds
    permanent: bool = False


def deliver(hub: Hub, delivery_id: str) -> None:
    """Bring one call as far as it will go now. Safe to call again at any time, by anybody: at least once."""
    ready = _ready(hub, delivery_id)
    if ready is not None:
        _write_down(hub, ready, _call(hub, ready))


def _ready(hub: Hub, delivery_id: str) -> PreparedCall | None:
    """Count the try before it is made, unless something holds it back."""
    with hub.store.write() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None or row.state != "pending":
            return None
        now = clock.now()
        endpoint = session.get_one(EndpointRow, row.endpoint_id)
        if _held_back(session, row, endpoint, now):
            return None
        number = row.attempts + 1
        sql.run(session, "UPDATE delivery SET attempts = {p} WHERE id = {p}", number, row.id)
        sql.run(
            session,
            "INSERT INTO delivery_try (delivery_id, number, at, outcome, detail) VALUES ({p}, {p}, {p}, 'started', '')",
            row.id, number, now,
        )  # fmt: skip
        return PreparedCall(
            row.id, number, row.body.encode(), endpoint.url, endpoints.secrets_of(endpoint, hub.secret, now)
        )


def _held_back(session: Session, row: DeliveryRow, endpoint: EndpointRow, now: int) -> bool:
    if row.expires_at <= now:
        waited = row.needs_approval and not row.approved_by
        close(
            session,
            row.id,
            "expired",
            "nobody approved it in time" if waited else f"it was not taken in time; {row.reason}",
        )
        return True
    if row.needs_approval and not row.approved_by:
        queue.plan(session, JOB, [row.id], run_at=row.expires_at)
        return True
    states = sql.run(session, "SELECT state FROM trigger_rule WHERE id = {p}", row.trigger_id)
    if states and states[0][0] != TriggerState.LIVE:
        close(session, row.id, "cancelled", f"trigger: its trigger is not live any more, it is {states[0][0]}")
        return True
    if endpoint.state != endpoints.ACTIVE:
        _put_off(session, row.id, min(now + HOUR, row.expires_at), f"the endpoint is disabled: {endpoint.reason}")
        return True
    if row.due_at > now:
        queue.plan(session, JOB, [row.id], run_at=row.due_at)
        return True
    return False


def _call(hub: Hub, ready: PreparedCall) -> TryResult:
    if hub.settings.outbound == "file":
        sent = outbox.write(
            hub.settings.home, "webhook", ready.id, Prepared(body=ready.body, media_type="application/json")
        )
        return TryResult(ok=True, said=sent.detail)
    signed = signatures.headers(ready.secrets, ready.id, clock.now() // SECOND, ready.body)
    try:
        answer = http.call(
            "POST", ready.url, headers={**signed, "content-type": MEDIA_TYPE}, content=ready.body, deadline=DEADLINE,
            longest=READ, cut=True,
        )  # fmt: skip
    except ChannelError as error:
        return TryResult(ok=False, said=f"{error.code}: {error.detail}", permanent=error.permanent)
    return TryResult(
        ok=answer.ok, said=f"it answered {answer.status}", status=answer.status, retry_after=_asked(answer),
        permanent=answer.status == 410,
    )  # fmt: skip


def _asked(answer: http.HttpAnswer) -> int:
    """How long it wants us to wait, where it says so; a day at most."""
    after = answer.headers.get("retry-after", "")
    known = answer.status in (429, 503) and after.isascii() and after.isdigit() and len(after) < 10
    return min(int(after) * SECOND, DAY) if known else 0


def _write_down(hub: Hub, ready: PreparedCall, told: TryResult) -> None:
    """What came of it, unless somebody tried once more meanwhile or called it off."""
    now = clock.now()
    with hub.store.write() as session:
        row = session.get_one(DeliveryRow, ready.id)
        again = now + max(_pause(ready), told.retry_after)
        over = told.permanent or again > row.expires_at
        _close_try(session, ready, "delivered" if told.ok else "failed" if over else "retry", told.said)
        _mark(session, row.endpoint_id, told, now)
        if row.state != "pending" or row.attempts != ready.number:
            return
        if told.ok:
            close(session, ready.id, "delivered", told.said)
        elif over:
            close(session, ready.id, "failed", f"tried {ready.number} times; the last time {told.said}")
        else:
            _put_off(session, ready.id, again, told.said)


def _pause(ready: PreparedCall) -> int:
    """The pause after this try, a tenth longer or not: endpoints that come back are not overrun at once."""
    pause = PAUSES[min(ready.number, len(PAUSES)) - 1]
    return pause + pause * (int(ready.id[:8], 16) % 100) // 1000


def _put_off(session: Session, delivery_id: str, due: int, reason: str) -> None:
    sql.run(session, "UPDATE delivery SET due_at = {p}, reason = {p} WHERE id = {p}", due, reason[:1000], delivery_id)
    queue.plan(session, JOB, [delivery_id], run_at=due)


def _close_try(session: Session, ready: PreparedCall, outcome: str, said: str) -> None:
    sql.run(
        session,
        "UPDATE delivery_try SET outcome = {p}, detail = {p} WHERE delivery_id = {p} AND number = {p}",
        outcome, said[:1000], ready.id, ready.number,
    )  # fmt: skip


def _mark(session: Session, endpoint_id: str, told: TryResult, now: int) -> None:
    """How the endpoint does: since when it takes nothing, and whether that is long enough to leave it alone."""
    if told.ok:
        sql.run(
            session,
            "UPDATE endpoint SET failing_since = NULL WHERE id = {p} AND failing_since IS NOT NULL",
            endpoint_id,
        )
        return
    sql.run(
        session, "UPDATE endpoint SET failing_since = coalesce(failing_since, {p}) WHERE id = {p}", now, endpoint_id
    )
    [(since,)] = sql.run(session, "SELECT failing_since FROM endpoint WHERE id = {p}", endpoint_id)
    gone = told.status == 410
    if gone or now - since >= endpoints.PATIENCE:
        said = (
            "it answered 410 Gone"
            if gone
            else f"it took nothing since {clock.to_text(since)}; the last time {told.said}"
        )
        sql.run(
            session,
            "UPDATE endpoint SET state = 'disabled', reason = {p}, changed_at = {p} WHERE id = {p} AND state = 'active'",
            said[:1000], now, endpoint_id,
        )  # fmt: skip

"""Sending one follow-up: prepare, pass the guards and claim, send, record.

What is handed over is stored before it is; who lost the lease writes nothing; and what nobody knows is
``unknown``, never hidden in ``sent`` or ``failed``.
"""

from hashlib import sha256

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, func, insert, literal, null, select, update
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts import spend
from kinline.accounts.connected import AccountRef
from kinline.clock import DAY, HOUR, SECOND
from kinline.contract.channel import Ability
from kinline.errors import ChannelError, OutcomeUnknown
from kinline.followups import copies, files, outbox
from kinline.followups.guards import hold
from kinline.followups.holding import Going, GuardResult
from kinline.followups.preparing import PreparedMessage, prepare, raised
from kinline.followups.record import record_sent
from kinline.followups.states import PENDING, UNKNOWN, UNSURE, maybe_out, sending, write_state
from kinline.hub import Hub
from kinline.identity.locking import lock
from kinline.identity.persons import of_identity
from kinline.jobs import queue
from kinline.jobs.queue import database_now
from kinline.messages import Prepared, Sent
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store.ask import Ask, Change, Id
from kinline.store.models import Attempt, FollowUp
from kinline.words import Delivery, FollowUpState, Origin

#: Seconds before the next try, by tries made. After the last the follow-up has failed.
RETRIES = (10, 60, 300, 1800, 7200)
#: Seconds until a channel that cannot take a message now (a closed reply window, a limit) is asked again.
UNREADY = 300
_IT = col(FollowUp.id) == bindparam("followup")
_CHANGE = update(FollowUp).where(_IT)
_FORGET = Change(_CHANGE.values(prepared=null(), prepared_body=null()))
_TAKE = Change(
    _CHANGE.where(col(FollowUp.state) == FollowUpState.PENDING.value).values(
        state=FollowUpState.SENDING.value,
        owner=bindparam("by"),
        lease_until=bindparam("until"),
        attempts=col(FollowUp.attempts) + 1,
        reason="",
        prepared=func.coalesce(col(FollowUp.prepared), bindparam("text", type_=Text)),
        prepared_body=func.coalesce(col(FollowUp.prepared_body), bindparam("body", type_=Text)),
        source_id=func.coalesce(col(FollowUp.source_id), bindparam("source", type_=Text)),
    )
)
_TRY = Change(
    insert(Attempt).from_select(
        ["followup_id", "number", "started_at", "request_hash", "outcome", "detail"],
        select(
            col(FollowUp.id),
            col(FollowUp.attempts),
            bindparam("now", type_=BigInteger),
            bindparam("digest", type_=Text),
            literal("started"),
            literal(""),
        ).where(_IT),
    )
)
_PUT_OFF = Change(
    _CHANGE.values(
        due_at=bindparam("due"),
        expires_at=func.coalesce(bindparam("expires", type_=BigInteger), col(FollowUp.expires_at)),
    )
)
_SENT = Change(
    _CHANGE.values(sent_at=bindparam("now"), source_id=bindparam("source"), interaction_id=bindparam("interaction"))
)
_STALE = Ask(
    select(col(FollowUp.id)).where(
        _IT, col(FollowUp.state) == FollowUpState.SENDING.value, col(FollowUp.lease_until) < bindparam("now")
    ),
    Id,
)


def send(hub: Hub, followup_id: str, token: str) -> None:
    """Bring one follow-up as far as it will go now. Safe to call again at any time, by anybody."""
    try:
        ready = prepare(hub, followup_id)
    except ChannelError as error:
        _not_prepared(hub, followup_id, error)
        return
    if ready is None:
        return
    if ready.followup.state == FollowUpState.SENDING:
        _resolve_stale(hub, ready)
        return
    if not _claim(hub, ready, token):
        return
    _hand_over(hub, ready, token)


def reconcile(hub: Hub, followup_id: str) -> None:
    """Ask the provider about a message whose outcome is unknown, where it can be asked."""
    ready = prepare(hub, followup_id)
    if ready is None or ready.followup.state != FollowUpState.UNKNOWN or Ability.FIND_SENT not in ready.channel.can:
        return
    found = ready.channel.find_sent(ready.prepared, ready.settings)
    if found:
        _succeed(hub, ready, None, found)
        return
    with hub.store.write() as session:
        write_state(session, followup_id, UNKNOWN, FollowUpState.FAILED, "the provider never got it")


def _not_prepared(hub: Hub, followup_id: str, error: ChannelError) -> None:
    """The channel refuses it, for good or for now. Pending only: another worker may be sending it this moment."""
    reason, now = f"{error.code}: {error.detail}", clock.now()
    with hub.store.write() as session:
        row = session.get(FollowUp, followup_id)
        if row is None or row.state != FollowUpState.PENDING:
            return
        if error.permanent or row.expires_at <= now:
            state = FollowUpState.FAILED if error.permanent else FollowUpState.EXPIRED
            write_state(session, followup_id, PENDING, state, reason)
            return
        write_state(session, followup_id, PENDING, FollowUpState.PENDING, reason)
        _put_off(session, followup_id, now + _wait(error, UNREADY))


def _claim(hub: Hub, ready: PreparedMessage, token: str) -> bool:
    """Pass the guards and take it for sending, in one transaction under the person's lock."""
    followup, now = ready.followup, clock.now()
    with hub.store.write() as session:
        for person in sorted({of_identity(session, each) for each in copies.planned(followup)}):
            lock(session, person)
        root = lock(session, followup.person_id)
        current = session.get(FollowUp, followup.id, populate_existing=True)
        if current is None or current.state != FollowUpState.PENDING:
            return False
        if current.expires_at <= now:
            waited = current.needs_approval and not current.approved_by
            said = "nobody approved it in time" if waited else "it was due too long ago to be welcome"
            write_state(session, followup.id, PENDING, FollowUpState.EXPIRED, said)
            return False
        if current.due_at > now:
            queue.plan(session, "followup.send", [followup.id], run_at=current.due_at)
            return False
        held = hold(Going(hub, session, current, root, now))
        if held:
            _hold_back(session, current, held, hub.settings.max_lateness)
            return False
        if not copies.still_welcome(session, hub.secret, current, ready.prepared):
            _prepare_anew(session, current)
            return False
        return _take(session, ready, token, hub.settings.lease, now)


def _prepare_anew(session: Session, followup: FollowUp) -> None:
    """Somebody in copy is not written to any more: it is made again without them, unless it may have gone out so."""
    if maybe_out(session, followup.id):
        said = "suppression: somebody in copy is not written to any more"
        write_state(session, followup.id, PENDING, FollowUpState.CANCELLED, said)
        return
    _FORGET.run(session, followup=followup.id)
    queue.plan(session, "followup.send", [followup.id])


def _take(session: Session, ready: PreparedMessage, token: str, lease: int, now: int) -> bool:
    text, body = files.put_prepared(session, ready.prepared)
    taken = _TAKE.run(
        session, followup=ready.followup.id, by=token, until=database_now(session) + lease * SECOND, text=text, body=body,
        source=ready.prepared.source_id or None,
    )  # fmt: skip
    if taken:
        _TRY.run(session, followup=ready.followup.id, now=now, digest=sha256(ready.prepared.body).hexdigest())
    return bool(taken)


def _hold_back(session: Session, followup: FollowUp, held: GuardResult, max_lateness: int) -> None:
    write_state(session, followup.id, PENDING, held.state, f"{held.guard}: {held.reason}")
    if held.until is not None:
        expires = followup.expires_at if held.may_expire else max(followup.expires_at, held.until + max_lateness * HOUR)
        _PUT_OFF.run(session, followup=followup.id, due=held.until, expires=expires)
        queue.plan(session, "followup.send", [followup.id], run_at=held.until)


def _hand_over(hub: Hub, ready: PreparedMessage, token: str) -> None:
    """Talk to the channel, outside any transaction, and write down what it said."""
    try:
        sent = _deliver(hub, ready)
    except OutcomeUnknown as error:
        _unsure(hub, ready, token, error.detail)
    except ChannelError as error:
        _failed(hub, ready, token, error)
    except (Exception, SystemExit) as error:  # a foreign plugin may raise anything; how far it came nobody knows
        _unsure(hub, ready, token, raised(error))
    else:
        _succeed(hub, ready, token, sent)


def _deliver(hub: Hub, ready: PreparedMessage) -> Sent:
    if ready.to_file:
        return outbox.write(hub.settings.home, ready.channel.name, ready.followup.id, ready.prepared)
    sent: object = ready.channel.send(ready.prepared, ready.settings)
    named = sent.source_id or ready.prepared.source_id if isinstance(sent, Sent) else ""
    if not isinstance(sent, Sent) or not named:
        raise OutcomeUnknown("the channel did not say what it sent")
    return msgspec.structs.replace(sent, source_id=named)


def _failed(hub: Hub, ready: PreparedMessage, token: str, error: ChannelError) -> None:
    """It was surely not sent."""
    tries, reason = ready.followup.attempts, f"{error.code}: {error.detail}"
    with hub.store.write() as session:
        if error.permanent or tries >= len(RETRIES):
            write_state(session, ready.followup.id, sending(token), FollowUpState.FAILED, reason)
            return
        if write_state(session, ready.followup.id, sending(token), FollowUpState.PENDING, reason):
            _put_off(session, ready.followup.id, clock.now() + _wait(error, RETRIES[tries]))


def _wait(error: ChannelError, usual: int) -> int:
    """How long to wait, in microseconds. What the other side asks for is believed between a second and a day."""
    asked = usual if error.retry_after is None or error.retry_after != error.retry_after else error.retry_after
    return int(min(max(asked, 1), DAY // SECOND) * SECOND)


def _unsure(hub: Hub, ready: PreparedMessage, token: str, reason: str) -> None:
    """It may have been sent. Tried again only where that cannot double it, or where doubles were chosen."""
    tries = ready.followup.attempts
    with hub.store.write() as session:
        if _repeats(hub, ready) and tries < len(RETRIES):
            if write_state(session, ready.followup.id, sending(token), FollowUpState.PENDING, reason, UNSURE):
                _put_off(session, ready.followup.id, clock.now() + RETRIES[tries] * SECOND)
            return
        write_state(session, ready.followup.id, sending(token), FollowUpState.UNKNOWN, reason)


def _repeats(hub: Hub, ready: PreparedMessage) -> bool:
    """Whether the same bytes may be handed over again when nobody knows what became of them."""
    return ready.to_file or ready.channel.delivery is not Delivery.AT_MOST_ONCE


def _put_off(session: Session, followup_id: str, due: int) -> None:
    _PUT_OFF.run(session, followup=followup_id, due=due, expires=None)
    queue.plan(session, "followup.send", [followup_id], run_at=due)


def _succeed(hub: Hub, ready: PreparedMessage, token: str | None, sent: Sent) -> None:
    """It went out: it comes back into the record as an interaction of ours, in the same transaction."""
    leaving = sending(token) if token else UNKNOWN
    with hub.store.write() as session:
        if write_state(session, ready.followup.id, leaving, FollowUpState.SENT, sent.detail):
            record_outcome(session, ready.followup, ready.account, ready.prepared, sent)
            _record_receipts(session, ready.account, sent)
            spend.add(session, ready.account.id, writes=1 if sent.cost else 0, cost=sent.cost)


def _record_receipts(session: Session, account: AccountRef, sent: Sent) -> None:
    told = (msgspec.structs.replace(each, source_id=sent.source_id) for each in sent.receipts)
    record_batch(
        session, [Recording(account=account, what=each, origin=Origin.OURS, arrived_at=clock.now()) for each in told]
    )


def record_outcome(session: Session, followup: FollowUp, account: AccountRef, prepared: Prepared, sent: Sent) -> None:
    """Record a message that went out, and tell its follow-up which interaction it became."""
    now = clock.now()
    interaction = record_sent(session, followup, account, prepared, sent, now)
    _SENT.run(session, followup=followup.id, now=now, source=sent.source_id, interaction=interaction)


def _resolve_stale(hub: Hub, ready: PreparedMessage) -> None:
    """Its sender died or was lost. What follows depends on what the channel promises."""
    followup, reason = ready.followup, "its sender stopped while sending"
    with hub.store.write() as session:
        if _STALE.first(session, followup=followup.id, now=database_now(session)) is None:
            queue.plan(session, "followup.send", [followup.id], run_at=clock.now() + 5 * SECOND)
        elif _repeats(hub, ready) and followup.attempts <= len(RETRIES):
            if write_state(session, followup.id, sending(followup.owner), FollowUpState.PENDING, reason, UNSURE):
                queue.plan(session, "followup.send", [followup.id])
        else:
            write_state(session, followup.id, sending(followup.owner), FollowUpState.UNKNOWN, reason)

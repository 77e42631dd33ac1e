"""What follows from a report about something we sent: whom not to write to any more, and for how long.

A hard bounce or a rejection: half a year, for mailboxes come back. A complaint: for ever. A mailbox that is full or a
server that is away is no reason yet: three such reports about three messages within a month are, for two weeks, unless
something arrived there meanwhile or they wrote to us. A delay is no failure and counts for nothing. What is held
already is never shortened.
"""

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline import clock
from kinline.clock import DAY
from kinline.errors import Conflict, NotFound
from kinline.followups import manage
from kinline.followups.routes import handle_of
from kinline.identity import consents
from kinline.secret import Secret
from kinline.store.ask import Ask, Count, OneNumber
from kinline.store.models import FollowUp, Identity, InteractionRow, Participant, ReceiptRow
from kinline.waiting import keep as waiting
from kinline.words import Direction, FollowUpState, Role

HARD_FOR = 180 * DAY
SOFT_LIMIT, SOFT_WITHIN, SOFT_FOR = 3, 30 * DAY, 14 * DAY
_FAILURES = ("bounced", "rejected")
_TOLD = col(ReceiptRow.recipient) == bindparam("recipient"), col(ReceiptRow.at) > bindparam("since")
_ARRIVED = Ask(
    select(func.coalesce(func.max(col(ReceiptRow.at)), 0).label("number")).where(
        *_TOLD, col(ReceiptRow.report).in_(("delivered", "read"))
    ),
    OneNumber,
)
_WROTE = Ask(
    select(func.coalesce(func.max(col(Participant.sort_at)), 0).label("number"))
    .join(InteractionRow, col(InteractionRow.id) == col(Participant.interaction_id))
    .where(
        col(Participant.identity_id) == bindparam("recipient"),
        col(Participant.role) == Role.AUTHOR.value,
        col(Participant.direction) == Direction.INBOUND.value,
        col(Participant.sort_at) > bindparam("since"),
        col(InteractionRow.automatic) == "",
    ),
    OneNumber,
)
_FAILED = Ask(
    select(func.count(col(ReceiptRow.followup_id).distinct()).label("count")).where(
        *_TOLD, col(ReceiptRow.report).in_(_FAILURES), col(ReceiptRow.permanent) == 0
    ),
    Count,
)


def apply(session: Session, secret: Secret, receipt_id: str) -> None:
    """Do what this report asks for. Safe to call again."""
    receipt = session.get(ReceiptRow, receipt_id)
    if receipt is None:
        return
    if receipt.followup_id:
        _went_out(session, receipt.followup_id, receipt.report)
    if receipt.recipient is None:
        return
    if session.get(Identity, receipt.recipient) is None:
        raise NotFound("The receipt names an identity that is gone.")
    handle, why = handle_of(session, receipt.recipient), f"{receipt.report}: {receipt.detail}"[:300]
    if receipt.permanent and receipt.report in _FAILURES and receipt.followup_id:
        _did_not_arrive(session, receipt.followup_id)
    if receipt.report == "complained":
        consents.suppress(session, secret, handle, why)
    elif receipt.report in _FAILURES and receipt.permanent:
        consents.suppress(session, secret, handle, why, expires_at=clock.now() + HARD_FOR, only_longer=True)
    elif receipt.report in _FAILURES and (count := _soft(session, receipt.recipient)) >= SOFT_LIMIT:
        why = f"{count} messages did not arrive: {receipt.detail}"[:300]
        consents.suppress(session, secret, handle, why, expires_at=clock.now() + SOFT_FOR, only_longer=True)


def _went_out(session: Session, followup_id: str, report: str) -> None:
    """Whatever is reported of a message says that it was handed over: so an unknown outcome is known."""
    row = session.get(FollowUp, followup_id, populate_existing=True)
    if row is None or row.state != FollowUpState.UNKNOWN:
        return
    try:
        manage.reconcile(session, followup_id, sent=True, by="a report", note=report)
    except Conflict:
        return  # somebody said so at the same moment


def _did_not_arrive(session: Session, followup_id: str) -> None:
    """An answer that never reached somebody answered nothing: they wait again, since they did."""
    row = session.get(FollowUp, followup_id, populate_existing=True)
    waiting.reconsider(session, [row.interaction_id] if row and row.interaction_id else [])


def _soft(session: Session, recipient: str) -> int:
    """How many messages failed for now, since the last sign of life within a month."""
    since = clock.now() - SOFT_WITHIN
    arrived = _ARRIVED.one(session, recipient=recipient, since=since).number
    wrote = _WROTE.one(session, recipient=recipient, since=since).number
    return _FAILED.one(session, recipient=recipient, since=max(since, arrived, wrote)).count

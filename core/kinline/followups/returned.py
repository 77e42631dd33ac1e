"""What follows from a report about something we sent: whom not to write to any more, and for how long.

A hard bounce or a rejection: half a year, for mailboxes come back. A complaint: for ever. A mailbox that is full or a
server that is away is no reason yet: three such reports about three messages within a month are, for two weeks, unless
something arrived there meanwhile or they wrote to us. A delay is no failure and counts for nothing. What is held
already is never shortened.
"""

from sqlmodel import Session

from kinline import clock
from kinline.clock import DAY
from kinline.errors import Conflict, NotFound
from kinline.followups import manage
from kinline.followups.routes import handle_of
from kinline.identity import consents
from kinline.secret import Secret
from kinline.store import sql
from kinline.store.models import ReceiptRow
from kinline.waiting import keep as waiting
from kinline.words import FollowUpState

HARD_FOR = 180 * DAY
SOFT_LIMIT, SOFT_WITHIN, SOFT_FOR = 3, 30 * DAY, 14 * DAY


def apply(session: Session, secret: Secret, receipt_id: str) -> None:
    """Do what this report asks for. Safe to call again."""
    receipt = session.get(ReceiptRow, receipt_id)
    if receipt is None:
        return
    if receipt.followup_id:
        _went_out(session, receipt.followup_id, receipt.report)
    if receipt.recipient is None:
        return
    if not sql.run(session, "SELECT 1 FROM identity WHERE id = {p}", receipt.recipient):
        raise NotFound("The receipt names an identity that is gone.")
    handle, why = handle_of(session, receipt.recipient), f"{receipt.report}: {receipt.detail}"[:300]
    if receipt.permanent and receipt.report in ("bounced", "rejected") and receipt.followup_id:
        _did_not_arrive(session, receipt.followup_id)
    if receipt.report == "complained":
        consents.suppress(session, secret, handle, why)
    elif receipt.report in ("bounced", "rejected") and receipt.permanent:
        consents.suppress(session, secret, handle, why, expires_at=clock.now() + HARD_FOR, only_longer=True)
    elif receipt.report in ("bounced", "rejected") and (count := _soft(session, receipt.recipient)) >= SOFT_LIMIT:
        why = f"{count} messages did not arrive: {receipt.detail}"[:300]
        consents.suppress(session, secret, handle, why, expires_at=clock.now() + SOFT_FOR, only_longer=True)


def _went_out(session: Session, followup_id: str, report: str) -> None:
    """Whatever is reported of a message says that it was handed over: so an unknown outcome is known."""
    rows = sql.run(session, "SELECT state FROM followup WHERE id = {p}", followup_id)
    if rows != [(FollowUpState.UNKNOWN,)]:
        return
    try:
        manage.reconcile(session, followup_id, sent=True, by="a report", note=report)
    except Conflict:
        return  # somebody said so at the same moment


def _did_not_arrive(session: Session, followup_id: str) -> None:
    """An answer that never reached somebody answered nothing: they wait again, since they did."""
    rows = sql.run(
        session, "SELECT interaction_id FROM followup WHERE id = {p} AND interaction_id IS NOT NULL", followup_id
    )
    waiting.reconsider(session, (interaction for (interaction,) in rows))


def _soft(session: Session, recipient: str) -> int:
    """How many messages failed for now, since the last sign of life within a month."""
    since = clock.now() - SOFT_WITHIN
    arrived = sql.run(
        session,
        "SELECT max(at) FROM receipt WHERE recipient = {p} AND report IN ('delivered', 'read') AND at > {p}",
        recipient, since,
    )[0][0]  # fmt: skip
    wrote = sql.run(
        session,
        "SELECT max(p.sort_at) FROM participant p JOIN interaction i ON i.id = p.interaction_id WHERE p.identity_id = {p} "
        "AND p.role = 'author' AND p.direction = 'inbound' AND p.sort_at > {p} AND i.automatic = ''",
        recipient, since,
    )[0][0]  # fmt: skip
    rows = sql.run(
        session,
        "SELECT count(DISTINCT followup_id) FROM receipt WHERE recipient = {p} AND report IN ('bounced', 'rejected') "
        "AND permanent = 0 AND at > {p}",
        recipient, max(since, arrived or 0, wrote or 0),
    )  # fmt: skip
    return int(rows[0][0])

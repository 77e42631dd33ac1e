"""What people decide about follow-ups: let one go, stop it, say what became of it.

Only a pending one can be approved or cancelled, only an unknown one reconciled. Everything happens under the
person's lock, so it cannot cross with a worker that is about to claim it: whoever comes first wins, and the
other is told.
"""

from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.connected import ref
from kinline.errors import Conflict, NotFound
from kinline.followups import files
from kinline.followups.send import record_outcome
from kinline.followups.states import PENDING, UNKNOWN, write_state
from kinline.identity.locking import lock
from kinline.jobs import queue
from kinline.messages import Sent
from kinline.store.ask import Change
from kinline.store.models import Account, FollowUp
from kinline.words import FollowUpState

_APPROVE = Change(
    update(FollowUp)
    .where(col(FollowUp.id) == bindparam("followup"))
    .values(approved_by=bindparam("by"), due_at=bindparam("due"), reason=bindparam("why"))
)


def find(session: Session, followup_id: str) -> FollowUp:
    row = session.get(FollowUp, followup_id, populate_existing=True)
    if row is None:
        raise NotFound("There is no such follow-up.", code="no_such_followup")
    return row


def approve(session: Session, followup_id: str, *, by: str) -> FollowUp:
    """Let it go out. One that waited for nothing else goes now. Raises `Conflict`."""
    row = _held(session, followup_id, FollowUpState.PENDING, "approved")
    if not row.needs_approval:
        raise Conflict("This follow-up needs no approval.", code="needs_no_approval")
    if row.approved_by:
        raise Conflict(f"{row.approved_by} approved it already.", code="already_so")
    waited = row.reason.startswith("approval: ")
    due, reason = (clock.now(), "") if waited else (row.due_at, row.reason)
    _APPROVE.run(session, followup=followup_id, by=by, due=due, why=reason)
    queue.plan(session, "followup.send", [followup_id], run_at=due)
    return find(session, followup_id)


def cancel(session: Session, followup_id: str, *, by: str, reason: str = "") -> FollowUp:
    """Stop it before it goes out. Raises `Conflict` when it is too late for that."""
    _held(session, followup_id, FollowUpState.PENDING, "cancelled")
    said = f"cancelled by {by}" + (f": {reason}" if reason else "")
    _require(write_state(session, followup_id, PENDING, FollowUpState.CANCELLED, said))
    return find(session, followup_id)


def reconcile(session: Session, followup_id: str, *, sent: bool, by: str, note: str = "") -> FollowUp:
    """Somebody looked where no program can, and says whether it went out. Raises `Conflict`.

    What went out comes into the record like everything else that does.
    """
    row = _held(session, followup_id, FollowUpState.UNKNOWN, "reconciled")
    said = f"{by} says it was {'sent' if sent else 'not sent'}" + (f": {note}" if note else "")
    _require(write_state(session, followup_id, UNKNOWN, FollowUpState.SENT if sent else FollowUpState.FAILED, said))
    if sent:
        prepared = files.get_prepared(session, str(row.prepared), row.prepared_body)
        named = row.source_id or prepared.source_id or f"reconciled:{followup_id}"
        account = ref(session.get_one(Account, row.account_id))
        record_outcome(session, row, account, prepared, Sent(source_id=named))
    return find(session, followup_id)


def _held(session: Session, followup_id: str, state: FollowUpState, done: str) -> FollowUp:
    """The follow-up, under its person's lock, in the state that this is allowed in."""
    lock(session, find(session, followup_id).person_id)
    row = find(session, followup_id)
    if row.state != state:
        raise Conflict(f"Only a follow-up that is {state} can be {done}; this one is {row.state}.", code=f"not_{state}")
    return row


def _require(changed: bool) -> None:
    """A worker that asked the provider needs no lock for it, and may have come first."""
    if not changed:
        raise Conflict("Somebody decided this at the same moment. Look again.", code="already_so")

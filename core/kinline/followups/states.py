"""The states of a follow-up and who may change them: fenced, and never out of a final one."""

import msgspec
from sqlalchemy import bindparam, null, select, update
from sqlmodel import Session, col

from kinline import clock
from kinline.clock import MINUTE
from kinline.jobs import queue
from kinline.store.ask import Ask, Change, Id
from kinline.store.models import Attempt, FollowUp
from kinline.words import FollowUpState

#: Outcome of an attempt that may have gone out and was followed by another one.
UNSURE = "unsure"
#: A provider is asked what became of a message not before this: its own books take a moment.
ASKED_AFTER = MINUTE


class StateOwner(msgspec.Struct, frozen=True):
    """The state that is left, and who must still own it there (fencing)."""

    state: FollowUpState
    owner: str | None = None


PENDING, UNKNOWN = StateOwner(FollowUpState.PENDING), StateOwner(FollowUpState.UNKNOWN)
_LEAVE = (
    update(FollowUp)
    .where(col(FollowUp.id) == bindparam("followup"), col(FollowUp.state) == bindparam("leaving"))
    .values(state=bindparam("to"), reason=bindparam("said"), owner=null(), lease_until=null())
)
_CHANGE = Change(_LEAVE)
_CHANGE_OWNED = Change(_LEAVE.where(col(FollowUp.owner) == bindparam("owned_by")))
_CLOSE = Change(
    update(Attempt)
    .where(col(Attempt.followup_id) == bindparam("followup"), col(Attempt.outcome).in_(("started", "unknown")))
    .values(outcome=bindparam("how"), detail=bindparam("said"), finished_at=bindparam("now"))
)
_UNSURE = Ask(
    select(col(Attempt.followup_id).label("id")).where(
        col(Attempt.followup_id) == bindparam("followup"), col(Attempt.outcome) == UNSURE
    ),
    Id,
)
_UNWELCOME = (FollowUpState.FAILED, FollowUpState.CANCELLED, FollowUpState.EXPIRED)


def sending(owner: str | None) -> StateOwner:
    return StateOwner(FollowUpState.SENDING, owner or "nobody")


def write_state(
    session: Session, followup_id: str, leaving: StateOwner, state: FollowUpState, reason: str, outcome: str = ""
) -> bool:
    """Change the state, if it is still the one we leave and still ours; close the attempt. False: it was not.

    What may have gone out on an earlier try is never called failed, cancelled or expired: it is unknown.
    ``outcome`` is the attempt's, where its word is another than the state's.
    """
    said, ends = reason[:1000].replace("\x00", "").encode(errors="replace").decode(), state
    if leaving.state is not FollowUpState.UNKNOWN:
        ends, said = _or_unknown(session, followup_id, state, said)
    change = _CHANGE_OWNED if leaving.owner else _CHANGE
    changed = change.run(
        session, followup=followup_id, leaving=leaving.state, owned_by=leaving.owner, to=ends, said=said
    )
    if changed and leaving.state is not FollowUpState.PENDING:
        _close_attempt(session, followup_id, outcome or ("retry" if state is FollowUpState.PENDING else state), said)
    if changed and ends is FollowUpState.UNKNOWN:
        queue.plan(session, "followup.reconcile", [followup_id], run_at=clock.now() + ASKED_AFTER)
    return bool(changed)


def _close_attempt(session: Session, followup_id: str, outcome: str, said: str) -> None:
    _CLOSE.run(session, followup=followup_id, how=outcome, said=said, now=clock.now())


def maybe_out(session: Session, followup_id: str) -> bool:
    """Whether an earlier try may have gone out."""
    return _UNSURE.first(session, followup=followup_id) is not None


def _or_unknown(session: Session, followup_id: str, state: FollowUpState, said: str) -> tuple[FollowUpState, str]:
    if state not in _UNWELCOME or not maybe_out(session, followup_id):
        return state, said
    return FollowUpState.UNKNOWN, f"{said}; an earlier try may have gone out"[:1000]

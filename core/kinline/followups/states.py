"""The states of a follow-up and who may change them: fenced, and never out of a final one."""

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.clock import MINUTE
from kinline.jobs import queue
from kinline.store import sql
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
    owned = "AND owner = {p}" if leaving.owner else ""
    changed = sql.changed(
        session,
        "UPDATE followup SET state = {p}, reason = {p}, owner = NULL, lease_until = NULL "
        f"WHERE id = {{p}} AND state = {{p}} {owned}",
        ends, said, followup_id, leaving.state, *([leaving.owner] if leaving.owner else []),
    )  # fmt: skip
    if changed and leaving.state is not FollowUpState.PENDING:
        _close_attempt(session, followup_id, outcome or ("retry" if state is FollowUpState.PENDING else state), said)
    if changed and ends is FollowUpState.UNKNOWN:
        queue.plan(session, "followup.reconcile", [followup_id], run_at=clock.now() + ASKED_AFTER)
    return bool(changed)


def _close_attempt(session: Session, followup_id: str, outcome: str, said: str) -> None:
    sql.run(
        session,
        "UPDATE attempt SET outcome = {p}, detail = {p}, finished_at = {p} "
        "WHERE followup_id = {p} AND outcome IN ('started', 'unknown')",
        outcome, said, clock.now(), followup_id,
    )  # fmt: skip


def _or_unknown(session: Session, followup_id: str, state: FollowUpState, said: str) -> tuple[FollowUpState, str]:
    if state not in _UNWELCOME:
        return state, said
    rows = sql.run(session, "SELECT 1 FROM attempt WHERE followup_id = {p} AND outcome = {p}", followup_id, UNSURE)
    return (FollowUpState.UNKNOWN, f"{said}; an earlier try may have gone out"[:1000]) if rows else (state, said)

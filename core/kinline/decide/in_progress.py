"""What a decision has under way for a person: waits between its actions, messages, calls; and calling it off.

A wait is a row, and a job that runs when it is over. Whatever happens to the process, the rest is done once: the
row is closed in the transaction that does it.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.decide.action_context import Acting
from kinline.decide.waits import CALLED_OFF
from kinline.errors import Conflict, NotFound
from kinline.followups.states import PENDING, write_state
from kinline.identity.locking import lock
from kinline.identity.persons import members
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.ask import Ask, among
from kinline.store.models import StepRow, WaitRow, metadata
from kinline.triggers import Action
from kinline.triggers.actions import Pause
from kinline.webhooks import deliveries
from kinline.words import FollowUpState

JOB = "step.take"
CalledOff = dict[tuple[str, str, str], str]  #: why, by person, trigger and episode
_STEP = metadata.tables[str(StepRow.__tablename__)]


class _CalledOff(msgspec.Struct, frozen=True):
    person_id: str
    trigger_id: str
    episode: str
    reason: str


_CALLED_OFF = Ask(
    select(*[col(getattr(WaitRow, name)) for name in _CalledOff.__struct_fields__]).where(
        among(col(WaitRow.person_id), "people"),
        col(WaitRow.state) == "closed",
        col(WaitRow.reason).like(bindparam("reason")),
    ),
    _CalledOff,
)


def pause(acting: Acting, number: int, action: Action) -> None:
    """Keep the rest of the actions for when the wait is over."""
    assert isinstance(action.doing, Pause)  # noqa: S101 - of a wait this is what was written
    due = acting.now + action.doing.for_.micros
    step = ids.derived("step", acting.decision_id, str(number))
    row = (
        step, acting.decision_id, acting.trigger.id, acting.trigger.version, acting.root, number, due, "waiting", "",
        msgspec.json.encode(acting.templates).decode(), acting.now, None,
    )  # fmt: skip
    sql.insert(acting.session, _STEP, [row])
    queue.plan(acting.session, JOB, [step], run_at=due)


def close(session: Session, step_id: str, state: str, reason: str) -> bool:
    """Nothing is waited for any more. False: somebody closed it before."""
    statement = "UPDATE step SET state = {p}, reason = {p}, closed_at = {p} WHERE id = {p} AND state = 'waiting'"
    return bool(sql.changed(session, statement, state, reason[:1000], clock.now(), step_id))


def cancel(session: Session, step_id: str, *, by: str, reason: str = "") -> None:
    """Somebody says that the rest is not to be done. Raises `Conflict` when it is too late for that."""
    rows = sql.run(session, "SELECT person_id FROM step WHERE id = {p}", step_id)
    if not rows:
        raise NotFound("There is no such step.", code="no_such_step")
    lock(session, rows[0][0])
    if not close(session, step_id, "stopped", f"cancelled by {by}" + (f": {reason}" if reason else "")):
        raise Conflict("Only a step that is waiting can be cancelled.", code="not_waiting")


def call_off(acting: Acting, trigger_id: str) -> int:
    """End what that trigger has under way for this person, but not what came of this decision, or of one at the same step.
    Returns how much."""
    session, people = acting.session, members(acting.session, acting.root)
    beside = sorted({acting.decision_id, *acting.beside})
    reason = f"stopped: by {acting.by}, decision {acting.decision_id}"  # begins with CALLED_OFF
    ended = 0
    for followup in _pending(session, "followup", "pending", people, trigger_id, beside):
        ended += write_state(session, followup, PENDING, FollowUpState.CANCELLED, reason)
    for delivery in _pending(session, "delivery", "pending", people, trigger_id, beside):
        ended += deliveries.close(session, delivery, "cancelled", reason)
    for step in _pending(session, "step", "waiting", people, trigger_id, beside):
        ended += close(session, step, "stopped", reason)
    return ended + sql.update_in(
        session,
        "UPDATE wait SET state = 'closed', reason = {p}, closed_at = {p} WHERE trigger_id = {p} AND state <> 'closed' "
        "AND person_id {in}",
        people, reason, clock.now(), trigger_id,
    )  # fmt: skip


def called_off(session: Session, people: Iterable[str]) -> CalledOff:
    """The episodes that were called off while these persons waited for them, each with why."""
    rows = _CALLED_OFF.rows(session, people=people, reason=f"{CALLED_OFF}%")
    return {(row.person_id, row.trigger_id, row.episode): row.reason for row in rows}


def _pending(
    session: Session, table: str, state: str, people: list[str], trigger_id: str, beside: list[str]
) -> list[str]:
    """What that trigger has under way there, but for what was decided beside: at one step nothing comes before another."""
    statement = f"SELECT id, decision_id FROM {table} WHERE state = '{state}' AND person_id {{in}} AND trigger_id = {{p}} ORDER BY id"
    rows = sql.select_in(session, statement, people, trigger_id)
    return [each for each, decision in rows if decision not in beside]

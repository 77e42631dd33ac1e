"""After a wait between two actions: look again, and do the rest, once.

Everything happens in one transaction under the person's lock: a crash before its end leaves the wait as it was, and
what comes twice finds it closed.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.catalogue import trigger_store
from kinline.catalogue.trigger_store import Active
from kinline.decide import in_progress
from kinline.decide.action_context import Acting
from kinline.decide.writing import carry_out
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity.locking import lock
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import StepRow
from kinline.triggers import Evidence, Fire, answered, replied
from kinline.words import TriggerState


def take(hub: Hub, step_id: str) -> None:
    """Go on where the wait was. Safe to call again at any time, by anybody."""
    with hub.store.write() as session:
        held = sql.run(session, "SELECT person_id FROM step WHERE id = {p} AND state = 'waiting'", step_id)
        if not held:
            return
        root = lock(session, held[0][0])
        row = session.get_one(StepRow, step_id, populate_existing=True)
        now = clock.now()
        if row.state != "waiting":
            return
        if row.due_at > now:
            queue.plan(session, in_progress.JOB, [step_id], run_at=row.due_at)
            return
        trigger = trigger_store.looking(session, row.trigger_id)
        stopped = _stopped(session, row, trigger, now)
        if stopped or trigger is None:
            in_progress.close(session, step_id, "stopped", stopped)
            return
        _go_on(_acting(hub, session, root, row, trigger, now), row)


def _go_on(acting: Acting, row: StepRow) -> None:
    """Ask ``unless``, then do what comes after the wait."""
    wait = acting.trigger.compiled.actions[row.number]
    ours = answered(acting.history, acting.fire.evidence.about, acting.now)
    theirs = replied(acting.history, acting.fire.at, acting.now)
    if wait.ends_here(acting.person, answered=ours, replied=theirs):
        unless = wait.asked.text if wait.asked else ""
        in_progress.close(acting.session, row.id, "stopped", f"its `unless` holds: {unless}")
        return
    in_progress.close(acting.session, row.id, "done", "")
    notes = carry_out(acting)
    if notes:
        sql.run(acting.session, "UPDATE step SET reason = {p} WHERE id = {p}", "; ".join(notes)[:1000], row.id)


def _stopped(session: Session, row: StepRow, trigger: Active | None, now: int) -> str:
    """Why the rest is not done: the trigger is another one now, or it is too late."""
    if trigger is None or trigger.state is not TriggerState.LIVE:
        states = sql.run(session, "SELECT state FROM trigger_rule WHERE id = {p}", row.trigger_id)
        return f"its trigger is not live any more, it is {states[0][0]}" if states else "its trigger is gone"
    if trigger.version != row.version:
        return f"its trigger changed: version {row.version} decided, {trigger.version} is live"
    if now - row.due_at > trigger.compiled.lateness:
        return "late: it was due longer ago than this trigger's lateness"
    return ""


def _acting(hub: Hub, session: Session, root: str, row: StepRow, trigger: Active, now: int) -> Acting:
    [(at, evidence, led, cause, arm)] = sql.run(
        session, "SELECT at, evidence, chain, cause_id, arm FROM decision WHERE id = {p}", row.decision_id
    )
    if arm:
        trigger = msgspec.structs.replace(trigger, compiled=trigger.compiled.acting(arm))
    fire = _fire(msgspec.json.decode(evidence), at)
    began = sql.run(session, "SELECT sort_at FROM interaction WHERE id = {p}", cause or "")
    history = load_history.load(session, root, since=min([at, *(moment for (moment,) in began)]))
    return Acting(
        hub, session, root, row.decision_id, trigger, fire, history, now, first=row.number + 1,
        led=tuple(msgspec.json.decode(led)), templates=msgspec.json.decode(row.templates),
    )  # fmt: skip


def _fire(kept: dict[str, Any], at: int) -> Fire:
    """The fire as it was, out of the evidence that the decision keeps."""
    told = {name: kept[name] for name in Evidence.__struct_fields__ if name in kept}
    return Fire(episode=kept["episode"], at=at, evidence=msgspec.convert(told, Evidence))

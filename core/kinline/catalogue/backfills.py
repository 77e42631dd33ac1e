"""Going live on an existing base: everybody who is there is looked at, a page at a time, and what waits is armed.

A row tells how far it came. What happens meanwhile is decided as ever, so there is no gap, and what is found twice is armed
once. A trigger that goes live again, or with another condition, begins anew.
"""

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from kinline.jobs import queue
from kinline.store import sql
from kinline.store.ask import Ask, Change, Count, columns
from kinline.store.models import BackfillRow, Person, metadata
from kinline.triggers import Trigger

JOB = "trigger.backfill"
RUNNING, DONE, STOPPED = "running", "done", "stopped"
#: Conditions in which somebody is, so that there is something to arm for those who are there already.
STATES = frozenset({"silence", "broken_habit", "stage", "time"})
_TABLE = metadata.tables[str(BackfillRow.__tablename__)]
_COLUMNS = tuple(column.name for column in _TABLE.columns)
_ANEW = "ON CONFLICT (trigger_id, condition_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("trigger_id", "condition_id")
)


class Backfill(msgspec.Struct, frozen=True):
    """How far the look at those came who were there when a trigger went live.

    ``evaluated`` of ``total`` persons were looked at; ``armed``: what waits since; ``overdue``: persons for whom it was due
    before ``live_at``, of whom ``caught_up`` are acted for (`limits.existing`). ``state``: running, done, or stopped.
    """

    trigger_id: str
    condition_id: str
    live_at: int
    cursor: str
    evaluated: int
    total: int
    armed: int
    overdue: int
    caught_up: int
    state: str
    finished_at: int | None


_OF = Ask(
    select(*columns(BackfillRow, Backfill)).where(
        col(BackfillRow.trigger_id) == bindparam("trigger"), col(BackfillRow.condition_id) == bindparam("condition")
    ),
    Backfill,
)
_PEOPLE = Ask(select(func.count().label("count")).where(col(Person.id) == col(Person.root_id)), Count)
_STOP = Change(
    update(BackfillRow)
    .where(col(BackfillRow.trigger_id) == bindparam("trigger"), col(BackfillRow.state) == RUNNING)
    .values(state=STOPPED)
)
_MOVE = Change(
    update(BackfillRow)
    .where(
        col(BackfillRow.trigger_id) == bindparam("trigger"),
        col(BackfillRow.condition_id) == bindparam("condition"),
        col(BackfillRow.live_at) == bindparam("live"),
        col(BackfillRow.cursor) == bindparam("seen"),
        col(BackfillRow.state) == RUNNING,
    )
    .values(
        cursor=bindparam("place"),
        evaluated=col(BackfillRow.evaluated) + bindparam("looked"),
        armed=col(BackfillRow.armed) + bindparam("arms"),
        overdue=col(BackfillRow.overdue) + bindparam("late"),
        caught_up=col(BackfillRow.caught_up) + bindparam("caught"),
        state=bindparam("now"),
        finished_at=bindparam("ended"),
    )
)


def start(session: Session, trigger_id: str, trigger: Trigger, at: int) -> None:
    """Look at everybody who is there, from the first; what ran for another condition stops."""
    _STOP.run(session, trigger=trigger_id)
    total = people(session) if is_needed(trigger) else 0
    state, ended = (RUNNING, None) if total else (DONE, at)
    row = (trigger_id, trigger.condition_id, at, "", 0, total, 0, 0, 0, state, ended)
    sql.upsert(session, _TABLE, _COLUMNS, [row], _ANEW)
    if total:
        queue.plan(session, JOB, [trigger_id], run_at=at)


def is_needed(trigger: Trigger) -> bool:
    """Whether somebody can be in the middle of what it looks at; what merely happens is over when it went live."""
    return not STATES.isdisjoint(trigger.words) or trigger.definition.limits.existing is not None


def found(session: Session, trigger_id: str, condition_id: str) -> Backfill | None:
    return _OF.first(session, trigger=trigger_id, condition=condition_id)


def move(session: Session, row: Backfill, *, to: str, looked: int, armed: int, overdue: int, caught_up: int, ended: int | None) -> bool:  # fmt: skip
    """A page was looked at; ``ended``: when, where it was the last. False: somebody else did, or it began anew."""
    return bool(
        _MOVE.run(
            session, trigger=row.trigger_id, condition=row.condition_id, live=row.live_at, seen=row.cursor, place=to,
            looked=looked, arms=armed, late=overdue, caught=caught_up, now=RUNNING if ended is None else DONE, ended=ended,
        )
    )  # fmt: skip


def people(session: Session) -> int:
    """How many persons there are."""
    counted = _PEOPLE.first(session)
    return counted.count if counted else 0

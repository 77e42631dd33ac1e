"""Back-tests as jobs: asked for, run by a worker for as long as they take, looked at meanwhile, called off.

A row tells how far it came and, in the end, what came out. One whose worker died begins again.
"""

import time

import msgspec
from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.backtest.backtest import Result, backtest, keep
from kinline.catalogue.backfills import people
from kinline.errors import Conflict, KinlineError, NotFound
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.jobs.queue import Claimed
from kinline.store.ask import Ask, Change
from kinline.store.models import BacktestJobRow
from kinline.triggers import read_trigger

JOB = "trigger.backtest"
QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
#: As ``until``: up to when it is run.
NOW = 2**62
#: Seconds after which it says how far it came, and asks whether it was called off.
EVERY = 1.0


class BacktestJob(msgspec.Struct, frozen=True):
    """``state``: queued, running, done, failed (``problem`` says why) or cancelled. ``most``: how many hits are listed."""

    id: str
    trigger_id: str
    source: str
    since: int
    until: int
    most: int
    state: str
    evaluated: int
    total: int
    result: str
    problem: str
    made_by: str
    made_at: int
    finished_at: int | None

    def told(self) -> Result | None:
        """What came out, once it is done."""
        return msgspec.json.decode(self.result, type=Result) if self.state == DONE else None


class Stopped(Exception):
    """It was called off, or another worker has it."""


_FIELDS = BacktestJob.__struct_fields__
_BY_ID = Ask(
    select(*[col(getattr(BacktestJobRow, name)) for name in _FIELDS]).where(
        col(BacktestJobRow.id) == bindparam("job"), col(BacktestJobRow.trigger_id) == bindparam("trigger")
    ),
    BacktestJob,
)
_TO_RUN = Ask(
    select(*[col(getattr(BacktestJobRow, name)) for name in _FIELDS]).where(
        col(BacktestJobRow.id) == bindparam("job"), col(BacktestJobRow.state).in_([QUEUED, RUNNING])
    ),
    BacktestJob,
)
_CANCEL = Change(
    update(BacktestJobRow)
    .where(col(BacktestJobRow.id) == bindparam("job"), col(BacktestJobRow.state).in_([QUEUED, RUNNING]))
    .values(state=CANCELLED, finished_at=bindparam("at"))
)
_PROGRESS = Change(
    update(BacktestJobRow)
    .where(col(BacktestJobRow.id) == bindparam("job"), col(BacktestJobRow.state).in_([QUEUED, RUNNING]))
    .values(state=RUNNING, evaluated=bindparam("looked"), total=bindparam("all"))
)
_END = Change(
    update(BacktestJobRow)
    .where(col(BacktestJobRow.id) == bindparam("job"), col(BacktestJobRow.state) == RUNNING)
    .values(
        state=bindparam("how"), result=bindparam("said"), problem=bindparam("why"), finished_at=bindparam("at"),
        evaluated=bindparam("looked"),
    )
)  # fmt: skip


def ask(
    session: Session, trigger_id: str, source: str, *, since: int, until: int, most: int, made_by: str
) -> BacktestJob:  # fmt: skip
    """Have a text back-tested by whoever works."""
    job = BacktestJobRow(
        id=ids.new(), trigger_id=trigger_id, source=source, since=since, until=until, most=most, state=QUEUED,
        evaluated=0, total=people(session), made_by=made_by, made_at=clock.now(),
    )  # fmt: skip
    session.add(job)
    session.flush()
    queue.plan(session, JOB, [job.id])
    return found(session, trigger_id, job.id)


def found(session: Session, trigger_id: str, job_id: str) -> BacktestJob:
    """Raises `NotFound`."""
    job = _BY_ID.first(session, job=job_id, trigger=trigger_id)
    if job is None:
        raise NotFound("There is no such back-test.", code="no_such_backtest")
    return job


def cancel(session: Session, trigger_id: str, job_id: str) -> BacktestJob:
    """Call it off. Raises `Conflict` where it is over."""
    found(session, trigger_id, job_id)
    if not _CANCEL.run(session, job=job_id, at=clock.now()):
        raise Conflict("This back-test is over already.", code="already_so")
    return found(session, trigger_id, job_id)


def take(hub: Hub, job: Claimed) -> None:
    """Run it, from the first person to the last."""
    with hub.store.read() as session:
        asked, total = _TO_RUN.first(session, job=job.key), people(session)
    if asked is None:
        return
    watch = _Watch(hub, job, total)
    try:
        watch.say()
        until = None if asked.until == NOW else asked.until
        result = backtest(
            hub, read_trigger(asked.source), since=asked.since, until=until, progress=watch, most=asked.most
        )  # fmt: skip
    except Stopped:
        return
    except KinlineError as error:
        with hub.store.write() as session:
            _END.run(
                session, job=asked.id, how=FAILED, said="", why=error.detail, at=clock.now(), looked=watch.looked
            )  # fmt: skip
        return
    with hub.store.write() as session:
        said = msgspec.json.encode(result).decode()
        if _END.run(session, job=asked.id, how=DONE, said=said, why="", at=clock.now(), looked=watch.looked):
            keep(session, asked.source, result, made_by=asked.made_by, run_id=asked.id)


class _Watch:
    """Says how far it came, keeps the job in hand, and stops when it was called off."""

    def __init__(self, hub: Hub, job: Claimed, total: int) -> None:
        self._hub, self._job, self._total = hub, job, total
        self.looked, self._said_at = 0, time.monotonic()

    def __call__(self, looked: int) -> None:
        self.looked += looked
        if time.monotonic() - self._said_at >= EVERY:
            self.say()

    def say(self) -> None:
        self._said_at = time.monotonic()
        with self._hub.store.write() as session:
            ours = queue.extend(session, self._job, self._hub.settings.lease)
            if not ours or not _PROGRESS.run(session, job=self._job.key, looked=self.looked, all=self._total):
                raise Stopped

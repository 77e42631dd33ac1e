"""The job queue of record (docs/decisions/0003): plan, claim, finish, give back, plan again what was given up.

A claim carries a token; only its holder can finish the job (fencing). Lease times use the database's clock,
never a worker's. Attempts are counted when a job is claimed, so a job that kills its worker counts too.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, delete, or_
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.clock import SECOND
from kinline.store import sql
from kinline.store.ask import Ask, Change, Id, IdPair, OneNumber, among, setting
from kinline.store.models import Job, metadata
from kinline.words import JobState

MAX_ATTEMPTS = 8
#: Seconds before the next try, by attempts made: 51 minutes in all.
BACKOFF = (1, 5, 20, 60, 300, 900, 1800)


class _DatabaseNow(ColumnElement[int]):
    """The database's clock, in microseconds."""

    inherit_cache = True
    type = BigInteger()


@compiles(_DatabaseNow, "sqlite")
def _sqlite_now(_element: _DatabaseNow, _compiler: object, **_more: object) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


@compiles(_DatabaseNow, "postgresql")
def _postgresql_now(_element: _DatabaseNow, _compiler: object, **_more: object) -> str:
    return "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class Claimed(msgspec.Struct, frozen=True):
    """A job in one worker's hands."""

    id: str
    actor: str
    key: str
    since: int | None
    token: str
    attempts: int


def database_now(session: Session) -> int:
    """The database's clock, in microseconds. All leases are measured by it."""
    return _NOW.one(session).number


def plan(
    session: Session, actor: str, keys: Iterable[str] | Iterable[tuple[str, int | None]], *, run_at: int | None = None
) -> None:
    """Plan work, one pending job for each key; a key may come with how far back to look, (key, since).

    A job that is pending already runs at the earlier of both times and looks back to the earlier of both.
    The conflicting row is locked, updated or not: so a worker cannot claim it, and look at the data, between our
    look at it and our commit. (PostgreSQL locks it even where the clause's condition leaves it as it is; on SQLite
    nobody else writes meanwhile.)
    """
    at = clock.now() if run_at is None else run_at
    earliest: dict[str, int | None] = {}
    for entry in keys:
        key, since = entry if isinstance(entry, tuple) else (entry, None)
        known = earliest.get(key, since)
        earliest[key] = known if since is None else (since if known is None else min(known, since))
    _pending(session, [(ids.new(), actor, f"{actor}:{key}", earliest[key], at, 0, "") for key in sorted(earliest)])


def _pending(session: Session, jobs: Sequence[tuple[str, str, str, int | None, int, int, str]]) -> None:
    """Write these pending jobs: id, actor, key, since, run_at, attempts and error of each."""
    now = clock.now()
    sql.upsert(session, _JOB, _COLUMNS, [(*job, JobState.PENDING, now) for job in jobs], _ALREADY)


_JOB = metadata.tables[str(Job.__tablename__)]
_COLUMNS = ("id", "actor", "key", "since", "run_at", "attempts", "error", "state", "created_at")
_ALREADY = (
    "ON CONFLICT (key) WHERE state = 'pending' DO UPDATE SET run_at = {least}(job.run_at, excluded.run_at), "
    "since = {least}(coalesce(job.since, excluded.since), coalesce(excluded.since, job.since)) "
    "WHERE excluded.run_at < job.run_at OR excluded.since < coalesce(job.since, excluded.since + 1)"
)


class _TakenRow(msgspec.Struct, frozen=True):
    id: str
    actor: str
    key: str
    since: int | None
    attempts: int


_NOW = Ask(select(_DatabaseNow().label("number")), OneNumber)
_job = _JOB.c
_NOT_LATELY = or_(_job.woken_at.is_(None), _job.woken_at < bindparam("lately"))
_PENDING = and_(_job.state == JobState.PENDING, _job.run_at <= bindparam("now"))
_LET_GO = and_(_job.state == JobState.RUNNING, _job.lease_until < bindparam("db_now"))
_DUE = Ask(
    select(_job.id.label("one"), _job.actor.label("other"))
    .where(or_(and_(_PENDING, _NOT_LATELY), and_(_LET_GO, _NOT_LATELY)))
    .order_by(_job.run_at)
    .limit(bindparam("most")),
    IdPair,
)
#: In one order, so that no two wait in a circle.
_THESE = select(_job.id).where(among(_job.id, "jobs")).order_by(_job.id).with_for_update()
_WOKEN = Change(setting(_JOB, ("woken_at",)).where(_job.id.in_(_THESE)))
_THIS, _OURS = _job.id == bindparam("job"), _job.token == bindparam("held")
_ALIKE = (
    select(_job.id)
    .where(_PENDING, _job.actor == bindparam("like"), _job.attempts == 0)
    .order_by(_job.run_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def _taking(which: ColumnElement[bool]) -> Ask[_TakenRow]:
    taken = _JOB.update().where(which, or_(_PENDING, _LET_GO))
    held: dict[str, object] = {"token": bindparam("held"), "lease_until": bindparam("until")}
    taken = taken.values(state=JobState.RUNNING, attempts=_job.attempts + 1, **held)
    return Ask(taken.returning(*[_job[name] for name in _TakenRow.__struct_fields__]), _TakenRow)


_TAKE, _TAKE_ALIKE = _taking(_THIS), _taking(_job.id.in_(_ALIKE))
_THERE = Ask(select(_job.id).where(_THIS, _job.state != JobState.DEAD), Id)
_EXTEND = Change(setting(_JOB, ("lease_until",)).where(_THIS, _OURS))
_FINISH = Change(_JOB.delete().where(_THIS, _OURS))
_FINISH_ALL = Change(_JOB.delete().where(_OURS, among(_job.id, "jobs")))
_BURY = Change(
    setting(_JOB, ("error",))
    .values(state=JobState.DEAD, token=None, lease_until=None, woken_at=None)
    .where(_THIS, _OURS)
)


def due(session: Session, limit: int, *, wake_again_after: int, now: int) -> list[tuple[str, str]]:
    """Ids and actors of jobs that should be woken: due and not woken lately, or with a lease that ran out."""
    rows = _DUE.rows(session, now=now, lately=now - wake_again_after, db_now=database_now(session), most=limit)
    return [(row.one, row.other) for row in rows]


def woken(session: Session, job_ids: Iterable[str], now: int) -> None:
    """Note that these were put on the queue, so that nobody puts them there again at once."""
    _WOKEN.run(session, jobs=job_ids, new_woken_at=now)


def claim(session: Session, job_id: str, lease: int, now: int) -> Claimed | None:
    """Take a job for ``lease`` seconds. None: somebody else has it, it is done, or it is not due yet."""
    return next(iter(_claim(session, _TAKE, lease, now, job=job_id)), None)


def claim_more(session: Session, like: Claimed, limit: int, lease: int, now: int) -> list[Claimed]:
    """Take further due jobs of the same actor that nobody tried before, to be done together."""
    return _claim(session, _TAKE_ALIKE, lease, now, like=like.actor, most=limit)


def _claim(session: Session, take: Ask[_TakenRow], lease: int, now: int, **which: object) -> list[Claimed]:
    """Take those of these jobs that are due, or whose holder's lease ran out by the database's clock."""
    token, clock_now = ids.new(), database_now(session)
    rows = take.rows(session, held=token, until=clock_now + lease * SECOND, now=now, db_now=clock_now, **which)
    return [Claimed(row.id, row.actor, row.key.partition(":")[2], row.since, token, row.attempts) for row in rows]


def is_there(session: Session, job_id: str) -> bool:
    """Whether the job still waits to be done. A cheap look, before anybody waits for the right to write."""
    return _THERE.first(session, job=job_id) is not None


def extend(session: Session, job: Claimed, lease: int) -> bool:
    """Hold a long job longer. False: it is no longer ours, stop."""
    until = database_now(session) + lease * SECOND
    return bool(_EXTEND.run(session, job=job.id, held=job.token, new_lease_until=until))


def finish(session: Session, job: Claimed) -> bool:
    """The job is done: its row goes. False: the lease ran out and somebody else has it; write nothing."""
    return bool(_FINISH.run(session, job=job.id, held=job.token))


def finish_all(session: Session, jobs: Iterable[Claimed]) -> None:
    """`finish` for jobs that were claimed together."""
    by_token: dict[str, list[str]] = {}
    for job in jobs:
        by_token.setdefault(job.token, []).append(job.id)
    for token, done in by_token.items():
        _FINISH_ALL.run(session, jobs=sorted(done), held=token)


def give_back(session: Session, job: Claimed, error: str, *, after: float | None = None, now: int) -> None:
    """It did not work: try again later, or after `MAX_ATTEMPTS` leave it for a person as ``dead``.

    If the same work was planned anew meanwhile, that job takes over, at the earlier time of both.
    """
    dead = job.attempts >= MAX_ATTEMPTS
    wait = BACKOFF[min(job.attempts, len(BACKOFF)) - 1] if after is None else after
    if dead:
        _BURY.run(session, job=job.id, held=job.token, new_error=_kept(error))
    elif finish(session, job):
        key, at = f"{job.actor}:{job.key}", now + int(wait * SECOND)
        _pending(session, [(job.id, job.actor, key, job.since, at, job.attempts, _kept(error))])


def retry(session: Session, job_id: str | None = None) -> int:
    """Plan what was given up anew, with all its attempts: one job, or all. Returns how many were given up until now.

    What is pending already, or was given up twice, is one job afterwards, that looks back as far as any of them.
    """
    jobs = _ALL_DEAD.rows(session) if job_id is None else _ONE_DEAD.rows(session, id=job_id)
    _DELETE.run(session, ids=[job.id for job in jobs])
    for actor in sorted({job.actor for job in jobs}):
        own = [(job.key.partition(":")[2], job.since) for job in jobs if job.actor == actor]
        plan(session, actor, own)
    return len(jobs)


class DeadJob(msgspec.Struct, frozen=True):
    """A job that was given up."""

    id: str
    actor: str
    key: str
    since: int | None


_DEAD = (
    select(Job.id, Job.actor, Job.key, Job.since)
    .where(col(Job.state) == JobState.DEAD)
    .order_by(col(Job.id))
    .with_for_update()
)
_ALL_DEAD, _ONE_DEAD = Ask(_DEAD, DeadJob), Ask(_DEAD.where(col(Job.id) == bindparam("id")), DeadJob)
_DELETE = Change(delete(Job).where(among(col(Job.id), "ids")))


def _kept(error: str) -> str:
    return error[:1000].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()

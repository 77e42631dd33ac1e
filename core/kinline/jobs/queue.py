"""The job queue of record (docs/decisions/0003): plan, claim, finish, give back, plan again what was given up.

A claim carries a token; only its holder can finish the job (fencing). Lease times use the database's clock,
never a worker's. Attempts are counted when a job is claimed, so a job that kills its worker counts too.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.clock import SECOND
from kinline.store import sql
from kinline.store.ask import Ask, Change, among
from kinline.store.models import Job, metadata
from kinline.words import JobState

MAX_ATTEMPTS = 8
#: Seconds before the next try, by attempts made: 51 minutes in all.
BACKOFF = (1, 5, 20, 60, 300, 900, 1800)
NOW = {
    True: "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    False: "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
}


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
    sqlite = sql.on_sqlite(session)
    return int(sql.run(session, NOW[sqlite])[0][0])


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


def due(session: Session, limit: int, *, wake_again_after: int, now: int) -> list[tuple[str, str]]:
    """Ids and actors of jobs that should be woken: due and not woken lately, or with a lease that ran out."""
    rows = sql.run(
        session,
        "SELECT id, actor FROM job WHERE (state = 'pending' AND run_at <= {p} "
        "AND (woken_at IS NULL OR woken_at < {p})) OR (state = 'running' AND lease_until < {p} "
        "AND (woken_at IS NULL OR woken_at < {p})) ORDER BY run_at LIMIT {p}",
        now, now - wake_again_after, database_now(session), now - wake_again_after, limit,
    )  # fmt: skip
    return [(job_id, actor) for job_id, actor in rows]


def woken(session: Session, job_ids: Iterable[str], now: int) -> None:
    """Note that these were put on the queue, so that nobody puts them there again at once."""
    in_order = "" if sql.on_sqlite(session) else " ORDER BY id FOR UPDATE"
    statement = f"UPDATE job SET woken_at = {{p}} WHERE id IN (SELECT id FROM job WHERE id {{in}}{in_order})"
    sql.update_in(session, statement, sorted(job_ids), now)


def claim(session: Session, job_id: str, lease: int, now: int) -> Claimed | None:
    """Take a job for ``lease`` seconds. None: somebody else has it, it is done, or it is not due yet."""
    return next(iter(_claim(session, "id = {p}", (job_id,), lease, now)), None)


def claim_more(session: Session, like: Claimed, limit: int, lease: int, now: int) -> list[Claimed]:
    """Take further due jobs of the same actor that nobody tried before, to be done together."""
    lock = "" if sql.on_sqlite(session) else " FOR UPDATE SKIP LOCKED"
    which = (
        "id IN (SELECT id FROM job WHERE state = 'pending' AND run_at <= {p} AND actor = {p} AND attempts = 0 "
        "ORDER BY run_at LIMIT {p}" + lock + ")"
    )
    return _claim(session, which, (now, like.actor, limit), lease, now)


def _claim(session: Session, which: str, values: tuple[object, ...], lease: int, now: int) -> list[Claimed]:
    """Take those of these jobs that are due, or whose holder's lease ran out by the database's clock."""
    token, clock_now = ids.new(), database_now(session)
    rows = sql.run(
        session,
        "UPDATE job SET state = 'running', token = {p}, lease_until = {p}, attempts = attempts + 1 "
        f"WHERE {which} AND ((state = 'pending' AND run_at <= {{p}}) OR (state = 'running' AND lease_until < {{p}})) "
        "RETURNING id, actor, key, since, attempts",
        token, clock_now + lease * SECOND, *values, now, clock_now,
    )  # fmt: skip
    return [Claimed(job, actor, key.partition(":")[2], since, token, tried) for job, actor, key, since, tried in rows]


def is_there(session: Session, job_id: str) -> bool:
    """Whether the job still waits to be done. A cheap look, before anybody waits for the right to write."""
    return bool(sql.run(session, "SELECT 1 FROM job WHERE id = {p} AND state <> 'dead'", job_id))


def extend(session: Session, job: Claimed, lease: int) -> bool:
    """Hold a long job longer. False: it is no longer ours, stop."""
    until = database_now(session) + lease * SECOND
    return bool(
        sql.changed(
            session, "UPDATE job SET lease_until = {p} WHERE id = {p} AND token = {p}", until, job.id, job.token
        )
    )


def finish(session: Session, job: Claimed) -> bool:
    """The job is done: its row goes. False: the lease ran out and somebody else has it; write nothing."""
    return bool(sql.changed(session, "DELETE FROM job WHERE id = {p} AND token = {p}", job.id, job.token))


def finish_all(session: Session, jobs: Iterable[Claimed]) -> None:
    """`finish` for jobs that were claimed together."""
    by_token: dict[str, list[str]] = {}
    for job in jobs:
        by_token.setdefault(job.token, []).append(job.id)
    for token, done in by_token.items():
        sql.update_in(session, "DELETE FROM job WHERE token = {p} AND id {in}", sorted(done), token)


def give_back(session: Session, job: Claimed, error: str, *, after: float | None = None, now: int) -> None:
    """It did not work: try again later, or after `MAX_ATTEMPTS` leave it for a person as ``dead``.

    If the same work was planned anew meanwhile, that job takes over, at the earlier time of both.
    """
    dead = job.attempts >= MAX_ATTEMPTS
    wait = BACKOFF[min(job.attempts, len(BACKOFF)) - 1] if after is None else after
    if dead:
        sql.changed(
            session,
            "UPDATE job SET state = {p}, error = {p}, token = NULL, lease_until = NULL, woken_at = NULL "
            "WHERE id = {p} AND token = {p}",
            JobState.DEAD, _kept(error), job.id, job.token,
        )  # fmt: skip
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

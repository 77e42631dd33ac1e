"""Jobs as people see them: what waits, what runs, and what was given up with its error."""

import msgspec
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from kinline.store.ask import Ask
from kinline.store.models import Job
from kinline.words import JobState


class ShownJob(msgspec.Struct, frozen=True):
    """A job. ``key`` is its actor and what it is about; the instants are microseconds."""

    id: str
    actor: str
    key: str
    state: str
    attempts: int
    run_at: int
    created_at: int
    error: str


def listed(session: Session, state: JobState, limit: int) -> list[ShownJob]:
    """The jobs in a state, those first that are due the longest."""
    return _IN_STATE.rows(session, state=state, limit=limit)


_IN_STATE = Ask(
    select(  # type: ignore[call-overload]  # SQLModel types four columns at most
        Job.id, Job.actor, Job.key, Job.state, Job.attempts, Job.run_at, Job.created_at, Job.error
    )
    .where(col(Job.state) == bindparam("state"))
    .order_by(col(Job.run_at), col(Job.id))
    .limit(bindparam("limit")),
    ShownJob,
)

"""What becomes of a trigger's waits when it looks again, or looks for something else."""

from sqlmodel import Session

from kinline import clock
from kinline.store import sql


def wake(session: Session, trigger_id: str) -> None:
    """A trigger looks again: what fell due meanwhile is due at once."""
    sql.run(
        session,
        "UPDATE wait SET state = 'armed' WHERE trigger_id = {p} AND state <> 'closed' AND state = 'kept'",
        trigger_id,
    )


def discard(session: Session, trigger_id: str, *, but: str) -> None:
    """A trigger was edited: what waits for another condition than this one is over."""
    sql.run(
        session,
        "UPDATE wait SET state = 'closed', reason = 'trigger changed', closed_at = {p} "
        "WHERE trigger_id = {p} AND state <> 'closed' AND condition_id <> {p}",
        clock.now(),
        trigger_id,
        but,
    )

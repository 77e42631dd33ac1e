"""Who holds whom: a person while they are decided about or written to, everybody while some are joined or parted.

On PostgreSQL. SQLite has one writer at a time, so that everything is held already.
"""

from sqlmodel import Session

from kinline.identity.persons import root_of
from kinline.store import sql

#: The advisory lock of merging and undoing, which those who hold a person share.
MERGING = 727276


def lock(session: Session, person_id: str) -> str:
    """Hold the person until the transaction ends; returns the root that answers for them.

    Nobody is joined or parted meanwhile, so the root stays one. Raises `NotFound` when nobody has this id.
    """
    if session.connection().dialect.name == "sqlite":
        return root_of(session, person_id)
    sql.run(session, "SELECT pg_advisory_xact_lock_shared({p})", MERGING)
    root = root_of(session, person_id)
    sql.run(session, "SELECT 1 FROM person WHERE id = {p} FOR UPDATE", root)
    return root


def one_at_a_time(session: Session) -> None:
    """Let persons be joined and parted by one transaction at a time, until it ends.

    With a lock for each root, a merge that waits finds its root joined elsewhere and has to lock another one
    out of order: deadlocks. Joining is rare and short, so that one lock for all costs nothing.
    """
    if session.connection().dialect.name != "sqlite":
        sql.run(session, "SELECT pg_advisory_xact_lock({p})", MERGING)

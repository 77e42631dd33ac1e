"""Who holds whom: a person while they are decided about or written to, everybody while some are joined or parted.

On PostgreSQL. SQLite has one writer at a time, so that everything is held already.
"""

from collections.abc import Iterable

from sqlmodel import Session

from kinline.identity.persons import root_of
from kinline.store import sql

#: The advisory lock of merging and undoing, which those who hold a person share.
MERGING = 727276


def lock(session: Session, person_id: str) -> str:
    """Hold the person until the transaction ends; returns the root that answers for them.

    Nobody is joined or parted meanwhile, so the root stays one. Raises `NotFound` when nobody has this id.
    """
    row_lock = _keep_as_joined(session)
    root = root_of(session, person_id)
    if row_lock:
        sql.run(session, f"SELECT 1 FROM person WHERE id = {{p}}{row_lock}", root)
    return root


def lock_many(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """Hold several persons at once, in order of their ids. Tells who is joined in each; in one that was joined elsewhere
    meanwhile, nobody."""
    listed = sorted(set(roots))
    if row_lock := _keep_as_joined(session):
        sql.select_in(session, f"SELECT 1 FROM person WHERE id {{in}} ORDER BY id{row_lock}", listed)
    found: dict[str, list[str]] = {root: [] for root in listed}
    for person, root in sql.select_in(session, "SELECT id, root_id FROM person WHERE root_id {in} ORDER BY id", listed):
        found[root].append(person)
    return found


def _keep_as_joined(session: Session) -> str:
    """Let nobody be joined or parted until the transaction ends. Returns how a statement locks the rows it reads."""
    if session.connection().dialect.name == "sqlite":
        return ""
    sql.run(session, "SELECT pg_advisory_xact_lock_shared({p})", MERGING)
    return " FOR UPDATE"


def one_at_a_time(session: Session) -> None:
    """Let persons be joined and parted by one transaction at a time, until it ends.

    With a lock for each root, a merge that waits finds its root joined elsewhere and has to lock another one
    out of order: deadlocks. Joining is rare and short, so that one lock for all costs nothing.
    """
    if session.connection().dialect.name != "sqlite":
        sql.run(session, "SELECT pg_advisory_xact_lock({p})", MERGING)

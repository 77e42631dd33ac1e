"""Which schema the database has, and which this version needs. Without Alembic, which a process that serves never uses:
it would take 8 MB of its memory."""

from sqlalchemy import inspect

from kinline.errors import Misconfigured
from kinline.store import sql
from kinline.store.engine import Store

#: The newest revision in `kinline.store.migrations`.
HEAD = "0015"


def revisions(store: Store) -> tuple[str | None, str]:
    """The schema found in the database, and the one this version needs. Raises `Unavailable` like any read."""
    with store.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None, HEAD
        found = sql.run(session, "SELECT version_num FROM alembic_version")
    return (found[0][0] if found else None), HEAD


def require_current(store: Store) -> None:
    """Refuse to work on a schema of another version."""
    found, wanted = revisions(store)
    if found != wanted:
        raise Misconfigured(
            f"The database is at schema {found or 'nothing'}, this version needs {wanted}: run `kinline migrate`.",
            code="wrong_schema",
        )
    if steps := unfinished(store):
        raise Misconfigured(
            f"The stored data is not yet in the shape of this version ({', '.join(steps)}): run `kinline migrate`.",
            code="data_not_upgraded",
        )


def unfinished(store: Store) -> list[str]:
    """The steps of an upgrade that stored data has still to go through (`kinline.upgrades`), by name."""
    with store.read() as session:
        rows = sql.run(session, "SELECT name FROM upgrade WHERE finished_at IS NULL ORDER BY name")
    return [name for (name,) in rows]

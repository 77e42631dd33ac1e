"""Locks by number that last until the transaction ends. SQLite lets one write at a time, so that there is nothing to hold."""

from collections.abc import Iterable

from sqlmodel import Session

from kinline.store import sql


def hold(session: Session, number: int) -> bool:
    """Wait until nobody else holds this number. False: nobody else can write."""
    return _wait(session, "SELECT pg_advisory_xact_lock({p})", number)


def share(session: Session, number: int) -> bool:
    """Wait until nobody holds this number alone; others may share it."""
    return _wait(session, "SELECT pg_advisory_xact_lock_shared({p})", number)


def hold_places(session: Session, number: int, places: Iterable[int]) -> bool:
    """`hold` for these places of a number, in their order, so that no two wait in a circle."""
    statement = "SELECT pg_advisory_xact_lock({p}, place) FROM unnest({p}::int[]) AS place"
    return _wait(session, statement, number, sorted(set(places)))


def _wait(session: Session, statement: str, *values: object) -> bool:
    if sql.on_sqlite(session):
        return False
    sql.run(session, statement, *values)
    return True

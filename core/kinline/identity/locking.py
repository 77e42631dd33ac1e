"""Who holds whom: a person while they are decided about or written to, everybody while some are joined or parted.

On PostgreSQL. SQLite has one writer at a time, so that everything is held already.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.identity.persons import root_of
from kinline.store import locks
from kinline.store.ask import Ask, Id, IdPair, among
from kinline.store.models import Person

#: The advisory lock of merging and undoing, which those who hold a person share.
MERGING = 727276
_HOLD = Ask(select(col(Person.id)).where(col(Person.id) == bindparam("person")).with_for_update(), Id)
_HOLD_MANY = Ask(
    select(col(Person.id)).where(among(col(Person.id), "those")).order_by(col(Person.id)).with_for_update(), Id
)
_JOINED = Ask(
    select(col(Person.id).label("one"), col(Person.root_id).label("other"))
    .where(among(col(Person.root_id), "those"))
    .order_by(col(Person.id)),
    IdPair,
)


def lock(session: Session, person_id: str) -> str:
    """Hold the person until the transaction ends; returns the root that answers for them.

    Nobody is joined or parted meanwhile, so the root stays one. Raises `NotFound` when nobody has this id.
    """
    shared = locks.share(session, MERGING)
    root = root_of(session, person_id)
    if shared:
        _HOLD.first(session, person=root)
    return root


def lock_many(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """Hold several persons at once, in order of their ids. Tells who is joined in each; in one that was joined elsewhere
    meanwhile, nobody."""
    listed = sorted(set(roots))
    if locks.share(session, MERGING):
        _HOLD_MANY.rows(session, those=listed)
    found: dict[str, list[str]] = {root: [] for root in listed}
    for row in _JOINED.rows(session, those=listed):
        found[row.other].append(row.one)
    return found


def one_at_a_time(session: Session) -> None:
    """Let persons be joined and parted by one transaction at a time, until it ends.

    With a lock for each root, a merge that waits finds its root joined elsewhere and has to lock another one
    out of order: deadlocks. Joining is rare and short, so that one lock for all costs nothing.
    """
    locks.hold(session, MERGING)

"""Who holds whom: a person while they are decided about or written to, everybody while some are joined or parted.

On PostgreSQL. SQLite has one writer at a time, so that everything is held already.
"""

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.identity.persons import root_of
from kinline.store import locks
from kinline.store.ask import Ask, Id
from kinline.store.models import Person

#: The advisory lock of merging and undoing, which those who hold a person share.
MERGING = 727276
_HOLD = Ask(select(col(Person.id)).where(col(Person.id) == bindparam("person")).with_for_update(), Id)


def lock(session: Session, person_id: str) -> str:
    """Hold the person until the transaction ends; returns the root that answers for them.

    Nobody is joined or parted meanwhile, so the root stays one. Raises `NotFound` when nobody has this id.
    """
    shared = locks.share(session, MERGING)
    root = root_of(session, person_id)
    if shared:
        _HOLD.first(session, person=root)
    return root


def one_at_a_time(session: Session) -> None:
    """Let persons be joined and parted by one transaction at a time, until it ends.

    With a lock for each root, a merge that waits finds its root joined elsewhere and has to lock another one
    out of order: deadlocks. Joining is rare and short, so that one lock for all costs nothing.
    """
    locks.hold(session, MERGING)

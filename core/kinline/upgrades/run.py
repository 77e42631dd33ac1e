"""THE STORY of an upgrade: the steps that a migration made necessary, in their order, a piece at a time.

Each piece and the place to go on are one transaction, so an upgrade that is killed goes on where it stopped, and one
that is run twice changes nothing. Until all are through, no process serves (`kinline.store.schema`).
"""

from collections.abc import Callable, Iterator

import msgspec
from sqlalchemy import bindparam
from sqlmodel import Session, col, select, update

from kinline import clock
from kinline.store import Store
from kinline.store.ask import Ask, Change
from kinline.store.models import UpgradeRow
from kinline.upgrades import app_events, standing, suggestions, threads, waiting, waits
from kinline.upgrades.step import UpgradeStep

STEPS: tuple[UpgradeStep, ...] = (
    app_events.STEP,
    threads.STEP,
    waiting.STEP,
    standing.STEP,
    suggestions.STEP,
    waits.STEP,
)
Progress = Callable[[int], None]  #: is told how many things each piece brought


class _Begun(msgspec.Struct, frozen=True):
    name: str
    cursor: str


_UNFINISHED = Ask(
    select(UpgradeRow.name, UpgradeRow.cursor).where(col(UpgradeRow.finished_at).is_(None)),
    _Begun,
)
_MOVED = Change(
    update(UpgradeRow)
    .where(col(UpgradeRow.name) == bindparam("step"))
    .values(
        cursor=bindparam("place"),
        done=col(UpgradeRow.done) + bindparam("count"),
        finished_at=bindparam("ended"),
    )
)


def unfinished(store: Store) -> Iterator[UpgradeStep]:
    """The steps that are still to be taken, in their order."""
    with store.read() as session:
        begun = {row.name for row in _UNFINISHED.rows(session)}
    return (step for step in STEPS if step.name in begun)


def total(store: Store, step: UpgradeStep) -> int:
    """About how many things it has to look at."""
    with store.read() as session:
        return step.total(session)


def take(store: Store, step: UpgradeStep, progress: Progress = lambda count: None) -> int:
    """Take a step to its end, from wherever it stopped. Returns how many things it looked at."""
    looked_at = 0
    while (count := _piece(store, step)) is not None:
        looked_at += count
        progress(count)
    return looked_at


def _piece(store: Store, step: UpgradeStep) -> int | None:
    """One piece, with the place to go on; None when the step is over."""
    with store.write() as session:
        cursor = _cursor(session, step)
        if cursor is None:
            return None
        piece = step.piece(session, cursor)
        ended = None if piece.cursor is not None else clock.now()
        _MOVED.run(session, step=step.name, place=piece.cursor or "", count=piece.count, ended=ended)
    return piece.count


def _cursor(session: Session, step: UpgradeStep) -> str | None:
    return next((row.cursor for row in _UNFINISHED.rows(session) if row.name == step.name), None)

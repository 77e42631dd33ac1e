"""What becomes of a trigger's waits when it looks again, or looks for something else."""

from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from kinline import clock
from kinline.store.ask import Change
from kinline.store.models import WaitRow

_OPEN = update(WaitRow).where(col(WaitRow.trigger_id) == bindparam("trigger"), col(WaitRow.state) != "closed")
_WAKE = Change(_OPEN.where(col(WaitRow.state) == "kept").values(state="armed"))
_DISCARD = Change(
    _OPEN.where(col(WaitRow.condition_id) != bindparam("but")).values(
        state="closed", reason="trigger changed", closed_at=bindparam("now")
    )
)


def wake(session: Session, trigger_id: str) -> None:
    """A trigger looks again: what fell due meanwhile is due at once."""
    _WAKE.run(session, trigger=trigger_id)


def discard(session: Session, trigger_id: str, *, but: str) -> None:
    """A trigger was edited: what waits for another condition than this one is over."""
    _DISCARD.run(session, trigger=trigger_id, but=but, now=clock.now())

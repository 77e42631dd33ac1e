"""How far the look at those came who were there when a trigger went live."""

from typing import Any

import msgspec

from kinline import clock
from kinline.catalogue import backfills, trigger_store
from kinline.catalogue.backfills import Backfill
from kinline.errors import NotFound
from kinline_api.call import Call
from kinline_api.route import get


class BackfillShown(msgspec.Struct, frozen=True, kw_only=True):
    """``evaluated`` of ``total`` persons were looked at. ``armed``: what waits since; ``overdue``: persons for whom it was
    due before the trigger was live; ``caught_up``: those of them who are acted for (`limits.existing`). ``state``: running,
    done, or stopped for another condition.
    """

    live_at: str | None
    state: str
    evaluated: int
    total: int
    armed: int
    overdue: int
    caught_up: int
    finished_at: str | None


@get("/v1/triggers/{name}/backfill", scope="read")
def read_backfill(call: Call, name: str) -> BackfillShown:
    """Read how far a trigger came with everybody who was there when it went live, and what it found.

    Keys of teams see none: it counts everybody.
    """
    with call.read() as session:
        row = trigger_store.named(session, name)
        source = trigger_store.version(session, row.id, row.version).source
        condition = trigger_store.compiled(row.id, source).condition_id
        found = backfills.found(session, row.id, condition) if call.reader.accounts is None else None
    if found is None:
        raise NotFound(f"“{row.name}” never went live with this condition.", code="never_live")
    return BackfillShown(**fields(found))


def fields(found: Backfill) -> dict[str, Any]:
    return {
        "live_at": clock.to_text(found.live_at), "state": found.state, "evaluated": found.evaluated, "total": found.total,
        "armed": found.armed, "overdue": found.overdue, "caught_up": found.caught_up,
        "finished_at": clock.to_text(found.finished_at),
    }  # fmt: skip

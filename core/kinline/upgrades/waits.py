"""What triggers wait for belongs to a condition: it is read out of the version under which each wait was armed.

What an edit had closed before is armed once: those triggers look at everybody who is there, as if they went live now.
"""

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from kinline import clock
from kinline.catalogue import backfills, trigger_store
from kinline.errors import KinlineError
from kinline.store.ask import Ask, Change, Count, Id
from kinline.store.models import TriggerVersion, WaitRow
from kinline.triggers import compiled
from kinline.upgrades.step import UpgradePiece, UpgradeStep

AT_ONCE = 1_000


class _WaitRow(msgspec.Struct, frozen=True):
    id: str
    trigger_id: str
    version: int


class _Text(msgspec.Struct, frozen=True):
    source: str


_PAGE = Ask(
    select(col(WaitRow.id), col(WaitRow.trigger_id), col(WaitRow.version))
    .where(col(WaitRow.id) > bindparam("after"))
    .order_by(col(WaitRow.id))
    .limit(bindparam("most")),
    _WaitRow,
)
_SOURCE = Ask(
    select(col(TriggerVersion.source)).where(
        col(TriggerVersion.trigger_id) == bindparam("trigger"), col(TriggerVersion.version) == bindparam("number")
    ),
    _Text,
)
_EDITED = Ask(
    select(col(WaitRow.trigger_id).label("id")).distinct().where(col(WaitRow.reason) == "trigger changed"), Id
)
_COUNT = Ask(select(func.count().label("count")).select_from(WaitRow), Count)
_CHANGE = Change(
    update(WaitRow).where(col(WaitRow.id) == bindparam("wait")).values(condition_id=bindparam("condition"))
)


def _piece(session: Session, cursor: str) -> UpgradePiece:
    page = _PAGE.rows(session, after=cursor, most=AT_ONCE)
    conditions = {
        key: _condition(session, *key) for key in sorted({(row.trigger_id, row.version) for row in page})
    }  # fmt: skip
    changes = [{"wait": row.id, "condition": conditions[row.trigger_id, row.version]} for row in page]
    _CHANGE.run_many(session, changes)
    if len(page) == AT_ONCE:
        return UpgradePiece(len(page), page[-1].id)
    _arm_what_edits_closed(session)
    return UpgradePiece(len(page), None)


def _arm_what_edits_closed(session: Session) -> None:
    edited = {row.id for row in _EDITED.rows(session)}
    for trigger in trigger_store.active(session):
        if trigger.id in edited:
            backfills.start(session, trigger.id, trigger.compiled, clock.now())


def _condition(session: Session, trigger: str, version: int) -> str:
    """ "" where the version is gone, or an older hub took a text that this one does not: an edit closes such a wait."""
    found = _SOURCE.first(session, trigger=trigger, number=version)
    try:
        return compiled(trigger, found.source).condition_id if found else ""
    except KinlineError:
        return ""


def _total(session: Session) -> int:
    found = _COUNT.first(session)
    return found.count if found else 0


STEP = UpgradeStep("waits", "What triggers wait for gets its condition", _piece, _total)

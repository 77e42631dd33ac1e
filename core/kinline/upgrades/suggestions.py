"""Which two persons may be one is worked out for everybody who is known."""

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from kinline.identity.suggestions import keep
from kinline.store.ask import Ask, Count, Id
from kinline.store.models import Identity
from kinline.upgrades.step import UpgradePiece, UpgradeStep

AT_ONCE = 200


_PAGE = Ask(
    select(Identity.id).where(col(Identity.id) > bindparam("after")).order_by(col(Identity.id)).limit(bindparam("most")),
    Id,
)  # fmt: skip
_COUNT = Ask(select(func.count().label("count")).select_from(Identity), Count)


def _piece(session: Session, cursor: str) -> UpgradePiece:
    page = [row.id for row in _PAGE.rows(session, after=cursor, most=AT_ONCE)]
    keep.match(session, page)
    return UpgradePiece(len(page), page[-1] if len(page) == AT_ONCE else None)


def _total(session: Session) -> int:
    return sum(row.count for row in _COUNT.rows(session))


STEP = UpgradeStep("suggestions", "Who may be one person is worked out", _piece, _total)

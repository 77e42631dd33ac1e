"""When something was last said in each conversation, when one of us answered, and so how it stands."""

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.store.ask import Ask, Id
from kinline.store.models import Conversation
from kinline.upgrades.step import UpgradePiece, UpgradeStep
from kinline.upgrades.threads import total
from kinline.waiting import keep

AT_ONCE = 100


_PAGE = Ask(
    select(col(Conversation.id))
    .where(col(Conversation.id) > bindparam("after"), col(Conversation.merged_into).is_(None))
    .order_by(col(Conversation.id))
    .limit(bindparam("most")),
    Id,
)


def _piece(session: Session, cursor: str) -> UpgradePiece:
    page = [row.id for row in _PAGE.rows(session, after=cursor, most=AT_ONCE)]
    keep.recount(session, page)
    return UpgradePiece(len(page), page[-1] if len(page) == AT_ONCE else None)


STEP = UpgradeStep("standing", "How conversations stand follows from that", _piece, total)

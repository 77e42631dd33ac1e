"""Who waits, and who ever waited, worked out from all that is recorded.

What was answered before this version kept it is an estimate: of old mails the hidden copies are not known.
"""

import msgspec
from sqlalchemy import bindparam, case, exists, func, select
from sqlmodel import Session, col

from kinline.store.ask import Ask, Count, Id, among
from kinline.store.models import Identity, InteractionRow, Participant, ThreadKey
from kinline.upgrades.step import UpgradePiece, UpgradeStep
from kinline.waiting import keep
from kinline.words import ASKING, Direction, Kind, Role

AT_ONCE = 200
#: The two parts of the way: people first, then words that nobody known said.
PEOPLE, NAMELESS = "people:", "nameless:"


class _Pair(msgspec.Struct, frozen=True):
    who: str
    place: str


class _OldSpoken(msgspec.Struct, frozen=True):
    id: str
    place: str
    concerns: int


_KINDS = sorted(map(str, ASKING))
_PLACE = func.coalesce(col(ThreadKey.conversation_id), col(InteractionRow.id)).label("place")
_IDENTITIES = Ask(
    select(col(Identity.id)).where(col(Identity.id) > bindparam("after")).order_by(col(Identity.id)).limit(bindparam("most")),
    Id,
)  # fmt: skip
_PAIRS = Ask(
    select(col(Participant.identity_id).label("who"), _PLACE)
    .distinct()
    .join(InteractionRow, col(InteractionRow.id) == col(Participant.interaction_id))
    .outerjoin(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(
        among(col(Participant.identity_id), "identities"),
        col(Participant.role) == Role.AUTHOR.value,
        col(Participant.kind).in_(_KINDS),
    ),
    _Pair,
)
#: Said by somebody without a handle; or by one of us, to nobody outside.
_NOBODYS = (
    col(InteractionRow.author_id).is_(None)
    & col(InteractionRow.kind).in_(_KINDS)
    & (
        (col(InteractionRow.direction) != Direction.OUTBOUND.value)
        | (
            (col(InteractionRow.kind) == Kind.MESSAGE.value)
            & ~exists().where(
                col(Participant.interaction_id) == col(InteractionRow.id),
                col(Participant.role) != Role.AUTHOR.value,
            ).correlate(InteractionRow)
        )
    )
)  # fmt: skip
_SPOKEN = Ask(
    select(col(InteractionRow.id), _PLACE, case((_NOBODYS, 1), else_=0).label("concerns"))
    .outerjoin(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(col(InteractionRow.id) > bindparam("after"))
    .order_by(col(InteractionRow.id))
    .limit(bindparam("most")),
    _OldSpoken,
)
_PEOPLE = Ask(select(func.count().label("count")).select_from(Identity), Count)
_WORDS = Ask(select(func.count().label("count")).select_from(InteractionRow), Count)


def _piece(session: Session, cursor: str) -> UpgradePiece:
    if cursor.startswith(NAMELESS):
        return _nameless(session, cursor.removeprefix(NAMELESS))
    return _people(session, cursor.removeprefix(PEOPLE))


def _people(session: Session, after: str) -> UpgradePiece:
    found = [row.id for row in _IDENTITIES.rows(session, after=after, most=AT_ONCE)]
    pairs = [(row.who, row.place) for row in _PAIRS.rows(session, identities=found)] if found else []
    keep.settle_pairs(session, pairs)
    return UpgradePiece(len(found), PEOPLE + found[-1] if len(found) == AT_ONCE else NAMELESS)


def _nameless(session: Session, after: str) -> UpgradePiece:
    found = _SPOKEN.rows(session, after=after, most=AT_ONCE * 10)
    keep.settle_pairs(session, [(row.id, row.place) for row in found if row.concerns])
    return UpgradePiece(len(found), NAMELESS + found[-1].id if len(found) == AT_ONCE * 10 else None)


def _total(session: Session) -> int:
    return sum(row.count for ask in (_PEOPLE, _WORDS) for row in ask.rows(session))


STEP = UpgradeStep("waiting", "Who waits for an answer is worked out", _piece, _total)

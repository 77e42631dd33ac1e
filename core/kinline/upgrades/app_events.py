"""What people do in shops, on sites and in apps was kept as taking part in an event: it is an app event."""

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from kinline.record.versions import named
from kinline.store.ask import Ask, Change, Count, among, columns
from kinline.store.models import InteractionRow, Participant, Revision
from kinline.upgrades.step import UpgradePiece, UpgradeStep
from kinline.words import Kind

AT_ONCE = 2_000


class _ByKind(msgspec.Struct, frozen=True):
    id: str
    channel: str
    kind: str


_PAGE = Ask(
    select(*columns(InteractionRow, _ByKind))
    .where(col(InteractionRow.id) > bindparam("after"))
    .order_by(col(InteractionRow.id))
    .limit(bindparam("most")),
    _ByKind,
)
_COUNT = Ask(select(func.count().label("count")).select_from(InteractionRow), Count)
_INTERACTIONS, _REVISIONS, _PARTICIPANTS = (
    Change(
        update(table)
        .where(col(table.kind) == Kind.EVENT.value, among(of, "interactions"), *more)
        .values(kind=Kind.APP_EVENT.value)
    )
    for table, of, *more in (
        (InteractionRow, InteractionRow.id),
        (Revision, Revision.interaction_id),
        (Participant, Participant.interaction_id, among(Participant.identity_id, "identities")),
    )
)


def _piece(session: Session, cursor: str) -> UpgradePiece:
    rows = _PAGE.rows(session, after=cursor, most=AT_ONCE)
    theirs = [row.id for row in rows if row.channel == "events" and row.kind == Kind.EVENT]
    _INTERACTIONS.run(session, interactions=theirs)
    _REVISIONS.run(session, interactions=theirs)
    for interaction in theirs:
        identities = sorted({identity for _, identity in named(session, interaction)})
        _PARTICIPANTS.run(session, interactions=[interaction], identities=identities)
    return UpgradePiece(len(rows), rows[-1].id if len(rows) == AT_ONCE else None)


def _total(session: Session) -> int:
    return _COUNT.one(session).count


STEP = UpgradeStep("app_events", "App events get a kind of their own", _piece, _total)

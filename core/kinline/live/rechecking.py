"""Looking once more at what is here already: what was deleted, or moderated, at the provider long after it was new.

A look takes the newest, and a provider without a list of changes tells nothing of the rest. So beside each comparison
the channel goes through a part of what is here, and its cursor goes round.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.accounts.connected import ref
from kinline.accounts.ready import ReadyAccount
from kinline.contract.connection import Connection
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.live.polling import keep_all
from kinline.messages import Fetched
from kinline.record.prepare import short_id
from kinline.store.ask import Ask, IdPair, among
from kinline.store.models import AccountLive, Copy, InteractionRow

#: Seconds that go into it at once; what is left is looked at beside the next comparison.
SLICE = 10.0
#: How it is moderated, by its source id.
_OURS = Ask(
    select(col(Copy.source_id).label("one"), col(InteractionRow.moderation).label("other"))
    .join(InteractionRow, col(InteractionRow.id) == col(Copy.interaction_id))
    .where(
        among(Copy.source_id, "sources"), col(Copy.account_id) == bindparam("account"), col(Copy.deleted_at).is_(None)
    ),
    IdPair,
)


def recheck(hub: Hub, account: ReadyAccount, connection: Connection, owner: str) -> int:
    """Look at the next part. Returns how many bodies it brought. Raises `ChannelError`, `Lost`."""
    with hub.store.read() as session:
        cursor = session.get_one(AccountLive, account.row.id).recheck_cursor

    def ours(source_ids: Sequence[str]) -> Mapping[str, str]:
        return _ours(hub, account.row.id, source_ids)

    kept, _ = keep_all(hub, account, owner, connection.recheck(cursor, ours), _keep, SLICE)
    return kept


def _keep(session: Session, account: ReadyAccount, piece: Fetched) -> dict[str, object]:
    if piece.body:
        receive(session, ref(account.row), piece.body, piece.source)
    return {"recheck_cursor": piece.cursor} if piece.cursor else {}


def _ours(hub: Hub, account_id: str, source_ids: Sequence[str]) -> Mapping[str, str]:
    named = {short_id(each): each for each in source_ids}
    with hub.store.read() as session:
        return {named[row.one]: row.other for row in _OURS.rows(session, sources=named, account=account_id)}

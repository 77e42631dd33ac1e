"""Looking once more at what is here already: what was deleted, or moderated, at the provider long after it was new.

A look takes the newest, and a provider without a list of changes tells nothing of the rest. So beside each comparison
the channel goes through a part of what is here, and its cursor goes round.
"""

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from kinline.accounts.connected import ref
from kinline.accounts.ready import ReadyAccount
from kinline.contract.connection import Connection
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.live.polling import keep_all
from kinline.messages import Fetched
from kinline.record.prepare import short_id
from kinline.store import sql
from kinline.store.models import AccountLive

#: Seconds that go into it at once; what is left is looked at beside the next comparison.
SLICE = 10.0


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
        statement = (
            "SELECT y.source_id, i.moderation FROM copy y JOIN interaction i ON i.id = y.interaction_id "
            "WHERE y.source_id {in} AND y.account_id = {p} AND y.deleted_at IS NULL"
        )
        return {named[source]: stands for source, stands in sql.select_in(session, statement, named, account_id)}

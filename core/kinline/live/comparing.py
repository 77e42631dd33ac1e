"""Whether an account is in sync: the newest items at the provider held against ours.

"In sync" may be said only when the newest there equals the newest here; a fresh cursor proves nothing.
"""

from collections.abc import Sequence

from kinline import clock
from kinline.accounts import spend
from kinline.accounts.ready import ReadyAccount
from kinline.contract.connection import Connection
from kinline.hub import Hub
from kinline.live import state
from kinline.record.prepare import short_id
from kinline.store import sql

#: Newest items that are compared.
COUNT = 20


def compare(hub: Hub, account: ReadyAccount, connection: Connection, owner: str) -> int | None:
    """How many of the newest items there are not here. None: not known yet, for some wait to be understood."""
    with hub.store.read() as session:
        statement = "SELECT 1 FROM intake WHERE account_id = {p} AND state = 'new' LIMIT 1"
        if sql.run(session, statement, account.row.id):
            return None
    told = connection.recent(COUNT)
    missing, cost = None if told is None else _missing(hub, account, told), connection.spent()
    with hub.store.write() as session:
        state.write(session, account.row.id, owner, missing=missing, compared_at=clock.now())
        spend.add(session, account.row.id, reads=1 if cost else 0, cost=cost)
    return missing


def _missing(hub: Hub, account: ReadyAccount, recent: Sequence[str]) -> int:
    there = [short_id(each) for each in recent]
    with hub.store.read() as session:
        statement = "SELECT source_id FROM copy WHERE source_id {in} AND account_id = {p}"
        here = {source_id for (source_id,) in sql.select_in(session, statement, there, account.row.id)}
    return sum(each not in here for each in there)

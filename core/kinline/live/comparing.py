"""Whether an account is in sync: the newest items at the provider held against ours.

"In sync" may be said only when the newest there equals the newest here; a fresh cursor proves nothing.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlmodel import col

from kinline import clock
from kinline.accounts import spend
from kinline.accounts.ready import ReadyAccount
from kinline.contract.connection import Connection
from kinline.hub import Hub
from kinline.intake.receive import NEW
from kinline.live import state
from kinline.record.prepare import short_id
from kinline.store.ask import Ask, Id, among
from kinline.store.models import Copy, Intake

#: Newest items that are compared.
COUNT = 20
_UNREAD = Ask(
    select(col(Intake.id)).where(col(Intake.account_id) == bindparam("account"), col(Intake.state) == NEW).limit(1), Id
)
_HERE = Ask(
    select(col(Copy.source_id).label("id")).where(
        among(Copy.source_id, "sources"), col(Copy.account_id) == bindparam("account")
    ),
    Id,
)


def compare(hub: Hub, account: ReadyAccount, connection: Connection, owner: str) -> int | None:
    """How many of the newest items there are not here. None: not known yet, for some wait to be understood."""
    with hub.store.read() as session:
        if _UNREAD.first(session, account=account.row.id):
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
        here = {row.id for row in _HERE.rows(session, sources=there, account=account.row.id)}
    return sum(each not in here for each in there)

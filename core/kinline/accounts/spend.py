"""What the calls of an account cost, counted by month, and held against the cap that the operator set."""

from datetime import UTC, datetime

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session

from kinline import clock
from kinline.contract.channel import AccountSettings, AnyChannel
from kinline.errors import ChannelError
from kinline.store import sql
from kinline.store.ask import Ask
from kinline.store.models import Spend, metadata

_SPEND = metadata.tables[str(Spend.__tablename__)]
_COLUMNS = ("account_id", "month", "reads", "writes", "cost")
_ADD = (
    "ON CONFLICT (account_id, month) DO UPDATE SET reads = spend.reads + excluded.reads, "
    "writes = spend.writes + excluded.writes, cost = spend.cost + excluded.cost"
)


class Spent(msgspec.Struct, frozen=True):
    """One month of one account. ``cost`` in millionths of its currency."""

    month: str
    reads: int = 0
    writes: int = 0
    cost: int = 0


_OF_MONTH = Ask(
    select(*[_SPEND.c[name] for name in Spent.__struct_fields__]).where(
        _SPEND.c.account_id == bindparam("account"), _SPEND.c.month == bindparam("month")
    ),
    Spent,
)


def month_of(now: int) -> str:
    return datetime.fromtimestamp(now // clock.SECOND, UTC).strftime("%Y-%m")


def add(session: Session, account_id: str, *, reads: int = 0, writes: int = 0, cost: int = 0) -> None:
    """Count calls in the transaction that keeps what they brought."""
    if reads or writes or cost:
        row = (account_id, month_of(clock.now()), reads, writes, cost)
        sql.upsert(session, _SPEND, _COLUMNS, [row], _ADD)


def this_month(session: Session, account_id: str) -> Spent:
    month = month_of(clock.now())
    return _OF_MONTH.first(session, account=account_id, month=month) or Spent(month)


def left(session: Session, account_id: str, channel: AnyChannel, settings: AccountSettings) -> int | None:
    """What this month may still cost. None: anything."""
    cap = channel.cap(settings)
    return None if cap is None else cap - this_month(session, account_id).cost


def afford(session: Session, account_id: str, channel: AnyChannel, settings: AccountSettings) -> None:
    """Raise `ChannelError` ``over_cap`` when this month's money is spent; it may be tried in the next month."""
    rest = left(session, account_id, channel, settings)
    if rest is not None and rest <= 0:
        spent = this_month(session, account_id)
        raise ChannelError(
            f"The monthly cap of this account is reached ({spent.cost / 1e6:.2f} spent in {spent.month}). "
            "Raise the cap in its settings, or wait for the next month.",
            code="over_cap", retry_after=_until_next_month(clock.now()),
        )  # fmt: skip


def _until_next_month(now: int) -> float:
    today = datetime.fromtimestamp(now // clock.SECOND, UTC)
    first = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
    return (first - today).total_seconds()

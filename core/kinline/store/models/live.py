"""Accounts that are kept connected: how far they have come, how they are, what they cost."""

from kinline.store.models.base import Count, Flag, Instant, Json, Key, Row, Words, column, table


class AccountLive(Row, table=True):
    """One live account. ``owner`` polls it until ``lease_until`` by the database's clock; nobody else does."""

    __tablename__ = "account_live"
    __table_args__ = table()
    account_id: str = column(Key, primary=True, foreign_key="account.id")
    owner: str = column(Key, default="")
    lease_until: int = column(Instant, default=0)
    cursor: str = column(Words, default="")  #: the channel's own word for how far it has read
    wake: int = column(Flag, default=0)  #: somebody wants it polled now
    polled_at: int | None = column(Instant, default=None)
    ok_at: int | None = column(Instant, default=None)
    failures: int = column(Count, default=0)  #: in a row
    error_kind: str = column(Key, default="")  #: not_authorised | refused | waiting | unreachable | over_cap | broken
    error_code: str = column(Key, default="")
    error_detail: str = column(Words, default="")
    error_at: int | None = column(Instant, default=None)
    next_at: int = column(Instant, default=0)  #: after an error, not polled before
    limits: str = column(Json, default="{}")
    missing: int | None = column(Count, default=None)  #: of the newest items there, how many are not here
    compared_at: int | None = column(Instant, default=None)
    recheck_cursor: str = column(Words, default="")  #: how far what is here was looked at once more
    history_state: str = column(Key, default="")  #: "" | running | done | stopped
    history_cursor: str = column(Words, default="")
    history_bodies: int = column(Count, default=0)
    history_total: int | None = column(Count, default=None)
    history_at: int | None = column(Instant, default=None)  #: when it began; all of it arrived at that moment
    history_ended_at: int | None = column(Instant, default=None)


class Spend(Row, table=True):
    """What an account's calls cost in a month (UTC, as 2026-11), in millionths of its currency."""

    __tablename__ = "spend"
    __table_args__ = table()
    account_id: str = column(Key, primary=True, foreign_key="account.id")
    month: str = column(Key, primary=True)
    reads: int = column(Count, default=0)
    writes: int = column(Count, default=0)
    cost: int = column(Count, default=0)

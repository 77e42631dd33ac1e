"""The hub itself: what it knows of itself, its teams, channel accounts, keys and trusted sources."""

from sqlalchemy import Index

from kinline.store.models.base import Flag, Instant, Json, Key, Row, Words, column, table


class Meta(Row, table=True):
    """Facts about this hub, by name: the trigger epoch, the story that was told."""

    __tablename__ = "meta"
    __table_args__ = table()
    key: str = column(Key, primary=True)
    value: str = column(Words)


class Team(Row, table=True):
    """People of ours who work together and may read the same accounts."""

    __tablename__ = "team"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    name: str = column(Key, unique=True)
    created_at: int = column(Instant)


class Account(Row, table=True):
    """One configured connection of a channel: a mailbox, a page, an API app."""

    __tablename__ = "account"
    __table_args__ = table(Index(None, "channel"))
    id: str = column(Key, primary=True)
    channel: str = column(Key)
    name: str = column(Key, unique=True)
    instance: str = column(Key, default="")
    purpose: str = column(Words, default="")
    settings: str = column(Json, default="{}")
    sealed: str = column(Json, default="{}")  #: secret settings, encrypted one by one
    state: str = column(Key, default="active")  #: active | paused
    created_at: int = column(Instant)


class AccountTeam(Row, table=True):
    """That a team may read an account. An account without any line is open to every key."""

    __tablename__ = "account_team"
    __table_args__ = table()
    account_id: str = column(Key, primary=True, foreign_key="account.id")
    team_id: str = column(Key, primary=True, foreign_key="team.id")


class ApiKey(Row, table=True):
    """A key to the API: shown once, stored as a hash, with scopes and the teams it reads for."""

    __tablename__ = "api_key"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    name: str = column(Words)
    digest: str = column(Key)
    scopes: str = column(Json)
    teams: str | None = column(Json, default=None)  #: None: reads every account
    created_at: int = column(Instant)
    revoked_at: int | None = column(Instant, default=None)


class Idempotency(Row, table=True):
    """The answer given to a request that carried an Idempotency-Key, kept in the request's own transaction."""

    __tablename__ = "idempotency"
    __table_args__ = table()
    api_key_id: str = column(Key, primary=True)
    key: str = column(Key, primary=True)
    request_hash: str = column(Key)
    status: int = column(Flag)
    body: str = column(Json)
    at: int = column(Instant)


class TrustedSource(Row, table=True):
    """A system whose signed assertions join persons, for the types of handle the operator trusts it with."""

    __tablename__ = "trusted_source"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    name: str = column(Key, unique=True)
    handle_types: str = column(Json)
    sealed_secret: str = column(Words)
    created_at: int = column(Instant)
    revoked_at: int | None = column(Instant, default=None)

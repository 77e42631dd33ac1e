"""What came in, before and after anybody understood it."""

from sqlalchemy import Index

from kinline.store.models.base import Bytes, Count, Instant, Json, Key, Row, Words, column, table


class Blob(Row, table=True):
    """Bytes kept once, by their SHA-256. Complete when this row is there."""

    __tablename__ = "blob"
    __table_args__ = table()
    hash: str = column(Key, primary=True)
    size: int = column(Count)
    media_type: str = column(Words)
    created_at: int = column(Instant)


class BlobChunk(Row, table=True):
    """A piece of a blob, so that no file has to fit into memory or into one transaction."""

    __tablename__ = "blob_chunk"
    __table_args__ = table()
    hash: str = column(Key, primary=True)
    position: int = column(Count, primary=True)
    piece: bytes = column(Bytes)


class Intake(Row, table=True):
    """One received body or file. ``item_count`` counts what it is known to hold; while it is ``new``, one
    more than what is done, for the part not read yet."""

    __tablename__ = "intake"
    __table_args__ = table(
        Index(None, "account_id", "state"),
        Index(None, "account_id", "received_at"),
        Index(None, "state", "received_at"),
    )
    id: str = column(Key, primary=True)
    account_id: str = column(Key, foreign_key="account.id")
    received_at: int = column(Instant)
    origin: str = column(Key)
    name: str = column(Words, default="")
    media_type: str = column(Words, default="")
    headers: str = column(Json, default="{}")
    blob_hash: str | None = column(Key, default=None, foreign_key="blob.hash")
    state: str = column(Key)  #: new | understood
    item_count: int = column(Count)
    attempts: int = column(Count, default=0)
    understood_at: int | None = column(Instant, default=None)


class SeenToken(Row, table=True):
    """A word that a provider puts into one call alone. It proves a call once, for as long as its signature would hold."""

    __tablename__ = "seen_token"
    __table_args__ = table(Index(None, "until"), rowid=False)
    account_id: str = column(Key, primary=True, foreign_key="account.id")
    digest: str = column(Key, primary=True)
    until: int = column(Instant)
    intake_id: str = column(Key)


class ItemRow(Row, table=True):
    """One piece of an intake in the ledger, in exactly one state."""

    __tablename__ = "item"
    __table_args__ = table(Index(None, "account_id", "state", "intake_id", "position"), rowid=False)
    intake_id: str = column(Key, primary=True, foreign_key="intake.id")
    position: int = column(Count, primary=True)
    account_id: str = column(Key)
    state: str = column(Key)
    code: str = column(Key, default="")
    reason: str = column(Words, default="")
    interaction_id: str | None = column(Key, default=None)
    at: int = column(Instant)

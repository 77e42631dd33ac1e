"""What somebody of us promised people."""

from sqlalchemy import Index, text

from kinline.store.models.base import Instant, Key, Row, Words, column, table

STANDING = text("state = 'open'")


class Promised(Row, table=True):
    """What somebody of us promised a person, and by when. ``state``: open · done · withdrawn."""

    __tablename__ = "promised"
    __table_args__ = table(
        Index("ix_promised_made_at", "made_at", "id", sqlite_where=STANDING, postgresql_where=STANDING),
        Index("ix_promised_person_id", "person_id", "made_at", "id"),
    )
    id: str = column(Key, primary=True)
    person_id: str = column(Key, foreign_key="person.id")
    what: str = column(Words)
    due_at: int = column(Instant)
    team: str = column(Key, default="")
    channel: str = column(Key, default="")
    interaction_id: str | None = column(Key, default=None)
    state: str = column(Key, default="open")
    made_at: int = column(Instant)
    made_by: str = column(Words)
    ended_at: int | None = column(Instant, default=None)
    ended_by: str | None = column(Words, default=None)

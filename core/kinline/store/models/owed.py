"""What we owe people: an answer to what they wrote, and what somebody promised them."""

from sqlalchemy import Index, text

from kinline.store.models.base import Instant, Key, Row, Words, column, table

WAITING, HELPED, STANDING = text("since IS NOT NULL"), text("answered_by = 'peer'"), text("state = 'open'")


class Owed(Row, table=True):
    """Whether somebody waits for our answer in one place: a conversation, or an interaction that is in none.

    ``since`` they wait, None: they do not; ``asked_at`` and ``interaction_id`` say what they wrote first. What
    answered only them and only there (somebody else did) is ``answered_*``. The row of the identity "" is of the whole
    place: one of us answered there, or it was closed, whoever was waiting.
    """

    __tablename__ = "owed"
    __table_args__ = table(
        Index("ix_owed_channel", "channel", "since", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_owed_answered_at", "answered_at", "id", sqlite_where=HELPED, postgresql_where=HELPED),
        Index("ix_owed_place", "place", "since"),
        rowid=False,
    )
    id: str = column(Key, primary=True)  #: the identity's id and the place's, so that a person's rows lie together
    identity_id: str = column(Key)
    place: str = column(Key)
    channel: str = column(Key)
    kind: str = column(Key, default="")
    since: int | None = column(Instant, default=None)
    asked_at: int | None = column(Instant, default=None)
    interaction_id: str | None = column(Key, default=None)
    answered_at: int | None = column(Instant, default=None)
    answered_by: str = column(Key, default="")  #: peer: somebody else · us · closed
    answered_in: str | None = column(Key, default=None)


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

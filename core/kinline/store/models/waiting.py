"""Who waits for an answer of ours, and what people of ours said of it."""

from sqlalchemy import Index, text

from kinline.store.models.base import Flag, Instant, Json, Key, Row, Words, column, table

LISTED, TIMED, STANDING = text("tab <> ''"), text("due_at IS NOT NULL"), text("undone_at IS NULL")
RUNNING = text("tab = 'waiting'")


class WaitingRow(Row, table=True):
    """One time that somebody waited in one place: a conversation, or an interaction that is in none.

    Ended ones stay: they are the response times. ``who`` is the identity; of somebody who left only a name it is the
    interaction, and ``identity_id`` is "". ``tab`` is the list in which it stands (`kinline.waiting.listing`), "" once it
    is over. What was imported starts no clock.
    """

    __tablename__ = "waiting"
    __table_args__ = table(
        Index("ix_waiting_who", "who", "ended_at"),
        Index("ix_waiting_place", "place", "since"),
        Index("ix_waiting_running", "place", "since", sqlite_where=RUNNING, postgresql_where=RUNNING),
        Index("ix_waiting_tab", "tab", "since", "id", sqlite_where=LISTED, postgresql_where=LISTED),
        Index("ix_waiting_channel", "tab", "channel", "since", "id", sqlite_where=LISTED, postgresql_where=LISTED),
        Index("ix_waiting_due_at", "due_at", sqlite_where=TIMED, postgresql_where=TIMED),
    )
    id: str = column(Key, primary=True)
    who: str = column(Key)
    identity_id: str = column(Key)
    place: str = column(Key)
    channel: str = column(Key)
    level: str = column(Key)  #: direct | indirect | forwarded
    kind: str = column(Key)
    since: int = column(Instant)
    asked_id: str = column(Key)
    imported: int = column(Flag)
    also_asks: int = column(Flag)
    last_at: int = column(Instant)
    last_asked_at: int = column(Instant)
    last_known_at: int = column(Instant)  #: when we last came to know that they asked
    begun_at: int = column(Instant)  #: also where what began it was withdrawn
    said_from: int = column(Instant)  #: the earliest that any clock says of what was asked
    paused_at: int | None = column(Instant, default=None)
    paused_how: str = column(Key)  #: peer | us
    paused_by: str = column(Key)
    paused_until: int | None = column(Instant, default=None)
    rests: str = column(Json)  #: pauses that are over: [from, to] each
    ended_at: int | None = column(Instant, default=None)
    ended_how: str = column(Key)  #: us | peer | closed | dismissed | withdrawn
    ended_by: str = column(Words)
    due_at: int | None = column(Instant, default=None)
    tab: str = column(Key)


class StateMoveRow(Row, table=True):
    """That somebody put a conversation into a state: one of us, or a desk elsewhere where it lives."""

    __tablename__ = "state_move"
    __table_args__ = table(rowid=False)
    conversation_id: str = column(Key, primary=True)
    at: int = column(Instant, primary=True)
    state: str = column(Key, primary=True)
    made_by: str = column(Words)
    elsewhere: int = column(Flag, default=0)  #: at the desk where it lives, by whose order of things it counts


class Dismissal(Row, table=True):
    """That one of us said of somebody's words in a place that they need no answer."""

    __tablename__ = "dismissal"
    __table_args__ = table(
        Index("ix_dismissal_who", "who", "place", sqlite_where=STANDING, postgresql_where=STANDING),
        Index("ix_dismissal_place", "place"),
    )
    id: str = column(Key, primary=True)
    who: str = column(Key)
    place: str = column(Key)
    at: int = column(Instant)
    reason: str = column(Words)
    made_by: str = column(Words)
    undone_at: int | None = column(Instant, default=None)
    undone_by: str | None = column(Words, default=None)


class Asker(Row, table=True):
    """Who really asked what one of us passed on to our mailbox."""

    __tablename__ = "asker"
    __table_args__ = table(Index(None, "identity_id"), rowid=False)
    interaction_id: str = column(Key, primary=True)
    identity_id: str = column(Key)
    made_by: str = column(Words)
    made_at: int = column(Instant)

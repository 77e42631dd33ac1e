"""What teams promise and repeat: working calendars, response times, macros; and what is mirrored to other desks."""

from sqlalchemy import Index

from kinline.store.models.base import Count, Instant, Json, Key, Row, Words, column, table


class CalendarRow(Row, table=True):
    """A working calendar, as it was written."""

    __tablename__ = "calendar"
    __table_args__ = table()
    name: str = column(Key, primary=True)
    spec: str = column(Json)
    changed_at: int = column(Instant)


class PolicyRow(Row, table=True):
    """How soon a team promises to answer. Of the team "": everybody who has none of their own."""

    __tablename__ = "policy"
    __table_args__ = table()
    team_id: str = column(Key, primary=True)
    spec: str = column(Json)
    changed_at: int = column(Instant)


class MacroRow(Row, table=True):
    """A version of a macro. The highest counts."""

    __tablename__ = "macro"
    __table_args__ = table()
    name: str = column(Key, primary=True)
    version: int = column(Count, primary=True)
    spec: str = column(Json)
    made_by: str = column(Words)
    made_at: int = column(Instant)


class Mirror(Row, table=True):
    """A note or a state of ours on its way to the desk where the conversation lives, and how far it came."""

    __tablename__ = "mirror"
    __table_args__ = table(Index(None, "conversation_id"), Index(None, "interaction_id"))
    id: str = column(Key, primary=True)
    conversation_id: str = column(Key)
    account_id: str = column(Key, foreign_key="account.id")
    what: str = column(Key)  #: note | state
    thread: str = column(Words)  #: how that desk names the conversation
    body: str = column(Words, default="")
    by: str = column(Words, default="")
    interaction_id: str | None = column(Key, default=None)
    state: str = column(Key)  #: pending | sending | sent | failed | unknown | cancelled
    reason: str = column(Words, default="")
    attempts: int = column(Count, default=0)
    source_id: str = column(Words, default="")
    created_at: int = column(Instant)
    done_at: int | None = column(Instant, default=None)


class Echo(Row, table=True):
    """Under which name something of ours comes back from a desk: it is no news."""

    __tablename__ = "echo"
    __table_args__ = table(rowid=False)
    source_id: str = column(Key, primary=True)  #: first, for it is what comes back and is looked for
    channel: str = column(Key, primary=True)
    instance: str = column(Key, primary=True)
    interaction_id: str = column(Key)

"""Who sees whom on private mails, and which keys they name: what decides which of them are one conversation."""

from sqlalchemy import Index, text

from kinline.store.models.base import Count, Flag, Instant, Json, Key, Row, Words, column, table

PROVED = text("organisation <> ''")


class MailAudience(Row, table=True):
    """A private mail as `kinline.threads.edges` sees it; over all copies and versions that reached us."""

    __tablename__ = "mail_audience"
    __table_args__ = table()
    interaction_id: str = column(Key, primary=True)
    thread_key_id: str = column(Key)  #: under which it stands in its conversation
    key_id: str = column(Key)  #: by which others name it
    topic: str = column(Words)
    author: str = column(Key)
    organisation: str = column(Key)
    ours: int = column(Flag)
    automatic: int = column(Flag)
    seen: str = column(Json)
    reply_to: str = column(Json)


class MessageReference(Row, table=True):
    """That a private mail has a key (``own``) or names one. Several may have one key.

    Its author and, where that is proved, the author's organisation stand here too, so that of thousands who name one
    mailing only those are looked at who may belong to each other.
    """

    __tablename__ = "message_reference"
    __table_args__ = table(
        Index(
            "ix_message_reference_organisation", "key_id", "organisation", sqlite_where=PROVED, postgresql_where=PROVED
        ),
        Index(None, "interaction_id"),
        rowid=False,
    )
    key_id: str = column(Key, primary=True)
    own: int = column(Flag, primary=True)
    author: str = column(Key, primary=True)
    interaction_id: str = column(Key, primary=True)
    organisation: str = column(Key)
    place: int = column(Count)  #: 1 the nearest that is named, then upwards; 0 of its own
    vouched: int = column(Flag)  #: our token came back, so it surely answers what it names


class ThreadEdit(Row, table=True):
    """What people decided about conversations: the two sides of it are one conversation (``joined``), or are not."""

    __tablename__ = "thread_edit"
    __table_args__ = table(Index(None, "interaction_id"))
    id: str = column(Key, primary=True)
    interaction_id: str = column(Key, primary=True)
    side: int = column(Flag)
    joined: int = column(Flag)
    made_by: str = column(Words)
    made_at: int = column(Instant)

"""What people did: interactions, who took part, the copies that reached us, conversations."""

from sqlalchemy import Index, text

from kinline.store.models.base import Count, Flag, Instant, Json, Key, Row, Words, column, table

SPOKEN_OF = text("plain IS NOT NULL")
THREADED, JOINED = text("thread_key_id IS NOT NULL"), text("merged_into IS NOT NULL")
ANSWERS = text("answers_id IS NOT NULL")


class InteractionRow(Row, table=True):
    """One thing somebody did. Nothing of it is lost: edits are revisions, deletions are dated.

    ``id`` is derived from channel, instance and source id. ``doc`` is what was said and by whom, as JSON,
    just as the timeline shows it, in its current version. ``sort_at`` is ``occurred_at``, or the time of
    arrival where the source has none.
    """

    __tablename__ = "interaction"
    __table_args__ = table(
        Index("ix_interaction_thread_key_id", "thread_key_id", sqlite_where=THREADED, postgresql_where=THREADED),
        Index("ix_interaction_answers_id", "answers_id", sqlite_where=ANSWERS, postgresql_where=ANSWERS),
    )
    id: str = column(Key, primary=True)
    channel: str = column(Key)
    instance: str = column(Key)
    source_id: str = column(Key)
    kind: str = column(Key)
    direction: str = column(Key)
    origin: str = column(Key)
    occurred_at: int | None = column(Instant, default=None)
    sort_at: int = column(Instant)
    sequence: int = column(Count, default=0)
    recorded_at: int = column(Instant)
    changed_at: int | None = column(Instant, default=None)
    content_hash: str = column(Key)
    thread_key_id: str | None = column(Key, default=None)
    answers_id: str | None = column(Key, default=None)
    author_id: str | None = column(Key, default=None)
    automatic: str = column(Words, default="")
    moderation: str = column(Key, default="")
    doc: str = column(Json)
    html: str = column(Words, default="")
    revised: int = column(Flag, default=0)
    deleted_at: int | None = column(Instant, default=None)
    followup_id: str | None = column(Key, default=None)
    intake_id: str | None = column(Key, default=None)
    position: int | None = column(Count, default=None)


class Revision(Row, table=True):
    """A version of an interaction that has several; all of them are here. The current one is the greatest
    (changed_at, content_hash), and the interaction's row shows it."""

    __tablename__ = "revision"
    __table_args__ = table()
    interaction_id: str = column(Key, primary=True, foreign_key="interaction.id")
    content_hash: str = column(Key, primary=True)
    recorded_at: int = column(Instant)
    intake_id: str | None = column(Key, default=None)
    position: int | None = column(Count, default=None)
    changed_at: int | None = column(Instant, default=None)
    kind: str = column(Key)
    direction: str = column(Key)
    automatic: str = column(Words, default="")
    moderation: str = column(Key, default="")
    occurred_at: int | None = column(Instant, default=None)
    sort_at: int = column(Instant)
    sequence: int = column(Count, default=0)
    thread_key_id: str | None = column(Key, default=None)
    author_id: str | None = column(Key, default=None)
    answers_id: str | None = column(Key, default=None)
    doc: str = column(Json)
    html: str = column(Words, default="")


class Copy(Row, table=True):
    """That an interaction reached us through an account. Found by the interaction's source id, which it shares."""

    __tablename__ = "copy"
    __table_args__ = table(rowid=False)
    source_id: str = column(Key, primary=True)
    account_id: str = column(Key, primary=True, foreign_key="account.id")
    interaction_id: str = column(Key)
    recorded_at: int = column(Instant)
    deleted_at: int | None = column(Instant, default=None)


class Tombstone(Row, table=True):
    """That the source deleted something, known to us or not yet."""

    __tablename__ = "tombstone"
    __table_args__ = table(rowid=False)
    account_id: str = column(Key, primary=True, foreign_key="account.id")
    source_id: str = column(Key, primary=True)
    occurred_at: int | None = column(Instant, default=None)
    recorded_at: int = column(Instant)
    reason: str = column(Words, default="")


class Participant(Row, table=True):
    """That an identity took part: the timeline's index, stored in the timeline's order.

    ``sort_at`` and ``sequence`` are the interaction's, in its current version: so a line is found from there too.
    """

    __tablename__ = "participant"
    __table_args__ = table(
        Index(None, "identity_id", "channel", "sort_at", "sequence", "interaction_id"),
        Index(None, "identity_id", "kind", "sort_at", "sequence", "interaction_id"),
        Index(None, "identity_id", "direction", "sort_at", "sequence", "interaction_id"),
        rowid=False,
    )
    identity_id: str = column(Key, primary=True)
    sort_at: int = column(Instant, primary=True)
    sequence: int = column(Count, primary=True)
    interaction_id: str = column(Key, primary=True)
    role: str = column(Key, primary=True)
    channel: str = column(Key)
    kind: str = column(Key)
    direction: str = column(Key)
    standing: str = column(Key)


class ThreadKey(Row, table=True):
    """A name by which interactions of one conversation refer to each other, seen or only spoken of.

    Where a channel has subjects, one message has a key for each subject under which it is spoken of. ``plain`` is
    the key of that message without one; conversations that share it are linked.
    """

    __tablename__ = "thread_key"
    __table_args__ = table(
        Index(None, "conversation_id", "has_parent"),
        Index(None, "plain", sqlite_where=SPOKEN_OF, postgresql_where=SPOKEN_OF),
    )
    id: str = column(Key, primary=True)
    conversation_id: str = column(Key)
    has_parent: int = column(Flag)
    plain: str | None = column(Key, default=None)


NUMBERED, AWAITED = text("number <> ''"), text("waiting_since IS NOT NULL")


class Conversation(Row, table=True):
    """A thread of interactions. Team and assignee are the desk's; ``merged_into`` answers for old ids.

    ``state`` follows from who waits and from what people said of it (`kinline.waiting.places`); ``state_at`` is when
    somebody last put it into one.
    """

    __tablename__ = "conversation"
    __table_args__ = table(
        Index(None, "state", "team_id"),
        Index("ix_conversation_merged_into", "merged_into", sqlite_where=JOINED, postgresql_where=JOINED),
        Index("ix_conversation_number", "number", sqlite_where=NUMBERED, postgresql_where=NUMBERED),
        Index("ix_conversation_waiting_since", "waiting_since", "id", sqlite_where=AWAITED, postgresql_where=AWAITED),
        Index("ix_conversation_last_at", "last_at", "id"),
    )
    id: str = column(Key, primary=True)
    channel: str = column(Key)
    instance: str = column(Key)
    state: str = column(Key, default="open")
    state_at: int | None = column(Instant, default=None)
    team_id: str | None = column(Key, default=None, foreign_key="team.id")
    assignee: str | None = column(Words, default=None)
    relevance: str = column(Words, default="")
    outcome: str = column(Words, default="")
    merged_into: str | None = column(Key, default=None)
    created_at: int = column(Instant)
    priority: str = column(Key, default="normal")
    number: str = column(Key, default="")  #: what a desk elsewhere calls it
    told_at: int | None = column(Instant, default=None)  #: of which change of theirs that desk told us last
    visibility: str = column(Key, default="public")  #: `kinline.words.Visibility`
    last_at: int = column(Instant, default=0)  #: when something was last said in it; 0 where nothing was
    asked_at: int | None = column(Instant, default=None)  #: when somebody last asked us something directly
    answered_at: int | None = column(Instant, default=None)  #: when one of us last answered by hand
    first_answered_at: int | None = column(Instant, default=None)
    waiting_since: int | None = column(Instant, default=None)  #: of those whose clock runs, who waits longest
    snoozed_at: int | None = column(Instant, default=None)
    snoozed_until: int | None = column(Instant, default=None)


class FileRow(Row, table=True):
    """That a file came along with an interaction."""

    __tablename__ = "attachment"
    __table_args__ = table()
    interaction_id: str = column(Key, primary=True)
    position: int = column(Count, primary=True)
    blob_hash: str = column(Key, primary=True, foreign_key="blob.hash")  #: versions may differ in their files
    name: str = column(Words)
    media_type: str = column(Words)


class ScoreRow(Row, table=True):
    """One judgement of an interaction: by a scorer in a version, or by one of us (``corrected_by``). Never rewritten.

    ``content_hash`` is the version of the interaction that was judged. ``value`` is JSON; null: it could not tell.
    ``confidence`` is in thousandths.
    """

    __tablename__ = "score"
    __table_args__ = table(rowid=False)
    interaction_id: str = column(Key, primary=True)
    id: str = column(Key, primary=True)
    what: str = column(Key)
    value: str = column(Json)
    scorer: str = column(Key)
    version: str = column(Key)
    language: str = column(Key)
    confidence: int = column(Count)
    content_hash: str = column(Key)
    at: int = column(Instant)
    corrected_by: str = column(Words)

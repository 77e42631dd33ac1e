"""What follows from what people do: triggers, waits, decisions, and what they changed."""

from sqlalchemy import Index, text

from kinline.store.models.base import Count, Instant, Json, Key, Row, Words, column, table

PENDING = text("state = 'pending'")
OPEN = text("state <> 'closed'")
FIRED = text("verdict = 'fired'")
ASSIGNED = text("arm IS NOT NULL")
OF_SOMEBODY = text("recipient IS NOT NULL")
DECIDED = text("decision_id IS NOT NULL")


class TriggerRow(Row, table=True):
    """A condition on people's behaviour and what to do. Its text is versioned."""

    __tablename__ = "trigger_rule"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    name: str = column(Key, unique=True)
    state: str = column(Key)
    version: int = column(Count)
    state_reason: str = column(Words, default="")
    changed_at: int = column(Instant)
    live_since: int | None = column(Instant, default=None)


class TriggerVersion(Row, table=True):
    """One version of a trigger; its text never changes. ``override``: why it may go live without a back-test."""

    __tablename__ = "trigger_version"
    __table_args__ = table()
    trigger_id: str = column(Key, primary=True, foreign_key="trigger_rule.id")
    version: int = column(Count, primary=True)
    source: str = column(Words)
    made_by: str = column(Words)
    made_at: int = column(Instant)
    override: str = column(Words, default="")


class BacktestRun(Row, table=True):
    """One run of a back-test: of which text, over which time, and what it counted. ``version``: 0 if never saved."""

    __tablename__ = "backtest"
    __table_args__ = table(Index(None, "trigger_id", "at", "id"))
    id: str = column(Key, primary=True)
    trigger_id: str = column(Key)
    version: int = column(Count)
    text_id: str = column(Key)
    since: int = column(Instant)
    until: int = column(Instant)
    persons: int = column(Count)
    fired: int = column(Count)
    skipped: int = column(Count)
    held: int = column(Count)
    counts: str = column(Json)  #: by day, by trigger beside it, and against what was decided
    at: int = column(Instant)
    made_by: str = column(Words)


class BacktestJobRow(Row, table=True):
    """A back-test that was asked for, how far it came, and what came out (`kinline.backtest.jobs`)."""

    __tablename__ = "backtest_job"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    trigger_id: str = column(Key)
    source: str = column(Words)
    since: int = column(Instant)
    until: int = column(Instant)
    most: int = column(Count)
    state: str = column(Key)  #: queued | running | done | failed | cancelled
    evaluated: int = column(Count)
    total: int = column(Count)
    result: str = column(Words, default="")
    problem: str = column(Words, default="")
    made_by: str = column(Words)
    made_at: int = column(Instant)
    finished_at: int | None = column(Instant, default=None)


class BackfillRow(Row, table=True):
    """How far the look at those came who were there when a trigger went live (`kinline.catalogue.backfills`)."""

    __tablename__ = "backfill"
    __table_args__ = table(rowid=False)
    trigger_id: str = column(Key, primary=True)
    condition_id: str = column(Key, primary=True)
    live_at: int = column(Instant)
    cursor: str = column(Key)  #: the last person looked at
    evaluated: int = column(Count)
    total: int = column(Count)
    armed: int = column(Count)
    overdue: int = column(Count)
    caught_up: int = column(Count)
    state: str = column(Key)  #: running | done | stopped
    finished_at: int | None = column(Instant, default=None)


class WaitRow(Row, table=True):
    """An armed silence: when to look again, for whom, about which episode."""

    __tablename__ = "wait"
    __table_args__ = table(
        Index(None, "state", "due_at"),
        Index(None, "person_id", "state"),
        Index("ix_wait_of_trigger", "trigger_id", sqlite_where=OPEN, postgresql_where=OPEN),
    )
    id: str = column(Key, primary=True)
    trigger_id: str = column(Key)
    version: int = column(Count)
    person_id: str = column(Key)
    episode: str = column(Key)
    due_at: int = column(Instant)
    state: str = column(Key)  #: armed | kept (due, and its trigger does not look) | due | closed
    reason: str = column(Words, default="")
    armed_at: int = column(Instant)
    closed_at: int | None = column(Instant, default=None)
    condition_id: str = column(Key, default="")  #: of what its trigger waited for; another condition closes it


class Decision(Row, table=True):
    """That a trigger fired or was skipped for a person: once for each episode, for ever."""

    __tablename__ = "decision"
    __table_args__ = table(
        Index(None, "person_id", "trigger_id", "once_key"),
        Index(None, "trigger_id", "decided_at"),
        Index("ix_decision_fired", "trigger_id", "decided_at", sqlite_where=FIRED, postgresql_where=FIRED),
        Index(None, "decided_at", "id"),
        Index(
            "ix_decision_experiment", "trigger_id", "experiment", "decided_at", "id",
            sqlite_where=ASSIGNED, postgresql_where=ASSIGNED,
        ),
    )  # fmt: skip
    id: str = column(Key, primary=True)
    trigger_id: str = column(Key)
    version: int = column(Count)
    person_id: str = column(Key)
    once_key: str = column(Key)
    verdict: str = column(Key)
    reason: str = column(Words, default="")
    at: int = column(Instant)
    decided_at: int = column(Instant)
    evidence: str = column(Json)
    cause_id: str | None = column(Key, default=None)
    chain: str = column(Json, default="[]")  #: ids of the triggers that led here, this one last
    experiment: str | None = column(Key, default=None)
    arm: str | None = column(Key, default=None)  #: what chance gave the person; see `kinline.triggers.experiments`


class StageRow(Row, table=True):
    """A move in the life cycle, with its cause."""

    __tablename__ = "stage"
    __table_args__ = table(
        Index(None, "person_id", "track", "at"),
        Index("ix_stage_decision_id", "decision_id", sqlite_where=DECIDED, postgresql_where=DECIDED),
    )
    id: str = column(Key, primary=True)
    person_id: str = column(Key)
    track: str = column(Key)
    stage: str = column(Key)
    at: int = column(Instant)
    recorded_at: int = column(Instant)
    decision_id: str | None = column(Key, default=None)
    made_by: str = column(Words)
    step: int = column(Count, default=0)  #: of that instant: one more than that of what it was moved for


class TagRow(Row, table=True):
    """That a tag was put on or taken off a person."""

    __tablename__ = "tag"
    __table_args__ = table(Index(None, "person_id", "tag", "at"))
    id: str = column(Key, primary=True)
    person_id: str = column(Key)
    tag: str = column(Key)
    present: int = column(Count)
    at: int = column(Instant)
    recorded_at: int = column(Instant)
    decision_id: str | None = column(Key, default=None)
    made_by: str = column(Words)
    step: int = column(Count, default=0)  #: as of a stage


class TaskRow(Row, table=True):
    """Work for a human."""

    __tablename__ = "task"
    __table_args__ = table(
        Index(None, "state", "team"), Index(None, "person_id"), Index(None, "created_at", "id"),
        Index("ix_task_decision_id", "decision_id", sqlite_where=DECIDED, postgresql_where=DECIDED),
    )  # fmt: skip
    id: str = column(Key, primary=True)
    person_id: str = column(Key)
    decision_id: str | None = column(Key, default=None)
    team: str = column(Key, default="")
    title: str = column(Words)
    evidence: str = column(Json, default="{}")
    state: str = column(Key)  #: open | done
    created_at: int = column(Instant)
    done_at: int | None = column(Instant, default=None)
    done_by: str | None = column(Words, default=None)


class FollowUp(Row, table=True):
    """One message to one person that a decision (or an agent) asked for, and how far it came."""

    __tablename__ = "followup"
    __table_args__ = table(
        Index(None, "state", "due_at"),
        Index(None, "person_id", "state"),
        Index(None, "created_at", "id"),
        Index(None, "decision_id"),
        Index(None, "trigger_id", "sent_at"),
        Index(None, "source_id"),
        Index(None, "reply_key"),
    )
    id: str = column(Key, primary=True)
    decision_id: str | None = column(Key, default=None)
    trigger_id: str | None = column(Key, default=None)
    person_id: str = column(Key)
    identity_id: str = column(Key)
    account_id: str = column(Key, foreign_key="account.id")
    channel: str = column(Key)
    send_class: str = column(Key)
    automatic: int = column(Count)
    answers_id: str | None = column(Key, default=None)
    subject: str = column(Words, default="")
    body: str = column(Words)
    html: str = column(Words, default="")
    made_by: str = column(Words)
    state: str = column(Key)
    reason: str = column(Words, default="")
    due_at: int = column(Instant)
    expires_at: int = column(Instant)
    created_at: int = column(Instant)
    approved_by: str | None = column(Words, default=None)
    needs_approval: int = column(Count, default=0)
    owner: str | None = column(Key, default=None)
    lease_until: int | None = column(Instant, default=None)
    attempts: int = column(Count, default=0)
    prepared: str | None = column(Json, default=None)  #: the exact message, made once, as `Prepared` in JSON
    prepared_body: str | None = column(Key, default=None)  #: the blob with its bytes, where they are many
    reply_key: str | None = column(Key, default=None)  #: the signed token by which an answer names this message
    source_id: str | None = column(Key, default=None)
    interaction_id: str | None = column(Key, default=None)
    sent_at: int | None = column(Instant, default=None)
    template: str | None = column(Key, default=None)  #: the stored text it was written from: name, version, language
    ways: str | None = column(Json, default=None)  #: those there were, and why this one was taken
    copies: str = column(Json, default="[]")  #: identities that get a copy, seen by all who get it
    also_answers: str = column(Json, default="[]")  #: further interactions that it answers
    unclear: str = column(Words, default="")  #: why somebody should look to whom it goes before it does


class FollowUpFile(Row, table=True):
    """A file that goes out with a follow-up."""

    __tablename__ = "followup_file"
    __table_args__ = table(rowid=False)
    followup_id: str = column(Key, primary=True, foreign_key="followup.id")
    position: int = column(Count, primary=True)
    blob_hash: str = column(Key, foreign_key="blob.hash")
    name: str = column(Words)
    media_type: str = column(Words)


class Attempt(Row, table=True):
    """One try at sending a follow-up."""

    __tablename__ = "attempt"
    __table_args__ = table(rowid=False)
    followup_id: str = column(Key, primary=True, foreign_key="followup.id")
    number: int = column(Count, primary=True)
    started_at: int = column(Instant)
    request_hash: str = column(Key)
    outcome: str = column(Key)
    detail: str = column(Words, default="")
    finished_at: int | None = column(Instant, default=None)


class ReceiptRow(Row, table=True):
    """What a provider reported after sending. Append-only."""

    __tablename__ = "receipt"
    __table_args__ = table(
        Index(None, "followup_id"), Index(None, "source_id"),
        Index("ix_receipt_recipient", "recipient", "at", sqlite_where=OF_SOMEBODY, postgresql_where=OF_SOMEBODY),
    )  # fmt: skip
    id: str = column(Key, primary=True)
    followup_id: str | None = column(Key, default=None)
    source_id: str = column(Key)
    channel: str = column(Key)
    report: str = column(Key)
    recipient: str | None = column(Key, default=None)
    permanent: int = column(Count, default=0)
    detail: str = column(Words, default="")
    at: int = column(Instant)
    recorded_at: int = column(Instant)


class Job(Row, table=True):
    """Work for a worker. The row is the truth; a message on the queue only wakes somebody up."""

    __tablename__ = "job"
    __table_args__ = table(
        Index("uq_job_key", "key", unique=True, sqlite_where=PENDING, postgresql_where=PENDING),
        Index(None, "state", "run_at"),
        Index(None, "state", "lease_until"),
    )
    id: str = column(Key, primary=True)
    actor: str = column(Key)
    key: str = column(Key)  #: what it is about; at most one pending job for each
    since: int | None = column(Instant, default=None)  #: how far back to look: the earliest news
    state: str = column(Key)
    run_at: int = column(Instant)
    woken_at: int | None = column(Instant, default=None)
    token: str | None = column(Key, default=None)
    lease_until: int | None = column(Instant, default=None)
    attempts: int = column(Count, default=0)
    error: str = column(Words, default="")
    created_at: int = column(Instant)

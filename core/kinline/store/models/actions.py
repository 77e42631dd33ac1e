"""What actions need beside messages: stored texts, times between actions, signed calls to the company's own systems."""

from sqlalchemy import Index

from kinline.store.models.base import Count, Instant, Json, Key, Row, Words, column, table


class TemplateRow(Row, table=True):
    """One version of a stored template, in all its languages; never changed."""

    __tablename__ = "template"
    __table_args__ = table()
    name: str = column(Key, primary=True)
    version: int = column(Count, primary=True)
    spec: str = column(Json)
    made_by: str = column(Words)
    made_at: int = column(Instant)


class StepRow(Row, table=True):
    """The rest of what a decision asked for, after a wait between two actions."""

    __tablename__ = "step"
    __table_args__ = table(
        Index(None, "person_id", "state"), Index(None, "decision_id", "number"), Index(None, "due_at", "id")
    )
    id: str = column(Key, primary=True)
    decision_id: str = column(Key)
    trigger_id: str = column(Key)
    version: int = column(Count)
    person_id: str = column(Key)
    number: int = column(Count)  #: of the wait, among the trigger's actions
    due_at: int = column(Instant)
    state: str = column(Key)  #: waiting | done | stopped
    reason: str = column(Words, default="")
    templates: str = column(Json, default="{}")  #: the versions of the stored templates that were decided on
    created_at: int = column(Instant)
    closed_at: int | None = column(Instant, default=None)


class EndpointRow(Row, table=True):
    """Where signed calls go: an address of the company's own systems, with the secrets that sign them."""

    __tablename__ = "endpoint"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    name: str = column(Key, unique=True)
    url: str = column(Words)
    secrets: str = column(Json)  #: each encrypted, with the time until which it signs (null: until it is replaced)
    state: str = column(Key)  #: active | disabled
    reason: str = column(Words, default="")
    failing_since: int | None = column(Instant, default=None)
    created_at: int = column(Instant)
    changed_at: int = column(Instant)


class DeliveryRow(Row, table=True):
    """One call to one endpoint: the exact bytes, and how far it came."""

    __tablename__ = "delivery"
    __table_args__ = table(
        Index(None, "created_at", "id"), Index(None, "decision_id"), Index(None, "person_id", "state"),
        Index(None, "endpoint_id", "state"),
    )  # fmt: skip
    id: str = column(Key, primary=True)
    endpoint_id: str = column(Key, foreign_key="endpoint.id")
    decision_id: str = column(Key)
    trigger_id: str = column(Key)
    person_id: str = column(Key)
    body: str = column(Json)
    state: str = column(Key)  #: pending | delivered | failed | cancelled | expired
    reason: str = column(Words, default="")
    attempts: int = column(Count, default=0)
    due_at: int = column(Instant)
    expires_at: int = column(Instant)
    needs_approval: int = column(Count, default=0)
    approved_by: str | None = column(Words, default=None)
    created_at: int = column(Instant)
    done_at: int | None = column(Instant, default=None)


class DeliveryTry(Row, table=True):
    """One try at a call. Of the answer only its status is kept: a body could be somebody else's secret."""

    __tablename__ = "delivery_try"
    __table_args__ = table(rowid=False)
    delivery_id: str = column(Key, primary=True, foreign_key="delivery.id")
    number: int = column(Count, primary=True)
    at: int = column(Instant)
    outcome: str = column(Key)  #: delivered | retry | failed
    detail: str = column(Words, default="")

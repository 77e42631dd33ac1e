"""Who they are: identities, persons, the dated links between them, and what each allowed.

The truth is the set of active links: ``identity_link`` lines that are not withdrawn and ``merge_log`` lines
that are not undone. ``person.root_id`` is a cache of it.
"""

from sqlalchemy import Index

from kinline.store.models.base import Flag, Instant, Json, Key, Row, Words, column, table


class Identity(Row, table=True):
    """One handle. Its id is derived from type, issuer and normalised value."""

    __tablename__ = "identity"
    __table_args__ = table(Index(None, "value"))
    id: str = column(Key, primary=True)
    type: str = column(Key)
    issuer: str = column(Key, default="")
    value: str = column(Key)
    created_at: int = column(Instant)


class IdentityName(Row, table=True):
    """A name that an identity was seen with; ``proved`` where the line that carried it was verified. ``last_at``: as far
    as was written down, when last; `kinline.identity.names` finds the newest."""

    __tablename__ = "identity_name"
    __table_args__ = table(rowid=False)
    identity_id: str = column(Key, primary=True)
    name: str = column(Key, primary=True)
    proved: int = column(Flag, primary=True)
    folded: str = column(Key)  #: for searching without regard to case and accents' spelling
    last_at: int = column(Instant)


class Alias(Row, table=True):
    """A handle that can change owner, seen beside an identity from one time to another. Carries no participants."""

    __tablename__ = "alias"
    __table_args__ = table(Index(None, "type", "value"))
    identity_id: str = column(Key, primary=True)
    type: str = column(Key, primary=True)
    value: str = column(Key, primary=True)
    seen_from: int = column(Instant)
    seen_to: int = column(Instant)


class Person(Row, table=True):
    """A human who deals with us. Never deleted by a merge; ``root_id`` names the one that answers for all joined."""

    __tablename__ = "person"
    __table_args__ = table(Index(None, "root_id"))
    id: str = column(Key, primary=True)
    root_id: str = column(Key)
    created_at: int = column(Instant)


class IdentityLink(Row, table=True):
    """That an identity belongs to a person, from a date to a date."""

    __tablename__ = "identity_link"
    __table_args__ = table(Index(None, "identity_id"), Index(None, "person_id"))
    id: str = column(Key, primary=True)
    identity_id: str = column(Key, foreign_key="identity.id")
    person_id: str = column(Key, foreign_key="person.id")
    valid_from: int | None = column(Instant, default=None)
    valid_to: int | None = column(Instant, default=None)
    standing: str = column(Key)
    evidence: str = column(Json)
    made_by: str = column(Words)
    made_at: int = column(Instant)
    withdrawn_at: int | None = column(Instant, default=None)


class MergeLog(Row, table=True):
    """That two persons are one: who said so, by what evidence, and whether it was undone."""

    __tablename__ = "merge_log"
    __table_args__ = table(Index(None, "person_a"), Index(None, "person_b"))
    id: str = column(Key, primary=True)
    person_a: str = column(Key, foreign_key="person.id")
    person_b: str = column(Key, foreign_key="person.id")
    standing: str = column(Key)
    evidence: str = column(Json)
    made_by: str = column(Words)
    made_at: int = column(Instant)
    undone_by: str | None = column(Words, default=None)
    undone_at: int | None = column(Instant, default=None)


class NotSame(Row, table=True):
    """A decision that two persons are two. Stands until it is withdrawn."""

    __tablename__ = "not_same"
    __table_args__ = table()
    person_a: str = column(Key, primary=True)
    person_b: str = column(Key, primary=True)
    made_by: str = column(Words)
    made_at: int = column(Instant)
    withdrawn_at: int | None = column(Instant, default=None)


class Proof(Row, table=True):
    """A one-time link given to whoever reads one identity's channel, waiting to come back over another."""

    __tablename__ = "proof"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    identity_id: str = column(Key)
    issued_at: int = column(Instant)
    expires_at: int = column(Instant)
    used_at: int | None = column(Instant, default=None)
    used_by: str | None = column(Key, default=None)


class Organisation(Row, table=True):
    """A company that persons belong to."""

    __tablename__ = "organisation"
    __table_args__ = table()
    id: str = column(Key, primary=True)
    name: str = column(Words)
    created_at: int = column(Instant)


class Membership(Row, table=True):
    """That a person belongs to an organisation, from a date to a date."""

    __tablename__ = "membership"
    __table_args__ = table(Index(None, "person_id"), Index(None, "organisation_id"))
    id: str = column(Key, primary=True)
    person_id: str = column(Key, foreign_key="person.id")
    organisation_id: str = column(Key, foreign_key="organisation.id")
    valid_from: int | None = column(Instant, default=None)
    valid_to: int | None = column(Instant, default=None)
    evidence: str = column(Json)
    made_at: int = column(Instant)


class Attribute(Row, table=True):
    """What is known about an identity (language, time zone, …), dated on both clocks; the newest counts."""

    __tablename__ = "attribute"
    __table_args__ = table(Index(None, "identity_id", "name", "at"), Index("ix_attribute_name", "name", "identity_id"))
    id: str = column(Key, primary=True)
    identity_id: str = column(Key)
    name: str = column(Key)
    value: str = column(Json)
    at: int = column(Instant)
    recorded_at: int = column(Instant)
    source: str = column(Words)


class Consent(Row, table=True):
    """What somebody allowed or refused for one identity, purpose and channel (``*``: all), with the evidence."""

    __tablename__ = "consent"
    __table_args__ = table(Index(None, "identity_id", "purpose"))
    id: str = column(Key, primary=True)
    identity_id: str = column(Key)
    purpose: str = column(Key)
    channel: str = column(Key, default="*")
    allowed: int = column(Flag)
    at: int = column(Instant)
    recorded_at: int = column(Instant)
    evidence: str = column(Json)


class Suppression(Row, table=True):
    """Never write to this handle (bounced, complained, asked). ``handle_hash`` is keyed, so it outlives erasure."""

    __tablename__ = "suppression"
    __table_args__ = table()
    handle_hash: str = column(Key, primary=True)
    reason: str = column(Words)
    at: int = column(Instant)
    expires_at: int | None = column(Instant, default=None)
    lifted_at: int | None = column(Instant, default=None)

"""Which two persons may be one: the keys by which they are found, and what was found."""

from sqlalchemy import Index

from kinline.store.models.base import Count, Flag, Instant, Json, Key, Row, Words, column, table


class MatchKey(Row, table=True):
    """That an identity is found by a key, as ``name:ann archer`` (`kinline.identity.suggestions.keys`)."""

    __tablename__ = "match_key"
    __table_args__ = table(Index(None, "identity_id"), rowid=False)
    key: str = column(Key, primary=True)
    identity_id: str = column(Key, primary=True)


class MatchCount(Row, table=True):
    """How many identities are found by a key: what many share tells little."""

    __tablename__ = "match_count"
    __table_args__ = table(rowid=False)
    key: str = column(Key, primary=True)
    count: int = column(Count)


class Suggestion(Row, table=True):
    """Two persons may be one; a human decides. Its id is derived from their identities, so there is one for a pair, ever.

    ``told`` is evidence that a source gave, ``evidence`` all of it, weighed, the strongest first; both are lists of codes
    with values. ``kind`` is the code of the strongest, ``score`` in thousandths. ``settled`` while it is open and there is
    nothing to decide: they are one person, or somebody keeps them apart.
    """

    __tablename__ = "suggestion"
    __table_args__ = table(
        Index("ix_suggestion_score", "state", "settled", "score", "id"),
        Index("ix_suggestion_kind", "state", "settled", "kind", "score", "id"),
        Index(None, "person_a"),
        Index(None, "person_b"),
    )
    id: str = column(Key, primary=True)
    identity_a: str = column(Key)
    identity_b: str = column(Key)
    person_a: str = column(Key)
    person_b: str = column(Key)
    kind: str = column(Key)
    score: int = column(Count)
    evidence: str = column(Json)
    told: str = column(Json, default="[]")
    state: str = column(Key)  #: open | accepted | refused
    settled: int = column(Flag, default=0)
    made_at: int = column(Instant)
    answered_at: int | None = column(Instant, default=None)
    answered_by: str = column(Words, default="")
    merge_id: str | None = column(Key, default=None)

"""The rows of judgements, and which of them count now.

Rows are dated and never rewritten. What one of our people said counts before any scorer, the latest of them first. Among
scorers the one that judged last counts, in its greatest version; what it judged was the version of the interaction that
is shown, else it is unknown. A source that tells a topic, a sentiment or a language itself stands between people and
scorers.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import select
from sqlmodel import Session

from kinline import ids
from kinline.contract.scorer import Score
from kinline.store import sql
from kinline.store.ask import Ask, among
from kinline.store.models import ScoreRow, metadata
from kinline.triggers.history import Judged
from kinline.words import Scored

_SCORE = metadata.tables[str(ScoreRow.__tablename__)]
#: A confidence of 1 in the table.
WHOLE = 1000
#: The scorer's name where the source of the interaction says it.
SOURCE = "source"


class StoredScore(msgspec.Struct, frozen=True):
    """One judgement as it is stored. ``value`` None: unknown. ``by``: who of us said so, "" for a scorer."""

    interaction: str
    id: str
    what: Scored
    value: float | str | None
    scorer: str
    version: str
    language: str
    confidence: float
    content_hash: str
    at: int
    by: str = ""

    def judged(self) -> Judged:
        return Judged(
            value=self.value, confidence=self.confidence, scorer=self.scorer, version=self.version,
            language=self.language, by=self.by,
        )  # fmt: skip


class _ScoreLine(msgspec.Struct, frozen=True):
    interaction_id: str
    id: str
    what: str
    value: str
    scorer: str
    version: str
    language: str
    confidence: int
    content_hash: str
    at: int
    corrected_by: str


_OF = Ask(
    select(*_SCORE.c).where(among(_SCORE.c.interaction_id, "interactions")).order_by(_SCORE.c.at, _SCORE.c.id),
    _ScoreLine,
)


def keep(session: Session, rows: Iterable[StoredScore]) -> None:
    """Write these; one that is there stays as it is."""
    listed = [
        (each.interaction, each.id, str(each.what), msgspec.json.encode(each.value).decode(), each.scorer, each.version,
         each.language, round(each.confidence * WHOLE), each.content_hash, each.at, each.by)
        for each in rows
    ]  # fmt: skip
    sql.insert(session, _SCORE, sorted(listed))


def of(session: Session, interactions: Iterable[str]) -> dict[str, list[StoredScore]]:
    """All judgements of these interactions, oldest first."""
    found: dict[str, list[StoredScore]] = defaultdict(list)
    for row in _OF.rows(session, interactions=interactions):
        found[row.interaction_id].append(
            StoredScore(
                row.interaction_id, row.id, Scored(row.what), msgspec.json.decode(row.value), row.scorer, row.version,
                row.language, row.confidence / WHOLE, row.content_hash, row.at, row.corrected_by,
            )
        )  # fmt: skip
    return found


def current(rows: Iterable[StoredScore], content_hash: str, as_of: int = 2**62) -> dict[Scored, StoredScore]:
    """Which of the judgements of one interaction count, by what they judge. ``content_hash``: of the version shown."""
    sorts: dict[Scored, list[StoredScore]] = defaultdict(list)
    for row in rows:
        if row.at <= as_of and (row.by or row.content_hash == content_hash):
            sorts[row.what].append(row)
    return {what: _counts(several) for what, several in sorts.items()}


def _counts(rows: list[StoredScore]) -> StoredScore:
    ours = [row for row in rows if row.by]
    if ours:
        return max(ours, key=_latest)
    scorer = max(rows, key=_latest).scorer
    return max((row for row in rows if row.scorer == scorer), key=lambda row: (natural(row.version), *_latest(row)))


def _latest(row: StoredScore) -> tuple[int, str]:
    return row.at, row.id


def natural(version: str) -> list[tuple[int, int, str]]:
    """A version as people order versions: numbers as numbers. What stands behind a plus orders nothing (SemVer, 10)."""
    parts = re.findall(r"\d{1,18}|[^\d.]+", version.partition("+")[0])
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def from_source(doc: dict[str, Any]) -> dict[Scored, Judged]:
    """What the source of an interaction says itself: ``language``, and the facts ``topic`` and ``sentiment``."""
    facts = doc.get("facts", {})
    told = {Scored.TOPIC: facts.get("topic"), Scored.LANGUAGE: doc.get("language")}
    found = {what: _told(word) for what, word in told.items() if isinstance(word, str) and word}
    mood = facts.get("sentiment")
    if isinstance(mood, int | float) and not isinstance(mood, bool):
        found[Scored.SENTIMENT] = _told(float(mood))
    return found


def _told(value: float | str) -> Judged:
    return Judged(value=value, confidence=1.0, scorer=SOURCE)


def judgements(
    rows: Iterable[StoredScore], content_hash: str, doc: dict[str, Any], as_of: int = 2**62
) -> dict[str, Judged]:
    """What counts of one interaction, whoever said it: people, then its source, then scorers."""
    scored = current(rows, content_hash, as_of)
    found = {what: row.judged() for what, row in scored.items()} | from_source(doc)
    found |= {what: row.judged() for what, row in scored.items() if row.by}
    return {str(what): judged for what, judged in found.items()}


def by_scorer(
    interaction: str, content_hash: str, scores: dict[Scored, Score], arm: tuple[str, str, frozenset[Scored]], at: int
) -> list[StoredScore]:
    """A scorer's judgements as rows, one for each thing that it gives: what it could not tell is kept as unknown.

    ``arm``: its name and version, and what it gives. The same judgement has the same id.
    """
    name, version, gives = arm
    found = []
    for what in sorted(gives):
        score = scores.get(what) or Score(what=what, value=None)
        value = float(score.value) if isinstance(score.value, int) else score.value
        row_id = ids.derived("score", interaction, what, name, version, content_hash)
        sure = float(score.confidence) if value is not None else 0.0
        found.append(
            StoredScore(interaction, row_id, what, value, name, version, score.language, sure, content_hash, at)
        )
    return found

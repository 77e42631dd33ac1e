"""The judgements of an interaction as they are shown, with which of them counts."""

from collections.abc import Iterable, Mapping

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.scoring import rows
from kinline.triggers.history import CONFIDENT


class ScoreShown(msgspec.Struct, frozen=True):
    """A judgement. ``value`` null: it could not be told. ``by``: who of us said it, "" for a scorer.

    ``counts``: triggers look at this one, as far as it is confident enough for them.
    """

    what: str
    value: float | str | None
    confidence: float
    language: str
    scorer: str
    version: str
    at: str
    by: str
    counts: bool


def shown(several: Iterable[rows.StoredScore], content_hash: str) -> list[ScoreShown]:
    """All of one interaction, oldest first."""
    listed = list(several)
    counting = {row.id for row in rows.current(listed, content_hash).values()}
    return [
        ScoreShown(
            str(row.what), row.value, row.confidence, row.language, row.scorer, row.version, clock.to_text(row.at) or "",
            row.by, row.id in counting,
        )
        for row in listed
    ]  # fmt: skip


def known(session: Session, digests: Mapping[str, str]) -> dict[str, dict[str, float | str]]:
    """What is known surely enough of each interaction: ``{"topic": "complaint"}``. ``digests``: their content hashes."""
    found = {}
    for interaction, several in rows.of(session, digests).items():
        current = rows.current(several, digests[interaction])
        told = {
            str(what): value for what, row in current.items() if (value := row.judged().known(CONFIDENT)) is not None
        }
        if told:
            found[interaction] = dict(sorted(told.items()))
    return found

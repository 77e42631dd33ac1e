"""Judging what was recorded: read the texts, ask the scorer outside of any transaction, write what it said."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline import clock
from kinline.contract.scorer import LONGEST, Writing
from kinline.hub import Hub
from kinline.scoring import rows
from kinline.scoring.arm import ScorerThread, arm_of
from kinline.store.ask import Ask, among
from kinline.store.models import InteractionRow
from kinline.words import Direction, Kind, Role


class ScorableText(msgspec.Struct, frozen=True):
    """An interaction of which there is something to judge: its text in the version that is shown."""

    id: str
    content_hash: str
    sort_at: int
    kind: Kind
    direction: str
    channel: str
    doc: dict[str, Any]

    @property
    def writing(self) -> Writing:
        said = self.doc
        return Writing(
            text=said.get("text", "")[:LONGEST], subject=said.get("subject", "")[:LONGEST],
            language=said.get("language", ""), kind=self.kind,
        )  # fmt: skip

    def people(self) -> list[tuple[str, int]]:
        """The identities whom it concerns, each with when it was."""
        parties = self.doc.get("parties", [])
        named = {each.get("identity", "") for each in parties if each.get("role") != Role.READER}
        return [(identity, self.sort_at) for identity in sorted(named - {""})]


class _WrittenRow(msgspec.Struct, frozen=True):
    id: str
    content_hash: str
    sort_at: int
    kind: str
    direction: str
    channel: str
    doc: str


_WRITTEN = Ask(
    select(*[col(getattr(InteractionRow, name)) for name in _WrittenRow.__struct_fields__]).where(
        among(InteractionRow.id, "interactions"), col(InteractionRow.deleted_at).is_(None)
    ),
    _WrittenRow,
)


def worth_judging(text: str, subject: str, kind: str, direction: str) -> bool:
    """Whether there is anything to judge: words that a person wrote, to us or among people."""
    return bool(text or subject) and kind != Kind.NOTE and direction != Direction.OUTBOUND


def written(session: Session, interactions: Iterable[str]) -> list[ScorableText]:
    """Those of these interactions that say something."""
    made = [
        ScorableText(
            row.id,
            row.content_hash,
            row.sort_at,
            Kind(row.kind),
            row.direction,
            row.channel,
            msgspec.json.decode(row.doc),
        )
        for row in _WRITTEN.rows(session, interactions=interactions)
    ]
    return [each for each in made if each.doc.get("text") or each.doc.get("subject")]


def judge(hub: Hub, interactions: Iterable[str]) -> list[ScorableText]:
    """Have the scorer judge those that it has not judged in this version. Returns them, once the judgements are kept.

    Raises `Unavailable` when the scorer takes too long, `Misconfigured` when there is none of that name.
    """
    arm = arm_of(hub.settings)
    wanted = sorted(set(interactions))
    if arm is None or not wanted:
        return []
    with hub.store.read() as session:
        missing = _missing(session, written(session, wanted), arm)
    scores = arm.judge([each.writing for each in missing])
    now, made = clock.now(), (arm.name, arm.version, arm.gives)
    kept = [
        row
        for each, given in zip(missing, scores, strict=True)
        for row in rows.by_scorer(each.id, each.content_hash, given, made, now)
    ]
    if kept:
        with hub.store.write() as session:
            rows.keep(session, kept)
    return missing


def _missing(session: Session, found: list[ScorableText], arm: ScorerThread) -> list[ScorableText]:
    """Those without a judgement of this scorer in this version, of the text that they have now."""
    known = rows.of(session, [each.id for each in found])
    done = {
        (row.interaction, row.content_hash)
        for several in known.values()
        for row in several
        if (row.scorer, row.version) == (arm.name, arm.version)
    }
    return [each for each in found if (each.id, each.content_hash) not in done]


def unjudged(session: Session, interactions: Iterable[str]) -> list[str]:
    """Those of these that no scorer has judged in the text that they have now."""
    found = written(session, interactions)
    known = rows.of(session, [each.id for each in found])
    done = {(row.interaction, row.content_hash) for several in known.values() for row in several if not row.by}
    return [each.id for each in found if (each.id, each.content_hash) not in done]

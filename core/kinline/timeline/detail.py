"""One interaction with everything about it: its copies, its versions, where its raw bytes are."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import NotFound
from kinline.scoring import rows
from kinline.scoring.showing import ScoreShown
from kinline.scoring.showing import shown as shown_scores
from kinline.store import sql
from kinline.timeline.entries import Entry, TimelineLine, interactions


class CopyShown(msgspec.Struct, frozen=True):
    """That it reached us through an account."""

    account: str
    source_id: str
    recorded_at: str
    deleted_at: str | None


class RevisionShown(msgspec.Struct, frozen=True):
    """A version of it. ``changed_at`` is the source's time, where it has one."""

    changed_at: str | None
    recorded_at: str
    moderation: str
    content: dict[str, Any]


class Detail(msgspec.Struct, frozen=True):
    """``entry`` is what the timeline shows of it."""

    entry: Entry
    recorded_at: int
    html: str
    blob_hash: str | None
    copies: list[CopyShown]
    revisions: list[RevisionShown]
    scores: list[ScoreShown]


def read(session: Session, interaction: str, reader: AccessScope = EVERYTHING) -> Detail:
    """The interaction of that id. Raises `NotFound` when there is none, or none that the reader may see."""
    found = interactions(session, [TimelineLine(0, 0, interaction, "", "")], reader)
    if not found:
        raise NotFound("There is no such interaction.", code="no_such_interaction")
    shown = {name: value for name, value in found[0].shown.items() if name not in ("role", "standing")}
    entry = msgspec.structs.replace(found[0], shown=shown)
    recorded, html, deleted, digest, content = sql.run(
        session,
        "SELECT i.recorded_at, i.html, i.deleted_at, n.blob_hash, i.content_hash FROM interaction i LEFT JOIN intake n ON n.id = i.intake_id "
        "WHERE i.id = {p}",
        interaction,
    )[0]
    if deleted is not None:  # what was deleted at its source is not shown in any version
        return Detail(entry, recorded, "", None, _copies(session, interaction, reader), [], [])
    scores = shown_scores(rows.of(session, [interaction]).get(interaction, ()), content)
    return Detail(
        entry, recorded, html, digest, _copies(session, interaction, reader), _revisions(session, interaction), scores
    )


def _copies(session: Session, interaction: str, reader: AccessScope) -> list[CopyShown]:
    rows = sql.run(
        session,
        "SELECT a.id, a.name, c.source_id, c.recorded_at, c.deleted_at FROM interaction i "
        "JOIN copy c ON c.source_id = i.source_id AND c.interaction_id = i.id JOIN account a ON a.id = c.account_id "
        "WHERE i.id = {p} ORDER BY a.name, c.source_id",
        interaction,
    )
    return [
        CopyShown(name, source, clock.to_text(recorded) or "", clock.to_text(deleted))
        for account, name, source, recorded, deleted in rows
        if reader.accounts is None or account in reader.accounts
    ]


def _revisions(session: Session, interaction: str) -> list[RevisionShown]:
    rows = sql.run(
        session,
        "SELECT changed_at, recorded_at, moderation, doc FROM revision WHERE interaction_id = {p} "
        "ORDER BY recorded_at, content_hash",
        interaction,
    )
    return [
        RevisionShown(clock.to_text(changed), clock.to_text(recorded) or "", moderation, msgspec.json.decode(doc))
        for changed, recorded, moderation, doc in rows
    ]

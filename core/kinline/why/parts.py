"""The parts of an explanation that decisions, waits and merges have in common, and how they are read."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import AccessScope, seen_by
from kinline.reasons import Reason
from kinline.store import sql

#: Characters of an interaction's text that an explanation shows.
SNIPPET = 280


class ExplanationPart(msgspec.Struct, frozen=True, kw_only=True):
    """Base. All times are RFC 3339 texts in UTC."""


class CountedInteraction(ExplanationPart, frozen=True):
    """An interaction that counted. ``hidden``: the reader may not see what it said."""

    id: str
    at: str
    channel: str
    kind: str
    direction: str
    by: str = ""
    subject: str = ""
    text: str = ""
    deleted: bool = False
    hidden: bool = False


class Missed(ExplanationPart, frozen=True):
    """Something that did not happen: whose act was looked for, and from when to when."""

    of: str
    looked_for: str
    since: str
    until: str

    @property
    def what(self) -> Reason:
        return reason_texts.read(self.looked_for)


class KnownLink(ExplanationPart, frozen=True):
    """An identity of the person that the decision relied on, and what links it to them."""

    handle: str
    standing: str
    evidence: dict[str, Any]


class JoinedBy(ExplanationPart, frozen=True):
    """A merge that it relied on: which handles it joined, by what evidence."""

    id: str
    at: str
    by: str
    evidence: dict[str, Any]
    one: list[str]
    other: list[str]
    undone_at: str | None = None
    undone_by: str = ""


def counted(session: Session, wanted: list[str], reader: AccessScope) -> list[CountedInteraction]:
    """These interactions, in this order, as much of them as the reader may see."""
    rows = sql.select_in(
        session, "SELECT id, sort_at, channel, kind, direction, doc, deleted_at FROM interaction WHERE id {in}", wanted
    )
    visible = seen_by(session, wanted, reader)
    found = {row[0]: _one(row, hidden=row[0] not in visible) for row in rows}
    return [found[each] for each in wanted if each in found]


def _one(row: tuple[Any, ...], *, hidden: bool) -> CountedInteraction:
    interaction, at, channel, kind, direction, doc, deleted = row
    bare = CountedInteraction(
        id=interaction, at=stamp(at), channel=channel, kind=kind, direction=direction, hidden=hidden
    )
    if hidden or deleted is not None:
        return msgspec.structs.replace(bare, deleted=deleted is not None)
    said: dict[str, Any] = msgspec.json.decode(doc)
    return msgspec.structs.replace(
        bare, by=_author(said), subject=said.get("subject", "")[:SNIPPET], text=_snippet(said.get("text", ""))
    )


def _author(said: Mapping[str, Any]) -> str:
    line: dict[str, Any] = next((party for party in said.get("parties", []) if party.get("role") == "author"), {})
    return str(line.get("name") or line.get("handle", ""))


def _snippet(text: str) -> str:
    """The beginning of a text, in one line."""
    words = " ".join(text[: 4 * SNIPPET].split())
    return words if len(words) <= SNIPPET else words[: SNIPPET - 1].rstrip() + "…"


def missed(absence: Mapping[str, Any]) -> Missed:
    """An absence out of an evidence."""
    return Missed(
        of=absence["of"],
        looked_for=absence["looked_for"],
        since=stamp(absence["since"]),
        until=stamp(absence["until"]),
    )


def identities(session: Session, wanted: list[str]) -> list[KnownLink]:
    """These identities, with what links each to its person."""
    rows = sql.select_in(
        session,
        "SELECT i.type, i.issuer, i.value, l.standing, l.evidence FROM identity i "
        "JOIN identity_link l ON l.identity_id = i.id AND l.withdrawn_at IS NULL WHERE i.id {in} "
        "ORDER BY i.type, i.issuer, i.value",
        wanted,
    )
    return [
        KnownLink(handle=handle_text(*row[:3]), standing=row[3], evidence=msgspec.json.decode(row[4])) for row in rows
    ]


def merges(session: Session, wanted: list[str]) -> list[JoinedBy]:
    """These lines of the merge log."""
    rows = sql.select_in(
        session,
        "SELECT id, made_at, made_by, evidence, person_a, person_b, undone_at, undone_by FROM merge_log WHERE id {in} ORDER BY id",
        wanted,
    )
    handles = _handles_of(session, [person for row in rows for person in row[4:6]])
    return [
        JoinedBy(
            id=merge, at=stamp(at), by=by, evidence=msgspec.json.decode(evidence), one=handles.get(one, []),
            other=handles.get(other, []), undone_at=clock.to_text(undone), undone_by=undoer or "",
        )
        for merge, at, by, evidence, one, other, undone, undoer in rows
    ]  # fmt: skip


def _handles_of(session: Session, persons: Iterable[str]) -> dict[str, list[str]]:
    """What each of these very persons, not whom they were joined with, is known by."""
    rows = sql.select_in(
        session,
        "SELECT l.person_id, i.type, i.issuer, i.value FROM identity_link l JOIN identity i ON i.id = l.identity_id "
        "WHERE l.withdrawn_at IS NULL AND l.person_id {in} ORDER BY i.type, i.issuer, i.value",
        persons,
    )
    found: dict[str, list[str]] = {}
    for person, *handle in rows:
        found.setdefault(person, []).append(handle_text(*handle))
    return found


def handle_text(kind: str, issuer: str, value: str) -> str:
    """A handle as one text."""
    return f"{kind}:{issuer + '/' if issuer else ''}{value}"


def stamp(at: int) -> str:
    """A moment as RFC 3339."""
    return clock.to_text(at) or ""

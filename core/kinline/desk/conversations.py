"""Conversations as a support team sees them: list, look, and what was said in them."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import EVERYTHING, Reader
from kinline.desk import mirror
from kinline.desk.mirror import Mirrored
from kinline.desk.numbers import number_of, prefix_of
from kinline.errors import Invalid, NotFound
from kinline.identity.persons import of_identity
from kinline.store import sql
from kinline.store.models import Conversation
from kinline.threads.linked import Linked, linked
from kinline.timeline.entries import Entry, Line, interactions
from kinline.words import ConversationState

#: A conversation longer than this shows its newest part.
LONGEST = 500


class ClockShown(msgspec.Struct, frozen=True):
    """What we owe: by when, in the working time of the team. ``missed``: answers that came late before."""

    since: str | None
    due_at: str | None
    overdue: bool
    paused: bool
    missed: int


class View(msgspec.Struct, frozen=True):
    """A conversation. ``persons`` are those who took part; ``waiting_since``: they wrote last, and when.

    ``number`` is what people say; ``desk_number`` what a desk elsewhere calls it. ``clock`` is null where nothing is
    owed and nothing was missed. ``mirrored`` is what has not reached that desk. ``linked`` are conversations that came
    out of this one, or out of which this one came, under another subject; a list of conversations leaves them out.
    """

    id: str
    channel: str
    state: str
    team: str | None
    assignee: str | None
    subject: str
    persons: list[str]
    waiting_since: str | None
    outcome: str = ""
    linked: list[Linked] = []
    number: str = ""
    desk_number: str = ""
    priority: str = "normal"
    clock: ClockShown | None = None
    mirrored: list[Mirrored] = []


def find(session: Session, conversation_id: str) -> Conversation:
    """The conversation that answers for this id, joined with others or not."""
    row = session.get(Conversation, conversation_id)
    if row is not None and row.merged_into:
        row = session.get(Conversation, row.merged_into)
    if row is None:
        raise NotFound("There is no such conversation.", code="no_such_conversation")
    return row


def said(session: Session, conversation: Conversation, reader: Reader = EVERYTHING) -> list[Entry]:
    """What was said in it, oldest first."""
    rows = sql.run(
        session,
        "SELECT i.sort_at, i.sequence, i.id FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id "
        "WHERE k.conversation_id = {p} ORDER BY i.sort_at DESC, i.sequence DESC, i.id DESC LIMIT {p}",
        conversation.id,
        LONGEST,
    )
    return interactions(session, [Line(at, sequence, each, "", "") for at, sequence, each in reversed(rows)], reader)


def view(session: Session, conversation: Conversation, reader: Reader = EVERYTHING) -> View:
    """Raises `NotFound` when the reader may see nothing that was said in it."""
    entries = said(session, conversation, reader)
    if not entries and reader is not EVERYTHING:
        raise NotFound("There is no such conversation.", code="no_such_conversation")
    shown = _view(session, conversation, entries)
    return msgspec.structs.replace(shown, linked=linked(session, conversation.id))


def _view(session: Session, conversation: Conversation, entries: list[Entry]) -> View:
    docs = [msgspec.json.decode(entry.doc) for entry in entries]
    waiting = [entry for entry in entries if entry.shown["direction"] == "inbound"]
    last = entries[-1].shown if entries else {}
    theirs = waiting and last.get("id") == waiting[-1].shown["id"]
    return View(
        id=conversation.id,
        channel=conversation.channel,
        state=conversation.state,
        team=_team(session, conversation.team_id),
        assignee=conversation.assignee,
        subject=next((doc["subject"] for doc in docs if doc.get("subject")), ""),
        persons=_persons(session, docs),
        waiting_since=clock.to_text(waiting[-1].place[0]) if theirs else None,
        outcome=conversation.outcome,
        number=number_of(conversation.id),
        desk_number=conversation.number,
        priority=conversation.priority,
        clock=_clock(conversation),
        mirrored=mirror.unsent(session, conversation.id),
    )


def _clock(row: Conversation) -> ClockShown | None:
    if row.wait_since is None and not row.missed:
        return None
    return ClockShown(
        since=clock.to_text(row.wait_since), due_at=clock.to_text(row.due_at),
        overdue=row.due_at is not None and row.due_at < clock.now(),
        paused=row.wait_since is not None and row.run_since is None, missed=row.missed,
    )  # fmt: skip


#: Something was said in it that a reader of these accounts may read.
_SEEN = (
    "EXISTS (SELECT 1 FROM thread_key k JOIN interaction i ON i.thread_key_id = k.id "
    "JOIN copy y ON y.source_id = i.source_id AND y.interaction_id = i.id WHERE k.conversation_id = c.id AND y.account_id {in}) AND "
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations: in a state, of a team (its name), of an assignee, of a number (ours or another desk's),
    of a priority, overdue or not, with an answer owed or not."""

    state: str = ""
    team: str = ""
    assignee: str = ""
    number: str = ""
    priority: str = ""
    overdue: bool | None = None
    owed: bool | None = None


def listed(
    session: Session, wanted: Wanted | None = None, *, after: str = "", limit: int = 50, reader: Reader = EVERYTHING
) -> list[View]:
    """Conversations by id. Those joined into another are left out; the number of one finds the other."""
    narrowed, values = _narrowed(session, wanted or Wanted())
    statement = (
        "SELECT c.id FROM conversation c LEFT JOIN team t ON t.id = c.team_id WHERE {seen}c.id > {p} "
        f"AND c.merged_into IS NULL {narrowed} ORDER BY c.id LIMIT {{p}}"
    )
    if reader.accounts is None:
        rows = sql.run(session, statement.replace("{seen}", ""), after, *values, limit)
    else:
        rows = sql.select_in(session, statement.replace("{seen}", _SEEN), reader.accounts, after, *values, limit)
    found = [find(session, conversation) for (conversation,) in rows]
    return [_view(session, each, said(session, each, reader)) for each in found]


def _narrowed(session: Session, wanted: Wanted) -> tuple[str, list[Any]]:
    """The conditions, and their values in order."""
    if wanted.state and wanted.state not in set(ConversationState):
        raise Invalid(f"A state is one of {', '.join(ConversationState)}.", code="invalid_state", pointer="/state")
    plain = (
        ("c.state", wanted.state),
        ("t.name", wanted.team),
        ("c.assignee", wanted.assignee),
        ("c.priority", wanted.priority),
    )
    conditions: list[tuple[str, list[Any]]] = [(f"{column} = {{p}}", [value]) for column, value in plain if value]
    if wanted.overdue is not None:
        late = "c.due_at < {p}" if wanted.overdue else "(c.due_at IS NULL OR c.due_at >= {p})"
        conditions.append((late, [clock.now()]))
    if wanted.owed is not None:
        conditions.append((f"c.wait_for IS {'NOT ' if wanted.owed else ''}NULL", []))
    if wanted.number:
        found = _numbered(session, wanted.number)
        marks = ", ".join("{p}" for _ in found)
        conditions.append((f"c.id IN ({marks})" if found else "1 = 0", found))
    return "".join(f"AND {text} " for text, _ in conditions), [each for _, values in conditions for each in values]


def _numbered(session: Session, number: str) -> list[str]:
    """The conversations of that number, or into which they were joined."""
    rows = sql.run(
        session,
        "SELECT coalesce(merged_into, id) FROM conversation WHERE number <> '' AND number = {p} LIMIT 100",
        number.strip(),
    )
    prefix = prefix_of(number)
    if prefix:
        statement = "SELECT coalesce(merged_into, id) FROM conversation WHERE id >= {p} AND id <= {p} LIMIT 100"
        rows += sql.run(session, statement, prefix, prefix + "g")
    return sorted({each for (each,) in rows})


def _team(session: Session, team_id: str | None) -> str | None:
    rows = sql.run(session, "SELECT name FROM team WHERE id = {p}", team_id) if team_id else []
    return rows[0][0] if rows else None


def _persons(session: Session, docs: list[dict[str, Any]]) -> list[str]:
    identities = {party["identity"] for doc in docs for party in doc.get("parties", ()) if "identity" in party}
    return sorted({of_identity(session, identity) for identity in identities})

"""Conversations as a support team sees them: list, look, and what was said in them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, visible_to
from kinline.desk import mirror
from kinline.desk.mirror import Mirrored
from kinline.errors import NotFound
from kinline.store.ask import Ask, among, columns
from kinline.store.documents import Document, read_document
from kinline.store.models import Conversation, InteractionRow, Team, ThreadKey
from kinline.threads.linked import Linked, linked
from kinline.threads.numbers import number_of
from kinline.timeline.entries import Entry, TimelineLine, interactions
from kinline.waiting import lines, rows
from kinline.waiting.fold import Paused
from kinline.waiting.rows import StoredEpisode
from kinline.waiting.rules import Level

#: A conversation longer than this shows its newest part.
LONGEST = 500
#: Of so many of its newest lines a list tells the subject and who took part.
TOLD = 50


class ClockShown(msgspec.Struct, frozen=True):
    """What we owe: by when, in the working time of the team. ``missed``: answers that came late before."""

    since: str | None
    due_at: str | None
    overdue: bool
    paused: bool
    missed: int


class View(msgspec.Struct, frozen=True):
    """A conversation. ``persons`` are those who took part; ``waiting_since``: somebody waits for our answer, and since when.

    ``number`` is what people say; ``desk_number`` what a desk elsewhere calls it. ``clock`` is null where nothing is
    owed and nothing was missed. ``mirrored`` is what has not reached that desk. ``visibility``: who gets what is said in
    it: everybody who comes by (``public``), all who take part (``participants``), or those whom each message is addressed
    to (``addressed``). ``snoozed_until``: it was put off until then. ``linked`` are conversations in which the same message is spoken of, and why they are others; a list
    of conversations leaves them out.
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
    visibility: str = "public"
    snoozed_until: str | None = None
    clock: ClockShown | None = None
    mirrored: list[Mirrored] = []


class ConversationStanding(msgspec.Struct, frozen=True):
    """A conversation as its row tells it, and by which moment it stands in a list."""

    id: str
    channel: str
    state: str
    team: str | None
    assignee: str | None
    outcome: str
    number: str
    priority: str
    visibility: str
    waiting_since: int | None
    snoozed_at: int | None
    snoozed_until: int | None
    asked_at: int | None
    at: int | None


def standing_columns(at: object) -> list[Any]:
    """What a statement selects for a `ConversationStanding`; ``at`` is the moment by which it stands in its list."""
    return columns(Conversation, ConversationStanding, team=Team.name, at=at)


_STANDING = Ask(
    select(*standing_columns(Conversation.last_at))
    .outerjoin(Team, col(Team.id) == col(Conversation.team_id))
    .where(col(Conversation.id) == bindparam("conversation")),
    ConversationStanding,
)


class _Spoken(msgspec.Struct, frozen=True):
    conversation_id: str
    doc: str


class _Said(msgspec.Struct, frozen=True):
    sort_at: int
    sequence: int
    id: str


_SAID = Ask(
    select(col(InteractionRow.sort_at), col(InteractionRow.sequence), col(InteractionRow.id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(among(col(ThreadKey.conversation_id), "conversations"))
    .order_by(col(InteractionRow.sort_at).desc(), col(InteractionRow.sequence).desc(), col(InteractionRow.id).desc())
    .limit(LONGEST),
    _Said,
)


def find(session: Session, conversation_id: str) -> Conversation:
    """The conversation that answers for this id, joined with others or not."""
    row = session.get(Conversation, conversation_id)
    if row is not None and row.merged_into:
        row = session.get(Conversation, row.merged_into)
    if row is None:
        raise NotFound("There is no such conversation.", code="no_such_conversation")
    return row


def said(session: Session, conversation: Conversation, reader: AccessScope = EVERYTHING) -> list[Entry]:
    """What was said in it, oldest first."""
    found = _SAID.rows(session, conversations=[conversation.id])
    return interactions(
        session, [TimelineLine(row.sort_at, row.sequence, row.id, "", "") for row in reversed(found)], reader
    )


def view(session: Session, conversation: Conversation, reader: AccessScope = EVERYTHING) -> View:
    """Raises `NotFound` when the reader may see nothing that was said in it."""
    here = _STANDING.first(session, conversation=conversation.id)
    found = views(session, [here] if here else [], reader)
    if not found:
        raise NotFound("There is no such conversation.", code="no_such_conversation")
    return msgspec.structs.replace(found[0], linked=linked(session, conversation.id))


def views(
    session: Session, conversations: Sequence[ConversationStanding], reader: AccessScope = EVERYTHING
) -> list[View]:
    """Several at once, in the order given, without those of which the reader may see nothing. A fixed number of statements,
    however many there are."""
    wanted = [each.id for each in conversations]
    docs = _docs(session, wanted, reader)
    held = lines.holders(session, {party.identity for told in docs.values() for doc in told for party in doc.parties})
    waiting = _waiting(session, wanted)
    unsent = mirror.unsent(session, wanted)
    return [
        _view(each, docs.get(each.id, []), held, waiting.get(each.id, []), unsent.get(each.id, []))
        for each in conversations
        if each.id in docs or reader is EVERYTHING
    ]


def _view(
    row: ConversationStanding, docs: Sequence[Document], held: dict[str, str], waiting: Sequence[StoredEpisode], unsent: list[Mirrored]
) -> View:  # fmt: skip
    return View(
        id=row.id,
        channel=row.channel,
        state=row.state,
        team=row.team,
        assignee=row.assignee,
        subject=next((doc.subject for doc in docs if doc.subject), ""),
        persons=sorted({held[party.identity] for doc in docs for party in doc.parties if party.identity in held}),
        waiting_since=clock.to_text(row.waiting_since),
        outcome=row.outcome,
        number=number_of(row.id),
        desk_number=row.number,
        priority=row.priority,
        visibility=row.visibility,
        snoozed_until=clock.to_text(row.snoozed_until) if _snoozed(row) else None,
        clock=_clock(row, waiting),
        mirrored=unsent,
    )


def _snoozed(row: ConversationStanding) -> bool:
    """It was put off, its time has not come, and nobody has asked since."""
    put_off = row.snoozed_until is not None and row.snoozed_until > clock.now()
    return put_off and (row.asked_at is None or row.asked_at <= (row.snoozed_at or 0))


def _clock(row: ConversationStanding, waiting: Sequence[StoredEpisode]) -> ClockShown | None:
    """The clock of whoever waits longest for a promised answer, and how many answers came late before."""
    missed = sum(1 for each in waiting if _came_late(each))
    open_ones = [each for each in waiting if each.episode.open and each.episode.level is Level.DIRECT]
    running = sorted((each for each in open_ones if _promised(each, row)), key=lambda each: each.episode.since)
    if not running and not missed:
        return None
    due = min((each.due_at for each in running if each.due_at is not None), default=None)
    return ClockShown(
        since=clock.to_text(running[0].episode.since) if running else None, due_at=clock.to_text(due),
        overdue=due is not None and due < clock.now(), paused=bool(running) and due is None, missed=missed,
    )  # fmt: skip


def _came_late(row: StoredEpisode) -> bool:
    return row.episode.ended_at is not None and row.due_at is not None and row.due_at < row.episode.ended_at


def _promised(row: StoredEpisode, here: ConversationStanding) -> bool:
    """Whether a clock of it runs, or rests: nothing is promised where neither is known."""
    return row.due_at is not None or row.episode.paused_how == Paused.PEER or here.state == "on_hold"


def _docs(session: Session, conversations: Collection[str], reader: AccessScope) -> dict[str, list[Document]]:
    """What the newest lines of each say of subject and people, oldest first, as far as the reader sees them."""
    found: dict[str, list[Document]] = {}
    ask = _SPOKEN[reader.accounts is not None]
    for row in ask.rows(session, conversations=sorted(conversations), **accounts_of(reader)):
        found.setdefault(row.conversation_id, []).append(read_document(row.doc))
    return found


def _spoken(reader: AccessScope) -> Ask[_Spoken]:
    newest = (
        select(
            col(ThreadKey.conversation_id),
            col(InteractionRow.doc),
            col(InteractionRow.sort_at),
            col(InteractionRow.id),
            func.row_number()
            .over(
                partition_by=col(ThreadKey.conversation_id),
                order_by=(col(InteractionRow.sort_at).desc(), col(InteractionRow.id).desc()),
            )
            .label("number"),
        )
        .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
        .where(among(col(ThreadKey.conversation_id), "conversations"), visible_to(reader, InteractionRow))
        .subquery()
    )
    return Ask(
        select(newest.c.conversation_id, newest.c.doc)
        .where(newest.c.number <= TOLD)
        .order_by(newest.c.conversation_id, newest.c.sort_at, newest.c.id),
        _Spoken,
    )


_SPOKEN = {True: _spoken(AccessScope(frozenset())), False: _spoken(EVERYTHING)}


def _waiting(session: Session, conversations: Iterable[str]) -> dict[str, list[StoredEpisode]]:
    found: dict[str, list[StoredEpisode]] = {}
    for row in rows.every_in(session, conversations):
        found.setdefault(row.place, []).append(row)
    return found

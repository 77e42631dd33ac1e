"""Who takes part in a conversation and who waits in it, as far as the address of an answer follows from that."""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.followups.routes import handle_of
from kinline.store.ask import Ask, Id, among, columns
from kinline.store.documents import Document, DocumentParty, read_document
from kinline.store.models import InteractionRow, Participant, ThreadKey
from kinline.waiting import lines, rows, rules
from kinline.waiting.clocks import FOREVER
from kinline.waiting.rules import Level
from kinline.words import Direction, Kind, Role, Standing

#: Of a conversation so many of its newest lines are looked at.
NEWEST = 500


class Member(msgspec.Struct, frozen=True):
    """Somebody outside who takes part, seen by all who do."""

    person: str
    identity: str
    handle: str
    name: str = ""


class ConversationLine(msgspec.Struct, frozen=True):
    """Something that was said in it. ``recipients``: those outside who visibly got it, in their order; ``reply_to``: where
    its author wants the answer (handles), where that is not where it came from; ``people``: a person said it."""

    id: str
    at: int
    ours: bool
    people: bool
    proved: bool
    author: Member | None
    author_handle: str
    recipients: tuple[Member, ...]
    reply_to: tuple[str, ...]
    thread: str = ""  #: under which it was said where it lives: a ticket, a direct message

    @property
    def shown(self) -> tuple[Member, ...]:
        return (*([self.author] if self.author else []), *self.recipients)

    def shows(self, person: str) -> bool:
        return any(member.person == person for member in self.shown)


class OpenWait(msgspec.Struct, frozen=True):
    """Somebody who waits in it for an answer of ours. ``person``: "" of somebody who left no handle."""

    person: str
    since: int
    asked_id: str


class Participants(msgspec.Struct, frozen=True):
    """A conversation as its answer sees it: the newest line first, who waits longest first."""

    visibility: str
    lines: tuple[ConversationLine, ...]
    waits: tuple[OpenWait, ...]

    def members(self) -> dict[str, Member]:
        """Everybody outside who takes part, by person, as they stand on their newest line."""
        return {member.person: member for line in reversed(self.lines) if line.people for member in line.shown}

    def vouched(self) -> set[str]:
        """The persons who take part by more than the word of somebody who is not proved: who stood on the oldest line, and
        whom one of us, or one of them who is proved, added."""
        people = [line for line in reversed(self.lines) if line.people]
        found = {member.person for line in people[:1] for member in line.shown}
        for line in people:
            if line.ours or (line.proved and line.author and line.author.person in found):
                found |= {member.person for member in line.shown}
        return found

    def line(self, interaction: str) -> ConversationLine | None:
        return next((line for line in self.lines if line.id == interaction), None)

    def newest_of(self, person: str) -> ConversationLine | None:
        """The newest line that is proved to be theirs; else that has their name, or on which they stand."""
        people = [line for line in self.lines if line.people]
        wrote = [line for line in people if line.author and line.author.person == person]
        sure = (line for line in wrote if line.proved)
        return next(sure, next(iter(wrote), next((line for line in people if line.shows(person)), None)))

    def newest(self, *, ours: bool) -> ConversationLine | None:
        return next((line for line in self.lines if line.people and line.ours == ours), None)


class _LineRow(msgspec.Struct, frozen=True):
    id: str
    sort_at: int
    direction: str
    automatic: str
    moderation: str
    deleted_at: int | None
    followup_id: str | None
    author_id: str | None
    thread_key_id: str | None
    doc: str


_LINE = select(*columns(InteractionRow, _LineRow))
_LINES = Ask(
    _LINE.join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(col(ThreadKey.conversation_id) == bindparam("conversation"), col(InteractionRow.kind) != Kind.NOTE.value)
    .order_by(col(InteractionRow.sort_at).desc(), col(InteractionRow.sequence).desc(), col(InteractionRow.id).desc())
    .limit(NEWEST),
    _LineRow,
)
_ALONE = Ask(_LINE.where(col(InteractionRow.id) == bindparam("interaction")), _LineRow)
#: Those of these that are proved to be their author's.
_PROVED = Ask(
    select(col(Participant.interaction_id).label("id")).where(
        among(col(Participant.identity_id), "identities"),
        col(Participant.sort_at) >= bindparam("since"),
        among(col(Participant.interaction_id), "interactions"),
        col(Participant.role) == Role.AUTHOR.value,
        col(Participant.standing) == Standing.VERIFIED.value,
    ),
    Id,
)


def participants(session: Session, conversation: str, visibility: str) -> Participants:
    """Who takes part in a conversation, and who waits in it."""
    found = _read(session, _LINES.rows(session, conversation=conversation))
    return Participants(visibility, tuple(found), tuple(_waits(session, conversation)))


def alone(session: Session, interaction: str) -> ConversationLine | None:
    """One interaction by itself, in whatever conversation."""
    return next(iter(_read(session, _ALONE.rows(session, interaction=interaction))), None)


def _read(session: Session, rows_: list[_LineRow]) -> list[ConversationLine]:
    docs = {row.id: read_document(row.doc) for row in rows_}
    held = lines.holders(session, {party.identity for doc in docs.values() for party in doc.parties if party.identity})
    authors = {row.author_id for row in rows_ if row.author_id}
    proved = _PROVED.rows(
        session, identities=authors, interactions=docs, since=min((row.sort_at for row in rows_), default=0)
    ) if authors else []  # fmt: skip
    found = [_line(row, docs[row.id], held, {each.id for each in proved}) for row in rows_]
    return _as_asked(session, found)


def _as_asked(session: Session, found: list[ConversationLine]) -> list[ConversationLine]:
    """What one of us passed on counts as said by whoever was named as having asked it."""
    askers = lines.askers(session, [line.id for line in found if line.ours])
    held = lines.holders(session, askers.values()) if askers else {}
    return [
        msgspec.structs.replace(line, ours=False, proved=True, author=_member(session, askers[line.id], held))
        if askers.get(line.id) in held
        else line
        for line in found
    ]


def _member(session: Session, identity: str, held: Mapping[str, str]) -> Member:
    return Member(held[identity], identity, str(handle_of(session, identity)))


def _line(row: _LineRow, doc: Document, held: Mapping[str, str], proved: set[str]) -> ConversationLine:
    author = next((party for party in doc.parties if party.role == Role.AUTHOR), DocumentParty(Role.AUTHOR))
    shown = (party for party in doc.parties if party.role == Role.RECIPIENT and not party.hidden)
    ours = row.direction == Direction.OUTBOUND
    machine = bool(row.automatic) and not (ours and row.followup_id)
    return ConversationLine(
        id=row.id, at=row.sort_at, ours=ours, proved=row.id in proved, author_handle=author.handle,
        people=not machine and not rules.moderated_away(row.moderation) and row.deleted_at is None,
        author=next(iter(_members([author], held)), None) if not ours else None,
        thread=row.thread_key_id or "", recipients=tuple(_members(shown, held)), reply_to=tuple(_elsewhere(doc, author)),
    )  # fmt: skip


def _members(parties: Iterable[DocumentParty], held: Mapping[str, str]) -> Iterable[Member]:
    for party in parties:
        if not party.ours and party.identity in held:
            yield Member(held[party.identity], party.identity, party.handle, party.name)


def _elsewhere(doc: Document, author: DocumentParty) -> Iterable[str]:
    """Where its author wants the answer, where that is neither us, nor where it came from or there too."""
    known, named = {party.handle.casefold() for party in doc.parties if party.ours}, lines.reply_to(doc.facts)
    if author.handle.casefold() in map(str.casefold, named):
        return ()
    return (each for each in named if each.casefold() not in known)


def _waits(session: Session, conversation: str) -> Iterable[OpenWait]:
    running = [row for row in rows.open_in(session, [conversation], FOREVER) if row.episode.level is Level.DIRECT]
    held = lines.holders(session, {row.who for row in running})
    found: dict[str, OpenWait] = {}
    for row in sorted(running, key=lambda each: (each.episode.since, each.id)):
        person = held.get(row.who, "")
        found.setdefault(person or row.id, OpenWait(person, row.episode.since, row.episode.asked_id))
    return found.values()

"""Interactions read from the store as waiting sees them, with what they answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import and_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.store.ask import Ask, IdPair, among, columns
from kinline.store.documents import Document, DocumentParty, read_document
from kinline.store.models import (
    Asker,
    Conversation,
    IdentityLink,
    InteractionRow,
    MessageReference,
    Person,
    ThreadKey,
)
from kinline.waiting import rules
from kinline.waiting.beside import LineContext, LineRow
from kinline.waiting.rules import WaitingLine
from kinline.words import PRIVATE, Direction, HandleType, Origin, Role, Visibility

_Parent, _Child = aliased(MessageReference), aliased(MessageReference)


_LINES = Ask(
    select(
        *columns(InteractionRow, LineRow, conversation_id=ThreadKey.conversation_id, visibility=Conversation.visibility)
    )
    .outerjoin(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .outerjoin(Conversation, col(Conversation.id) == col(ThreadKey.conversation_id))
    .where(among(col(InteractionRow.id), "interactions")),
    LineRow,
)
#: What answers them: as its channel says, and as a mail names the nearest that it answers.
_BELOW = Ask(
    select(col(InteractionRow.answers_id).label("one"), col(InteractionRow.id).label("other"))
    .where(among(col(InteractionRow.answers_id), "interactions"), col(InteractionRow.answers_id).is_not(None))
    .union_all(
        select(col(_Parent.interaction_id), col(_Child.interaction_id))
        .join(_Child, and_(col(_Child.key_id) == col(_Parent.key_id), col(_Child.own) == 0, col(_Child.place) == 1))
        .where(among(col(_Parent.interaction_id), "interactions"), col(_Parent.own) == 1)
    ),
    IdPair,
)
_HOLDERS = Ask(
    select(col(IdentityLink.identity_id).label("one"), col(Person.root_id).label("other"))
    .join(Person, col(Person.id) == col(IdentityLink.person_id))
    .where(among(col(IdentityLink.identity_id), "identities"), col(IdentityLink.withdrawn_at).is_(None)),
    IdPair,
)
#: Who asked what one of us passed on, where somebody said so.
_ASKERS = Ask(
    select(col(Asker.interaction_id).label("one"), col(Asker.identity_id).label("other")).where(
        among(col(Asker.interaction_id), "interactions")
    ),
    IdPair,
)


def load(
    session: Session, interactions: Iterable[str], known: Mapping[str, WaitingLine] | None = None
) -> dict[str, WaitingLine]:
    """These interactions, what they answer, and further up what it takes to know how they ask. ``known``: what was loaded
    already, perhaps as what others answer, and so without what it answers itself."""
    found: dict[str, WaitingLine] = {}
    below: dict[str, list[WaitingLine]] = defaultdict(list)
    wanted, known = set(interactions), known or {}
    for number in range(rules.FURTHEST):
        wanted -= found.keys()
        lines = _load(session, sorted(wanted - known.keys())) | {each: known[each] for each in wanted & known.keys()}
        if not lines:
            break
        found |= lines
        for line in lines.values():
            for each in line.answers:
                below[each].append(line)
        wanted = {
            each for line in lines.values() if number == 0 or _matters(line, below[line.id], number) for each in line.answers
        }  # fmt: skip
    return found


def _matters(line: WaitingLine, below: Iterable[WaitingLine], number: int) -> bool:
    """Whether it matters for those below it what this line answers: how it asks, and so whether somebody helped; whether
    their words go on with it."""
    theirs = [each for each in below if not each.ours]
    if line.ours or not theirs:
        return False
    return number == 1 or any(each.person == line.person or each.direction == Direction.AMONG for each in theirs)


def answering(session: Session, interactions: Iterable[str]) -> set[str]:
    """What answers these, as far as it is here."""
    listed = sorted(interactions)
    if not listed:
        return set()
    return {row.other for row in _BELOW.rows(session, interactions=listed)}


def holders(session: Session, identities: Iterable[str]) -> dict[str, str]:
    """The person who answers for each identity now."""
    listed = sorted(set(identities))
    return {row.one: row.other for row in _HOLDERS.rows(session, identities=listed)} if listed else {}


def _load(session: Session, wanted: list[str]) -> dict[str, WaitingLine]:
    if not wanted:
        return {}
    rows = _LINES.rows(session, interactions=wanted)
    docs = {row.id: read_document(row.doc) for row in rows}
    held = holders(session, (party.identity for doc in docs.values() for party in doc.parties if party.identity))
    beside = LineContext(session, rows, {row.id: doc.flags for row, doc in zip(rows, docs.values(), strict=True)}, held)
    lines = {row.id: _line(row, docs[row.id], held, beside) for row in rows}
    return lines | _passed_on(session, lines)


def askers(session: Session, interactions: Sequence[str]) -> dict[str, str]:
    """The identities that were named as having asked what one of us passed on, by interaction."""
    rows = _ASKERS.rows(session, interactions=interactions) if interactions else []
    return {pair.one: pair.other for pair in rows}


def _passed_on(session: Session, lines: Mapping[str, WaitingLine]) -> dict[str, WaitingLine]:
    """What one of us passed on stands for the words of whoever was named as having asked."""
    named = askers(session, [line.id for line in lines.values() if line.among_us])
    held = holders(session, named.values()) if named else {}
    return {
        each: msgspec.structs.replace(
            lines[each], who=identity, person=held.get(identity, identity), direction=Direction.INBOUND, among_us=False, to_us=True
        )
        for each, identity in named.items()
    }  # fmt: skip


def _line(row: LineRow, doc: Document, held: Mapping[str, str], beside: LineContext) -> WaitingLine:
    ours, answers = row.direction == Direction.OUTBOUND, beside.answers(row)
    others = [party for party in doc.parties if party.role != Role.AUTHOR]
    passed_on = ours and not answers and _to_us_alone(row, doc, others)
    who = row.id if passed_on else "" if ours else row.author_id or row.id
    private = Visibility.PARTICIPANTS if row.kind in PRIVATE else Visibility.PUBLIC
    live = row.origin == Origin.LIVE and not ours
    at = min(row.sort_at, row.recorded_at) if live else row.sort_at
    return WaitingLine(
        id=row.id, at=at, place=row.conversation_id or row.id, who=who, person=held.get(who, who),
        channel=row.channel, kind=row.kind, direction=row.direction, visibility=row.visibility or private,
        automatic=bool(row.automatic), away=rules.moderated_away(row.moderation),
        unsure=not beside.is_vouched(row) and not rules.UNSURE.isdisjoint(doc.flags), vouched=beside.is_vouched(row),
        known_at=row.recorded_at if live and not _is_desk(row.channel) else at, written_at=beside.written_at(row),
        imported=row.origin == Origin.IMPORT, deleted_at=row.deleted_at,
        to_us=any(party.ours and party.role == Role.RECIPIENT for party in others),
        taken=any(party.ours for party in doc.parties) and not _missed(doc),
        reached=frozenset(held[party.identity] for party in others if party.identity in held),
        shown=frozenset(held[party.identity] for party in doc.parties if party.identity in held and _is_visible(party)),
        answers=answers, failed_to=beside.failed_to(row), also_asks=beside.wants_an_answer(row), among_us=passed_on,
        went_to=_went_to(others, held, beside.failed_to(row)) if ours else frozenset(),
        wants_at=frozenset() if ours else _wants_at(doc),
    )  # fmt: skip


def _wants_at(doc: Document) -> frozenset[str]:
    """Where its author wants the answer, and not at their own address too."""
    named = frozenset(map(str.casefold, reply_to(doc.facts)))
    own = {party.handle.casefold() for party in doc.parties if party.role == Role.AUTHOR}
    return named if own.isdisjoint(named) else frozenset()


def _went_to(others: Iterable[DocumentParty], held: Mapping[str, str], failed_to: frozenset[str]) -> frozenset[str]:
    got = (party for party in others if party.role == Role.RECIPIENT and held.get(party.identity, "") not in failed_to)
    return frozenset(party.handle.casefold() for party in got if party.handle)


def reply_to(facts: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
    """The handles at which the author of a mail wants the answer, as its facts say."""
    try:
        named = msgspec.json.decode(facts.get("reply_to", b"[]"), type=tuple[str, ...])
    except msgspec.ValidationError:  # whoever posts an interaction calls its facts as they like
        return ()
    return tuple(f"{HandleType.EMAIL}:{each}" for each in named)


def _is_desk(channel: str) -> bool:
    """Whether what is said there stands in the order of a desk elsewhere, as does what is done there."""
    found = channels().loaded.get(channel)
    return found is not None and Ability.DESK in found.can


def _is_visible(party: DocumentParty) -> bool:
    return not party.hidden and party.role in (Role.AUTHOR, Role.RECIPIENT)


def _missed(doc: Document) -> bool:
    """Nobody took the call: it rang, or somebody spoke to a machine."""
    return any(bytes(doc.facts.get(name, b"")) == b"true" for name in ("missed", "voicemail"))


def _to_us_alone(row: LineRow, doc: Document, others: list[DocumentParty]) -> bool:
    """One of us wrote a mail to a mailbox of ours, and to nobody else: they passed something on."""
    named = row.visibility == Visibility.ADDRESSED and row.followup_id is None
    return named and bool(others) and all(party.ours for party in others)

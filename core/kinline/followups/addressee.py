"""Whom an answer in a conversation goes to: whoever is named, else whoever that clearly is, else nobody (docs/desk.md).

Never the last writer as such. What is not clear is a 409 with the choices, and an answer reaches nobody whom its author
was not shown.
"""

from collections.abc import Iterable, Sequence
from typing import NoReturn

import msgspec
from sqlmodel import Session

from kinline import clock, handles
from kinline.domains import organisation_of
from kinline.errors import Conflict, Invalid, NotFound
from kinline.followups.participants import ConversationLine, Member, Participants, alone, participants
from kinline.identity import persons
from kinline.identity.meeting import meet
from kinline.identity.parties import Who, identify
from kinline.messages import Party
from kinline.store.models import Conversation
from kinline.waiting.rules import MANY
from kinline.words import Role, Visibility


class WantedRecipients(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said of it. ``to``: a person or a handle; ``cc``: those who get a copy, None: as usual; ``answers``:
    the interactions that it answers."""

    to: str = ""
    cc: tuple[str, ...] | None = None
    answers: tuple[str, ...] = ()


class DroppedCopy(msgspec.Struct, frozen=True):
    """Somebody who stood in copy and gets none. ``why``: ``suppressed``; ``unproved`` (put there by somebody who is not
    proved to be who they say); ``too_many`` (it went to many); ``no_copies`` (the channel carries none)."""

    handle: str
    why: str


class Choice(msgspec.Struct, frozen=True):
    """Somebody whom it may be meant for. ``since``: they wait for an answer to ``interaction`` since then."""

    handle: str
    person: str
    name: str
    since: str | None = None
    interaction: str | None = None


class Addressee(msgspec.Struct, frozen=True):
    """Whom an answer goes to. ``handle`` is the very one where it is ``exact``, else by which they stand there; ``about`` is
    what it answers, ``also`` what else; ``dropped`` stood in copy."""

    person: str
    handle: str
    exact: bool
    name: str
    about: str
    copies: tuple[Member, ...] = ()
    also: tuple[str, ...] = ()
    dropped: tuple[DroppedCopy, ...] = ()


class _Chosen(msgspec.Struct, frozen=True):
    """Who gets it, in answer to which line, with whom in copy (None: those on that line). ``handle``: the very one that
    somebody named."""

    person: str
    line: ConversationLine
    others: tuple[Member, ...] | None = None
    handle: str = ""


def addressee(session: Session, conversation: Conversation, wanted: WantedRecipients) -> Addressee:
    """Raises `Conflict` ``several_waiting``, ``addressee_unclear``, ``reply_to_differs`` or ``nobody_to_answer``, each with
    its ``choices``; `Invalid` ``not_a_party``, ``no_copies`` or ``unknown_interaction``, with a pointer."""
    here = participants(session, conversation.id, conversation.visibility)
    asked = [_asked(session, here, each, number) for number, each in enumerate(wanted.answers)]
    chosen = _named(session, here, asked, wanted.to) if wanted.to else _default(here, asked)
    stands = next((member for member in chosen.line.shown if member.person == chosen.person), None)
    handle = chosen.handle or _address(session, chosen.line, chosen.person)
    copies, dropped = _copies(here, chosen, wanted.cc)
    also = _also(here, asked, chosen, {chosen.person, *(each.person for each in copies)})
    return Addressee(
        person=chosen.person, handle=handle, exact=stands is None or handle != stands.handle or bool(wanted.to),
        name=stands.name if stands else "", about=chosen.line.id, copies=copies, dropped=dropped, also=also,
    )  # fmt: skip


def address_of(session: Session, interaction: str) -> str:
    """The handle to which an answer to this interaction goes. Raises `Conflict` ``reply_to_differs``."""
    line = alone(session, interaction)
    if line is None or line.author is None:
        return ""
    return _address(session, line, line.author.person)


def identity_for(session: Session, person: str, about: str, to: str) -> str:
    """The identity of a handle of this person's, or at which they want the answer to this. Raises `Invalid`
    ``not_a_party``."""
    handle = _handle(to)
    line = alone(session, about) if about else None
    wanted = line.reply_to if line and line.author and line.author.person == person else ()
    if handle and (handle in wanted or _person(session, handle) == person):
        return identity_of(session, handle)
    raise Invalid("This is no handle of theirs.", code="not_a_party", pointer="/to")


def identity_of(session: Session, handle: str, pointer: str = "/to") -> str:
    """The identity of a handle, made where nobody was known by it."""
    party = Party(role=Role.RECIPIENT, handle=handles.parse(handle))
    known = identify(party.handle) if party.handle else None
    if known is None or known.blocked:
        raise Invalid(f"Nobody reads {handle.partition(':')[2]}.", code="machine_mailbox", pointer=pointer)
    meet(session, [(Who(party, known.handle, known.id), clock.now())])
    return known.id


def _asked(session: Session, here: Participants, interaction: str, number: int) -> ConversationLine:
    line = here.line(interaction) or alone(session, interaction)
    if line is None or line.ours or line.author is None:
        raise Invalid(
            "This is no word of somebody who could be answered.",
            code="unknown_interaction",
            pointer=f"/answers/{number}",
        )
    return line


def _named(session: Session, here: Participants, asked: Sequence[ConversationLine], to: str) -> _Chosen:
    """Whoever was named: somebody who takes part, by any handle of theirs, or where they want the answer."""
    handle = _handle(to)
    wanted = ((line, each) for line in here.lines for each in line.reply_to if each.casefold() == handle.casefold())
    for line, address in wanted:
        return _Chosen(line.author.person if line.author else "", line, handle=address)
    person = _person(session, to)
    found = _line_for(here, asked, person)
    if found is None or person not in here.members():
        raise Invalid(
            "They take no part in this conversation.", code="not_a_party", pointer="/to", choices=_choices(here)
        )
    return _Chosen(person, found, handle=handle)


def _person(session: Session, text: str) -> str:
    try:
        return persons.find(session, text)
    except (NotFound, Invalid):
        return ""


def _handle(text: str) -> str:
    """The handle that somebody named; "" where they named a person by id, or nobody."""
    if ":" not in text and "@" not in text:
        return ""
    try:
        return str(handles.parse(text if ":" in text else f"email:{text}"))
    except Invalid:
        return ""


def _line_for(here: Participants, asked: Sequence[ConversationLine], person: str) -> ConversationLine | None:
    said = [line for line in asked if line.author and line.author.person == person and here.line(line.id)]
    return said[0] if said else here.newest_of(person)


def _default(here: Participants, asked: Sequence[ConversationLine]) -> _Chosen:
    if asked:
        return _answering(here, asked)
    members, waiting = here.members(), [wait.person for wait in here.waits]
    if waiting == [""] or not members:
        raise Conflict("Whoever asked left no address to answer to.", code="nobody_to_answer", choices=_choices(here))
    if len(waiting) == 1:
        return _theirs(here, waiting[0])
    if waiting:
        return _together(here, waiting)
    return _theirs(here, next(iter(members))) if len(members) == 1 else _nobody_waits(here)


def _theirs(here: Participants, person: str) -> _Chosen:
    line = here.newest_of(person)
    if line is None:
        _unclear(here)
    return _Chosen(person, line)


def _answering(here: Participants, asked: Sequence[ConversationLine]) -> _Chosen:
    """What is answered was named: its author gets it; of several in private, only where all are shown on one line."""
    first = asked[0]
    who = list(dict.fromkeys(line.author.person for line in asked if line.author))
    if len(who) == 1 or here.visibility == Visibility.PUBLIC:
        return _Chosen(who[0], first)
    return _together(here, who)


def _together(here: Participants, waiting: Sequence[str]) -> _Chosen:
    """Several wait: whoever waits longest, with the others in copy, where all of them see each other."""
    newest = here.newest(ours=False)
    if here.visibility == Visibility.PARTICIPANTS:
        first = here.newest_of(waiting[0]) if waiting[0] else None
        audience = {each.person for each in _audience(here, first)} if first else set()
        if first and set(waiting) <= audience:
            return _Chosen(waiting[0], first)
    elif here.visibility == Visibility.ADDRESSED and newest and _all_of_them(here, newest, waiting):
        return _Chosen(waiting[0], newest, tuple(each for each in newest.shown if each.person != waiting[0]))
    raise Conflict(
        "Several wait for an answer here: say who gets this one.", code="several_waiting", choices=_choices(here)
    )


def _all_of_them(here: Participants, line: ConversationLine, persons_: Sequence[str]) -> bool:
    """Whether all of these stand on that line, and take part by more than the word of somebody who is not proved."""
    return set(persons_) <= here.vouched() and all(map(line.shows, persons_))


def _audience(here: Participants, about: ConversationLine) -> list[Member]:
    """Everybody who takes part where it was said: in that ticket, whatever other one an agent joined it with."""
    there = msgspec.structs.replace(here, lines=tuple(line for line in here.lines if line.thread == about.thread))
    return list(there.members().values())


def _nobody_waits(here: Participants) -> _Chosen:
    """Those to whom we wrote last; in a ticket whoever began it."""
    if here.visibility == Visibility.PARTICIPANTS:
        authors = [line.author for line in here.lines if line.people and line.author]
        return _theirs(here, authors[-1].person) if authors else _unclear(here)
    ours = here.newest(ours=True)
    if ours is None or not ours.recipients or here.visibility == Visibility.PUBLIC:
        _unclear(here)
    first, *others = ours.recipients
    return _Chosen(first.person, here.newest_of(first.person) or ours, tuple(others))


def _unclear(here: Participants) -> NoReturn:
    raise Conflict(
        "Nobody waits here, and several took part: say who gets this.", code="addressee_unclear", choices=_choices(here)
    )


def _choices(here: Participants) -> list[Choice]:
    """Everybody who takes part, those who wait first."""
    members = here.members()
    waits = {wait.person: wait for wait in here.waits if wait.person in members}
    order = [*waits, *(person for person in members if person not in waits)]
    return [_choice(members[person], waits.get(person)) for person in order]


def _choice(member: Member, wait: object = None) -> Choice:
    since = getattr(wait, "since", None)
    return Choice(
        handle=member.handle, person=member.person, name=member.name, since=clock.to_text(since),
        interaction=getattr(wait, "asked_id", None),
    )  # fmt: skip


def _address(session: Session, line: ConversationLine, person: str) -> str:
    """The handle of theirs that gets it: by which they stand on that line, or where they want the answer."""
    mine = next((member.handle for member in line.shown if member.person == person), "")
    if line.author is None or line.author.person != person or not line.reply_to:
        return mine
    wants = line.reply_to[0]
    safe = line.proved or _person(session, wants) == person or _of_one_house(mine, wants)
    if len(line.reply_to) == 1 and safe:
        return wants
    offered = [Choice(each, person, line.author.name) for each in (mine, *line.reply_to)]
    raise Conflict(
        f"They wrote from {mine.partition(':')[2]} and want the answer at {wants.partition(':')[2]}, and nothing proves "
        "that both are theirs: say which one gets it.",
        code="reply_to_differs", choices=offered,
    )  # fmt: skip


def _of_one_house(one: str, other: str) -> bool:
    """Whether nobody gets the answer who could not read what goes to the sender: another box of that organisation, or the
    same box with something after a plus."""
    organisation = organisation_of(one)
    return (bool(organisation) and organisation == organisation_of(other)) or _box(one) == _box(other)


def _box(handle: str) -> str:
    try:
        return handles.match_key(handles.parse(handle))
    except Invalid:
        return handle


def _copies(
    here: Participants, chosen: _Chosen, named: tuple[str, ...] | None
) -> tuple[tuple[Member, ...], tuple[DroppedCopy, ...]]:
    """Who gets a copy: as named; in a ticket everybody who takes part; of a mail those to whom it went."""
    if here.visibility == Visibility.PARTICIPANTS:
        _no_copies(named, "Who is in copy of this conversation is decided where it lives.")
        return tuple(each for each in _audience(here, chosen.line) if each.person != chosen.person), ()
    if here.visibility == Visibility.PUBLIC:
        _no_copies(named, "A public answer has no copies: everybody reads it.")
        return (), ()
    if named is not None:
        return tuple(_copy(here, each, number) for number, each in enumerate(named)), ()
    stood = [each for each in chosen.others or chosen.line.recipients if each.person != chosen.person]
    if len(stood) > MANY:
        return (), tuple(DroppedCopy(each.handle, "too_many") for each in stood)
    vouched = here.vouched()
    kept = [each for each in stood if each.person in vouched]
    return tuple(kept), tuple(DroppedCopy(each.handle, "unproved") for each in stood if each not in kept)


def _no_copies(named: tuple[str, ...] | None, why: str) -> None:
    if named:
        raise Invalid(why, code="no_copies", pointer="/cc")


def _copy(here: Participants, text: str, number: int) -> Member:
    handle = _handle(text).casefold()
    for line in here.lines:
        for member in line.shown:
            if member.handle.casefold() == handle or member.person == text:
                return member
    raise Invalid(
        "They take no part in this conversation.", code="not_a_party", pointer=f"/cc/{number}", choices=_choices(here)
    )


def _also(here: Participants, asked: Sequence[ConversationLine], chosen: _Chosen, reached: set[str]) -> tuple[str, ...]:
    """What else it answers. Nothing is answered to somebody who does not get it."""
    for number, line in enumerate(asked):
        public = here.visibility == Visibility.PUBLIC and here.line(line.id) is not None
        if line.author and line.author.person not in reached and not public:
            raise Invalid("Whoever asked this does not get it.", code="not_reached", pointer=f"/answers/{number}")
    return tuple(line.id for line in asked if line.id != chosen.line.id)


def still_waiting(session: Session, conversation: Conversation, found: Addressee) -> list[Choice]:
    """Those who wait in it and do not get this answer."""
    here = participants(session, conversation.id, conversation.visibility)
    reached = {found.person, *(each.person for each in found.copies)}
    if here.visibility == Visibility.PUBLIC:
        reached |= _authors(here, found.also)
    members = here.members()
    return [
        _choice(members.get(wait.person, Member(wait.person, "", "")), wait)
        for wait in here.waits
        if wait.person not in reached
    ]


def _authors(here: Participants, interactions: Iterable[str]) -> set[str]:
    named = set(interactions)
    return {line.author.person for line in here.lines if line.author and line.id in named}

"""Who is on which side of a ticket, decided from what a file says and never from what came before it."""

import msgspec

from kinline import Party, Role, Standing
from kinline_support import settings as desk
from kinline_support.fields import Record, ident, idents, line, record, word
from kinline_support.settings import SupportSettings
from kinline_support.zendesk.people import is_ours

SYSTEM = "-1"  #: the author of what the desk itself wrote


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The few fields of a ticket that say what its comments mean."""

    id: str
    subject: str
    deleted: bool
    requester: str
    assignee: str
    followers: frozenset[str]  #: agents only, at the desk
    copied: frozenset[str]  #: people in copy


def ticket(found: Record) -> Ticket:
    return Ticket(
        id=ident(found.get("id")),
        subject=line(found.get("subject")),
        deleted=word(found.get("status")) == "deleted",
        requester=ident(found.get("requester_id")),
        assignee=ident(found.get("assignee_id")),
        followers=idents(found.get("follower_ids")),
        copied=idents(found.get("email_cc_ids")),
    )


class Side(msgspec.Struct, frozen=True):
    """Whether an author is ours, and whether we had to guess it."""

    ours: bool
    guessed: bool = False


def side(author: str, of: Ticket, people: Record, settings: SupportSettings, *, private: bool = False) -> Side:
    """The side of an author. Settings and roles decide; without them, the place that the author has on the ticket.

    The last guess: whoever is neither requester nor in copy works here. A comment whose ticket is unknown
    as well is taken for a person's: an unanswered customer is the worse mistake.
    """
    known = True if author == SYSTEM else is_ours(author, people, settings)
    if known is not None:
        return Side(known)
    if author and author in {of.requester, *of.copied}:
        return Side(ours=False)
    if private or (author and author in {of.assignee, *of.followers}):
        return Side(ours=True)
    return Side(ours=bool(of.requester), guessed=True)


def author(who: str, ours: bool, people: Record, settings: SupportSettings) -> Party:
    """The author's line. The desk itself has no handle."""
    known = record(people.get(who))
    vouched = settings.trust_identities and known.get("verified") is True and known.get("suspended") is not True
    return Party(
        role=Role.AUTHOR,
        handle=None if who in ("", SYSTEM) else desk.user(who, settings),
        name=line(known.get("name")),
        standing=Standing.VERIFIED if ours or vouched else Standing.CLAIMED,
        ours=ours,
    )


def recipients(who: str, ours: bool, of: Ticket, people: Record, settings: SupportSettings) -> tuple[Party, ...]:
    """To whom it was said: from us to the requester, from anybody else to the desk."""
    if not ours:
        return (Party(role=Role.RECIPIENT, standing=Standing.VERIFIED, ours=True),)
    if of.requester in ("", who):
        return ()
    name = line(record(people.get(of.requester)).get("name"))
    requester_ours = bool(is_ours(of.requester, people, settings))
    handle = desk.user(of.requester, settings)
    return (Party(role=Role.RECIPIENT, handle=handle, name=name, standing=Standing.VERIFIED, ours=requester_ours),)

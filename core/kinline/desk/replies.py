"""Answering in a conversation: to whom it goes is said beforehand, and is what goes out."""

import msgspec
from sqlmodel import Session

from kinline import ids
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.desk.conversations import find
from kinline.desk.work import filled
from kinline.errors import Conflict, Invalid
from kinline.followups import copies
from kinline.followups.addressee import (
    Addressee,
    Choice,
    DroppedCopy,
    WantedRecipients,
    addressee,
    identity_of,
    still_waiting,
)
from kinline.followups.files import File
from kinline.followups.plan import Draft, plan, route_of
from kinline.followups.routes import Route, account_name, handle_of
from kinline.hub import Hub
from kinline.identity.names import proved_name
from kinline.identity.persons import of_identity, root_of
from kinline.store.models import Conversation
from kinline.words import SendClass, Visibility

#: Nobody said to whom.
WHOEVER = WantedRecipients()


class ReplyText(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent wrote. ``html`` is the same as ``text`` for those who show it."""

    text: str
    subject: str = ""
    html: str = ""
    files: tuple[File, ...] = ()


class Reached(msgspec.Struct, frozen=True):
    """Somebody who gets it. ``name``: what goes out beside the address, so only a proved one."""

    handle: str
    person: str
    name: str


class ReplyPreview(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an answer would go to, and what of the conversation stays open by it.

    ``about`` is the interaction that it answers, ``also`` are others. ``dropped`` stood in copy and get none, each with
    why. ``still_waiting`` wait here and do not get it.
    """

    to: Reached
    cc: list[Reached]
    dropped: list[DroppedCopy]
    channel: str
    account: str
    about: str
    also: list[str]
    still_waiting: list[Choice]


class _Going(msgspec.Struct, frozen=True):
    """An answer as it would be planned."""

    draft: Draft
    route: Route
    found: Addressee
    dropped: tuple[DroppedCopy, ...]


def preview(hub: Hub, session: Session, conversation_id: str, wanted: WantedRecipients) -> ReplyPreview:
    """What `reply` would do, in a transaction that is undone afterwards. Raises as `reply`."""
    row = find(session, conversation_id)
    going = _going(hub, session, row, wanted, ReplyText(text="-"))
    return ReplyPreview(
        to=_reached(session, going.route.identity_id),
        cc=[_reached(session, each) for each in going.draft.copies],
        dropped=list(going.dropped),
        channel=going.route.channel,
        account=account_name(session, going.route.account_id),
        about=going.found.about,
        also=list(going.found.also),
        still_waiting=still_waiting(session, row, going.found),
    )


def reply(
    hub: Hub, session: Session, conversation_id: str, written: ReplyText, *, agent: str, wanted: WantedRecipients = WHOEVER,
    followup_id: str = "",
) -> str:  # fmt: skip
    """Answer whoever is named, else whoever it clearly is, in the thread where that is possible. Returns the follow-up's id.

    Raises as `kinline.followups.addressee.addressee`, and `Conflict` ``no_route``.
    """
    row = find(session, conversation_id)
    going = _going(hub, session, row, wanted, written, agent=agent, followup_id=followup_id or ids.new())
    why_not = plan(hub, session, going.draft)
    if why_not:
        raise _no_route(why_not)
    row.assignee = row.assignee or agent
    session.add(row)
    return going.draft.id


def _going(
    hub: Hub, session: Session, row: Conversation, wanted: WantedRecipients, written: ReplyText, *, agent: str = "", followup_id: str = ""
) -> _Going:  # fmt: skip
    found = addressee(session, row, wanted)
    identity = identity_of(session, found.handle)
    draft = Draft(
        id=followup_id, person_id=found.person or of_identity(session, identity), send_class=SendClass.HUMAN, text=filled(written.text),
        subject=written.subject, html=written.html, files=written.files, about=found.about, made_by=agent,
        identity=identity, exact=found.exact, also_answers=found.also,
    )  # fmt: skip
    route = route_of(session, root_of(session, draft.person_id), draft)
    if route is None:
        raise _no_route("no connected channel reaches them")
    kept, dropped = _carried(hub, session, found, route, row, named=wanted.cc is not None)
    return _Going(msgspec.structs.replace(draft, copies=kept), route, found, (*found.dropped, *dropped))


def _carried(
    hub: Hub, session: Session, found: Addressee, route: Route, row: Conversation, *, named: bool
) -> tuple[tuple[str, ...], list[DroppedCopy]]:
    """The copies that go out over this way, and those that do not."""
    can = Ability.COPIES in channels().get(route.channel).can
    if found.copies and not can and row.visibility != Visibility.PARTICIPANTS:
        if named:
            raise Invalid(f"{route.channel} carries no copies.", code="no_copies", pointer="/cc")
        return (), [DroppedCopy(each.handle, "no_copies") for each in found.copies]
    kept, dropped = list[str](), list[DroppedCopy]()
    for each in found.copies:
        handle = handle_of(session, each.identity)
        if each.identity == route.identity_id:
            continue
        if copies.is_welcome(session, hub.secret, each.identity, handle, route.channel):
            kept.append(each.identity)
        else:
            dropped.append(DroppedCopy(each.handle, "suppressed"))
    return tuple(dict.fromkeys(kept)), dropped


def _reached(session: Session, identity: str) -> Reached:
    return Reached(str(handle_of(session, identity)), of_identity(session, identity), proved_name(session, identity))


def _no_route(why: str) -> Conflict:
    return Conflict(f"This cannot be answered from here: {why}.", code="no_route")

"""Zammad's tickets and articles, as they stand in its webhooks and in its API with ``expand=true``.

Sources: docs.zammad.org, “Tickets”, “Articles”, “States”; admin-docs.zammad.org, “Webhook payload”. Webhooks give people
as objects where the API gives their login; names are taken from the article's ``from``, which is the same in both.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any

import msgspec

from kinline import (
    Attachment,
    Direction,
    Handle,
    HandleType,
    Interaction,
    Kind,
    Normalised,
    Party,
    Role,
    Standing,
    Thread,
    Ticket,
    Unreadable,
)
from kinline.errors import Invalid
from kinline.handles import is_blocked, normalise
from kinline_support import files
from kinline_support import html as markup
from kinline_support import settings as desk
from kinline_support.decoding import SAFE_DIGITS
from kinline_support.fields import MAX_TEXT, Record, ident, line, moment, record, rows, text, word
from kinline_support.settings import SupportSettings

#: The states that a new Zammad has; own ones are read by their type, where the API says it.
STATES = {
    "new": "open",
    "open": "open",
    "pending reminder": "pending",
    "pending close": "solved",
    "closed": "solved",
    "merged": "closed",
    "removed": "closed",
}
SAME = {"pending": ("on_hold",), "solved": ("closed",)}
BACK = {
    "open": "open",
    "pending": "pending reminder",
    "on_hold": "pending reminder",
    "solved": "closed",
    "closed": "closed",
}
#: Zammad wants to know when to remind of a pending ticket.
REMIND_AFTER = timedelta(days=7)
#: Under this name our own id stands among an article's preferences.
MARK = "kinline"
MAX_ATTACHMENTS = 100


def of_article(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """What one article is. ``item``: the article, and the ticket beside it."""
    said, ticket = record(item.get("article")), record(item.get("ticket"))
    key = ident(said.get("id"))
    if not key:
        raise Unreadable("An article without an id.", code="no_id")
    made = _interaction(key, said, ticket, settings)
    return [msgspec.structs.replace(made, changed_at=None) if item.get("heard") is True else made]


def _interaction(key: str, said: Record, ticket: Record, settings: SupportSettings) -> Interaction:
    sender, internal = word(said.get("sender")), said.get("internal") is True
    known = sender in ("customer", "agent", "system")
    theirs = sender == "customer" or not (known or internal)  # an unanswered customer is the worse mistake
    note = internal and not theirs
    number = ident(said.get("ticket_id")) or ident(ticket.get("id"))
    at = when(said.get("created_at"))
    written = _text(said)
    html, left_out = markup.cleaned(said.get("body")) if _is_html(said) else ("", False)
    flags = {
        "bad_date": at is None, "side_guessed": not known, "ticket_unknown": not number,
        "text_cut": len(written) > MAX_TEXT, "html_left_out": left_out,
    }  # fmt: skip
    return Interaction(
        source_id=f"article:{key}",
        kind=Kind.NOTE if note else Kind.MESSAGE,
        direction=Direction.INBOUND if theirs else Direction.OUTBOUND,
        parties=_parties(theirs, note, sender, said, ticket, settings),
        occurred_at=at,
        changed_at=when(said.get("updated_at")) or at,
        sequence=int(key) if len(key) <= SAFE_DIGITS and key.isascii() and key.isdigit() else 0,
        subject=line(said.get("subject")) or line(ticket.get("title")),
        text=written[:MAX_TEXT],
        html=html,
        url=desk.page(number, settings),
        thread=Thread(key=f"article:{key}", parent=f"ticket:{number}", private=True) if number else None,
        automatic=_automatic(sender, said),
        attachments=_attachments(said),
        facts=_facts(number, said, theirs, internal),
        flags=tuple(flag for flag, is_so in flags.items() if is_so),
    )


def _automatic(sender: str, said: Record) -> str:
    if sender == "system":
        return "system"
    return "follow-up" if record(said.get("preferences")).get(f"{MARK}_automatic") is True else ""


def _is_html(said: Record) -> bool:
    return "html" in word(said.get("content_type"))


def _text(said: Record) -> str:
    return markup.plain_lines(said.get("body")) if _is_html(said) else text(said.get("body"))


def _parties(
    theirs: bool, note: bool, sender: str, said: Record, ticket: Record, settings: SupportSettings
) -> tuple[Party, ...]:
    """A note has its author and nobody else, so that it never shows as said to the person."""
    who, name = _writer(said), line(parseaddr(str(said.get("from"))[:1000])[0] if said.get("from") else "")
    customer = ident(ticket.get("customer_id")) or ident(record(ticket.get("customer")).get("id"))
    if theirs:
        who = who or customer
        address = _address(ticket, said) if who == customer else None
        also = (address,) if address else ()
        handle = desk.user(who, settings) if who else None
        author = Party(role=Role.AUTHOR, handle=handle, name=name, also=also)
        return (author, Party(role=Role.RECIPIENT, standing=Standing.VERIFIED, ours=True))
    handle = desk.user(who, settings) if who and sender != "system" else None
    author = Party(role=Role.AUTHOR, handle=handle, name=name, standing=Standing.VERIFIED, ours=True)
    if note or not customer:
        return (author,)
    return (author, Party(role=Role.RECIPIENT, handle=desk.user(customer, settings), standing=Standing.VERIFIED))


def _writer(said: Record) -> str:
    """On whose behalf it was written, else who wrote it. User 1 is Zammad itself."""
    found = ident(said.get("origin_by_id")) or ident(said.get("created_by_id"))
    found = found or ident(record(said.get("created_by")).get("id"))
    return "" if found == "1" else found


def _address(ticket: Record, said: Record) -> Handle | None:
    """The customer's mail address, as it stands in the ticket or the article: claimed by whoever wrote."""
    customer = ticket.get("customer")
    given = record(customer).get("email") if isinstance(customer, dict) else customer
    return _mail(given) if "@" in str(given or "") else _mail(said.get("from"))


def _mail(value: Any) -> Handle | None:
    """The address in a ``from``, where it is one of somebody in particular."""
    try:
        handle = normalise(Handle(HandleType.EMAIL, parseaddr(str(value or "")[:1000])[1]))
    except Invalid:
        return None
    return None if is_blocked(handle) else handle


def _facts(number: str, said: Record, theirs: bool, internal: bool) -> dict[str, object]:
    via = word(said.get("type"))
    address = _mail(said.get("from")) if theirs and via == "email" else None
    found = {"ticket": number, "via": via, "address": address.value if address else "", "private": internal}
    return {name: value for name, value in found.items() if value}


def _attachments(said: Record) -> tuple[Attachment, ...]:
    found = [record(each) for each in rows(said.get("attachments"))[:MAX_ATTACHMENTS]]
    return tuple(
        files.attachment(
            {**file, "size": _size(file)}, name=file.get("filename") or file.get("name"),
            media_type=record(file.get("preferences")).get("Mime-Type"),
        )
        for file in found if file
    )  # fmt: skip


def _size(file: Record) -> int:
    """A number that the API gives as text."""
    given = str(file.get("size") or "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 15 else 0


def of_ticket(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """How a ticket stands."""
    ticket = record(item.get("ticket"))
    key = ident(ticket.get("id"))
    if not key:
        raise Unreadable("A ticket without an id.", code="no_id")
    state = STATES.get(_name(ticket.get("state")), "")
    return [
        Ticket(
            thread=f"ticket:{key}",
            number=line(ticket.get("number")) or key,
            state=state,
            same=SAME.get(state, ()),
            priority=_name(ticket.get("priority")).partition(" ")[2],
            assignee=_owner(ticket),
            changed_at=when(ticket.get("updated_at")),
        )
    ]


def _name(value: Any) -> str:
    return word(record(value).get("name")) if isinstance(value, dict) else word(value)


def _owner(ticket: Record) -> str | None:
    """The agent; user 1 (“-”) owns what nobody owns."""
    if "owner" not in ticket and "owner_id" not in ticket:
        return None
    if ident(ticket.get("owner_id")) == "1" or ticket.get("owner") == "-":
        return ""
    owner = ticket.get("owner")
    return line(record(owner).get("email") or record(owner).get("login") if isinstance(owner, dict) else owner) or None


def when(value: Any) -> datetime | None:
    """A time to its fraction: tickets tell milliseconds."""
    whole = moment(value)
    if whole is None or not isinstance(value, str) or "." not in value:
        return whole
    return datetime.fromisoformat(value[:40]).astimezone(UTC)

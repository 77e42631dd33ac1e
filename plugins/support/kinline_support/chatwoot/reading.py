"""Chatwoot's messages, conversations and contacts, as they stand in its webhooks and API pages.

Sources: chatwoot.com, “How to use webhooks” and the API's swagger (messages, conversations), and Chatwoot's own
``message.rb``, ``message_finder.rb`` and ``event_data_presenter.rb`` for what they leave open. In webhooks
``message_type`` is a word, in the API a number; times are seconds there and text here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from kinline import (
    Applied,
    Attachment,
    Deletion,
    Direction,
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
from kinline_support import files
from kinline_support import settings as desk
from kinline_support.chatwoot.people import agent, contact, is_bot
from kinline_support.decoding import SAFE_DIGITS
from kinline_support.fields import MAX_TEXT, Record, ident, line, moment, record, rows, text, word
from kinline_support.settings import SupportSettings

TYPES = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
#: “Snoozed” until they answer is how an agent there waits; “pending” is what a bot has not handed over yet.
STATES = {"open": "open", "pending": "open", "snoozed": "pending", "resolved": "solved"}
SAME = {"pending": ("on_hold",), "solved": ("closed",)}
BACK = {"open": "open", "pending": "snoozed", "on_hold": "snoozed", "solved": "resolved", "closed": "resolved"}
#: Under this name our own id stands among a message's attributes.
MARK = "kinline"
MAX_ATTACHMENTS = 50


def of_message(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """What one message is. ``item``: the message, and the conversation beside it."""
    said, talk = record(item.get("message")), record(item.get("conversation"))
    key = ident(said.get("id"))
    if not key:
        raise Unreadable("A message without an id.", code="no_id")
    sort = TYPES.get(ident(said.get("message_type")) or str(said.get("message_type")), word(said.get("message_type")))
    if sort == "activity":
        return [Applied(reason="what the desk notes of itself")]
    attributes = record(said.get("content_attributes"))
    if attributes.get("deleted") is True:
        return [Deletion(source_id=f"message:{key}", reason="deleted at the desk")]
    made = _interaction(key, said, talk, sort, attributes, settings)
    return [msgspec.structs.replace(made, changed_at=None) if item.get("heard") is True else made]


def _interaction(
    key: str, said: Record, talk: Record, sort: str, attributes: Record, settings: SupportSettings
) -> Interaction:
    theirs, private = sort == "incoming", said.get("private") is True
    number = ident(talk.get("id")) or ident(said.get("conversation_id"))
    at = when(said.get("created_at"))
    written = text(said.get("content"))
    changed = when(said.get("updated_at")) or at
    flags = {"bad_date": at is None, "ticket_unknown": not number, "text_cut": len(written) > MAX_TEXT}
    return Interaction(
        source_id=f"message:{key}",
        kind=Kind.NOTE if private else Kind.MESSAGE,
        direction=Direction.INBOUND if theirs else Direction.OUTBOUND,
        parties=_parties(theirs, private, said, talk, settings),
        occurred_at=at,
        changed_at=changed,
        sequence=int(key) if len(key) <= SAFE_DIGITS and key.isascii() and key.isdigit() else 0,
        subject=line(record(talk.get("additional_attributes")).get("mail_subject")),
        text=written[:MAX_TEXT],
        url=desk.page(number, settings),
        thread=Thread(key=f"message:{key}", parent=f"ticket:{number}", private=True) if number else None,
        automatic=_automatic(sort, said, attributes),
        attachments=_attachments(said),
        facts=_facts(number, said, private),
        flags=tuple(flag for flag, is_so in flags.items() if is_so),
    )


def _automatic(sort: str, said: Record, attributes: Record) -> str:
    """What a template, a bot or a rule said; what nobody is named for, too. Ours says of itself whether it is one."""
    if sort == "template":
        return "system"
    if sort == "outgoing" and (is_bot(record(said.get("sender"))) or attributes.get("automation_rule_id")):
        return "bot"
    return "follow-up" if attributes.get(f"{MARK}_automatic") in (True, "True") else ""


def _parties(theirs: bool, private: bool, said: Record, talk: Record, settings: SupportSettings) -> tuple[Party, ...]:
    """A note has its author and nobody else, so that it never shows as said to the person."""
    sender = record(said.get("sender"))
    if theirs:
        writer = contact(sender, Role.AUTHOR, settings) or _nobody(sender)
        return (writer, Party(role=Role.RECIPIENT, standing=Standing.VERIFIED, ours=True))
    author = agent(sender, settings)
    person = contact(record(record(talk.get("meta")).get("sender")), Role.RECIPIENT, settings)
    return (author,) if private or person is None else (author, person)


def _nobody(sender: Record) -> Party:
    return Party(role=Role.AUTHOR, name=line(sender.get("name")))


def _facts(number: str, said: Record, private: bool) -> dict[str, object]:
    found = {
        "ticket": number,
        "inbox": ident(said.get("inbox_id")) or ident(record(said.get("inbox")).get("id")),
        "private": private,
    }
    return {name: value for name, value in found.items() if value}


def _attachments(said: Record) -> tuple[Attachment, ...]:
    found = [file for file in map(record, rows(said.get("attachments"))[:MAX_ATTACHMENTS]) if file.get("data_url")]
    return tuple(
        files.attachment({**file, "size": file.get("file_size")}, name=name_of(file), media_type=_media(file))
        for file in found
    )


def name_of(file: Record) -> str:
    """A file's name stands only in its address."""
    try:
        path = urlsplit(str(file.get("data_url"))[:2000]).path
    except ValueError:
        path = ""
    return line(unquote(path.rsplit("/", 1)[-1])) or f"file-{ident(file.get('id'))}"


def _media(file: Record) -> str:
    sort = word(file.get("file_type"))
    return f"{sort}/*" if sort in ("image", "audio", "video") else ""


def of_conversation(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """How a conversation stands, and who it is with."""
    talk = record(item.get("conversation"))
    number = ident(talk.get("id"))
    if not number:
        raise Unreadable("A conversation without a number.", code="no_id")
    meta = record(talk.get("meta"))
    person = contact(record(meta.get("sender")), Role.AUTHOR, settings)
    state = STATES.get(word(talk.get("status")), "")
    return [
        Ticket(
            thread=f"ticket:{number}",
            number=number,
            state=state,
            same=SAME.get(state, ()),
            priority={"medium": "normal"}.get(word(talk.get("priority")), word(talk.get("priority"))),
            assignee=line(record(meta.get("assignee")).get("name")) if "assignee" in meta else None,
            changed_at=when(talk.get("updated_at")) or when(talk.get("last_activity_at")),
            names=(person,) if person else (),
        )
    ]


def of_contact(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    person = contact(record(item.get("contact")), Role.AUTHOR, settings)
    if person is None:
        raise Unreadable("A contact without an id.", code="no_id")
    return [Applied(reason="contact record", names=(person,))]


def of_nothing(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    return [Applied(reason=f"desk event: {line(item.get('event'))}")]


def when(value: Any) -> datetime | None:
    """Seconds with or without a fraction, ISO 8601, or “2020-03-03 13:05:57 UTC”; never guessed."""
    if isinstance(value, float) and 0 < value < 2**40:
        found = datetime.fromtimestamp(value, UTC)
        return found if moment(found.isoformat()) else None
    if isinstance(value, str) and value.endswith(" UTC"):
        value = value[:40].removesuffix(" UTC").replace(" ", "T", 1) + "+00:00"
    whole = moment(value)
    if whole is None or not isinstance(value, str) or "." not in value:
        return whole
    return datetime.fromisoformat(value[:40]).astimezone(UTC)

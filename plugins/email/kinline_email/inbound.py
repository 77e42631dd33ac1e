"""One mail becomes one interaction, and a report of the mail system also receipts.

A mail is never refused for being malformed: what could not be read is a flag, and its bytes are kept. What
depends on the way it came (Delivered-To, Received) stays out, so that two copies of one mail say the same.
"""

import re
from collections.abc import Collection
from typing import Any

import msgspec

from kinline import Direction, Interaction, Item, Kind, Normalised, Party, Role, Standing, Thread
from kinline_email import (
    addresses,
    automatic,
    behalf,
    body,
    bounce,
    dates,
    headers,
    message_ids,
    mime,
    proved,
    reply,
    thread,
)
from kinline_email.addresses import Mailbox
from kinline_email.headers import Headers
from kinline_email.mime import Part
from kinline_email.settings import EmailSettings

MAX_FROM = 10_000  #: characters; a longer From field is an attack
MAX_SUBJECT = 1_000
MAX_REFERENCES = 30  #: kept for an answer to this mail, nearest first

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def normalise(item: Item, settings: EmailSettings) -> list[Normalised]:
    """Raises `Unreadable` only for ``mime_too_deep`` and ``too_many_parts``."""
    flags: set[str] = set()
    envelope_line, raw = _without_envelope(item.body)
    root = mime.parse(raw, flags)
    return _Mail(raw, root, envelope_line, settings, flags, item.form.split()).told()


def _without_envelope(raw: bytes) -> tuple[str, bytes]:
    """The mbox From_ line, where there is one, and the mail."""
    if not raw.startswith((b"From ", b">From ")):
        return "", raw
    line, _, rest = raw.partition(b"\n")
    return line[:500].decode("utf-8", "replace").strip(), rest


#: Automatic mail whose subject is a machine's: it begins no conversation of its own.
_SAYS_NOTHING_NEW = frozenset({"auto-reply", "auto-generated", "null-sender", "machine-mailbox", "loop"})
#: Our own address in From, and nobody vouches for it: it may be forged, so it answers nobody as it happens.
OURS_UNPROVED = "ours_unproved"


class _Mail:
    """Gathers what one mail says. Lives for one call."""

    def __init__(
        self,
        raw: bytes,
        root: Part,
        envelope_line: str,
        settings: EmailSettings,
        flags: set[str],
        form: Collection[str],
    ) -> None:
        self.raw, self.form = raw, form
        self.root, self.found, self.flags = root, root.headers, flags
        self.settings = settings
        self.from_our_sent = "sent" in form  # out of our own folder of sent mail, over a connection of ours
        if "header" in form:
            flags.add("body_left_out")
        self.subject = headers.decoded(self.found.get("subject"), flags, MAX_SUBJECT)
        self.author = _author(self.found, flags)
        self.at = dates.occurred_at(self.found, envelope_line, flags)
        self.key = _message_id(self.found, flags)
        self.source_id = message_ids.source_id(self.key, digest(root, self.author))
        self.body = body.read(root, flags)
        self.report = bounce.read(root, self.subject, self.author)
        if not self.from_our_sent and not self.report:
            self.author = behalf.writer(self.found, settings, self.author) or self.author

    def told(self) -> list[Normalised]:
        author = self._author_party()
        why = self.report.automatic if self.report else self._automatic(author)
        parties = (author, *self._recipients())
        if _BIDI.search(self.subject + author.name):
            self.flags.add("bidi_override")
        interaction = Interaction(
            source_id=self.source_id,
            kind=Kind.MESSAGE,
            direction=Direction.OUTBOUND if author.ours else Direction.INBOUND,
            parties=parties,
            occurred_at=self.at,
            subject=self.subject,
            text=self.body.visible,
            html=self.body.html,
            language=_language(self.found),
            thread=self._placed(why, author),
            answers=self._answers(),
            token=thread.token(
                [one.handle.value for one in parties if one.ours and one.handle], self._thread(), self.settings
            ),
            automatic=why,
            attachments=tuple(self.body.attachments),
            facts=self._facts(),
            flags=tuple(sorted(self.flags)),
        )
        return [interaction, *(self.report.receipts(self.at) if self.report else ())]

    def _author_party(self) -> Party:
        handle = self.author.handle if self.author else None
        if self.author and self.author.address and handle is None:
            self.flags.add("bad_address")
        ours = handle is not None and self.settings.is_ours(handle.value)
        vouched_for = handle is not None and self._is_proved(handle.value, ours=ours)
        if ours and not vouched_for:
            self.flags.add(OURS_UNPROVED)
        return Party(
            role=Role.AUTHOR,
            handle=handle,
            name=_name(self.author) if self.author else "",
            standing=Standing.VERIFIED if vouched_for else Standing.CLAIMED,
            ours=ours,
        )

    def _is_proved(self, address: str, *, ours: bool) -> bool:
        if ours and self.from_our_sent:
            return True
        return proved.is_proved(self.raw, self.found, self.settings, address, self.form)

    def _recipients(self) -> list[Party]:
        """To, Cc, and Bcc where the sender's own copy has it, each address once, the first 500."""
        found: dict[tuple[Any, str], Party] = {}
        for field in ("to", "cc", "bcc"):
            for value in self.found.all(field)[:20]:
                mailboxes = addresses.read(value, self.flags)
                if mailboxes.cut:
                    self.flags.add("recipients_cut")
                for mailbox in mailboxes.found:
                    party = self._recipient(mailbox, hidden=field == "bcc")
                    found.setdefault((party.handle, "" if party.handle else party.name), party)
        if len(found) > addresses.MAX_MAILBOXES:
            self.flags.add("recipients_cut")
        return list(found.values())[: addresses.MAX_MAILBOXES]

    def _recipient(self, mailbox: Mailbox, *, hidden: bool) -> Party:
        handle = mailbox.handle
        if handle is None:
            self.flags.add("bad_address")
        ours = handle is not None and self.settings.is_ours(handle.value)
        return Party(role=Role.RECIPIENT, handle=handle, name=_name(mailbox), ours=ours, hidden=hidden)

    def _automatic(self, author: Party) -> str:
        why = automatic.reason(self.found, self.subject, self.author, own_list=self._is_own_list())
        if author.ours and why == "loop":
            return "auto-generated"  # our own copy of what we sent
        return why

    def _thread(self) -> Thread:
        read = thread.read(self.key or f"{self.source_id}@no-message-id", self.found)
        if read.parent or not (self.report and self.report.original):
            return read
        return Thread(key=read.key, parent=self.report.original)

    def _placed(self, why: str, author: Party) -> Thread:
        """With its topic. What a machine says of a mail, under whatever subject, stands where that mail stands."""
        read = msgspec.structs.replace(self._thread(), private=self._is_private(), claimed=True)
        if self.report or (why in _SAYS_NOTHING_NEW and not author.ours):
            return msgspec.structs.replace(read, ancestors=())
        return msgspec.structs.replace(read, topic=thread.topic(self.subject))

    def _is_private(self) -> bool:
        """Whether only those it was sent to may read it. The mail of a list is public, but where the list is this mailbox."""
        return not self.settings.public_archive and (not self._list_id() or self._is_own_list())

    def _is_own_list(self) -> bool:
        """Whether the list that it came over is this mailbox: a group address that people of ours share."""
        own = {address.replace("@", ".", 1).casefold() for address in self.settings.all_addresses() if address}
        return self._list_id().rpartition("<")[2].rstrip("> ").casefold() in own

    def _list_id(self) -> str:
        return headers.decoded(self.found.get("list-id"), set(), 250)

    def _answers(self) -> str:
        """The source id of what it answers, known at once where that is a mail of ours."""
        parent = self._thread().parent
        return message_ids.source_id_of_ours(parent) if message_ids.is_ours(parent) else ""

    def _signature(self) -> str:
        """How a person signs: who they are there, and how to reach them."""
        if self.author is None or self.report:
            return ""
        return reply.signed(self.body.unquoted, (self.author.name, self.author.address))

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "message_id": self.key,
            "reply_to": [one.address for one in addresses.read(self.found.get("reply-to"), set()).found if one.address],
            "signature": self._signature(),
            "list_id": self._list_id(),
            "carries": list(self.body.carries),
            "full_text": self.body.full if self.body.full.strip() != self.body.visible.strip() else "",
        }
        read = self._thread()
        if read.parent:
            facts["references"] = [read.parent, *read.ancestors][:MAX_REFERENCES]
        base, prefixed = thread.base_subject(self.subject)
        if prefixed and not read.parent:
            facts["base_subject"] = base
        if self.report:
            facts["failed"] = [
                {"address": one.address, "status": one.status, "action": one.action, "diagnostic": one.diagnostic}
                for one in self.report.failed
            ]
            facts["original_message_id"] = self.report.original
        return {name: value for name, value in facts.items() if value}


def digest(root: Part, author: Mailbox | None) -> str:
    """What makes this mail this mail, wherever it is read: author, date and content."""
    written, _ = dates.read(root.headers.get("date"))
    handle = author.handle if author else None
    who = handle.value if handle else headers.decoded(root.headers.get("from"), set())
    when = written.isoformat() if written else root.headers.get("date")[:200]
    return message_ids.digest(who, when, root)


def _author(found: Headers, flags: set[str]) -> Mailbox | None:
    """From, or Sender where From is missing. Two authors are none: nobody knows whose timeline it is."""
    values = found.all("from")
    if len(values) > 1:
        flags.add("several_from")
        return Mailbox(headers.decoded(values[0], flags, addresses.MAX_NAME), "")
    value = values[0] if values else ""
    if not value:
        flags.add("no_from")
        value = found.get("sender")
    if len(value) > MAX_FROM:
        flags.add("from_too_long")
        return Mailbox(headers.decoded(value, flags, addresses.MAX_NAME), "")
    return _only(addresses.read(value, flags), flags) if value else None


def _only(mailboxes: addresses.Mailboxes, flags: set[str]) -> Mailbox | None:
    if mailboxes.grouped or len(mailboxes.found) > 1:
        flags.add("several_from")
        return Mailbox(", ".join(one.name or one.address for one in mailboxes.found)[: addresses.MAX_NAME], "")
    if not mailboxes.found or not mailboxes.found[0].address:
        flags.add("bad_from")
    return mailboxes.found[0] if mailboxes.found else None


def _name(mailbox: Mailbox) -> str:
    """The name for people; what stands there at all where no address could be read."""
    return mailbox.name or ("" if mailbox.handle else mailbox.address[: addresses.MAX_NAME])


def _message_id(found: Headers, flags: set[str]) -> str:
    value = found.get("message-id")
    keys = message_ids.keys(value[:20_000])
    if not keys:
        flags.add("bad_message_id" if value else "no_message_id")
    return keys[0] if keys else ""


def _language(found: Headers) -> str:
    named = _LANGUAGE.match(found.get("content-language")[:40])
    return named[0] if named else ""

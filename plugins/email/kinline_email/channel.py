"""The email channel. The way in: `split` → `inbound`. The way out: `outbound` → `smtp`."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, ClassVar

from kinline import (
    Ability,
    Broken,
    Channel,
    ChannelError,
    Connection,
    Delivery,
    Handle,
    HandleType,
    Item,
    Kind,
    Normalised,
    OAuth,
    Once,
    Outgoing,
    Prepared,
    Pretender,
    Request,
    Sent,
    Source,
)
from kinline_email import events, files, hook_bodies, hook_proof, inbound, kept, outbound, providers, smtp
from kinline_email.gmail import GmailMailbox
from kinline_email.graph import GraphMailbox
from kinline_email.imap import Mailbox
from kinline_email.pretend_graph import PretendGraph
from kinline_email.settings import EmailSettings

FIRST_MAIL = (
    b"From: Ann Archer <ann@example.org>\r\nTo: help@shop.example\r\nSubject: Are you there?\r\n"
    b"Message-ID: <first@example.org>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\nIs this the right address?\r\n"
)


class EmailChannel(Channel[EmailSettings]):
    """Mail: files, a mailbox that is kept open, or mails pushed by a server, in; out over SMTP, at most once."""

    name: ClassVar[str] = "email"
    title: ClassVar[str] = "Email"
    settings = EmailSettings
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.MESSAGE})
    can: ClassVar[frozenset[Ability]] = frozenset(
        {
            Ability.IMPORT, Ability.WEBHOOK, Ability.SEND, Ability.FILES, Ability.COPIES,
            Ability.POLL, Ability.WATCH, Ability.HISTORY, Ability.COMPARE, Ability.OAUTH, Ability.PRETEND,
            Ability.MAILBOX,
        }
    )  # fmt: skip
    delivery: ClassVar[Delivery] = Delivery.AT_MOST_ONCE
    reaches: ClassVar[frozenset[HandleType]] = frozenset({HandleType.EMAIL})
    #: Mailgun and Postmark take nothing but 200 for "received", and call again for hours.
    acknowledges: ClassVar[int] = 200
    personal_data: ClassVar[tuple[str, ...]] = (
        "mail addresses and names of authors and recipients",
        "subjects, texts, signatures and attachments of mails",
        "dates, Message-IDs and threads of mails",
        "delivery failures, complaints and read receipts of addresses",
    )

    def is_ours(self, handle: Handle, settings: EmailSettings) -> bool:
        return handle.type is HandleType.EMAIL and settings.is_ours(handle.value)

    def verify(self, request: Request, settings: EmailSettings) -> None:
        """A raw mail pushed by your own mail server, or a call of a provider, signed in its way."""
        hook_proof.verify(request, settings)

    def once(self, request: Request, settings: EmailSettings) -> Once | None:
        return hook_proof.once(request, settings)

    def parse(self, raw: BinaryIO, source: Source, settings: EmailSettings) -> Iterator[Item | Broken]:
        if source.name == "webhook" and settings.webhook_from != "own":
            return hook_bodies.parse(raw.read(hook_bodies.MAX_BODY + 1), source, settings.webhook_from)
        return kept.parse(raw, source)

    def normalise(self, item: Item, settings: EmailSettings) -> Sequence[Normalised]:
        if isinstance(item.body, dict):
            return events.normalise(item.body, item.form)
        return inbound.normalise(item, settings)

    def files(self, paths: Iterable[str]) -> Iterator[str]:
        return files.mail_files(paths)

    def takes_mail_for(self, address: str, settings: EmailSettings) -> int:
        """Its own address before one that it only knows to be ours: that may have an account of its own."""
        return 2 if settings.is_mailbox(address) else int(settings.is_ours(address))

    def is_live(self, settings: EmailSettings) -> bool:
        return settings.over == "api" or bool(settings.imap_host)

    def connect(self, settings: EmailSettings) -> Connection:
        if settings.over == "imap":
            return Mailbox(settings)
        return _api(settings)(settings)

    def oauth(self, settings: EmailSettings) -> OAuth | None:
        return providers.oauth(settings)

    def pretend(self) -> Pretender:
        """A mailbox at Microsoft Graph, in which a first mail comes soon after it was connected."""
        found = PretendGraph()
        found.add(FIRST_MAIL, at=time.time() + 5)
        return found

    def pause_between(self, settings: EmailSettings) -> float:
        return settings.poll_every

    def check(self, outgoing: Outgoing, settings: EmailSettings) -> None:
        outbound.check(outgoing, settings)

    def prepare(self, outgoing: Outgoing, settings: EmailSettings) -> Prepared:
        return outbound.prepare(outgoing, settings)

    def send(self, prepared: Prepared, settings: EmailSettings) -> Sent:
        if settings.over == "api":
            return _api(settings).send(prepared, settings, self.deadline)
        return smtp.send(prepared, settings, self.deadline)


def _api(settings: EmailSettings) -> type[GraphMailbox] | type[GmailMailbox]:
    match settings.provider:
        case "microsoft":
            return GraphMailbox
        case "google":
            return GmailMailbox
    raise ChannelError(
        "Set provider to microsoft or google: only these have an API for mail.", permanent=True, code="not_configured"
    )

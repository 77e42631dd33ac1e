"""A mail account of ours on a real SMTP server that keeps whom each mail went to, and mails that come in to it."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import MINUTE
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.messages import Source

US, SERVER = "help@shop.example", "mx.shop.example"


class Wire:
    """What left: the recipients of each mail, and the mails. ``refused``: addresses that the server does not take."""

    def __init__(self) -> None:
        self.left: list[tuple[frozenset[str], EmailMessage]] = []
        self.refused: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(bytes(envelope.original_content or b""), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.left.append((frozenset(envelope.rcpt_tos), mail))
        return "250 queued"

    @property
    def recipients(self) -> list[frozenset[str]]:
        return [to for to, _ in self.left]


@contextmanager
def wire(hub: Hub, monkeypatch: pytest.MonkeyPatch, name: str = "inbox") -> Iterator[Wire]:
    """The account of that name sends over a server that listens on loopback."""
    monkeypatch.setattr(hub.settings, "outbound", "live")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    found = Wire()
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    given = {"address": US, "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "authserv_id": SERVER}
    with hub.store.write() as session:
        connected.ensure(session, hub.secret, "email", name)
        connected.configure(session, hub.secret, connected.named(session, name), given)
    try:
        yield found
    finally:
        controller.stop()


def mail(
    who: str, *, key: str, to: str = US, cc: str = "", answers: str = "", subject: str = "A question", proved: bool = False,
    later: int = 0,
    **fields: str,
) -> bytes:  # fmt: skip
    """A mail of ten minutes ago, and ``later``, as it comes in. ``proved``: our own server found that it is from whom it
    says."""
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = who, to, subject
    found["Message-ID"] = f"<{key}>"
    found["Date"] = format_datetime(clock.to_datetime(clock.now() - 10 * MINUTE + later))
    if cc:
        found["Cc"] = cc
    if answers:
        found["In-Reply-To"] = found["References"] = f"<{answers}>"
    for name, value in fields.items():
        found[name.replace("_", "-")] = value
    found.set_content(f"{key} says something.")
    domain = who.rpartition("@")[2].strip(">")
    verdict = f"Authentication-Results: {SERVER}; dmarc=pass header.from={domain}\r\n" if proved else ""
    return verdict.encode() + found.as_bytes(policy=email.policy.SMTP)


def arrives(hub: Hub, raw: bytes, account: str = "inbox") -> None:
    """A mail comes in, and all that follows from it is done."""
    with hub.store.write() as session:
        receive(session, connected.ref(connected.named(session, account)), raw, Source())
    handlers.drain(hub)

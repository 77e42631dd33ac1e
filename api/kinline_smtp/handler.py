"""What is answered to whom: 250 only for what is on disk, 451 for trouble of ours, 5xx for what can never be taken.

RFC 5321 for SMTP, RFC 2033 for LMTP, where each recipient gets an answer after the mail.
"""

import asyncio
import re
from email.utils import format_datetime
from typing import Any

import structlog
from aiosmtpd.smtp import Envelope, Session

from kinline import clock, ids
from kinline.accounts.connected import AccountRef
from kinline.errors import Unavailable
from kinline.hub import Hub
from kinline.intake.receive import receive_all
from kinline.messages import Source
from kinline_smtp.mailboxes import Mailboxes

log = structlog.get_logger(__name__)
#: Recipients of one mail.
MOST_RECIPIENTS = 100
LONGEST_ADDRESS = 320
_LATER = "451 4.3.0 The hub cannot keep mail just now, try again"
_FULL = "452 4.3.1 The hub has no room left, try again later"
#: A line end that is no CRLF; and those beside a dot or at the start of a line, where servers disagree on the end of a
#: mail (CVE-2024-27305). A mail server before us makes every line end CRLF, but lets a CR inside a line pass.
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_SMUGGLED = re.compile(rb"(?<!\r)\n|\r\.[\r\n]|\n\.?\r(?!\n)")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f<>]")
_RETURN_PATH = re.compile(rb"(?im)^return-path:.*\r?\n(?:[ \t].*\r?\n)*")


class SmtpHandler:
    """The handler of aiosmtpd, whose names these are. ``lmtp``: a mail server stands before us, and is trusted."""

    def __init__(self, hub: Hub, *, lmtp: bool) -> None:
        self._hub, self._lmtp = hub, lmtp
        self._mailboxes = Mailboxes(hub)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients for one mail"
        if len(address) > LONGEST_ADDRESS or _UNPRINTABLE.search(address):
            return "501 5.1.3 That is no address"
        try:
            account = await asyncio.to_thread(self._mailboxes.find, address)
        except Unavailable as error:
            log.warning("recipient not looked up", reason=error.detail)
            return _LATER
        if account is None:
            return "550 5.1.1 Nobody has this address here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await self._taken(session, envelope)
        if not self._lmtp:
            return answer
        return "\r\n".join([answer] * len(envelope.rcpt_tos))  # kept in one transaction: all of them or none

    async def _taken(self, session: Session, envelope: Envelope) -> str:
        content = bytes(envelope.original_content or b"")
        if (_SMUGGLED if self._lmtp else _BARE).search(content):
            return "550 5.6.0 Lines end in CRLF and in nothing else"
        try:
            kept = await asyncio.to_thread(self._keep, session, envelope, content)
        except Unavailable as error:
            log.warning("mail not kept", reason=error.detail)
            return _FULL if "full" in error.detail.lower() else _LATER
        except Exception as error:  # whatever it is, the mail is not here, and its sender still has it
            log.error("mail not kept", exc_info=error)
            return _LATER
        return f"250 2.0.0 Kept as {kept}"

    def _keep(self, session: Session, envelope: Envelope, content: bytes) -> str:
        """In one transaction for all accounts that get it. Returns when it is on disk."""
        accounts: dict[str, AccountRef] = {}
        for address in envelope.rcpt_tos:
            account = self._mailboxes.find(address)
            if account is None:
                raise Unavailable(f"The account of {address} has gone meanwhile.")
            accounts[account.id] = account
        body = _traced(session, envelope, content)
        source = Source(name="mail", media_type="message/rfc822", headers=_envelope(session, envelope))
        with self._hub.store.write() as database:
            return receive_all(database, [(account, body, source) for account in accounts.values()])[0]

    async def handle_exception(self, error: Exception) -> str:
        log.error("mail server failed", exc_info=error)
        return _LATER


def _envelope(session: Session, envelope: Envelope) -> dict[str, str]:
    return {
        "envelope-from": str(envelope.mail_from or "")[:LONGEST_ADDRESS],
        "envelope-to": ", ".join(envelope.rcpt_tos)[:4000],
        "peer": _peer(session),
    }


def _traced(session: Session, envelope: Envelope, content: bytes) -> bytes:
    """With Return-Path and Received, which who delivers a mail puts on top (RFC 5321, section 4.4).

    A Return-Path that was in it already was somebody else's word, and goes.
    """
    head, blank, body = content.partition(b"\r\n\r\n")
    head = _RETURN_PATH.sub(b"", head + b"\r\n").removesuffix(b"\r\n")
    moment = format_datetime(clock.to_datetime(clock.now()))
    sender = _UNPRINTABLE.sub("", str(envelope.mail_from or ""))[:LONGEST_ADDRESS]
    trace = f"Return-Path: <{sender}>\r\nReceived: from {_peer(session)} by kinline id {ids.new()}; {moment}\r\n"
    return trace.encode("utf-8", "replace") + head + blank + body


def _peer(session: Session) -> str:
    peer = session.peer
    return f"[{peer[0]}]" if isinstance(peer, tuple) and peer else "[local]"

"""Hands a prepared mail to an SMTP server (RFC 5321), within one deadline over the whole conversation.

Up to the final dot a failure means "surely not sent". From the dot on, only the server's answer tells: a
refusal is a refusal, and silence is `OutcomeUnknown`, which is never sent again without a person or an
answer. ``smtplib`` waits for each packet anew, so a watch closes the connection when the time is over.
"""

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kinline import ChannelError, OutcomeUnknown, Prepared, Receipt, Sent
from kinline_email.addresses import handle_of
from kinline_email.settings import EmailSettings

_LINE_START_DOT = re.compile(rb"(?m)^\.")


def send(prepared: Prepared, settings: EmailSettings, deadline: float) -> Sent:
    """Raises `ChannelError` (``permanent`` for 5xx answers) or `OutcomeUnknown`."""
    ends = time.monotonic() + deadline
    with _refusals(settings):
        server = _connected(settings, ends)
    try:
        with _refusals(settings):
            _introduced(server, settings)
            refused = _addressed(server, prepared)
            _wire(server).sendall(_LINE_START_DOT.sub(b"..", _crlf(prepared.body)))
        answer = _dot(server)
        _goodbye(server)
    finally:
        server.watch.cancel()
        server.close()
    return Sent(source_id=prepared.source_id, detail=answer, receipts=refused)


class _Server(smtplib.SMTP):
    """Shuts its connection when the time is over, whatever it waits for."""

    def __init__(self, host: str, port: int, ends: float, name: str, **more: Any) -> None:
        left = max(0.1, ends - time.monotonic())
        self.watch = threading.Timer(left, self._shut)
        self.watch.daemon = True
        self.watch.start()
        try:
            super().__init__(host, port, local_hostname=name, timeout=left, **more)
        except BaseException:
            self.watch.cancel()
            self.close()
            raise

    def _shut(self) -> None:
        """Below TLS, for another thread may be inside it."""
        with suppress(OSError):
            if self.sock is not None:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _TlsServer(_Server, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def _connected(settings: EmailSettings, ends: float) -> _Server:
    if not settings.smtp_host:
        raise ChannelError("Set smtp_host of this mail account before sending.", permanent=True, code="not_configured")
    name = settings.address.rpartition("@")[2] or "localhost"
    if settings.smtp_security == "tls":
        return _TlsServer(settings.smtp_host, settings.smtp_port, ends, name, context=ssl.create_default_context())
    return _Server(settings.smtp_host, settings.smtp_port, ends, name)


def _wire(server: _Server) -> socket.socket:
    if server.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is gone")
    return server.sock


def _goodbye(server: _Server) -> None:
    with suppress(OSError, smtplib.SMTPException):
        _wire(server).settimeout(1)
        server.quit()


def _introduced(server: _Server, settings: EmailSettings) -> None:
    server.ehlo_or_helo_if_needed()
    if settings.smtp_security == "starttls":
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
    if settings.access_token:
        server.auth("XOAUTH2", _Bearer(settings))
    elif settings.smtp_user:
        server.login(settings.smtp_user, settings.smtp_password)


class _Bearer:
    """The one line of XOAUTH2, as Google and Microsoft describe it; an error comes as a challenge, answered with nothing.

    https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    """

    def __init__(self, settings: EmailSettings) -> None:
        user = settings.smtp_user or settings.address
        self._line = f"user={user}\1auth=Bearer {settings.access_token}\1\1"

    def __call__(self, challenge: bytes | None = None) -> str:
        return "" if challenge else self._line


def _addressed(server: _Server, prepared: Prepared) -> tuple[Receipt, ...]:
    """Name everybody. Whoever gets a copy and is refused for good goes without, and is told; the others still get it."""
    _accepted(*server.mail(prepared.facts["envelope_from"], _options(server, prepared)), "the sender")
    to, *copies = _recipients(prepared)
    options, refused = _reports(server, prepared), []
    _accepted(*server.rcpt(to, options), "the recipient")
    for copy in copies:
        code, answer = server.rcpt(copy, options)
        if code // 100 == 5:
            refused.append(_rejected(prepared, copy, answer))
        else:
            _accepted(code, answer, "a copy")
    server.putcmd("data")
    code, answer = server.getreply()
    if code != 354:
        raise _refusal(code, answer, "the mail")
    return tuple(refused)


def _recipients(prepared: Prepared) -> list[str]:
    """The envelope; of a mail that was prepared by an earlier version, the one address."""
    named = prepared.facts["envelope_to"]
    return [named] if isinstance(named, str) else list(named)


def _rejected(prepared: Prepared, address: str, answer: bytes) -> Receipt:
    return Receipt(
        source_id=prepared.source_id, report="rejected", recipient=handle_of(address), permanent=True,
        detail=_readable(answer),
    )  # fmt: skip


def _reports(server: _Server, prepared: Prepared) -> list[str]:
    """Ask to be told what becomes of it (RFC 3461); not where nobody could be told."""
    wanted = prepared.facts.get("notify") and prepared.facts["envelope_from"] and server.has_extn("dsn")
    return ["NOTIFY=SUCCESS,FAILURE,DELAY"] if wanted else []


def _options(server: _Server, prepared: Prepared) -> list[str]:
    """What is asked of the server for this mail (RFC 1870, 6152, 6531). A mail that it would not take is refused here."""
    options, size = [], len(prepared.body)
    if server.has_extn("size"):
        largest = server.esmtp_features["size"].split()
        if largest and largest[0].isdigit() and 0 < int(largest[0]) < size:
            raise ChannelError(
                f"The mail server takes {largest[0]} bytes, and this mail has {size}.", permanent=True, code="too_large"
            )
        options.append(f"SIZE={size}")
    if prepared.facts.get("smtputf8"):
        if not server.has_extn("smtputf8"):
            raise ChannelError(
                "The mail server cannot write to addresses with other letters than ASCII before the @ (SMTPUTF8).",
                permanent=True, code="needs_smtputf8",
            )  # fmt: skip
        server.command_encoding = "utf-8"
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    return options


#: Lines of an answer, and bytes of a line, that are read at most.
LONGEST_ANSWER, LONGEST_LINE = 100, 8192


def _dot(server: _Server) -> str:
    """End the mail, and wait for the answer that decides."""
    try:
        _wire(server).sendall(b".\r\n")
        code, answer = _whole_answer(server)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise OutcomeUnknown(
            f"The server took the mail and did not answer: {error or type(error).__name__}."
        ) from error
    if server.watch.finished.is_set():
        raise OutcomeUnknown("The server took the mail and did not answer in time.")
    if not 200 <= code <= 599:
        raise OutcomeUnknown(f"The server took the mail and answered nonsense: {_readable(answer)}.")
    _accepted(code, answer, "the mail")
    return _readable(answer)


def _whole_answer(server: _Server) -> tuple[int, bytes]:
    """The answer, line by line to its end (RFC 5321 section 4.2). smtplib takes half a line for an answer."""
    if server.file is None:
        server.file = _wire(server).makefile("rb")
    lines: list[bytes] = []
    while len(lines) < LONGEST_ANSWER:
        line = server.file.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise smtplib.SMTPServerDisconnected("it hung up in the middle of its answer")
        lines.append(line[4:].strip())
        if line[3:4] != b"-":
            return int(line[:3]), b"\n".join(lines)
    raise smtplib.SMTPResponseException(500, b"an endless answer")


def _crlf(body: bytes) -> bytes:
    """Every line ends in CRLF and there are no other CR or LF, so that no server sees another end (CVE-2023-51764)."""
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return body if body.endswith(b"\r\n") else body + b"\r\n"


@contextmanager
def _refusals(settings: EmailSettings) -> Iterator[None]:
    """What smtplib and sockets raise before the final dot, as "surely not sent"."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise ChannelError(
            f"{settings.smtp_host} refused {'the token' if settings.access_token else 'the user or the password'} ({error.smtp_code}).",
            permanent=error.smtp_code // 100 == 5
            and not settings.access_token,  # a token is made anew before the next try
            code="smtp_login_refused",
        ) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error, "us") from error
    except smtplib.SMTPNotSupportedError as error:
        raise ChannelError(f"{settings.smtp_host}: {error}", permanent=True, code="smtp_not_supported") from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise ChannelError(f"{settings.smtp_host} could not be reached: {error}", code="smtp_unreachable") from error


def _accepted(code: int, answer: bytes, what: str) -> None:
    if code // 100 != 2:
        raise _refusal(code, answer, what)


def _refusal(code: int, answer: bytes | str, what: str) -> ChannelError:
    """4xx may be tried again, 5xx not (RFC 5321 section 4.2.1). Anything else is no SMTP: try again."""
    return ChannelError(
        f"The mail server refused {what}: {code} {_readable(answer)}", permanent=code // 100 == 5, code="smtp_refused"
    )


def _readable(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:300]

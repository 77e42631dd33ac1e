"""The mail server as a process: listens, bounds what one connection may do, stops when asked to."""

import asyncio
import logging
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

from kinline.errors import Misconfigured
from kinline.hub import Hub
from kinline_smtp.handler import SmtpHandler

log = structlog.get_logger(__name__)
#: Seconds a connection may be silent, and seconds that one mail may take.
PATIENCE = 60.0
CONNECTIONS = 1000
RECEIVING = 32  #: mails that come in at the same moment: each is held in memory until it is on disk
#: Calls of one command on one connection: a mail server sends many mails over one.
CALLS = {"*": 1000, "RCPT": 20_000, "NOOP": 50, "VRFY": 20, "EXPN": 5, "HELP": 5}
LONGEST_LINE = 1_000_000  #: bytes of a line of a mail; some programs write a whole page in one


class Options(NamedTuple):
    """How to listen."""

    host: str = "127.0.0.1"
    port: int = 2525
    lmtp: bool = False
    certificate: Path | None = None
    key: Path | None = None


class _Bounded(SMTP):
    """Says why it hangs up, and counts connections."""

    line_length_limit = LONGEST_LINE
    open: int = 0  #: of the whole process
    receiving: int = 0
    counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if _Bounded.open >= CONNECTIONS and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        if not self.counted:  # after STARTTLS it is made once more
            self.counted = True
            _Bounded.open += 1
        super().connection_made(transport)
        if self._handler_coroutine is not None:
            self._handler_coroutine.add_done_callback(_looked_at)

    def connection_lost(self, error: Exception | None) -> None:
        if self.counted:
            self.counted = False
            _Bounded.open -= 1
            super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        if _Bounded.receiving >= RECEIVING:
            await self.push("451 4.3.2 Too many mails at once, try again")
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            return
        _Bounded.receiving += 1
        try:
            await super().smtp_DATA(arg)
        finally:
            _Bounded.receiving -= 1

    def _timeout_cb(self) -> None:
        if isinstance(self.transport, asyncio.Transport) and not self.transport.is_closing():
            self.transport.write(b"421 4.4.2 You took too long\r\n")
        super()._timeout_cb()  # type: ignore[no-untyped-call]


def _looked_at(handling: "asyncio.Task[None]") -> None:
    """A peer that hung up in the middle of an answer is nothing to report."""
    if not handling.cancelled():
        error = handling.exception()
        if error is not None and not isinstance(error, ConnectionError):
            log.error("mail connection failed", exc_info=error)


class _BoundedLmtp(_Bounded, LMTP):
    """The same, for LMTP."""


def run(hub: Hub, options: Options, on_ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT. ``on_ready`` gets the port."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd writes every command, addresses too
    asyncio.run(_serve(hub, options, on_ready))


async def _serve(hub: Hub, options: Options, on_ready: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await listening(hub, options)
    on_ready(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()


async def listening(hub: Hub, options: Options) -> asyncio.Server:
    """A server that listens."""
    handler, tls = SmtpHandler(hub, lmtp=options.lmtp), _tls(options)
    protocol = _BoundedLmtp if options.lmtp else _Bounded

    def made() -> Any:
        return protocol(
            handler, data_size_limit=hub.settings.max_mail, enable_SMTPUTF8=True, hostname="kinline", ident="ready",
            tls_context=tls, timeout=PATIENCE, command_call_limit=CALLS, loop=asyncio.get_running_loop(),
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
        )  # fmt: skip

    return await asyncio.get_running_loop().create_server(made, options.host, options.port, backlog=256)


def _tls(options: Options) -> ssl.SSLContext | None:
    """For STARTTLS, where a certificate is named."""
    if options.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.certificate, options.key)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"The certificate cannot be used: {error}", code="wrong_settings") from None
    return context

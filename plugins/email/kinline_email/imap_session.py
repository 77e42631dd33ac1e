"""An open IMAP session: encryption, login by password or XOAUTH2, and every wait ended by a watch.

IMAPClient waits for each packet anew and reads a literal of any length that the server announces; here a call ends
when its time is over, and a literal over the limit ends the connection. Whatever goes wrong is a `ChannelError`.
"""

import imaplib
import ipaddress
import re
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from kinline import ChannelError
from kinline_email.settings import EmailSettings
from kinline_email.split import MAX_MAIL

CONNECT = 15.0  #: seconds to reach the server
PACKET = 30.0  #: seconds between two packets of an answer
CALL = 120.0  #: seconds of one call, however slowly the server drips
LONGEST_LITERAL = MAX_MAIL + 1_000_000
#: Response codes (RFC 5530) of a refusal that passes by itself.
_PASSES = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN|OVERQUOTA)\]", re.IGNORECASE)
_LOGIN_OVER = re.compile(r"\[(AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED)\]", re.IGNORECASE)


class Session:
    """One connection to one mailbox. ``client`` is only used inside `calling`."""

    def __init__(self, settings: EmailSettings) -> None:
        self.settings = settings
        self.host = settings.imap_host
        wires: list[socket.socket] = []
        watch = threading.Timer(CALL, lambda: deque(map(_shut, wires), maxlen=0))
        watch.daemon = True
        watch.start()
        try:
            with self._refusals():
                self.client = _connected(settings, wires)
                self._bounded()
        finally:
            watch.cancel()
        try:
            self._log_in()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def calling(self, seconds: float = 0.0) -> Iterator[IMAPClient]:
        """Use the client for so long (0: for `CALL`); then its connection is shut, whatever it waits for."""
        watch = threading.Timer(seconds or CALL, self._shut)
        watch.daemon = True
        watch.start()
        try:
            with self._refusals():
                yield self.client
        finally:
            watch.cancel()

    def can(self, capability: str) -> bool:
        with self.calling() as client:
            return bool(client.has_capability(capability))

    def close(self) -> None:
        with suppress(Exception), self.calling(1.0) as client:
            client.socket().settimeout(1.0)
            client.logout()
        with suppress(Exception):
            self.client.shutdown()

    def _shut(self) -> None:
        with suppress(OSError):
            _shut(self.client.socket())

    def _bounded(self) -> None:
        wire: Any = self.client._imap  # no public way to it
        read = wire.read

        def bounded(size: int) -> bytes:
            if size > LONGEST_LITERAL:
                self._shut()
                raise IMAPClientAbortError(f"The server announced a literal of {size} bytes.")
            found: bytes = read(size)
            return found

        wire.read = bounded

    def _log_in(self) -> None:
        user = self.settings.imap_user or self.settings.address
        try:
            with self.calling() as client:
                if self.settings.imap_security == "starttls":
                    client.starttls(ssl_context=ssl.create_default_context())
                if self.settings.access_token:
                    client.oauth2_login(user, self.settings.access_token)
                else:
                    client.login(user, self.settings.imap_password)
        except _Refused as error:
            raise _login_refused(self.host, error) from error

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except ChannelError:
            raise
        except LoginError as error:
            raise _Refused(str(error)) from error
        except IMAPClientAbortError as error:
            raise ChannelError(f"{self.host} broke off: {_short(error)}", code="imap_broke_off") from error
        except IMAPClientError as error:
            raise ChannelError(f"{self.host} refused: {_short(error)}", code="imap_refused") from error
        except ssl.SSLCertVerificationError as error:
            raise ChannelError(
                f"The certificate of {self.host} cannot be trusted: {error.verify_message}",
                permanent=True, code="imap_certificate",
            ) from error  # fmt: skip
        except (OSError, ValueError, EOFError, AssertionError) as error:
            raise ChannelError(f"{self.host} could not be reached: {_short(error)}", code="imap_unreachable") from error


class _Refused(ChannelError):
    """The server's words to a login that it refused."""


def _shut(wire: socket.socket) -> None:
    """Below TLS, for the session's own thread may be inside it."""
    with suppress(OSError):
        socket.socket.shutdown(wire, socket.SHUT_RDWR)


class _Wire(imaplib.IMAP4):
    """Shows its socket before the server has said a word, so that a watch can reach it."""

    def __init__(self, client: IMAPClient, wires: list[socket.socket]) -> None:
        self._context = client.ssl_context if client.ssl else None
        self._wires = wires
        super().__init__(client.host, client.port, CONNECT)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        wire = socket.create_connection((self.host, self.port), timeout)
        if self._context is not None:
            wire = self._context.wrap_socket(wire, server_hostname=self.host, do_handshake_on_connect=False)
        self._wires.append(wire)
        if isinstance(wire, ssl.SSLSocket):
            try:
                wire.do_handshake()
            except BaseException:
                wire.close()
                raise
        return wire


class _Client(IMAPClient):  # type: ignore[misc]  # it ships no types
    def __init__(self, wires: list[socket.socket], *given: Any, **more: Any) -> None:
        self._wires = wires
        super().__init__(*given, **more)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - its name there
        return _Wire(self, self._wires)


def _connected(settings: EmailSettings, wires: list[socket.socket]) -> IMAPClient:
    if not settings.imap_host:
        raise ChannelError("Set imap_host of this mail account first.", permanent=True, code="not_configured")
    if settings.imap_security == "none" and not is_loopback(settings.imap_host):
        raise ChannelError(
            f"Without encryption mail is fetched from this machine only, and {settings.imap_host} is another one. "
            "Set imap_security to tls or starttls.",
            permanent=True, code="imap_not_encrypted",
        )  # fmt: skip
    tls = settings.imap_security == "tls"
    return _Client(
        wires, settings.imap_host, settings.imap_port, ssl=tls, use_uid=True,
        ssl_context=ssl.create_default_context() if tls else None, timeout=SocketTimeout(CONNECT, PACKET),
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether every address of that host is of this machine."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found)


def _login_refused(host: str, error: ChannelError) -> ChannelError:
    """A refused login is a person's to mend, unless the server says that it will pass (RFC 5530)."""
    told = _short(error)
    if _PASSES.search(told) and not _LOGIN_OVER.search(told):
        return ChannelError(f"{host} lets nobody in just now: {told}", code="imap_login_later")
    return ChannelError(
        f"{host} refused the user, the password or the token: {told}", permanent=True, code="not_authorised"
    )


def _short(error: BaseException) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:300]

"""How we come in at a mail server: encrypted in both ways, with a password or a token, and never to one we cannot trust."""

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from kinline import ChannelError, Handle, HandleType, Outgoing, Prepared
from kinline.testing.servers import certificate
from kinline.testing.servers.running import free_port
from kinline_email import EmailChannel
from kinline_email.settings import EmailSettings
from kinline_email.smtp import send

ADDRESS = "help@shop.example"
BEARER = f"user={ADDRESS}\1auth=Bearer right\1\1".encode()


class Box:
    """Takes mail from those who know the password, or have the token."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 who are you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(envelope)
        return "250 taken"

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 - the mechanism's name
        """As Google does it: a wrong token is answered with a challenge that says so, and then refused."""
        if base64.b64decode(arguments[1]) == BEARER:
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"401"}')
        return AuthResult(success=False, handled=False)


def knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", b"right")
    return AuthResult(success=right, handled=False)


class _Tls(Controller):
    """Encrypted from the first byte."""

    def _trigger_server(self) -> None:
        """Its test of itself, as a client that trusts everybody."""
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port), 5) as plain, anybody.wrap_socket(plain) as wrapped:
            wrapped.recv(100)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    cert, key = certificate.write(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    @contextmanager
    def opened(security: str) -> Iterator[tuple[Box, int]]:
        box, port = Box(), free_port()
        more: dict[str, Any] = {"authenticator": knows, "hostname": "127.0.0.1", "port": port}
        if security == "tls":
            controller: Controller = _Tls(box, ssl_context=context, auth_require_tls=False, **more)
        else:
            controller = Controller(box, tls_context=context, require_starttls=True, auth_required=True, **more)
        controller.start()
        try:
            yield box, port
        finally:
            controller.stop()

    return opened


def settings(port: int, **more: Any) -> EmailSettings:
    return EmailSettings(**{"address": ADDRESS, "smtp_host": "localhost", "smtp_port": port, **more})


def mail(using: EmailSettings) -> Prepared:
    return EmailChannel().prepare(
        Outgoing(id="f1", to=Handle(HandleType.EMAIL, "ann@example.org"), text="Hello"), using
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("proof", [{"smtp_user": "me", "smtp_password": "right"}, {"access_token": "right"}])
def test_we_come_in_encrypted_and_with_our_proof(
    door: Callable[..., Any], security: str, proof: dict[str, str]
) -> None:
    with door(security) as (box, port):
        using = settings(port, smtp_security=security, **proof)
        send(mail(using), using, 5.0)

    assert [envelope.rcpt_tos for envelope in box.got] == [["ann@example.org"]]


@pytest.mark.parametrize(
    ("proof", "permanent"),
    [({"smtp_user": "me", "smtp_password": "wrong"}, True), ({"access_token": "wrong"}, False)],
)
def test_a_wrong_proof_is_said_and_only_a_token_may_be_right_later(
    door: Callable[..., Any], proof: dict[str, str], permanent: bool
) -> None:
    with door("starttls") as (box, port):
        using = settings(port, **proof)
        with pytest.raises(ChannelError) as refusal:
            send(mail(using), using, 5.0)

    assert (refusal.value.code, refusal.value.permanent, box.got) == ("smtp_login_refused", permanent, [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_is_not_who_it_says_gets_nothing(
    door: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with door(security) as (box, port):
        using = settings(port, smtp_security=security, smtp_user="me", smtp_password="right")
        with pytest.raises(ChannelError) as refusal:
            send(mail(using), using, 5.0)

    assert (refusal.value.code, refusal.value.permanent, box.got) == ("smtp_unreachable", False, [])

"""What goes out: the bytes, and what each way a mail server can behave means."""

import email
import email.header
import email.policy
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from kinline import ChannelError, Handle, HandleType, OutcomeUnknown, Outgoing, Prepared, Thread, clock
from kinline_email import EmailChannel, addresses, headers
from kinline_email.settings import EmailSettings
from kinline_email.smtp import send

ANN = Handle(HandleType.EMAIL, "ann@example.org")
NOON = 1_795_000_000 * clock.SECOND
DEADLINE = 1.0  #: seconds; everything here answers at once or never


def settings(port: int = 25, **more: Any) -> EmailSettings:
    return EmailSettings(
        address="support@shop.example",
        name="The Shop",
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_security="none",
        **more,
    )


def prepared(**change: Any) -> Prepared:
    base = {"id": "0198f00dfeed", "to": ANN, "to_name": "Ann", "subject": "Hello", "text": "Hello Ann\n.\n..\nbye"}
    with clock.frozen(NOON):
        return EmailChannel().prepare(Outgoing(**{**base, **change}), settings())


class Inbox:
    """A mail server that keeps what it got and answers what it is told."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.got: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("rcpt", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        return self.answers.get("data", "250 queued")


@contextmanager
def server(inbox: Inbox) -> Iterator[int]:
    controller = Controller(inbox, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def scripted(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that speaks for itself, on one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
        thread.join(5)


def up_to_the_dot(connection: socket.socket) -> None:
    """Be polite until the whole mail has come."""
    connection.sendall(b"220 hello\r\n")
    reader = connection.makefile("rb")
    for line in reader:
        command = line[:4].upper()
        connection.sendall(b"354 go on\r\n" if command == b"DATA" else b"250 OK\r\n")
        if command == b"DATA":
            break
    while reader.readline() not in (b".\r\n", b""):
        pass


def test_an_accepted_mail_is_sent_with_the_prepared_bytes() -> None:
    inbox, mail = Inbox(), prepared()

    with server(inbox) as port:
        sent = EmailChannel().send(mail, settings(port))

    (envelope,) = inbox.got
    assert sent.source_id == mail.source_id
    assert "queued" in sent.detail
    assert envelope.content == mail.body
    assert (envelope.mail_from, envelope.rcpt_tos) == ("support@shop.example", ["ann@example.org"])


@pytest.mark.parametrize(
    ("answers", "permanent"),
    [
        ({"rcpt": "450 try later"}, False),
        ({"rcpt": "550 no such user"}, True),
        ({"data": "451 try later"}, False),
        ({"data": "554 spam"}, True),
    ],
)
def test_a_refusal_is_surely_not_sent(answers: dict[str, str], permanent: bool) -> None:
    with server(Inbox(**answers)) as port, pytest.raises(ChannelError) as refusal:
        send(prepared(), settings(port), DEADLINE)

    assert (refusal.value.code, refusal.value.permanent) == ("smtp_refused", permanent)
    assert not isinstance(refusal.value, OutcomeUnknown)


def test_nobody_at_the_door_can_be_tried_again() -> None:
    with pytest.raises(ChannelError) as refusal:
        send(prepared(), settings(_free_port()), DEADLINE)

    assert (refusal.value.code, refusal.value.permanent) == ("smtp_unreachable", False)


def hang_up_after_the_dot(connection: socket.socket) -> None:
    up_to_the_dot(connection)


def say_nothing_after_the_dot(connection: socket.socket) -> None:
    up_to_the_dot(connection)
    connection.recv(1)


def talk_nonsense_after_the_dot(connection: socket.socket) -> None:
    up_to_the_dot(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")


def drip_after_the_dot(connection: socket.socket) -> None:
    up_to_the_dot(connection)
    for _ in range(50):
        connection.sendall(b"2")
        time.sleep(0.1)


@pytest.mark.alone
@pytest.mark.parametrize(
    "talk", [hang_up_after_the_dot, say_nothing_after_the_dot, talk_nonsense_after_the_dot, drip_after_the_dot]
)
def test_no_answer_after_the_final_dot_is_an_unknown_outcome(talk: Callable[[socket.socket], None]) -> None:
    started = time.monotonic()

    with scripted(talk) as port, pytest.raises(OutcomeUnknown):
        send(prepared(), settings(port), DEADLINE)

    assert time.monotonic() - started < 3 * DEADLINE + 3


def hang_before_the_greeting(connection: socket.socket) -> None:
    connection.recv(1)


def hang_up_before_the_greeting(connection: socket.socket) -> None:
    pass


def drip_the_greeting(connection: socket.socket) -> None:
    for _ in range(50):
        connection.sendall(b"2")
        time.sleep(0.1)


def hang_after_data(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    for line in connection.makefile("rb"):
        if line[:4].upper() == b"DATA":
            connection.recv(1)
            return
        connection.sendall(b"250 OK\r\n")


@pytest.mark.alone
@pytest.mark.parametrize(
    "talk", [hang_before_the_greeting, hang_up_before_the_greeting, drip_the_greeting, hang_after_data]
)
def test_trouble_before_the_final_dot_is_surely_not_sent(talk: Callable[[socket.socket], None]) -> None:
    started = time.monotonic()

    with scripted(talk) as port, pytest.raises(ChannelError) as refusal:
        send(prepared(), settings(port), DEADLINE)

    assert time.monotonic() - started < 3
    assert not isinstance(refusal.value, OutcomeUnknown)
    assert not refusal.value.permanent


def test_a_server_without_starttls_gets_no_mail_where_it_is_wanted() -> None:
    inbox = Inbox()
    wanting = EmailSettings(address="support@shop.example", smtp_host="127.0.0.1")

    with server(inbox) as port, pytest.raises(ChannelError) as refusal:
        send(prepared(), EmailSettings(address=wanting.address, smtp_host="127.0.0.1", smtp_port=port), DEADLINE)

    assert (refusal.value.code, refusal.value.permanent, inbox.got) == ("smtp_not_supported", True, [])


def test_an_answer_stands_in_its_thread_and_says_that_a_machine_wrote() -> None:
    answered = {
        "subject": "AW: Re: Where is it?",
        "facts": {"message_id": "3@example.org", "references": ["2@example.org", "1@example.org"]},
    }

    mail = prepared(subject="", answered=answered)

    read = email.message_from_bytes(mail.body, policy=email.policy.default)
    assert read["Subject"] == "Re: Where is it?"
    assert read["In-Reply-To"] == "<3@example.org>"
    assert read["References"].split() == ["<1@example.org>", "<2@example.org>", "<3@example.org>"]
    assert (read["Auto-Submitted"], read["Precedence"], read["X-Loop"]) == (
        "auto-replied",
        "bulk",
        "kinline support@shop.example",
    )
    assert read["X-Auto-Response-Suppress"] == "All"
    assert mail.facts["envelope_from"] == ""
    assert mail.thread == Thread(
        key=mail.facts["message_id"],
        parent="3@example.org",
        ancestors=("2@example.org", "1@example.org"),
        topic="whereisit",
        private=True,
        claimed=True,
    )


def test_what_an_agent_wrote_says_nothing_of_machines() -> None:
    read = email.message_from_bytes(prepared(automatic=False).body)

    assert not {"Auto-Submitted", "Precedence", "X-Loop", "X-Auto-Response-Suppress"} & set(read.keys())


@pytest.mark.parametrize(
    "name", ["Ann", "Ann, B.", 'Ann "A" B', "Änn Ünïcode " * 9, "=?utf-8?q?no?=", "ann@evil.example"]
)
def test_names_and_subjects_in_any_script_come_back_as_they_were(name: str) -> None:
    mail = prepared(to_name=name, subject=f"{name}日本語")

    read = email.message_from_bytes(mail.body)
    flags: set[str] = set()
    (to,) = addresses.read(read["To"].replace("\r\n", ""), flags).found
    assert max(len(line) for line in mail.body.splitlines()) < 1000
    assert mail.body.isascii()
    assert (to.name, to.address) == (name.strip(), "ann@example.org")
    assert headers.decoded(read["Subject"], flags) == f"{name}日本語"
    assert str(email.header.make_header(email.header.decode_header(read["Subject"]))) == f"{name}日本語"


def test_the_same_input_at_the_same_time_gives_the_same_bytes() -> None:
    assert prepared() == prepared()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("no-reply@example.org", "machine_mailbox"),
        ("support+x@shop.example", "own_address"),
        ("MAILER-DAEMON@example.org", "machine_mailbox"),
    ],
)
def test_machines_and_ourselves_are_not_written_to(address: str, code: str) -> None:
    with pytest.raises(ChannelError) as refusal:
        EmailChannel().check(Outgoing(id="f1", to=Handle(HandleType.EMAIL, address), text="Hello"), settings())

    assert (refusal.value.code, refusal.value.permanent) == (code, True)


def test_an_account_without_an_address_or_a_server_says_so() -> None:
    with pytest.raises(ChannelError, match="address"):
        EmailChannel().check(Outgoing(id="f1", to=ANN, text="Hello"), EmailSettings())
    with pytest.raises(ChannelError, match="smtp_host"):
        EmailChannel().send(prepared(), EmailSettings(address="support@shop.example"))


def test_an_automatic_message_of_its_own_can_bounce_back_to_us() -> None:
    assert prepared().facts["envelope_from"] == "support@shop.example"

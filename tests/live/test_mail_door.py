"""The door for mail: what it says to whom, that 250 means on disk, and a real mail server before it."""

import asyncio
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from kinline import blobs, handlers
from kinline.accounts import connected
from kinline.errors import Unavailable
from kinline.hub import Hub
from kinline.store import sql
from kinline.testing import hubs
from kinline.testing.servers import Postfix, certificate, swaks, until
from kinline_smtp import server as door
from kinline_smtp.server import Options

HELP, SALES, ANN = "help@shop.example", "sales@shop.example", "ann@people.example"


def mail(number: int, to: str = HELP) -> bytes:
    return (
        f"From: Ann <{ANN}>\r\nTo: {to}\r\nSubject: Mail {number}\r\nMessage-ID: <{number}@people.example>\r\n"
        f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nReturn-Path: <forged@evil.example>\r\n\r\nHello {number}\r\n"
    ).encode()


@pytest.fixture
def hub(hub: Hub) -> Hub:
    """With two accounts that have addresses."""
    with hub.store.write() as session:
        for address in (HELP, SALES):
            given = {"address": address, "own_addresses": [HELP, SALES]}
            connected.connect(session, hub.secret, "email", address.partition("@")[0], given)
    return hub


@contextmanager
def serving(hub: Hub, **options: object) -> Iterator[int]:
    """A door in a thread of this process; gives its port."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    port: list[int] = []

    async def serve() -> None:
        server = await door.listening(hub, Options(port=0, **options))  # type: ignore[arg-type]
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        with suppress(asyncio.CancelledError):
            await server.serve_forever()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    task = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,))
    thread.start()
    assert ready.wait(10)
    try:
        yield port[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def client(port: int) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="people.example", timeout=30) as found:
        yield found


def count(hub: Hub, table: str, where: str = "1 = 1") -> int:
    with hub.store.read() as session:
        return int(sql.run(session, f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def test_a_mail_server_delivers_to_it_and_one_mail_is_one_interaction(hub: Hub) -> None:
    # Given Postfix before our door
    with serving(hub, lmtp=True) as port:
        postfix = Postfix({"shop.example": port})
        try:
            postfix.start()
            # When a mail goes to two mailboxes of ours, and one to nobody
            assert swaks(postfix.port, mail(1), ANN, [HELP, "sales+eu@shop.example"]).returncode == 0
            assert until(lambda: count(hub, "intake"))
            assert until(lambda: "status=sent" in postfix.log())
            assert swaks(postfix.port, mail(2), ANN, ["nobody@shop.example"]).returncode == 0
            assert until(lambda: "status=bounced" in postfix.log())
        finally:
            postfix.stop()
    handlers.drain(hub)

    # Then it is one interaction of hers, with a copy for each mailbox
    assert (count(hub, "interaction"), count(hub, "copy")) == (1, 2)


def test_what_is_said_to_whom(hub: Hub) -> None:
    with serving(hub) as port, client(port) as talk:
        assert talk.sendmail(ANN, [HELP], mail(1)) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused) as nobody:
            talk.sendmail(ANN, ["nobody@shop.example"], mail(1))
        assert nobody.value.recipients["nobody@shop.example"][0] == 550
        assert talk.docmd("VRFY", ANN)[0] == 252
        assert talk.docmd("EXPN", "all")[0] == 502
        assert talk.docmd("NONSENSE" + "x" * 100_000)[0] == 500
        assert talk.docmd("MAIL", f"FROM:<{ANN}> SIZE=60000000")[0] == 552
        talk.rset()
        talk.mail(ANN)
        answers = [talk.rcpt(f"help+{number}@shop.example")[0] for number in range(101)]
        assert (answers[99], answers[100]) == (250, 452)

    assert count(hub, "intake") == 1


def test_a_mail_that_is_larger_than_it_said_is_refused(hub: Hub) -> None:
    small = Hub(hub.settings.model_copy(update={"max_mail": 2000}), hub.secret, hub.store)
    with serving(small) as port, client(port) as talk:
        talk.ehlo()
        talk.mail(ANN)
        talk.rcpt(HELP)
        assert talk.data(mail(1) + b"x\r\n" * 2000)[0] == 552

    assert count(hub, "intake") == 0


@pytest.mark.parametrize("end", [b"\n.\r\n", b"\r.\r\n", b"\n.\n", b"\r\n.\n", b"\r\n.\r"])
@pytest.mark.parametrize("lmtp", [False, True])
def test_one_mail_never_becomes_two(hub: Hub, end: bytes, lmtp: bool) -> None:
    # Given a mail in which another one hides behind a line end that some servers take for one (E15)
    smuggled = (
        mail(1) + b"More" + end + b"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<help@shop.example>\r\nDATA\r\nEvil\r\n"
    )
    with (
        serving(hub, lmtp=lmtp) as port,
        socket.create_connection(("127.0.0.1", port), 10) as wire,
        wire.makefile("rb") as reader,
    ):
        reader.readline()
        for line in (
            b"LHLO x" if lmtp else b"EHLO x",
            b"MAIL FROM:<%s>" % ANN.encode(),
            b"RCPT TO:<help@shop.example>",
            b"DATA",
        ):
            wire.sendall(line + b"\r\n")
            while reader.readline()[3:4] == b"-":
                pass
        wire.sendall(smuggled + b"\r\n.\r\n")
        answer = reader.readline()

    assert answer.startswith(b"550 ")
    assert count(hub, "intake") == 0


def test_the_envelope_stands_on_top_and_what_claimed_to_be_it_is_gone(hub: Hub) -> None:
    with serving(hub) as port, client(port) as talk:
        talk.sendmail("", [HELP], mail(1))
    with hub.store.read() as session:
        [(blob,)] = sql.run(session, "SELECT blob_hash FROM intake")
    with blobs.open_blob(hub.store, blob) as kept:
        raw = kept.read()
    handlers.drain(hub)

    assert raw.startswith(b"Return-Path: <>\r\nReceived: from [127.0.0.1] by kinline id ")
    assert b"forged@evil" not in raw
    # a mail without an envelope sender is a machine's
    assert count(hub, "interaction", "automatic <> ''") == 1


def test_starttls_is_offered_where_there_is_a_certificate(hub: Hub, tmp_path: Path) -> None:
    made, key = certificate.write(tmp_path)
    trusting = ssl.create_default_context(cafile=str(made))
    with serving(hub, certificate=made, key=key) as port, smtplib.SMTP("localhost", port, timeout=30) as talk:
        assert talk.starttls(context=trusting)[0] == 220
        assert talk.sendmail(ANN, [HELP], mail(1)) == {}


def test_what_is_sent_before_the_handshake_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    # E16: commands behind STARTTLS, in the same packet
    made, key = certificate.write(tmp_path)
    with (
        serving(hub, certificate=made, key=key) as port,
        socket.create_connection(("localhost", port), 10) as wire,
    ):
        assert _answer(wire) == b"220"
        wire.sendall(b"EHLO x\r\n")
        assert _answer(wire) == b"250"
        wire.sendall(b"STARTTLS\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<help@shop.example>\r\n")
        assert _answer(wire) == b"220"
        context = ssl.create_default_context(cafile=str(made))
        with context.wrap_socket(wire, server_hostname="localhost") as secure:
            secure.sendall(b"EHLO x\r\n")
            assert _answer(secure) == b"250"
            secure.sendall(b"DATA\r\n")
            assert _answer(secure) == b"503"


def _answer(wire: socket.socket) -> bytes:
    """The code of the next answer, read byte by byte so that nothing of the handshake is taken."""
    line = b""
    while not (line.endswith(b"\r\n") and line[3:4] == b" "):
        line = b"" if line.endswith(b"\n") else line
        line += wire.recv(1)
    return line[:3]


def test_who_is_silent_or_slow_is_left_and_others_are_served(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    # E18: hundreds that say nothing
    monkeypatch.setattr(door, "PATIENCE", 3.0)
    with serving(hub) as port:
        silent = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(200)]
        with client(port) as talk:
            assert talk.sendmail(ANN, [HELP], mail(1)) == {}
        with silent[0].makefile("rb") as reader:
            told = reader.read()
        for each in silent:
            each.close()

    assert told.splitlines()[-1].startswith(b"421 ")


def test_only_so_many_mails_come_in_at_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "RECEIVING", 1)
    with serving(hub) as port, client(port) as slow, client(port) as other:
        slow.ehlo()
        slow.mail(ANN)
        slow.rcpt(HELP)
        assert slow.docmd("DATA")[0] == 354
        with pytest.raises(smtplib.SMTPDataError) as busy:
            other.sendmail(ANN, [HELP], mail(1))
        assert busy.value.smtp_code == 451
        slow.send(mail(2) + b".\r\n")
        assert slow.getreply()[0] == 250

        assert other.sendmail(ANN, [HELP], mail(1)) == {}


def test_a_database_that_is_away_or_full_is_said_and_nothing_is_lost(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(hub) as port, client(port) as talk:
        talk.sendmail(ANN, [HELP], mail(1))
        if hub.store.dialect == "sqlite":
            with hub.store.engine.connect() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            monkeypatch.setattr("kinline_smtp.handler.receive_all", _full)
            expected, mend = 452, monkeypatch.undo
        else:
            name = hub.settings.database.rpartition("/")[2]
            _connections(name, allowed=False)
            expected, mend = 451, lambda: _connections(name, allowed=True)
        try:
            with pytest.raises(smtplib.SMTPException) as refused:
                talk.sendmail(ANN, [HELP], mail(2))
            assert _code(refused.value) == expected
        finally:
            mend()
        assert until(lambda: _sent(talk), 20)

    handlers.drain(hub)
    assert count(hub, "interaction") == 2


def _full(*_: object) -> list[str]:
    raise Unavailable("The database cannot answer now: database or disk is full", code="database_down")


def _code(error: smtplib.SMTPException) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next(iter(error.recipients.values()))[0]
    assert isinstance(error, smtplib.SMTPResponseException)
    return error.smtp_code


def _sent(talk: smtplib.SMTP) -> bool:
    try:
        return talk.sendmail(ANN, [HELP], mail(2)) == {}
    except smtplib.SMTPException:
        return False


def _connections(name: str, *, allowed: bool) -> None:
    with psycopg.connect(hubs.SERVER, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS {allowed}')
        if not allowed:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def test_what_was_said_to_be_kept_is_there_after_a_kill(hub: Hub) -> None:
    # Given the door as a process, and four that send without end
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KINLINE_")},
        "KINLINE_DATABASE_URL": hub.settings.database, "KINLINE_HOME": str(hub.settings.home),
        "KINLINE_SECRET": hub.settings.secret.get_secret_value(),
    }  # fmt: skip
    kept: list[int] = []
    for enough in (20, 40):
        process = subprocess.Popen(
            [sys.executable, "-m", "kinline_cli", "smtp", "--port", "0"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        line = ""
        while "Taking mail" not in line:
            line = process.stderr.readline()
            assert line, "the door did not start"
        port = int(line.strip().rpartition(":")[2])
        senders = [threading.Thread(target=_send, args=(port, kept, enough * 1000 + n * 1000)) for n in range(4)]
        for sender in senders:
            sender.start()
        assert until(partial(_more_than, kept, enough), 60)

        # When it is killed in the middle
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        for sender in senders:
            sender.join(30)

    # Then whatever was acknowledged is there
    handlers.drain(hub)
    with hub.store.read() as session:
        there = {doc for (doc,) in sql.run(session, "SELECT doc FROM interaction")}
    text = "".join(there)
    assert [number for number in kept if f'"Mail {number}"' not in text] == []


def _more_than(kept: list[int], enough: int) -> bool:
    return len(kept) > enough


def _send(port: int, kept: list[int], start: int) -> None:
    with suppress(OSError, smtplib.SMTPException), client(port) as talk:
        for number in range(start, start + 1000):
            talk.sendmail(ANN, [HELP], mail(number))
            kept.append(number)

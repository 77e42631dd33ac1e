"""What a mail server can do wrong, said by one that follows a script; and what only Gmail does."""

import io
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from kinline import Broken, ChannelError, Fetched, Item
from kinline_email import EmailChannel, imap_session
from kinline_email.imap import Mailbox
from kinline_email.settings import EmailSettings

MAIL = b"From: ann@people.example\r\nSubject: Mail %d\r\nMessage-ID: <%d@people.example>\r\n\r\nHello\r\n"


class Server:
    """An IMAP server with the mails 1 to 3 in one folder. ``odd``: UID → the answer to a fetch of that mail alone."""

    def __init__(self, *, gmail: bool = False) -> None:
        self.gmail = gmail
        self.odd: dict[int, bytes | None] = {}
        self.labels: dict[int, str] = {}
        self.uidnext = 4
        self.selected: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[EmailSettings]:
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        try:
            yield EmailSettings(
                address="help@shop.example", imap_host="127.0.0.1", imap_port=listener.getsockname()[1],
                imap_security="none", imap_password="x",
            )  # fmt: skip
        finally:
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(b"* OK hello\r\n")
        for line in connection.makefile("rb"):
            tag, _, words = line.strip().partition(b" ")
            told = self._answer(words.decode())
            if told is None:
                return
            done = b"" if told.endswith(b"NO I cannot\r\n") else b" OK done\r\n"
            if done:
                connection.sendall(told + tag + done)
            else:
                connection.sendall(tag + b" NO I cannot\r\n")

    def _answer(self, words: str) -> bytes | None:
        word = words.split()[0].upper()
        if word == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 SPECIAL-USE" + (b" X-GM-EXT-1" if self.gmail else b"") + b"\r\n"
        if word == "LIST":
            if not self.gmail or not words.endswith(("*", '"*"')):
                return b""
            return b'* LIST (\\HasNoChildren \\All) "/" "[Gmail]/All Mail"\r\n* LIST () "/" INBOX\r\n'
        if word in ("SELECT", "EXAMINE"):
            self.selected.append(words.partition(" ")[2])
            return b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT %d] ok\r\n" % self.uidnext
        if word == "UID" and "SEARCH" in words:
            return b"* SEARCH 1 2 3\r\n"
        if word == "UID" and "FETCH" in words:
            return self._fetch([int(each) for each in re.findall(r"\d+", words.split()[2])], words)
        return b""

    def _fetch(self, uids: list[int], words: str) -> bytes | None:
        told = b""
        for uid in uids:
            if "SIZE" in words:
                labels = f" X-GM-LABELS ({self.labels.get(uid, '')})" if self.gmail else ""
                told += f"* {uid} FETCH (UID {uid} RFC822.SIZE 99 FLAGS (){labels})\r\n".encode()
                continue
            if uid in self.odd:
                odd = self.odd[uid]
                if odd is None or odd.endswith(b"NO I cannot\r\n"):
                    return odd
                told += odd
                continue
            body = MAIL % (uid, uid)
            told += b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(body), body)
        return told


def read(pieces: Iterator[Fetched]) -> list[str]:
    """The subject of each, or the code of what is broken about it."""
    found = []
    for piece in pieces:
        for item in EmailChannel().parse(io.BytesIO(piece.body), piece.source, EmailSettings()) if piece.body else ():
            if isinstance(item, Broken):
                found.append(item.code)
            elif isinstance(item, Item):
                found.append(EmailChannel().normalise(item, EmailSettings())[0].subject)  # type: ignore[union-attr]
    return found


START = '{"since":"2026-11-20","folders":{"INBOX":{"validity":7,"last":0,"first":1}}}'


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (b"NO I cannot\r\n", "not_given"),
        (b"* 2 FETCH (UID 2 BODY[] NIL)\r\n", "not_given"),
        (b"* 2 FETCH (UID 2 BODY[] 17)\r\n", "not_given"),
        (b"* 2 FETCH (UID 2 FLAGS ())\r\n", "not_given"),
        (b"* 2 EXPUNGE\r\n", None),
    ],
    ids=["E30 refused", "E30 NIL", "E30 a number", "E30 no body", "E30 gone meanwhile"],
)
def test_a_mail_that_is_not_given_is_set_aside_and_its_neighbours_come(odd: bytes, told: str | None) -> None:
    server = Server()
    server.odd[2] = odd
    with server.serving() as settings, Mailbox(settings) as box:
        found = read(box.fetch(START))

    assert found == ["Mail 1", *([told] if told else []), "Mail 3"]


def test_a_server_that_hangs_up_in_the_middle_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # E30 BYE mid-fetch
    server = Server()
    server.odd[2] = None
    with server.serving() as settings:
        with Mailbox(settings) as box, pytest.raises(ChannelError) as trouble:
            read(box.fetch(START))
        assert (trouble.value.code, trouble.value.permanent) == ("imap_broke_off", False)

        server.odd.clear()
        with Mailbox(settings) as box:
            assert read(box.fetch(START)) == ["Mail 1", "Mail 2", "Mail 3"]


def test_an_endless_literal_ends_the_connection_and_not_the_hub() -> None:
    # E30 literal too long
    server = Server()
    server.odd[2] = b"* 2 FETCH (UID 2 BODY[] {99999999999}\r\n"
    with server.serving() as settings, Mailbox(settings) as box, pytest.raises(ChannelError) as trouble:
        read(box.fetch(START))

    assert (trouble.value.code, trouble.value.permanent) == ("imap_broke_off", False)


@pytest.mark.alone
def test_a_server_that_drips_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_session, "CALL", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    settings = EmailSettings(imap_host="127.0.0.1", imap_port=listener.getsockname()[1], imap_security="none")

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
            connection.recv(1000)
            for _ in range(100):
                connection.sendall(b"*")
                threading.Event().wait(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    with pytest.raises(ChannelError) as trouble:
        imap_session.Session(settings)
    took = time.monotonic() - began
    thread.join(10)
    listener.close()

    assert not trouble.value.permanent
    assert took < 3


def test_in_gmail_each_mail_comes_once_and_drafts_do_not() -> None:
    # Given All Mail, in which labels are what folders are elsewhere
    server = Server(gmail=True)
    server.labels = {1: '"\\\\Inbox" "\\\\Important"', 2: '"\\\\Draft"', 3: '"\\\\Sent"'}
    start = START.replace("INBOX", "[Gmail]/All Mail")
    with server.serving() as settings, Mailbox(settings) as box:
        pieces = [piece for piece in box.fetch(start) if piece.body]

    assert read(iter(pieces)) == ["Mail 1", "Mail 3"]
    assert ["kinline-sent" in piece.source.headers for piece in pieces] == [False, True]
    assert set(server.selected) == {'"[Gmail]/All Mail"'}


def test_no_file_and_no_caller_can_claim_to_be_our_folder_of_sent_mail() -> None:
    from kinline import Source

    body = io.BytesIO(MAIL % (1, 1))
    for name in ("webhook", "mailbox.eml", ""):
        body.seek(0)
        (item,) = EmailChannel().parse(body, Source(name=name, headers={"kinline-sent": "yes"}), EmailSettings())
        assert isinstance(item, Item)
        assert "sent" not in item.form

"""A mailbox at a real Dovecot: what is new, what was, what somebody else sent for us, and what goes wrong."""

import io
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kinline import ChannelError, Direction, Fetched, Interaction, Item, Standing
from kinline.pretend import FakeAnswer, FakeCall, PretendServer
from kinline.testing.servers import Dovecot
from kinline_email import EmailChannel, imap, split
from kinline_email.imap import Mailbox
from kinline_email.inbound import OURS_UNPROVED
from kinline_email.settings import EmailSettings

Settings = Callable[..., EmailSettings]


def mail(number: int, *, sender: str = "ann@people.example", to: str = "help@shop.example", more: str = "") -> bytes:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: Mail {number}\r\nMessage-ID: <{number}@people.example>\r\n"
        f"Date: Fri, 20 Nov 2026 10:00:{number:02} +0000\r\n{more}\r\nThis is mail {number}.\r\n"
    ).encode()


def read(piece: Fetched, settings: EmailSettings) -> Interaction:
    (item,) = EmailChannel().parse(io.BytesIO(piece.body), piece.source, settings)
    assert isinstance(item, Item)
    first = EmailChannel().normalise(item, settings)[0]
    assert isinstance(first, Interaction)
    return first


def subjects(pieces: Iterator[Fetched], settings: EmailSettings) -> list[str]:
    return [read(piece, settings).subject for piece in pieces if piece.body]


def cursor_after(pieces: Iterator[Fetched]) -> str:
    return [piece.cursor for piece in pieces][-1]


def test_an_account_begins_now_and_its_past_comes_when_asked_for(
    dovecot: Dovecot, address: str, mailbox: Settings
) -> None:
    # Given a mailbox with two mails
    settings = mailbox()
    dovecot.append(address, mail(1))
    dovecot.append(address, mail(2))
    with Mailbox(settings) as box:
        # When it is connected, nothing comes
        start = cursor_after(box.fetch(""))
        assert subjects(box.fetch(start), settings) == []

        # And what comes later comes oldest first, and stays unseen
        dovecot.append(address, mail(3))
        dovecot.append(address, mail(4))
        assert subjects(box.fetch(start), settings) == ["Mail 3", "Mail 4"]
        assert dovecot.unseen(address) == 4

        # And the past is told of, and comes newest first
        assert box.estimate().items == 4
        assert subjects(box.history(""), settings) == ["Mail 4", "Mail 3", "Mail 2", "Mail 1"]


def test_the_past_goes_on_where_it_stopped(dovecot: Dovecot, address: str, mailbox: Settings) -> None:
    settings = mailbox()
    for number in range(1, 6):
        dovecot.append(address, mail(number))
    with Mailbox(settings) as box:
        pieces = box.history("")
        next(pieces)
        stopped = next(pieces).cursor

        assert subjects(box.history(stopped), settings) == ["Mail 3", "Mail 2", "Mail 1"]
        assert subjects(box.history(cursor_after(box.history(stopped))), settings) == []


def test_each_cursor_is_a_place_to_go_on(dovecot: Dovecot, address: str, mailbox: Settings) -> None:
    settings = mailbox()
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        for number in range(1, 4):
            dovecot.append(address, mail(number))
        kept = [piece for piece in box.fetch(start) if piece.body]

        assert [subjects(box.fetch(piece.cursor), settings) for piece in kept] == [
            ["Mail 2", "Mail 3"], ["Mail 3"], [],
        ]  # fmt: skip


def test_uids_that_became_void_lose_nothing_since_the_account_was_connected(
    dovecot: Dovecot, address: str, mailbox: Settings
) -> None:
    # Given an old mail, and two that came after the account was connected
    settings = mailbox()
    dovecot.append(address, mail(1), at=time.time() - 40 * 86_400)
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(2))
        dovecot.append(address, mail(3))
        before = [read(piece, settings).source_id for piece in box.fetch(start) if piece.body]
        cursor = cursor_after(box.fetch(start))

    # When the server loses its UIDs, and another mail comes
    dovecot.admin("mailbox", "update", "--uid-validity", "77", "-u", address, "INBOX")
    dovecot.append(address, mail(4))
    with Mailbox(settings) as box:
        again = [read(piece, settings) for piece in box.fetch(cursor) if piece.body]
        end = cursor_after(box.fetch(cursor))

        # Then nothing is missing, what is here already has its old name, and the past stays the past
        assert [one.subject for one in again] == ["Mail 2", "Mail 3", "Mail 4"]
        assert [one.source_id for one in again][:2] == before
        assert subjects(box.fetch(end), settings) == []


def test_what_we_sent_from_another_program_is_ours_and_proved(
    dovecot: Dovecot, address: str, mailbox: Settings
) -> None:
    # Given an answer in the folder of sent mail, whatever that is called, and a draft
    settings = mailbox()
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(1, sender=address, to="ann@people.example"), "Sent Things", flags="(\\Seen)")
        dovecot.append(address, mail(2, sender=address), "Sent Things", flags="(\\Draft)")
        [ours] = [read(piece, settings) for piece in box.fetch(start) if piece.body]

    # Then it is ours and breaks our silence; the draft is nothing
    assert (ours.direction, ours.parties[0].ours, ours.parties[0].standing) == (
        Direction.OUTBOUND, True, Standing.VERIFIED,
    )  # fmt: skip
    assert OURS_UNPROVED not in ours.flags

    # And the same in the inbox may be forged
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(3, sender=address))
        [claimed] = [read(piece, settings) for piece in box.fetch(start) if piece.body]
    assert OURS_UNPROVED in claimed.flags


def test_one_mail_in_two_folders_has_one_name(dovecot: Dovecot, address: str, mailbox: Settings) -> None:
    settings = mailbox(imap_folders=("INBOX", "Drafts"))
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(1))
        dovecot.append(address, mail(1), "Drafts")
        names = {read(piece, settings).source_id for piece in box.fetch(start) if piece.body}

    assert len(names) == 1


def test_the_newest_are_named_as_they_are_recorded(dovecot: Dovecot, address: str, mailbox: Settings) -> None:
    settings = mailbox()
    dovecot.append(address, mail(1))
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(2))
        dovecot.append(address, mail(3, sender=address), "Sent Things")
        recorded = [read(piece, settings).source_id for piece in box.fetch(start) if piece.body]

        # Those from before it was connected are not missed
        assert sorted(box.recent(20)) == sorted(recorded)


@pytest.mark.alone
def test_a_mail_wakes_who_waits_at_once(dovecot: Dovecot, address: str, mailbox: Settings) -> None:
    with Mailbox(mailbox()) as box:
        cursor_after(box.fetch(""))
        assert box.wait(0.1) is False
        threading.Timer(0.2, dovecot.append, (address, mail(1))).start()
        began = time.monotonic()

        assert box.wait(20) is True
        assert time.monotonic() - began < 10


def test_a_mail_between_the_look_and_the_waiting_wakes_too(dovecot: Dovecot, address: str, mailbox: Settings) -> None:
    with Mailbox(mailbox()) as box:
        cursor_after(box.fetch(""))
        dovecot.append(address, mail(1))

        assert box.wait(20) is True


def test_idle_is_said_anew_in_time(
    dovecot: Dovecot, address: str, mailbox: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "RE_IDLE", 0.0)
    with Mailbox(mailbox()) as box:
        cursor_after(box.fetch(""))
        assert [box.wait(0.05) for _ in range(3)] == [False] * 3
        dovecot.append(address, mail(1))

        assert box.wait(20) is True


def test_a_server_without_idle_is_asked_again_and_again(address: str, mailbox: Settings) -> None:
    server = Dovecot(without=["IDLE"])
    try:
        server.start()
        settings = mailbox(imap_port=server.imap)
        with Mailbox(settings) as box:
            start = cursor_after(box.fetch(""))
            assert "every minute" in box.about()
            server.append(address, mail(1))
            assert box.wait(0.05) is False
            assert subjects(box.fetch(start), settings) == ["Mail 1"]
    finally:
        server.stop()


def test_a_server_that_goes_away_is_noticed_and_the_next_connection_goes_on(address: str, mailbox: Settings) -> None:
    server = Dovecot()
    try:
        server.start()
        settings = mailbox(imap_port=server.imap)
        box = Mailbox(settings)
        start = cursor_after(box.fetch(""))
        assert box.wait(0.05) is False
        server.append(address, mail(1))
        server.halt()
        with pytest.raises(ChannelError) as trouble:
            _used_for_a_while(box, start)
        assert not trouble.value.permanent
        box.close()
        with pytest.raises(ChannelError) as nobody:
            Mailbox(settings)
        assert (nobody.value.code, nobody.value.permanent) == ("imap_unreachable", False)

        server.start()
        with Mailbox(settings) as again:
            assert subjects(again.fetch(start), settings) == ["Mail 1"]
    finally:
        server.stop()


def _used_for_a_while(box: Mailbox, cursor: str) -> None:
    for _ in range(20):
        box.wait(1)
        list(box.fetch(cursor))


@pytest.mark.parametrize(("security", "port"), [("tls", "imaps"), ("starttls", "imap")])
def test_certificates_are_checked(
    dovecot: Dovecot, mailbox: Settings, monkeypatch: pytest.MonkeyPatch, security: str, port: str
) -> None:
    settings = mailbox(imap_host="localhost", imap_security=security, imap_port=getattr(dovecot, port))
    with pytest.raises(ChannelError) as stranger:
        Mailbox(settings)
    assert (stranger.value.code, stranger.value.permanent) == ("imap_certificate", True)

    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    with Mailbox(settings) as box:
        assert isinstance(box.session.client.socket(), ssl.SSLSocket)
        assert box.about().startswith("The mailbox help")


def test_without_encryption_only_this_machine_is_asked(mailbox: Settings) -> None:
    with pytest.raises(ChannelError) as refused:
        Mailbox(mailbox(imap_host="192.0.2.1"))

    assert (refused.value.code, refused.value.permanent) == ("imap_not_encrypted", True)


def test_a_wrong_password_needs_a_person(mailbox: Settings) -> None:
    with pytest.raises(ChannelError) as refused:
        Mailbox(mailbox(imap_password="wrong"))

    assert (refused.value.code, refused.value.permanent) == ("not_authorised", True)


class Tokens(PretendServer):
    """Says whether a token is good (RFC 7662), for Dovecot."""

    good: tuple[str, str] = ("", "")

    def routes(self):  # type: ignore[no-untyped-def]
        return [("GET", "/introspect", self.introspect)]

    def settings_for(self, url: str) -> dict[str, object]:
        return {}

    def introspect(self, asked: FakeCall) -> FakeAnswer:
        token, user = self.good
        good = asked.one("token") == token
        return FakeAnswer({"active": good, **({"email": user} if good else {})})


def test_a_token_opens_a_mailbox_and_a_withdrawn_one_needs_a_person(address: str, mailbox: Settings) -> None:
    tokens = Tokens()
    tokens.start()
    server = Dovecot(introspect=f"{tokens.url}/introspect?token=")
    try:
        server.start()
        tokens.good = "good-token", address
        settings = mailbox(imap_port=server.imap, access_token="good-token", imap_password="")
        with Mailbox(settings) as box:
            assert "INBOX" in box.about()

        tokens.good = "another", address
        with pytest.raises(ChannelError) as refused:
            Mailbox(settings)
        assert (refused.value.code, refused.value.permanent) == ("not_authorised", True)
    finally:
        server.stop()
        tokens.stop()


def test_a_mail_over_the_limit_comes_without_its_content(
    dovecot: Dovecot, address: str, mailbox: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a limit that is easily reached
    monkeypatch.setattr(imap, "MAX_MAIL", 2_000)
    settings = mailbox()
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(1) + b"very long\r\n" * 1_000)
        dovecot.append(address, mail(2))
        large, small = [read(piece, settings) for piece in box.fetch(start) if piece.body]

    assert (large.subject, large.text, "body_left_out" in large.flags) == ("Mail 1", "", True)
    assert (small.subject, small.flags) == ("Mail 2", ())


def test_a_folder_that_is_not_there_is_said_and_the_others_are_read(
    dovecot: Dovecot, address: str, mailbox: Settings
) -> None:
    settings = mailbox(imap_folders=("INBOX", "Nowhere"))
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        dovecot.append(address, mail(1))
        [piece] = [piece for piece in box.fetch(start) if piece.body]

        assert piece.limits == {"folders": ["INBOX"], "folders_missing": ["Nowhere"]}
        assert "There is no folder Nowhere" in box.about()
    with pytest.raises(ChannelError) as refused, Mailbox(mailbox(imap_folders=("Nowhere",))) as box:
        list(box.fetch(""))
    assert (refused.value.code, refused.value.permanent) == ("no_such_folder", True)


def test_a_large_group_is_fetched_in_pieces(
    dovecot: Dovecot, address: str, mailbox: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "GROUP", 2)
    monkeypatch.setattr(imap, "WINDOW", 3)
    settings = mailbox()
    with Mailbox(settings) as box:
        start = cursor_after(box.fetch(""))
        for number in range(1, 9):
            dovecot.append(address, mail(number))

        assert subjects(box.fetch(start), settings) == [f"Mail {number}" for number in range(1, 9)]
        assert subjects(box.history(""), settings) == [f"Mail {number}" for number in range(8, 0, -1)]


def test_the_limit_of_a_literal_lets_the_largest_mail_pass() -> None:
    from kinline_email.imap_session import LONGEST_LITERAL

    assert LONGEST_LITERAL > split.MAX_MAIL

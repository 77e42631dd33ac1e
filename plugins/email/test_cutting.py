"""Files are cut into mails, streaming, and nothing is skipped in silence."""

import io
from pathlib import Path

import pytest

from kinline import Broken, Item, Source
from kinline_email import EmailChannel, split
from kinline_email.settings import EmailSettings

MAIL = b"From: ann@example.org\nSubject: hello\n\nHello\n"
LINE = b"From ann@example.org Fri Nov 20 10:10:10 2026\n"


def cut(raw: bytes) -> list[Item | Broken]:
    return list(EmailChannel().parse(io.BytesIO(raw), Source(), EmailSettings()))


def reasons(raw: bytes) -> list[str]:
    return [piece.code if isinstance(piece, Broken) else "mail" for piece in cut(raw)]


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b'{"from": "ann"}', "a JSON document"),
        (b"<html>", "an HTML or XML document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an Outlook .msg or an old Office document: save it as .eml"),
        (b"a\0b", "binary data"),
        (b"{|5\xfb\0\x01", "binary data"),
        (b"Dear Ann,\n\nFrom: here\n", "a text without mail header fields"),
        (b"Note: this is a text\n", "a text without mail header fields"),
    ],
)
def test_what_is_no_mail_is_told_by_what_it_looks_like(raw: bytes, what: str) -> None:
    (piece,) = cut(raw)

    assert isinstance(piece, Broken)
    assert (piece.code, what in piece.detail) == ("not_mail", True)


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        b"\xef\xbb\xbf" + MAIL,
        b"\r\n\r\n" + MAIL,
        MAIL.replace(b"\n", b"\r\n"),
        MAIL.replace(b"\n", b"\r"),
        b"From somebody\n" + MAIL,
        b"rubbish\nReceived: by mx.example.org\n" + MAIL,
        LINE + MAIL,
    ],
)
def test_a_mail_however_it_begins_is_one_mail(raw: bytes) -> None:
    assert reasons(raw) == ["mail"]


def test_an_mbox_is_cut_at_its_from_lines_only() -> None:
    tricky = MAIL + b"\nFrom here on it is a text.\n\nFrom ann@example.org Fri Nov 20 10:10:10 2026\nthis is no field\n"

    pieces = cut(LINE + tricky + b"\n" + LINE + MAIL)

    assert [piece.body for piece in pieces if isinstance(piece, Item)] == [LINE + tricky + b"\n", LINE + MAIL]


def test_quoted_from_lines_are_restored() -> None:
    (piece,) = cut(LINE + MAIL + b">From me\n>>From you\n")

    assert isinstance(piece, Item)
    assert piece.body.endswith(b"\nFrom me\n>From you\n")


def test_a_mail_file_keeps_lines_that_look_like_an_mbox() -> None:
    assert reasons(MAIL + b"\n" + LINE + MAIL) == ["mail"]


def test_one_mail_over_the_limit_does_not_take_its_neighbours_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "MAX_MAIL", 1000)
    large = MAIL + b"x" * 2000 + b"\n"

    assert reasons(LINE + MAIL + b"\n" + LINE + large + b"\n" + LINE + MAIL) == ["mail", "mail_too_large", "mail"]
    assert reasons(large) == ["mail_too_large"]


class Endless(io.RawIOBase):
    """An mbox of a hundred megabytes that is nowhere in memory, and counts what is asked for at once."""

    def __init__(self, times: int) -> None:
        self.left, self.most = times, 0
        self.mail = LINE + MAIL + b"y" * 900 + b"\n\n"
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]
        while self.left and len(self.rest) < len(into):
            self.rest += self.mail
            self.left -= 1
        given, self.rest = self.rest[: len(into)], self.rest[len(into) :]
        into[: len(given)] = given
        return len(given)


def test_an_mbox_larger_than_memory_is_read_mail_by_mail() -> None:
    times = 20_000

    pieces = EmailChannel().parse(io.BufferedReader(Endless(times)), Source(), EmailSettings())

    assert sum(isinstance(piece, Item) and len(piece.body) < 2000 for piece in pieces) == times


def test_of_a_maildir_the_mails_are_read_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "box/cur/1:2,S",
        "box/new/2",
        "box/tmp/3",
        "box/dovecot-uidlist",
        "box/dovecot.index.log",
        "tmp/4",
        ".hidden",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(MAIL)

    found = [Path(path).relative_to(tmp_path).as_posix() for path in EmailChannel().files([str(tmp_path)])]

    assert found == [".hidden", "box/cur/1:2,S", "box/new/2", "tmp/4"]

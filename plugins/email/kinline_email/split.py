"""Cuts a stream into mails: one mail of an ``.eml`` or maildir file, many of an mbox. Memory stays bounded.

An mbox is told by its first line, the From_ line of RFC 4155 in the strict form that mail programs write.
A later one counts only after a blank line and before a header field, so that "From here on …" in a text cuts
nothing. Lines quoted as ``>From `` are restored (mboxrd).
"""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from kinline import Broken, Item

MAX_MAIL = 50_000_000  #: bytes of one mail
MAX_LINE = 1 << 16  #: bytes read at once
MAX_PEEK = 64_000

ENVELOPE = re.compile(
    rb"From [^\n]{0,320}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb" +\d{1,2} +\d{1,2}:\d\d(?::\d\d)?[^\n]{0,40}\d{4}[^\n]{0,40}"
)
_FIELD = re.compile(rb"[!-9;-~]{1,120}[ \t]*:")
_QUOTED_FROM = re.compile(rb">+From ")
_KNOWN = re.compile(
    rb"^(?:from|to|cc|bcc|date|subject|sender|reply-to|message-id|received|return-path|delivered-to|mime-version"
    rb"|content-type|content-transfer-encoding|in-reply-to|references|resent-[a-z-]+|dkim-signature|auto-submitted"
    rb"|list-[a-z-]+|x-[a-z0-9-]+|envelope-to|authentication-results|errors-to|precedence|user-agent|status|thread-topic"
    rb"|newsgroups|path|organization|importance|priority|comments|keywords|disposition-notification-to)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
#: Fields that servers and mail programs write, and people who quote a mail in a text do not.
_TRANSPORT = re.compile(
    rb"^(?:received|message-id|mime-version|return-path|content-type|delivered-to)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
#: What a file that is no mail looks like, by its first bytes.
_LOOKS_LIKE = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an Outlook .msg or an old Office document: save it as .eml"),
    (b"!BDN", "an Outlook .pst archive: export it as mbox"),
    (b"\xff\xfe", "a text in UTF-16"),
    (b"\xfe\xff", "a text in UTF-16"),
    (b"<?xml", "an XML document"),
    (b"<", "an HTML or XML document"),
    (b"{", "a JSON document"),
    (b"[", "a JSON document or a settings file"),
)


def split(raw: BinaryIO) -> Iterator[Item | Broken]:
    """Each mail of the stream; one `Broken` for a stream that is none, or for a mail over the limit."""
    peek = _start(raw)
    if ENVELOPE.match(peek.partition(b"\n")[0].rstrip(b"\r")):
        yield from _mbox(raw, peek)
        return
    if not is_mail(peek):
        yield Broken(code="not_mail", detail=f"It is no mail: it looks like {looks_like(peek)}.")
        return
    body = peek + raw.read(MAX_MAIL + 1 - len(peek))
    if len(body) > MAX_MAIL:
        yield _too_large()
    else:
        yield Item(body=body, form="mail")


def is_mail(start: bytes) -> bool:
    """Whether these first bytes begin like a mail: fields before the first blank line, one of them a mail's.

    A first line that is no field is forgiven where a field follows that only mail programs write.
    """
    block = re.split(rb"\r?\n\r?\n|\r\r", start, maxsplit=1)[0].replace(b"\r", b"\n")
    first = block.partition(b"\n")[0]
    if b"\0" in first:
        return False
    known = _KNOWN if _FIELD.match(first) or first.startswith((b"From ", b">From ")) else _TRANSPORT
    return known.search(block) is not None


def looks_like(start: bytes) -> str:
    if not start:
        return "an empty file"
    binary = b"\0" in start  # one letter alone is no sign of a text then
    for magic, name in _LOOKS_LIKE:
        if start.startswith(magic) and not (binary and len(magic) == 1):
            return name
    return "binary data" if binary else "a text without mail header fields"


def _start(raw: BinaryIO) -> bytes:
    """The first bytes, without a byte order mark and blank lines, down to the end of a line."""
    peek = raw.read(MAX_PEEK).removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return peek + raw.readline(MAX_LINE) if peek else peek


def _mbox(raw: BinaryIO, peek: bytes) -> Iterator[Item | Broken]:
    """One item for each From_ line. Its bytes keep that line: it has the envelope's sender and date."""
    gathered: list[bytes] = []
    size, blank, whole, waiting = 0, False, True, b""
    for line in _lines(raw, peek):
        if waiting and _FIELD.match(line):
            yield _gathered(gathered, size)
            gathered, size = [waiting], len(waiting)
        elif waiting:
            size = _gather(gathered, size, waiting)
        waiting = line if blank and ENVELOPE.match(line) else b""
        if not waiting:
            size = _gather(gathered, size, line)
        blank, whole = whole and line in (b"\n", b"\r\n"), line.endswith(b"\n")
    size = _gather(gathered, size, waiting)
    if size:
        yield _gathered(gathered, size)


def _gather(gathered: list[bytes], size: int, line: bytes) -> int:
    """Add a line, restored; past the limit only count."""
    if line.startswith(b">") and _QUOTED_FROM.match(line):
        line = line[1:]
    if size <= MAX_MAIL:
        gathered.append(line)
    if size + len(line) > MAX_MAIL:
        gathered.clear()
    return size + len(line)


def _gathered(gathered: list[bytes], size: int) -> Item | Broken:
    return _too_large() if size > MAX_MAIL else Item(body=b"".join(gathered), form="mbox")


def _lines(raw: BinaryIO, peek: bytes) -> Iterator[bytes]:
    """Lines, or pieces of at most 64 KiB of longer ones. What was read ahead comes first."""
    yield from io.BytesIO(peek)
    while line := raw.readline(MAX_LINE):
        yield line


def _too_large() -> Broken:
    return Broken(code="mail_too_large", detail=f"One mail is over {MAX_MAIL // 1_000_000} MB; the others were read.")

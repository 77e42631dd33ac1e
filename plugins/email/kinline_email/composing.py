"""The body of a mail that goes out: text, text and HTML, and files (RFC 2045, 2046), in bytes that are always the same.

Boundaries are a hash of what they part, so nothing inside can look like one, and the same message gives the same
bytes. Names of files are written twice: as RFC 2231 says, and as encoded words for the mailers that never learned it.
"""

import base64
import binascii
import re
from hashlib import sha256
from urllib.parse import quote

from kinline import Attachment, Outgoing

Fields = list[tuple[str, str]]
Part = tuple[Fields, bytes]

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")
#: These may not be sent in base64 (RFC 2046 section 5.2.1): they go as plain files.
_NESTED = ("message/", "multipart/")
_PIECE = 60  #: characters of a parameter on one line
_PIECES = re.compile(r"(?:%[0-9A-F]{2}|.){1,20}")


def composed(outgoing: Outgoing) -> Part:
    """The fields of the body, and the body."""
    body = _text(outgoing.text, "plain")
    if outgoing.html:
        body = _multipart("alternative", [body, _text(outgoing.html, "html")])
    if outgoing.attachments:
        body = _multipart("mixed", [body, *(_file(one) for one in outgoing.attachments)])
    return body


def encoded(text: str) -> str:
    """Encoded words (RFC 2047) where the text needs them, in pieces that fit a line."""
    if text.isascii() and "=?" not in text and len(text) < 900:
        return text
    return "\r\n ".join(_words(text))


def _words(text: str) -> list[str]:
    pieces, piece = [], b""
    for char in text:
        raw = char.encode("utf-8", "replace")
        if len(piece) + len(raw) > 42:
            pieces.append(piece)
            piece = b""
        piece += raw
    return [f"=?utf-8?b?{base64.b64encode(one).decode()}?=" for one in [*pieces, piece]]


def _text(text: str, sort: str) -> Part:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    raw = (text.rstrip("\n") + "\n").encode("utf-8", "replace")
    short = raw.isascii() and all(len(line) < 900 for line in raw.split(b"\n"))
    encoding = "7bit" if short else "quoted-printable"
    if not short:
        raw = binascii.b2a_qp(raw, istext=True)
    charset = "us-ascii" if short else "utf-8"
    fields = [("Content-Type", f"text/{sort}; charset={charset}"), ("Content-Transfer-Encoding", encoding)]
    return fields, raw.replace(b"\n", b"\r\n")


def _file(file: Attachment) -> Part:
    media_type = file.media_type.lower()
    if not _TYPE.fullmatch(media_type) or media_type.startswith(_NESTED):
        media_type = "application/octet-stream"
    name = "".join("_" if char in "/\\" else char for char in file.name if char.isprintable()).strip()
    name = name if name.strip(". ") else "file"
    fields = [
        ("Content-Type", f'{media_type};\r\n name="{_old_name(name)}"'),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f"attachment;\r\n {_parameter('filename', name)}"),
    ]
    return fields, base64.encodebytes(file.content).replace(b"\n", b"\r\n")


def _old_name(name: str) -> str:
    if name.isascii() and "=?" not in name and len(name) < 200:
        return name.replace("\\", "\\\\").replace('"', '\\"')
    return "\r\n ".join(_words(name))


def _parameter(name: str, value: str) -> str:
    """A parameter as RFC 2231 writes it: quoted where it is short and plain, else encoded, in numbered pieces."""
    if value.isascii() and len(value) < 200:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}="{quoted}"'
    whole = "utf-8''" + quote(value, safe="", encoding="utf-8", errors="replace")
    if len(whole) <= _PIECE:
        return f"{name}*={whole}"
    pieces = _PIECES.findall(whole)
    return ";\r\n ".join(f"{name}*{number}*={piece}" for number, piece in enumerate(pieces))


def _multipart(sort: str, parts: list[Part]) -> Part:
    inside = [_whole(one) for one in parts]
    boundary = "=_" + sha256(b"\0".join(inside)).hexdigest()[:40]
    mark = boundary.encode()
    body = b"".join(b"--%b\r\n%b\r\n" % (mark, one) for one in inside) + b"--%b--\r\n" % mark
    return [("Content-Type", f'multipart/{sort};\r\n boundary="{boundary}"')], body


def _whole(part: Part) -> bytes:
    fields, body = part
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n" + body

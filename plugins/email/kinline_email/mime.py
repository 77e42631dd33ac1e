"""The tree of a mail's parts (RFC 2045, 2046), read in one pass with limits.

Parts are offsets into the mail's bytes, so nesting copies nothing. More than 50 levels or 1,000 parts is
no mail that a person sends: such a mail is `Unreadable`, with the reason, and nothing else ever is.
"""

import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from kinline import Unreadable
from kinline_email import charsets, headers
from kinline_email.headers import Headers

MAX_DEPTH = 50
MAX_PARTS = 1_000
_IDENTITY = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit", "8bits", "7bits", "plain", "none", "text"})
_NESTED = frozenset({"message/rfc822", "message/global", "message/news"})


@dataclass(eq=False)
class Part:
    """One node: a leaf with bytes, a multipart, or a message inside a message. ``flags`` is the mail's own."""

    data: bytes
    start: int  #: where its body begins
    end: int
    headers: Headers
    media_type: str
    parameters: dict[str, str]
    flags: set[str]
    children: list["Part"] = field(default_factory=list)

    @property
    def is_message(self) -> bool:
        return self.media_type in _NESTED

    @property
    def raw(self) -> bytes:
        return self.data[self.start : self.end]

    @cached_property
    def encoding(self) -> str:
        words = self.headers.get("content-transfer-encoding").lower().replace(";", " ").split()
        return words[0].strip("\"'") if words else ""

    @cached_property
    def content(self) -> bytes:
        """Decoded. What cannot be decoded stays as it came, and is noted."""
        try:
            return _DECODERS[self.encoding](self.raw)
        except KeyError:
            if self.encoding not in _IDENTITY:
                self.flags.add("encoding_unknown")
        except (binascii.Error, ValueError):
            self.flags.add("encoding_broken")
        return self.raw

    @cached_property
    def text(self) -> str:
        """Decoded to text, newlines as LF."""
        text, replaced = charsets.decode(self.content, self.parameters.get("charset", ""))
        if replaced:
            self.flags.add("charset_replaced")
        return text

    @cached_property
    def disposition(self) -> tuple[str, dict[str, str]]:
        return headers.parameters(self.headers.get("content-disposition"), self.flags)

    @cached_property
    def filename(self) -> str:
        name = self.disposition[1].get("filename") or self.parameters.get("name", "")
        return headers.decoded(name, self.flags, 255).replace("\\", "/").rpartition("/")[2].lstrip(".") if name else ""

    def walk(self, *, into_messages: bool = False) -> Iterator["Part"]:
        """This part and all below, in order; not below messages inside, unless asked."""
        yield self
        if into_messages or not self.is_message:
            for child in self.children:
                yield from child.walk(into_messages=into_messages)


def parse(raw: bytes, flags: set[str]) -> Part:
    """Read a whole mail. Raises `Unreadable` for ``mime_too_deep`` and ``too_many_parts``."""
    data = raw.replace(b"\r\n", b"\n")
    if b"\n" not in data[: headers.MAX_VALUE] and b"\r" in data[: headers.MAX_VALUE]:
        data = data.replace(b"\r", b"\n")
    return _Reader(data, flags).part(0, len(data), 0, "text/plain")


class _Reader:
    def __init__(self, data: bytes, flags: set[str]) -> None:
        self.data = data
        self.flags = flags
        self.count = 0

    def part(self, start: int, end: int, depth: int, default: str) -> Part:
        self.count += 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"Its parts are nested more than {MAX_DEPTH} levels deep.", code="mime_too_deep")
        if self.count > MAX_PARTS:
            raise Unreadable(f"It has more than {MAX_PARTS} parts.", code="too_many_parts")
        found, body = headers.read(self.data, start, end, self.flags)
        media_type, parameters = headers.parameters(found.get("content-type"), self.flags)
        if media_type.count("/") != 1:
            media_type = default
        part = Part(self.data, body, end, found, media_type, parameters, self.flags)
        if media_type.startswith("multipart/"):
            self._multipart(part, depth)
        elif part.is_message and part.encoding in _IDENTITY:
            part.children.append(self.part(body, end, depth + 1, "text/plain"))
        return part

    def _multipart(self, part: Part, depth: int) -> None:
        boundary = part.parameters.get("boundary", "").rstrip()
        default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
        if 0 < len(boundary) <= 256:
            mark = b"--" + boundary.encode("utf-8", "replace")
            for start, end in _between(self.data, mark, part.start, part.end):
                part.children.append(self.part(start, end, depth + 1, default))
        if not part.children:
            self.flags.add("boundary_missing")
            part.media_type = "text/plain"


def _between(data: bytes, mark: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each part of a multipart begins and ends. A missing closing line ends with the multipart."""
    opened = -1
    at = start if data.startswith(mark, start, end) else _next(data, mark, start, end)
    while at >= 0:
        stop = data.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        rest = data[at + len(mark) : min(stop, at + len(mark) + 200)].rstrip(b" \t\r")
        if rest in (b"", b"--"):
            if opened >= 0:
                yield opened, max(opened, at - 1)
            opened = min(stop + 1, end)
            if rest == b"--":
                return
        at = _next(data, mark, stop, end)
    if 0 <= opened < end:
        yield opened, end


def _next(data: bytes, mark: bytes, start: int, end: int) -> int:
    found = data.find(b"\n" + mark, start, end)
    return found + 1 if found >= 0 else -1


def _base64(raw: bytes) -> bytes:
    """Leniently: foreign characters are dropped, a cut end is cut to whole groups."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        kept = raw.translate(None, delete=_NOT_BASE64)
        return binascii.a2b_base64(kept[: len(kept) // 4 * 4])


def _uuencoded(raw: bytes) -> bytes:
    """The lines between ``begin`` and ``end``."""
    out, inside = [], False
    for line in raw.split(b"\n"):
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() in (b"end", b"`", b""):
            break
        else:
            out.append(binascii.a2b_uu(line))
    if not inside:
        raise ValueError("no begin line")
    return b"".join(out)


_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
)
_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": _base64,
    "quoted-printable": binascii.a2b_qp,
    "x-uuencode": _uuencoded,
    "uuencode": _uuencoded,
    "x-uue": _uuencoded,
}

"""Header fields: cut, unfolded, and decoded (RFC 5322, 2047, 2231), with a limit on everything.

The standard library's header parser recurses, raises what it does not document and is ten times slower;
this one reads each byte a fixed number of times.
"""

import binascii
import re
from itertools import islice
from urllib.parse import unquote_to_bytes

from kinline_email import charsets

MAX_BLOCK = 1_000_000  #: bytes of one header block that are read
MAX_FIELDS = 2_000
MAX_VALUE = 10_000  #: characters of a value that is decoded or has parameters
MAX_WORDS = 200  #: encoded words of one value
MAX_PARAMETERS = 100

FIELD = re.compile(r"([!-9;-~]{1,120})[ \t]*:(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([!-)+-<>@-~]{1,60})(?:\*[^?]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r";\s*([^=;\s\"]{1,80})\s*=\s*(?:\"([^\"\\]*(?:\\.[^\"\\]*)*)\"?|([^;]*))", re.DOTALL)
_CHARSET = re.compile(rb"\ncontent-type:[^;]{1,100};\s{0,80}charset=\s?\"?([!-!#-:<-~]{1,40})", re.IGNORECASE)
_PIECE = re.compile(r"(.{1,70})\*(\d{1,3})")


class Headers:
    """The fields of one header block, by lower-case name, each name's values from the top down."""

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, list[str]] = {}

    def add(self, name: str, value: str) -> None:
        self._fields.setdefault(name.lower(), []).append(value)

    def get(self, name: str) -> str:
        """The topmost value, unfolded and stripped; empty where there is none."""
        found = self._fields.get(name)
        return found[0] if found else ""

    def all(self, name: str) -> list[str]:
        return self._fields.get(name, [])

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __len__(self) -> int:
        return len(self._fields)


def read(data: bytes, start: int, end: int, flags: set[str]) -> tuple[Headers, int]:
    """The header block at ``start`` of ``data`` (newlines are LF), and where the body begins."""
    if data.startswith(b"\n", start, end):
        return Headers(), start + 1
    blank = data.find(b"\n\n", start, end)
    stop, body = (end - data.endswith(b"\n", start, end), end) if blank < 0 else (blank, blank + 2)
    if stop - start > MAX_BLOCK:
        flags.add("headers_cut")
        stop = start + MAX_BLOCK
    block = data[start:stop]
    found, used = _fields(_decoded_block(block).split("\n"), flags)
    if used >= 0:  # no blank line: the body starts at the first line that is no field
        body = start + sum(len(line) + 1 for line in block.split(b"\n")[:used])
        flags.add("no_blank_line")
    return found, min(body, end)


def _decoded_block(block: bytes) -> str:
    """Raw bytes over 127 belong to no standard but RFC 6532; who writes them otherwise writes the body's charset."""
    if block.isascii():
        return block.decode("ascii")
    named = _CHARSET.search(block)
    return charsets.guess(block, named[1].decode("ascii") if named else "")


def _fields(lines: list[str], flags: set[str]) -> tuple[Headers, int]:
    """Unfold and cut. A stray line between two fields is skipped; another starts the body: its number, else -1."""
    found = Headers()
    folded: list[str] = []
    for number, line in enumerate(lines):
        if line[:1] in (" ", "\t"):
            folded.append(line)
        elif FIELD.match(line):
            _keep(found, folded)
            folded = [line]
        elif number and not (number + 1 < len(lines) and FIELD.match(lines[number + 1])):
            _keep(found, folded)
            return found, number
        elif number:
            flags.add("stray_header_line")
        if number > 20 * MAX_FIELDS:
            flags.add("headers_cut")
            break
    _keep(found, folded)
    return found, -1


def _keep(found: Headers, folded: list[str]) -> None:
    field = FIELD.match(" ".join(folded) if len(folded) > 1 else folded[0]) if folded else None
    if field:
        found.add(field[1], field[2].strip())


def decoded(value: str, flags: set[str], limit: int = 2_000) -> str:
    """A value for people: encoded words decoded, one line, cut at ``limit`` characters."""
    if len(value) > MAX_VALUE:
        flags.add("headers_cut")
        value = value[:MAX_VALUE]
    if "=?" not in value:
        return charsets.one_line(value, limit)
    return charsets.one_line("".join(_unworded(value, flags)), limit)


def _unworded(value: str, flags: set[str]) -> list[str]:
    """Neighbours of one charset are joined before decoding: mailers cut characters in half."""
    out: list[str] = []
    at, pending, charset = 0, b"", ""
    for word in islice(_WORD.finditer(value), MAX_WORDS):
        between = value[at : word.start()]
        if pending and (between.strip() or word[1].lower() != charset):
            out.append(_text(pending, charset, flags))
            pending = b""
        if between.strip() or not at:
            out.append(between)
        pending, charset, at = pending + _bytes(word), word[1].lower(), word.end()
    out.append(_text(pending, charset, flags))
    rest = value[at:]
    if _WORD.search(rest):
        flags.add("headers_cut")
        rest = ""
    return [*out, rest]


def _text(raw: bytes, charset: str, flags: set[str]) -> str:
    text, replaced = charsets.decode(raw, charset)
    if replaced and raw:
        flags.add("charset_replaced")
    return text


def _bytes(word: re.Match[str]) -> bytes:
    raw = word[3].encode("utf-8", "replace")
    if word[2] in "qQ":
        return binascii.a2b_qp(raw, header=True)
    try:
        return binascii.a2b_base64(raw + b"==")
    except binascii.Error:
        return raw


def parameters(value: str, flags: set[str]) -> tuple[str, dict[str, str]]:
    """``text/plain; charset=utf-8`` as its lower-case first token and its parameters (RFC 2045, RFC 2231)."""
    if len(value) > MAX_VALUE:
        flags.add("headers_cut")
        value = value[:MAX_VALUE]
    main, semicolon, rest = value.partition(";")
    if not semicolon:
        return main.strip().lower(), {}
    found: dict[str, str] = {}
    for one in islice(_PARAMETER.finditer(";" + rest), MAX_PARAMETERS):
        plain = re.sub(r"\\(.)", r"\1", one[2]) if one[2] is not None else one[3].strip()
        found.setdefault(one[1].lower(), plain)
    if len(found) == MAX_PARAMETERS:
        flags.add("headers_cut")
    return main.strip().lower(), _joined(found) if "*" in rest else found


def _joined(found: dict[str, str]) -> dict[str, str]:
    """Put RFC 2231 continuations together (``name*0``, ``name*1*``) and decode what is marked."""
    whole = {name: value for name, value in found.items() if "*" not in name}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, value in found.items():
        if "*" not in name:
            continue
        marked = name.endswith("*")
        numbered = _PIECE.fullmatch(name.removesuffix("*"))
        base, number = (numbered[1], int(numbered[2])) if numbered else (name.removesuffix("*"), 0)
        pieces.setdefault(base, []).append((number, marked, value))
    for base, parts in pieces.items():
        whole[base] = _extended(sorted(parts))
    return whole


def _extended(parts: list[tuple[int, bool, str]]) -> str:
    charset, raw = "utf-8", b""
    for position, (_, marked, value) in enumerate(parts):
        if marked and position == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        raw += unquote_to_bytes(value) if marked else value.encode("utf-8", "replace")
    return charsets.decode(raw, charset)[0]

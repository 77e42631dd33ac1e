"""Bytes to JSON values, within limits: one document, JSON Lines, or several documents in a row.

A file is first read as JSON Lines, which streams: memory holds one line. What has no JSON in its first
line alone is read as a document. Numbers stay exact (Python's integers have no size), NaN and Infinity are
no JSON (RFC 8259 section 6), lone surrogates become U+FFFD and NUL goes, for no database keeps them.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from kinline import Broken, Unreadable

MEBIBYTE = 1024 * 1024
DOCUMENT = 64 * MEBIBYTE  #: the longest single document, in bytes
LINE = 32 * MEBIBYTE  #: the longest line of JSON Lines, in bytes
DEPTH = 64  #: how deep a value may nest; the API's own payloads stay under 20


class NotJson(Exception):
    """Internal: why these bytes gave no value. It never leaves this module."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.broken = Broken(code=code, detail=detail)


def values(raw: BinaryIO) -> Iterator[Any]:
    """Each JSON object or list, in order, and a `Broken` for each piece that is none.

    Raises `Unreadable` with code ``too_large`` for a single document over the limit.
    """
    lines = _lines(raw)
    first = next(lines, None)
    if first is None:
        yield Broken(code="empty", detail="There is nothing in it.")
        return
    if first[:1] not in (b"{", b"["):
        yield Broken(code="not_json", detail="It is no JSON: it begins with neither { nor [.")
        return
    try:
        value = _decode(first)
    except NotJson:
        yield from _document(first, lines)
    else:
        yield value
        yield from _each(lines)


def _lines(raw: BinaryIO) -> Iterator[bytes]:
    """Lines that are not blank. One over the limit comes cut, just long enough to show that it is."""
    mark = b"\xef\xbb\xbf"
    while piece := raw.readline(DOCUMENT + 1):
        line, mark = piece.removeprefix(mark).strip(), b""
        while len(piece) > MEBIBYTE and not piece.endswith(b"\n"):
            piece = raw.readline(DOCUMENT + 1)
        if line:
            yield line


def _each(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        try:
            if len(line) > LINE:
                raise NotJson("too_large", f"A line is longer than {LINE // MEBIBYTE} MB.")
            yield _decode(line)
        except NotJson as error:
            yield error.broken


def _document(first: bytes, lines: Iterator[bytes]) -> Iterator[Any]:
    """A document over several lines; or JSON Lines after all, whose first line is broken."""
    held, size = [first], len(first)
    for line in lines:
        held.append(line)
        size += len(line) + 1
        if size > DOCUMENT:
            break
    if size <= DOCUMENT:
        try:
            found = _decode_row(b"\n".join(held))
        except NotJson as error:
            broken = error.broken
        else:
            yield from found
            return
    if any(_stands_alone(line) for line in held[1:200]):
        yield from _each(chain(held, lines))
    elif size > DOCUMENT:
        raise Unreadable(f"One document is larger than {DOCUMENT // MEBIBYTE} MB.", code="too_large")
    else:
        yield broken


def _stands_alone(line: bytes) -> bool:
    if not (line.startswith(b"{") and line.endswith(b"}") and len(line) <= LINE):
        return False
    try:
        return bool(_decode(line))
    except NotJson:
        return False


def _decode(raw: bytes) -> Any:
    [value] = _decode_row(raw, most=1)
    return value


def _decode_row(raw: bytes, most: int = 100_000) -> list[Any]:
    """The values that stand one after another in ``raw``."""
    try:
        text = raw.decode("utf-8")
        found, at = [], 0
        while at < len(text):
            value, at = _DECODER.raw_decode(text, at)
            found.append(_tidy(value, 0))
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
            if len(found) == most and at < len(text):
                raise NotJson("json_invalid", "There is more than one value in it.")
        return found
    except UnicodeDecodeError:
        raise NotJson("json_invalid", "It is not in UTF-8.") from None
    except RecursionError:
        raise NotJson("json_too_deep", _TOO_DEEP) from None
    except ValueError as error:
        raise NotJson("json_invalid", f"It is no whole JSON: {str(error)[:100]}.") from None


_TOO_DEEP = f"It nests deeper than {DEPTH} levels."


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _tidy(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if depth > DEPTH:
        raise NotJson("json_too_deep", _TOO_DEEP)
    if isinstance(value, dict):
        return {_clean(key): _tidy(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner, depth + 1) for inner in value]
    if depth == 0:
        raise NotJson("not_json", "It is neither an object nor a list.")
    return value


def _clean(text: str) -> str:
    """Without what cannot be stored. Old payloads cut emoji in half, which leaves a lone surrogate."""
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", "")

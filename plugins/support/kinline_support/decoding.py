"""From bytes to JSON values: one document, or one value a line, with limits on every step.

A desk's large export is JSON Lines and is read line by line, so memory does not grow with the file. A
single document must be held whole, and is refused beyond a stated size.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from kinline import Broken, Unreadable

MAX_LINE = 32 * 1024 * 1024  #: bytes; a ticket with thousands of comments stays far below
MAX_DOCUMENT = 64 * 1024 * 1024  #: bytes
MAX_DEPTH = 64  #: levels of lists and objects
CHUNK = 64 * 1024
BOM = b"\xef\xbb\xbf"

#: Digits that always fit in 64 bits. Longer numbers stay text: other readers would round them.
SAFE_DIGITS = 18

#: How JSON spells what no database takes: half a surrogate pair, and U+0000.
SUSPECT = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def values(raw: BinaryIO) -> Iterator[Any]:
    """Every JSON value in ``raw``, in order; a `Broken` in the place of each that cannot be read.

    Raises `Unreadable` when the whole is empty, too large for one document, or no JSON at all.
    """
    first = _first_line(raw)
    if len(first) > MAX_LINE:
        return _document(first, raw)
    value = decoded(first)
    if isinstance(value, Broken) and value.code == "not_json":
        return _document(first, raw)
    return chain((value,), _lines(raw))


def decoded(raw: bytes) -> Any:
    """One JSON value, without anything that cannot be stored, or a `Broken` that says why not."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_int=_number, parse_constant=_no_number)
    except UnicodeDecodeError:
        return Broken(code="json_invalid_utf8", detail="This is not UTF-8; save the export as UTF-8.")
    except RecursionError:
        return _too_deep()
    except ValueError as error:
        return Broken(code="not_json", detail=f"This is not JSON: {str(error)[:120]}.")
    if _is_deeper(value, MAX_DEPTH):
        return _too_deep()
    return _storable(value) if SUSPECT.search(raw) else value


def _first_line(raw: BinaryIO) -> bytes:
    while line := raw.readline(MAX_LINE + 1):
        if line := line.removeprefix(BOM).lstrip():
            return line
    raise Unreadable("There is nothing in it.", code="empty")


def _lines(raw: BinaryIO) -> Iterator[Any]:
    while line := raw.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            _skip_to_end_of_line(raw, line)
            yield Broken(code="too_large", detail=f"This line has over {MAX_LINE >> 20} MB.")
        elif line.strip():
            yield decoded(line)


def _skip_to_end_of_line(raw: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = raw.readline(CHUNK)


def _document(first: bytes, raw: BinaryIO) -> Iterator[Any]:
    whole = first + raw.read(MAX_DOCUMENT + 1 - len(first))
    if len(whole) > MAX_DOCUMENT:
        raise Unreadable(
            f"This JSON document has over {MAX_DOCUMENT >> 20} MB. Export it as JSON Lines (one ticket a line), "
            "which is read line by line and may have any size.",
            code="too_large",
        )
    value = decoded(whole)
    if isinstance(value, Broken) and value.code != "json_too_deep":
        return _lines_with_a_broken_first(whole, value)
    return iter((value,))


def _lines_with_a_broken_first(whole: bytes, verdict: Broken) -> Iterator[Any]:
    """JSON Lines whose first line is damaged look like a broken document. Any good line gives them away."""
    found = [decoded(line) for line in whole.split(b"\n") if line.strip()]
    if any(isinstance(value, dict) for value in found):
        return iter(found)
    raise Unreadable(verdict.detail, code=verdict.code)


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= SAFE_DIGITS else digits


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _too_deep() -> Broken:
    return Broken(code="json_too_deep", detail=f"Its lists and objects are nested over {MAX_DEPTH} levels deep.")


def _is_deeper(value: Any, limit: int) -> bool:
    """Level by level, without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(inner) for key, inner in value.items()}
    return value

"""Reads the query of a URL as strictly as a body: known names, once each, in their form."""

import re
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Meta

from kinline.errors import Invalid, KinlineError, Malformed
from kinline_api.error_pointers import mistake

Q = TypeVar("Q", bound="Query")

#: A page holds this many at most.
MOST = 200
LONGEST = 2000
Limit = Annotated[int, Meta(ge=1, le=MOST, description="How many of them, 1 to 200.")]
Cursor = Annotated[str, Meta(description="``next`` of the page before.")]
_DIGITS = re.compile(r"[0-9]{1,9}")


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a route may be asked. Fields are text, `Limit`, words of the vocabulary or times."""


class NoQuery(Query, frozen=True):
    """No question at all."""


class FreeQuery(Query, frozen=True):
    """Whatever a provider asks; each name once. How long a value may be its channel decides."""

    values: dict[str, str] = {}


class Paged(Query, frozen=True):
    """A list that is read page by page."""

    limit: Limit = 50
    cursor: Cursor = ""


def read_query(query: bytes, sort: type[Q]) -> Q:
    """What was asked. Raises `Malformed` (400) or `Invalid` (422)."""
    given: dict[str, Any] = {}
    for name, value in _pairs(query, 20 * LONGEST if sort is FreeQuery else LONGEST):
        if name in given:
            raise Malformed(f"“{name[:80]}” is given twice.", code="duplicate_parameter")
        given[name] = value
    if sort is FreeQuery:
        return sort(values=given)
    known = {field.encode_name for field in msgspec.structs.fields(sort)}
    for name in given:
        if name not in known:
            allowed = f"There are: {', '.join(sorted(known))}." if known else "This route takes none."
            raise Malformed(f"There is no parameter “{name[:80]}”. {allowed}", code="unknown_parameter")
    if "limit" in given:
        given["limit"] = _limit(given["limit"])
    try:
        return msgspec.convert(given, sort)
    except msgspec.ValidationError as error:
        raise mistake(error) from None


def _limit(text: str) -> int:
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= MOST:
        raise Invalid(f"limit must be a whole number from 1 to {MOST}.", code="limit_range", pointer="/limit")
    return int(text)


def _pairs(query: bytes, longest: int) -> list[tuple[str, str]]:
    if len(query) > 20 * LONGEST:
        raise Malformed("The query is too long.", code="query_too_long")
    pieces = [piece.partition(b"=") for piece in query.split(b"&") if piece]
    return [(_text(name, "", longest), _text(value, name.decode("latin-1")[:80], longest)) for name, _, value in pieces]


def _text(raw: bytes, name: str, longest: int) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Malformed("The query is no UTF-8.", code="query_invalid_utf8") from None
    if "\x00" in text:
        raise _wrong(name, "Texts cannot hold the character U+0000.", "nul_character")
    if len(text) > longest:
        raise _wrong(name, f"A parameter has {longest} characters at most.", "too_long")
    return text


def _wrong(name: str, detail: str, code: str) -> KinlineError:
    return Invalid(detail, code=code, pointer=f"/{name}")

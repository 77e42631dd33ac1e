"""Whatever goes wrong becomes one form of answer: problem+json (RFC 9457), and nothing but it.

Expected errors know their status and code (`kinline.errors`). Those of libraries are mapped here. Anything else
is ours: 500, a request id, and not a word more; the log has the rest.
"""

import sqlite3
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
import sqlalchemy.exc
import structlog
from litestar.exceptions import HTTPException

from kinline.errors import (
    ChannelError,
    Conflict,
    Invalid,
    KinlineError,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from kinline.followups.addressee import Choice
from kinline_api.response import Answer

log = structlog.get_logger(__name__)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a caller gets to read when something is wrong. ``code`` is stable, for programs."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    pointer: str = ""  #: RFC 6901: where in the body
    request_id: str = ""
    current: str = ""  #: the version that stands, when yours is old
    line: int = 0  #: in a text that you sent, from 1
    column: int = 0
    suggestion: str = ""  #: a known word that comes close to yours
    choices: list[Choice] = []  #: whom an answer may be meant for


class NoSuchMethod(KinlineError):
    status = 405
    default_code = "method_not_allowed"


class TooSlow(KinlineError):
    status = 408
    default_code = "too_slow"


class Internal(KinlineError):
    status = 500
    default_code = "internal"


_DATABASE = "The database does not answer now. Come back in a second."
#: Errors of libraries: the first class that fits counts.
_FOREIGN: tuple[tuple[type[BaseException], type[KinlineError], str, str], ...] = (
    (UnicodeError, Malformed, "invalid_unicode", "The text is no UTF-8."),
    (RecursionError, Malformed, "json_too_deep", "Too many things stand in each other."),
    (OverflowError, Invalid, "out_of_range", "Numbers must fit into 64 bits, and times into the calendar."),
    (msgspec.ValidationError, Invalid, "invalid", "The value has the wrong form."),
    (sqlalchemy.exc.TimeoutError, Unavailable, "busy", "Too many calls at once. Come back in a second."),
    (psycopg.errors.QueryCanceled, Unavailable, "query_too_expensive", "That took too long. Ask for less."),
    (psycopg.errors.LockNotAvailable, Unavailable, "busy", "Somebody else is changing this. Come back in a second."),
    (psycopg.errors.DataError, Invalid, "not_storable", "A value cannot be stored."),
    (psycopg.errors.IntegrityError, Conflict, "conflict", "It contradicts what is stored."),
    (sqlite3.DataError, Invalid, "not_storable", "A value cannot be stored."),
    (sqlite3.IntegrityError, Conflict, "conflict", "It contradicts what is stored."),
    (psycopg.OperationalError, Unavailable, "database_down", _DATABASE),
    (psycopg.InterfaceError, Unavailable, "database_down", _DATABASE),
    (sqlite3.OperationalError, Unavailable, "database_down", _DATABASE),
    (sqlalchemy.exc.OperationalError, Unavailable, "database_down", _DATABASE),
)
_BY_STATUS: dict[int, tuple[type[KinlineError], str, str]] = {
    400: (Malformed, "malformed", "The call cannot be read."),
    404: (NotFound, "not_found", "There is nothing here."),
    405: (NoSuchMethod, "method_not_allowed", "This route does not know that method."),
    413: (TooLarge, "too_large", "The body is too large."),
}


def understood(error: BaseException) -> KinlineError:
    """The error as one of ours. `Internal` where nobody foresaw it."""
    if isinstance(error, KinlineError):
        return error
    if isinstance(error, HTTPException):
        kind, code, detail = _BY_STATUS.get(error.status_code, (Internal, "internal", ""))
        allow = (error.headers or {}).get("allow", "")
        return kind(detail, code=code, allow=allow) if allow else kind(detail, code=code)
    found: Any = getattr(error, "orig", None) or error
    for foreign, ours, code, detail in _FOREIGN:
        if isinstance(found, foreign) or isinstance(error, foreign):
            return ours(detail, code=code)
    return Internal("", code="internal")


def problem(error: KinlineError, request_id: str) -> Problem:
    """The error as its caller may see it."""
    hidden = error.status >= 500 and not isinstance(error, Unavailable | ChannelError)
    detail = _DATABASE if error.code.startswith("database_") else error.detail  # drivers name hosts and users
    return Problem(
        type=f"urn:kinline:problem:{error.code}",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        code=error.code,
        detail="" if hidden else detail,
        pointer=error.pointer,
        request_id=request_id,
        current=str(error.more.get("current", "")),
        line=int(error.more.get("line", 0)),
        column=int(error.more.get("column", 0)),
        suggestion=str(error.more.get("suggestion", "")),
        choices=error.more.get("choices", []),
    )


#: Refusals that an operator wants to see: somebody without a key, or with too many calls.
_WATCHED = frozenset({401, 403, 429})


def answered(error: BaseException, request_id: str) -> Answer:
    """The whole answer to a call that went wrong, logged when it is our fault."""
    ours = understood(error)
    if ours.status >= 500:
        log.error("call failed", code=ours.code, reason=str(error)[:500], exc_info=None if ours is error else error)
    else:
        note = log.info if ours.status in _WATCHED else log.debug
        note("call refused", status=ours.status, code=ours.code, pointer=ours.pointer)
    body = msgspec.json.encode(problem(ours, request_id))
    return Answer(body, ours.status, "application/problem+json", _headers(ours))


def _headers(error: KinlineError) -> tuple[tuple[str, str], ...]:
    if isinstance(error, RateLimited | Unavailable):
        return (("retry-after", str(max(1, round(error.retry_after)))),)
    if isinstance(error, Unauthorized):
        return (("www-authenticate", 'Bearer realm="kinline"'),)
    if isinstance(error, NoSuchMethod):
        return (("allow", ", ".join(sorted(set(error.more.get("allow", "").split(", ")) - {"OPTIONS"}))),)
    if isinstance(error, TooLarge | TooSlow):
        return (("connection", "close"),)
    return ()

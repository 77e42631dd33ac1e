"""A feed as a list of entries, within limits: whatever it is written in, each entry is one plain record.

XML goes to feedparser, but only after a look by ourselves: no document type (so nothing unfolds), well-formed (so its
lenient fallback, which is slow on hostile input, never runs), not too deep and not too much. It is asked to clean
nothing and to look nothing up; markup is cleaned by `markup`.
"""

import io
import re
from calendar import timegm
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from xml.parsers import expat  # with DTDs refused and limits set, below

import feedparser
import msgspec

from kinline import Unreadable
from kinline_blog import fields
from kinline_blog.decoding import texts
from kinline_blog.stream import MAX_DEPTH

MAX_BODY = 5_000_000  #: bytes of one feed
MAX_ENTRIES = 500  #: the newest, which feeds have first; the others are left out
MAX_ELEMENTS = 100_000
MAX_JSON_DEPTH = 64
END_OF_ENTRY = re.compile(r"</(?:[A-Za-z0-9_]{1,20}:)?(?:item|entry)\s{0,20}>")
DECLARATION = re.compile(r"\A\s{0,1000}<\?xml[^>]{0,200}\?>")
JSON_FEED = "https://jsonfeed.org/version/"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one entry says. Addresses are as they stand; empty where it does not say."""

    guid: str = ""
    link: str = ""
    title: str = ""
    content: str = ""
    published: str = ""
    updated: str = ""
    author: str = ""
    author_url: str = ""
    author_email: str = ""
    answers: str = ""  #: RFC 4685, ``thr:in-reply-to``
    comments: str = ""  #: the feed of the comments under this entry (``wfw:commentRss``)


def read(body: bytes) -> list[Entry]:
    """The newest entries, in the order of the feed. Raises `Unreadable`."""
    if len(body) > MAX_BODY:
        raise Unreadable(f"A feed of over {MAX_BODY} bytes.", code="too_large")
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return _of_json(body.removeprefix(b"\xef\xbb\xbf"))
    text = _newest("".join(texts(body, io.BytesIO())).lstrip("\ufeff \t\r\n"))
    _check(text)
    told = feedparser.parse(
        io.BytesIO(text.encode()), response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False, resolve_relative_uris=False,
    )  # fmt: skip
    if not told.get("version"):
        raise Unreadable("This is no feed: neither Atom nor RSS nor JSON Feed.", code="not_a_feed")
    return [_of_xml(entry) for entry in told["entries"][:MAX_ENTRIES]]


def _newest(text: str) -> str:
    """Only so many entries; what follows the last of them is left out, and its elements are closed."""
    text = DECLARATION.sub("", text)
    last = next(islice(END_OF_ENTRY.finditer(text), MAX_ENTRIES - 1, None), None)
    more = last and END_OF_ENTRY.search(text, last.end())
    if not last or not more:
        return text
    tail = text[text.rfind(more[0]) + len(more[0]) :]
    return text[: last.end()] + tail


def _check(text: str) -> None:
    """Well-formed, without a document type, neither deep nor endless."""
    depth = count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"A feed with over {MAX_DEPTH} elements inside each other.", code="xml_too_deep")
        if count > MAX_ELEMENTS or len(attributes) > MAX_DEPTH:
            raise Unreadable(f"A feed with over {MAX_ELEMENTS} elements.", code="xml_too_many")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = f"No well-formed XML at line {error.lineno}: {expat.ErrorString(error.code)}."
        raise Unreadable(reason, code="xml_broken") from None


def _refuse_doctype(name: str, *more: object) -> None:
    if name.lower() == "html":
        raise Unreadable("This is a web page, not a feed.", code="not_a_feed")
    raise Unreadable("A document type is not allowed: a feed needs none.", code="dtd_forbidden")


def _of_xml(entry: Any) -> Entry:
    author = fields.record(entry.get("author_detail"))
    contents = entry.get("content") or [{"value": entry.get("summary", "")}]
    return Entry(
        guid=fields.text(entry.get("id")), link=fields.text(entry.get("link")), title=fields.line(entry.get("title")),
        content=fields.text(contents[0].get("value")), published=_moment(entry, "published"),
        updated=_moment(entry, "updated"), author=fields.line(author.get("name") or entry.get("author"), 200),
        author_url=fields.text(author.get("href")), author_email=fields.text(author.get("email")),
        answers=fields.text(fields.record(entry.get("thr_in-reply-to")).get("ref")),
        comments=fields.text(entry.get("wfw_commentrss")),
    )  # fmt: skip


def _moment(entry: Any, name: str) -> str:
    """A time as feedparser reads it from the many forms that feeds write."""
    parsed = entry.get(f"{name}_parsed") if name in entry else None
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if parsed else ""
    except (ValueError, TypeError, OverflowError, OSError):
        return ""


def _of_json(body: bytes) -> list[Entry]:
    """JSON Feed 1 and 1.1 (jsonfeed.org)."""
    try:
        told = fields.record(msgspec.json.decode(body))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"No readable JSON: {error}.", code="not_json") from None
    if not fields.text(told.get("version")).startswith(JSON_FEED) or not isinstance(told.get("items"), list):
        raise Unreadable("This JSON is no feed.", code="not_a_feed")
    return [_of_item(fields.record(item)) for item in told["items"][:MAX_ENTRIES]]


def _of_item(item: fields.Record) -> Entry:
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    author = fields.record(authors[0]) if authors else {}
    ident = item.get("id")
    return Entry(
        guid=fields.text(ident) or (str(ident) if isinstance(ident, int | float) else ""),
        link=fields.text(item.get("url")), title=fields.line(item.get("title")),
        content=fields.text(item.get("content_html")) or _escaped(item.get("content_text")),
        published=fields.text(item.get("date_published")), updated=fields.text(item.get("date_modified")),
        author=fields.line(author.get("name"), 200), author_url=fields.text(author.get("url")),
    )  # fmt: skip


def _escaped(text: Any) -> str:
    return fields.text(text).replace("&", "&amp;").replace("<", "&lt;")

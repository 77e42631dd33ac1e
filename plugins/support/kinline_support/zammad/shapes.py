"""Recognises Zammad's JSON: a webhook, a ticket with its articles, lists of either."""

from collections.abc import Iterator
from typing import Any

from kinline import Broken, Item
from kinline_support.fields import Record, ident, line, record, rows

ARTICLE = frozenset({"id", "ticket_id", "body"})
TICKET = (frozenset({"id", "number", "title"}), frozenset({"id", "number", "state_id"}))


def items(value: Any) -> Iterator[Item | Broken]:
    if isinstance(value, list):
        for each in value:
            yield from items(each)
    elif not isinstance(value, dict):
        yield _unknown(type(value).__name__)
    elif isinstance(value.get("ticket"), dict):
        yield from _ticket(value)
    elif value.keys() >= ARTICLE:
        yield _article(value, {}, heard=False)
    elif any(marks <= value.keys() for marks in TICKET):
        yield Item(form="ticket", body={"ticket": value})
    else:
        keys = ", ".join(sorted(line(key) for key in value)[:12])[:300]
        yield _unknown(f"an object with {keys or 'nothing in it'}")


def _ticket(value: Record) -> Iterator[Item | Broken]:
    """A webhook has one ``article`` (or an empty one); what a connection brought has ``articles``. The ticket's state
    stands over what its articles turn, so it comes last."""
    ticket = record(value.get("ticket"))
    said = record(value.get("article"))
    if ident(said.get("id")):
        yield _article(said, ticket, heard=True)
    for each in map(record, rows(value.get("articles"))):
        yield _article(each, ticket, heard=False)
    yield Item(form="ticket", body={"ticket": ticket})


def _article(said: Record, ticket: Record, *, heard: bool) -> Item:
    """``heard``: a webhook told it, which says less than the API (no files)."""
    return Item(form="article", body={"article": said, "ticket": ticket, "heard": heard})


def _unknown(what: str) -> Broken:
    return Broken(code="unknown_shape", detail=f"No shape of a Zammad that we know: {what}.")

"""Recognises Chatwoot's JSON: a webhook's event, a page of conversations or messages, or what a connection brought."""

from collections.abc import Iterator
from typing import Any

from kinline import Broken, Item
from kinline_support.fields import Record, line, record, rows

MESSAGES = frozenset({"message_created", "message_updated"})
CONVERSATIONS = frozenset({"conversation_created", "conversation_updated", "conversation_status_changed"})
CONTACTS = frozenset({"contact_created", "contact_updated"})
OTHERS = frozenset(
    {"webwidget_triggered", "conversation_typing_on", "conversation_typing_off", "inbox_created", "inbox_updated"}
)


def items(value: Any) -> Iterator[Item | Broken]:
    if isinstance(value, list):
        for each in value:
            yield from items(each) if isinstance(each, dict) else iter((_unknown(type(each).__name__),))
        return
    if not isinstance(value, dict):
        yield _unknown(type(value).__name__)
    elif isinstance(value.get("event"), str):
        yield _event(value)
    else:
        yield from _document(value)


def _event(value: Record) -> Item | Broken:
    name = value["event"]
    if name in MESSAGES:
        return _message(value, record(value.get("conversation")), heard=True)
    if name in CONVERSATIONS:
        return Item(form="conversation", body={"conversation": value})
    if name in CONTACTS:
        return Item(form="contact", body={"contact": value})
    if name in OTHERS:
        return Item(form="nothing", body={"event": name})
    return Broken(code="unknown_event", detail=f"No event that we know: “{name[:80]}”.")


def _document(value: Record) -> Iterator[Item | Broken]:
    """A conversation with its messages, or a page of the API: ``data.payload`` conversations, ``payload`` messages."""
    talk = record(value.get("conversation"))
    payload = rows(record(value.get("data")).get("payload")) or rows(value.get("payload"))
    if talk:
        yield from _talk(talk, rows(value.get("messages")))
    elif payload or isinstance(value.get("payload"), list):
        for row in map(record, payload):
            yield from (
                _talk(row, rows(row.get("messages")))
                if "status" in row and "meta" in row
                else iter((_message(row, {}),))
            )
    elif "inbox_id" in value and "status" in value and "meta" in value:
        yield from _talk(value, rows(value.get("messages")))
    else:
        keys = ", ".join(sorted(line(key) for key in value)[:12])[:300]
        yield _unknown(f"an object with {keys or 'nothing in it'}")


def _talk(talk: Record, messages: list[Any]) -> Iterator[Item | Broken]:
    """The messages first, so that the conversation's state stands over what they turn."""
    for said in messages:
        yield _message(record(said), talk)
    yield Item(form="conversation", body={"conversation": _bare(talk)})


def _message(said: Record, talk: Record, *, heard: bool = False) -> Item:
    """``heard``: a webhook told it, which says less than the API (no files)."""
    bare = {name: each for name, each in said.items() if name not in ("conversation", "account", "event")}
    return Item(form="message", body={"message": bare, "conversation": _bare(talk), "heard": heard})


def _bare(talk: Record) -> Record:
    return {name: each for name, each in talk.items() if name not in ("messages", "contact_inbox", "account")}


def _unknown(what: str) -> Broken:
    return Broken(code="unknown_shape", detail=f"No shape of a Chatwoot that we know: {what}.")

"""Recognises the documented shapes of a desk's JSON, and cuts them into items.

Sources: developer.zendesk.com, “Tickets”, “Ticket Comments”, “Users”, “Incremental Exports”, “Ticket
Audits”; support.zendesk.com, “Exporting data” (the full export is JSON Lines). What a comment means depends
on its ticket and its author, so each comment's item carries the few fields of both that were beside it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from kinline import Broken, Item
from kinline_support.fields import Record, ident, record, rows

EVENT = "zen:event-type:"

#: The lists that a document may have, with what one row of each is. Their order is the order of the items.
LISTS = {
    "users": "user",
    "identities": "identity",
    "organizations": "organization",
    "tickets": "ticket",
    "comments": "comment",
    "ticket_events": "ticket_event",
    "audits": "ticket_event",
    "satisfaction_ratings": "rating",
}

LIST_OF = {sort: key for key, sort in reversed(LISTS.items())}

#: Objects that a document may have alone, with their list.
SINGLES = {"ticket": "tickets", "user": "users", "organization": "organizations"}

#: A record by itself, recognised by the fields it must have. The first that fits.
MARKS = {
    "comment": ({"id", "author_id", "body"}, {"id", "author_id", "html_body"}),
    "ticket": ({"id", "requester_id"}, {"id", "subject", "status"}),
    "user": ({"id", "email", "role"}, {"id", "email", "name"}),
    "organization": ({"id", "name", "domain_names"},),
    "ticket_event": ({"ticket_id", "child_events"}, {"ticket_id", "events"}),
    "rating": ({"ticket_id", "score", "requester_id"},),
}

#: The events inside a ticket event or audit that are comments.
COMMENT_EVENTS = frozenset({"Comment", "VoiceComment"})

#: What of the ticket and of a user travels with a comment.
TICKET_FIELDS = (*("id", "subject", "status", "requester_id", "assignee_id", "follower_ids", "email_cc_ids"),)
USER_FIELDS = ("role", "name", "email", "verified", "suspended")


def items(value: Any) -> Iterator[Item | Broken]:
    """The items of one JSON value: a document, an event, a record, or a list of records."""
    if isinstance(value, list):
        return _list(value)
    if not isinstance(value, dict):
        return iter((_unknown(type(value).__name__),))
    if isinstance(value.get("type"), str) and value["type"].startswith(EVENT):
        return iter((Item(form="event", body=value),))
    if sort := _sort(value):
        return _document({LIST_OF[sort]: [value]})
    document = _with_lists(value)
    return _document(document) if LISTS.keys() & document.keys() else iter((_unknown(_keys(value)),))


def _list(found: list[Any]) -> Iterator[Item | Broken]:
    if found and not any(isinstance(value, dict) and _sort(value) for value in found):
        yield _unknown(f"a list of {_keys(found[0])}")
        return
    for value in found:
        yield from items(value) if isinstance(value, dict) else (_unknown(type(value).__name__),)


def _sort(value: Record) -> str:
    fields = value.keys()
    return next((sort for sort, marks in MARKS.items() if any(mark <= fields for mark in marks)), "")


def _with_lists(value: Record) -> Record:
    """A document whose single objects stand in lists, like everybody else's."""
    singles = {
        many: [value[one]] for one, many in SINGLES.items() if many not in value and _sort(record(value.get(one)))
    }
    lists = {key: found for key, found in value.items() if isinstance(found, list)}
    return {**lists, **singles}


def _document(document: Record) -> Iterator[Item | Broken]:
    beside = _Beside(document)
    for key, sort in LISTS.items():
        for row in rows(document.get(key)):
            if isinstance(row, dict):
                yield from _CUTTERS.get(sort, _plain)(sort, row, beside)
            else:
                yield _unknown(f"{type(row).__name__} in {key}")
    for key in sorted(document.keys() - LISTS.keys()):
        if isinstance(document[key], list):
            yield Item(form="other", body={"list": key[:60], "rows": len(document[key])})


class _Beside:
    """What else a document says of the tickets and users that its comments name."""

    def __init__(self, document: Record) -> None:
        self.tickets = {ident(row.get("id")): row for row in map(record, rows(document.get("tickets")))}
        self.people = _people(document)
        self.told = {self.ticket_of(row) for row in map(record, rows(document.get("comments")))}

    def ticket_of(self, comment: Record) -> str:
        """The comment's ticket: as it says, or the only one in the document."""
        only = next(iter(self.tickets)) if len(self.tickets) == 1 else ""
        return ident(comment.get("ticket_id")) or only


def _people(document: Record) -> Record:
    return {
        ident(user.get("id")): {field: user.get(field) for field in USER_FIELDS}
        for user in map(record, rows(document.get("users")))
    }


def _plain(sort: str, row: Record, beside: _Beside) -> Iterator[Item]:
    yield Item(form=sort, body=row)


def _ticket(sort: str, row: Record, beside: _Beside) -> Iterator[Item | Broken]:
    """The ticket, then the users and comments inside it."""
    people = {**beside.people, **_people(row)}
    told = bool(rows(row.get("comments"))) or ident(row.get("id")) in beside.told
    bare = {key: value for key, value in row.items() if key not in ("comments", "users")}
    involved = (ident(row.get("requester_id")), ident(row.get("submitter_id")), ident(row.get("assignee_id")))
    yield Item(form="ticket", body={"ticket": bare, "told": told, "people": _those(people, involved)})
    yield from (Item(form="user", body=user) for user in rows(row.get("users")))
    for comment in rows(row.get("comments")):
        yield _said(comment, row, people)


def _comment(sort: str, row: Record, beside: _Beside) -> Iterator[Item]:
    key = beside.ticket_of(row)
    yield _said(row, beside.tickets.get(key, {"id": key}), beside.people)


def _ticket_event(sort: str, row: Record, beside: _Beside) -> Iterator[Item]:
    """One item for each comment in it, or one for the whole where there is none."""
    inside = [record(event) for event in rows(row.get("child_events")) + rows(row.get("events"))]
    comments = [event for event in inside if (event.get("event_type") or event.get("type")) in COMMENT_EVENTS]
    inherited = {"created_at": row.get("created_at") or row.get("timestamp"), "via": row.get("via")}
    key = ident(row.get("ticket_id"))
    for comment in comments:
        told = {name: value for name, value in comment.items() if value is not None}
        yield _said({**inherited, **told}, beside.tickets.get(key, {"id": key}), beside.people)
    if not comments:
        yield Item(form="ticket_event", body=row)


def _said(comment: Any, ticket: Record, people: Record) -> Item:
    context = {field: ticket[field] for field in TICKET_FIELDS if field in ticket}
    involved = (ident(record(comment).get("author_id")), ident(ticket.get("requester_id")))
    return Item(form="comment", body={"comment": comment, "ticket": context, "people": _those(people, involved)})


def _those(people: Record, idents: tuple[str, ...]) -> Record:
    return {key: people[key] for key in idents if key in people}


_CUTTERS: dict[str, Callable[[str, Record, _Beside], Iterator[Item | Broken]]] = {
    "ticket": _ticket,
    "comment": _comment,
    "ticket_event": _ticket_event,
}


def _unknown(what: str) -> Broken:
    return Broken(code="unknown_shape", detail=f"No shape of a desk's export that we know: {what}.")


def _keys(value: Any) -> str:
    if not isinstance(value, dict):
        return type(value).__name__
    return f"an object with {', '.join(sorted(value)[:12])[:300] or 'nothing in it'}"

"""People: search, one, and the timeline."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kinline.errors import Malformed
from kinline.identity import persons
from kinline.identity.persons import PersonView
from kinline.timeline import cursor, reading, seen
from kinline.timeline.entries import Place
from kinline.timeline.filters import Filters
from kinline.words import Direction, Kind
from kinline_api.call import Call
from kinline_api.query import Paged
from kinline_api.response import Answer
from kinline_api.route import get
from kinline_api.typed import moment_of
from kinline_api.versions import unless_known

Text = Annotated[str, Meta(max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
ETAG_HEADER = {"If-None-Match": "The ETag you have; the answer is 304 when nothing changed."}


class PeopleQuery(Paged, frozen=True):
    """``q`` is a part of a name or of a handle."""

    q: Text = ""


class People(msgspec.Struct, frozen=True):
    """A page of persons. ``next`` is the cursor of the page after this one; null: this was the last."""

    people: list[PersonView]
    next: str | None


class TimelineQuery(Paged, frozen=True):
    """Which lines of the timeline to show. ``since`` is included, ``until`` is not."""

    channel: Annotated[str, Meta(max_length=100)] = ""
    kind: Kind | None = None
    direction: Direction | None = None
    since: Moment | None = None
    until: Moment | None = None
    q: Text = ""


class Timeline(msgspec.Struct, frozen=True):
    """A page of a timeline, newest first."""

    entries: list[dict[str, Any]]
    next: str | None


@get("/v1/people", scope="read")
def search_people(call: Call, query: PeopleQuery) -> People:
    """Search people by a part of a name or handle.

    Without `q` it lists everybody. `%` and `_` mean themselves.
    """
    about = f"people:{query.q}"
    secret = call.hub.secret
    after = _place_of_person(cursor.read(secret, about, query.cursor)) if query.cursor else ""
    with call.read() as session:
        found = seen.search(session, query.q, after=after, limit=query.limit + 1, reader=call.reader)
    page = found[: query.limit]
    return People(page, cursor.write(secret, about, (page[-1].id,)) if len(found) > query.limit else None)


@get("/v1/people/{person}", scope="read", answers=PersonView, headers=ETAG_HEADER, also={304: "Nothing changed."})
def read_person(call: Call, person: str) -> Answer:
    """Read one person, by id or by handle.

    A handle is written as `email:ann@example.org` or `external:shop%2F42`. Ids that were merged into another person
    go on resolving.
    """
    with call.read() as session:
        root = call.person(session, person)
        seen.require(session, root, call.reader)
        return unless_known(call, msgspec.json.encode(persons.view(session, root)))


@get(
    "/v1/people/{person}/timeline", scope="read", answers=Timeline, headers=ETAG_HEADER, also={304: "Nothing changed."}
)
def read_timeline(call: Call, person: str, query: TimelineQuery) -> Answer:
    """Read one person's timeline, newest first, whatever channel each line came from.

    Stage moves and messages that were held back stand between the interactions, unless a filter is given.
    """
    filters = _filters(query)
    with call.read() as session:
        root = call.person(session, person)
        seen.require(session, root, call.reader)
        about = f"timeline:{person}:{msgspec.json.encode(filters).decode()}"
        before = _place(cursor.read(call.hub.secret, about, query.cursor)) if query.cursor else reading.END
        page = reading.page(session, root, filters, before=before, limit=query.limit, reader=call.reader)
    more = cursor.write(call.hub.secret, about, page.next) if page.next else None
    lines = b",".join([entry.json() for entry in page.entries])
    return unless_known(call, b'{"entries":[%b],"next":%b}' % (lines, msgspec.json.encode(more)))


def _filters(query: TimelineQuery) -> Filters:
    return Filters(
        channel=query.channel,
        kind=query.kind or "",
        direction=query.direction or "",
        since=None if query.since is None else moment_of(query.since, "/since"),
        until=None if query.until is None else moment_of(query.until, "/until"),
        text=query.q,
    )


def _place(parts: list[object]) -> Place:
    match parts:
        case [int(sort_at), int(sequence), str(interaction)]:
            return sort_at, sequence, interaction
    raise Malformed("This cursor is not one of this list.", code="invalid_cursor")


def _place_of_person(parts: list[object]) -> str:
    match parts:
        case [str(person)]:
            return person
    raise Malformed("This cursor is not one of this list.", code="invalid_cursor")

"""Suggestions: who may be one person, for a human to decide."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline.identity import suggestions
from kinline.identity.persons import root_of
from kinline.identity.suggestions import Suggested
from kinline.store.models import Suggestion
from kinline.timeline import seen
from kinline_api.asking import Paged
from kinline_api.call import Call
from kinline_api.paging import next_cursor, text_place
from kinline_api.route import Id, get, post
from kinline_api.routes.merges import Merged, line_shown


class SuggestionsQuery(Paged, frozen=True):
    """Those that concern one person (id or handle); all when it is empty."""

    person: Annotated[str, Meta(max_length=500)] = ""


class Suggestions(msgspec.Struct, frozen=True):
    suggestions: list[Suggested]
    next: str | None


@get("/v1/suggestions", scope="read")
def list_suggestions(call: Call, query: SuggestionsQuery) -> Suggestions:
    """List who may be one person: handles that a source showed side by side, without a proof."""
    about = f"suggestions:{query.person}"
    after = text_place(call, about, query.cursor)
    with call.read() as session:
        root = call.person(session, query.person) if query.person else ""
        found = suggestions.open_ones(session, person=root, after=after, limit=query.limit + 1)
        page = found[: query.limit]
        allowed = set(
            seen.visible(session, {each for one in page for each in (one.person_a, one.person_b)}, call.reader)
        )
    shown = [one for one in page if {one.person_a, one.person_b} <= allowed]
    return Suggestions(shown, next_cursor(call, about, (page[-1].id,)) if len(found) > query.limit else None)


@post("/v1/suggestions/{suggestion}/accept", scope="people", status=201)
def accept_suggestion(call: Call, suggestion: Id) -> Merged:
    """Say that they are one person. It merges them, which can be undone."""
    with call.write() as session:
        _require_seen(call, session, suggestion)
        return line_shown(suggestions.accept(session, suggestion, made_by=call.made_by))


@post("/v1/suggestions/{suggestion}/reject", scope="people")
def reject_suggestion(call: Call, suggestion: Id) -> None:
    """Say that they are two persons. Nothing joins them until that is withdrawn."""
    with call.write() as session:
        _require_seen(call, session, suggestion)
        suggestions.reject(session, suggestion, made_by=call.made_by)


def _require_seen(call: Call, session: Session, suggestion: str) -> None:
    """Both persons must be ones that this key may know of."""
    row = session.get(Suggestion, suggestion)
    for person in (row.person_a, row.person_b) if row else ():
        seen.require(session, root_of(session, person), call.reader)

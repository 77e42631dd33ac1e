"""Suggestions: who may be one person, for a human to decide."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline.desk import suggested
from kinline.desk.suggested import SuggestionDetail
from kinline.errors import Invalid
from kinline.identity import suggestion_answers
from kinline.identity.persons import root_of
from kinline.identity.suggestion_answers import Skipped
from kinline.identity.suggestions import listing
from kinline.identity.suggestions.listing import FIRST, Place, Suggested, SuggestionFilter
from kinline.identity.suggestions.sayings import KINDS
from kinline.store.models import Suggestion
from kinline.timeline import seen
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.paging import foreign, next_cursor, place_of
from kinline_api.query import Paged, Query
from kinline_api.route import Id, get, post
from kinline_api.routes.merges import Merged, line_shown

State = Literal["open", "accepted", "refused"]
Language = Annotated[str, Meta(max_length=35)]


class SuggestionsQuery(Paged, frozen=True):
    """Those in a ``state``, that concern one ``person`` (id or handle), whose strongest evidence is of a ``kind``, whose
    score (0 to 1) is ``least`` or more. ``language`` of the sentences, as `es`: English and Spanish are there."""

    person: Annotated[str, Meta(max_length=500)] = ""
    state: State = "open"
    kind: Annotated[str, Meta(max_length=40)] = ""
    least: Annotated[str, Meta(max_length=10, pattern=r"^(0|1|0?\.[0-9]+|[01]\.[0-9]+)?$")] = ""
    language: Language = "en"


class DetailQuery(Query, frozen=True):
    """``language`` of the sentences, as `es`: English and Spanish are there."""

    language: Language = "en"


class Suggestions(msgspec.Struct, frozen=True):
    """A page, the likeliest first."""

    suggestions: list[Suggested]
    next: str | None


class Many(Body, frozen=True):
    """Which open suggestions to accept: those with a score of ``least`` or more, the likeliest first, ``limit`` of them at
    most; only of one ``kind`` of evidence, where that is given. ``dry_run`` tells which and accepts none."""

    least: Annotated[float, Meta(ge=0.5, le=1)]
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    kind: Annotated[str, Meta(max_length=40)] = ""
    dry_run: bool = False


class SuggestionsAccepted(msgspec.Struct, frozen=True):
    """What was accepted, or would be; the merges that it made; and what could not be accepted any more, and why."""

    suggestions: list[Suggested]
    merges: list[Merged]
    skipped: list[Skipped]


@get("/v1/suggestions", scope="read")
def list_suggestions(call: Call, query: SuggestionsQuery) -> Suggestions:
    """List who may be one person, the likeliest first, each with its score and with what speaks for it and against it.

    Nobody is joined by a suggestion.
    """
    about = f"suggestions:{query.person}:{query.state}:{query.kind}:{query.least}"
    after = _place(call, about, query.cursor)
    with call.read() as session:
        root = call.person(session, query.person) if query.person else ""
        wanted = SuggestionFilter(state=query.state, kind=_kind(query.kind), least=_share(query.least), person=root)
        found = listing.listed(session, wanted, after=after, limit=query.limit + 1, language=query.language)
        page = found[: query.limit]
        shown = _visible(call, session, (each for _, each in page))
    return Suggestions(shown, next_cursor(call, about, page[-1][0]) if len(found) > query.limit else None)


@get("/v1/suggestions/{suggestion}", scope="read")
def read_suggestion(call: Call, suggestion: Id, query: DetailQuery) -> SuggestionDetail:
    """Read one suggestion with both people, in what they differ, and their newest lines as they would stand in one timeline."""
    with call.read() as session:
        _require_seen(call, session, suggestion)
        return suggested.detail(session, suggestion, call.reader, query.language)


@post("/v1/suggestions/{suggestion}/accept", scope="people", status=201)
def accept_suggestion(call: Call, suggestion: Id) -> Merged:
    """Say that they are one person. It merges them, which can be undone."""
    with call.write() as session:
        _require_seen(call, session, suggestion)
        return line_shown(suggestion_answers.accept(session, suggestion, made_by=call.made_by))


@post("/v1/suggestions/{suggestion}/refuse", scope="people")
def refuse_suggestion(call: Call, suggestion: Id) -> None:
    """Say that they are two persons. It is not suggested again, and nothing joins them until that is withdrawn."""
    with call.write() as session:
        _require_seen(call, session, suggestion)
        suggestion_answers.refuse(session, suggestion, made_by=call.made_by)


@post("/v1/suggestions/{suggestion}/reject", scope="people")
def reject_suggestion(call: Call, suggestion: Id) -> None:
    """The older name of `refuse`."""
    refuse_suggestion(call, suggestion)


@post("/v1/suggestions/accept", scope="people")
def accept_suggestions(call: Call, body: Many) -> SuggestionsAccepted:
    """Accept several suggestions at once, the likeliest first. Each makes a merge of its own, which can be undone.

    Look first, with `dry_run`.
    """
    wanted = SuggestionFilter(kind=_kind(body.kind), least=body.least)
    with call.write() as session:
        found = listing.listed(session, wanted, limit=body.limit)
        shown = _visible(call, session, (each for _, each in found))
        if body.dry_run:
            return SuggestionsAccepted(shown, [], [])
        merged, skipped = suggestion_answers.accept_all(session, (each.id for each in shown), made_by=call.made_by)
        left = {each.suggestion for each in skipped}
        return SuggestionsAccepted(
            [each for each in shown if each.id not in left], [line_shown(line) for line in merged], skipped
        )


def _kind(given: str) -> str:
    if given and given not in KINDS:
        raise Invalid(
            f"There is no such kind of evidence. There are: {', '.join(KINDS)}.", code="unknown_kind", pointer="/kind"
        )
    return given


def _share(text: str) -> float:
    return float(text or 0)


def _place(call: Call, about: str, given: str) -> Place:
    match place_of(call, about, given):
        case None:
            return FIRST
        case [int(score), str(suggestion)]:
            return score, suggestion
    raise foreign()


def _visible(call: Call, session: Session, found: Iterable[Suggested]) -> list[Suggested]:
    """Those whose people this key may both know of."""
    listed = list(found)
    people = {person for each in listed for person in (each.person_a, each.person_b)}
    allowed = set(seen.visible(session, people, call.reader))
    return [each for each in listed if {each.person_a, each.person_b} <= allowed]


def _require_seen(call: Call, session: Session, suggestion: str) -> None:
    """Both persons must be ones that this key may know of."""
    row = session.get(Suggestion, suggestion)
    for person in (row.person_a, row.person_b) if row else ():
        seen.require(session, root_of(session, person), call.reader)

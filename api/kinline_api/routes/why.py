"""Why: everything behind something that we did."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from kinline.errors import Invalid
from kinline.timeline import seen
from kinline.why.explain import waits, why
from kinline.why.explanation import Why
from kinline.why.wait_list import NEWEST, WaitShown
from kinline_api.call import Call
from kinline_api.idempotency import person_seen
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged, Query
from kinline_api.route import Id, get


class WhyQuery(Query, frozen=True):
    """``language`` of the summary, as `es` or `es-ES`: English and Spanish are there. ``time_zone`` of its times (IANA);
    without it the company's."""

    language: Annotated[str, Meta(max_length=35)] = "en"
    time_zone: Annotated[str, Meta(max_length=100)] = ""


class WaitsQuery(Paged, frozen=True):
    """Those in one ``state``, or all; ``language`` and ``time_zone`` as of an explanation."""

    state: Literal["armed", "due", "kept", "closed"] | None = None
    language: Annotated[str, Meta(max_length=35)] = "en"
    time_zone: Annotated[str, Meta(max_length=100)] = ""


class WaitsPage(msgspec.Struct, frozen=True):
    """A page, the latest armed first."""

    waits: list[WaitShown]
    next: str | None


@get("/v1/why/{reference}", scope="read")
def explain(call: Call, reference: Id, query: WhyQuery) -> Why:
    """Explain something that we did or left: a decision, a follow-up, an interaction of ours, a task, a move, a merge, a wait.

    The answer names what counted, what was looked for and missed, what it relied on, what chance gave them, what came of
    it, and what else was considered: other triggers, and other ways to the person.
    """
    zone = _zone(call, query.time_zone)
    with call.read() as session:
        told = why(session, reference, reader=call.reader, language=query.language, zone=zone)
        seen.require(session, told.person, call.reader)
        return told


@get("/v1/people/{person}/waits", scope="read")
def list_waits(call: Call, person: str, query: WaitsQuery) -> WaitsPage:
    """List what waits for a person: when we will look again, and what would have to come until then, or not to come.

    And how it ended: broken, fired, or a trigger that changed.
    """
    zone, about = _zone(call, query.time_zone), f"waits:{person}:{query.state}"
    before = dated_place(call, about, query.cursor, NEWEST)
    with call.read() as session:
        found = waits(
            session, person_seen(call, session, person), state=query.state or "", before=before, limit=query.limit + 1,
            reader=call.reader, language=query.language, zone=zone,
        )  # fmt: skip
    page = found[: query.limit]
    more = page[-1][0] if len(found) > query.limit else None
    return WaitsPage([shown for _, shown in page if shown], next_cursor(call, about, more) if more else None)


def _zone(call: Call, named: str) -> str:
    if not named:
        return call.hub.settings.time_zone
    try:
        return ZoneInfo(named).key
    except (KeyError, ValueError, OSError):
        detail = "That is no IANA time zone; write it as Europe/Madrid."
        raise Invalid(detail, code="unknown_time_zone", pointer="/time_zone") from None

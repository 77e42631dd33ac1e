"""Decisions: what each trigger decided about whom, and why it acted or did not."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kinline.why import decisions as listing
from kinline.why.decisions import DecisionDetail, DecisionShown
from kinline.words import Verdict
from kinline_api.call import Call
from kinline_api.idempotency import person_seen
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged
from kinline_api.route import Id, get

Word = Annotated[str, Meta(max_length=100)]


class TheirDecisionsQuery(Paged, frozen=True):
    """Those of one trigger (its name), or with one verdict."""

    trigger: Word = ""
    verdict: Verdict | None = None


class DecisionsQuery(TheirDecisionsQuery, frozen=True):
    """Those about one person (id or handle), of one trigger (its name), or with one verdict."""

    person: Annotated[str, Meta(max_length=500)] = ""


class Decisions(msgspec.Struct, frozen=True):
    """A page, the newest first."""

    decisions: list[DecisionShown]
    next: str | None


@get("/v1/decisions", scope="read")
def list_decisions(call: Call, query: DecisionsQuery) -> Decisions:
    """List what triggers decided, the newest first: also what was skipped, and why."""
    return _page(call, query, query.person)


@get("/v1/people/{person}/decisions", scope="read")
def list_decisions_about(call: Call, person: str, query: TheirDecisionsQuery) -> Decisions:
    """List what triggers decided about one person, the newest first."""
    return _page(call, query, person)


@get("/v1/decisions/{decision}", scope="read")
def read_decision(call: Call, decision: Id) -> DecisionDetail:
    """Read one decision, with its evidence and what came of it."""
    with call.read() as session:
        return listing.detail(session, decision, call.reader)


def _page(call: Call, query: TheirDecisionsQuery, person: str) -> Decisions:
    about = f"decisions:{person}:{query.trigger}:{query.verdict}"
    before = dated_place(call, about, query.cursor, listing.NEWEST)
    with call.read() as session:
        root = person_seen(call, session, person) if person else ""
        found = listing.listed(
            session, person=root, trigger=query.trigger, verdict=query.verdict or "", before=before,
            limit=query.limit + 1, reader=call.reader,
        )  # fmt: skip
        page = found[: query.limit]
        more = listing.place(session, page[-1].id) if len(found) > query.limit else None
    return Decisions(page, next_cursor(call, about, more) if more else None)

"""Who waits for an answer of ours since when, on any channel, and what people of ours say of it."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline.desk import dismissals, worklist
from kinline.desk.worklist import WaitingShown, WorklistFilter
from kinline.waiting.listing import OLDEST, List
from kinline.words import Kind
from kinline_api.call import Call
from kinline_api.idempotency import ByAgent, agent_of, person_met, person_seen
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged
from kinline_api.route import Id, get, post

Word = Annotated[str, Meta(max_length=100)]
Person = Annotated[str, Meta(max_length=500)]


class WaitingQuery(Paged, frozen=True):
    """Answers or promises; of which list; on a channel, of a kind of interaction, of a team, of a person (id or handle),
    overdue or not.

    ``list`` is ``waiting`` unless said: they wait for our answer. ``paused``: somebody else answered them, or one of us did
    in another conversation. ``indirect``: they spoke to another outsider. ``forwarded``: one of us passed it on, and who
    asked is to be named. ``imported``: history that was never answered. ``snoozed``: their conversation was put off.
    """

    what: Literal["answer", "promise", ""] = ""
    list: List = List.WAITING
    channel: Word = ""
    kind: Kind | None = None
    team: Word = ""
    person: Person = ""
    overdue: Literal["true", "false", ""] = ""


class WaitingPage(msgspec.Struct, frozen=True):
    """A page, those first who wait longest. ``counts``: how many stand in each list, a thousand at most; on the first page
    alone, null on the others."""

    waiting: list[WaitingShown]
    counts: dict[str, int] | None
    next: str | None


class DismissIn(ByAgent, frozen=True, kw_only=True):
    """Why it needs no answer."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class AskerIn(ByAgent, frozen=True, kw_only=True):
    """Who asked it: id or handle."""

    person: Annotated[str, Meta(min_length=1, max_length=500)]


@get("/v1/waiting", scope="read")
def list_waiting(call: Call, query: WaitingQuery) -> WaitingPage:
    """List who waits for an answer of ours since when, on any channel, and what was promised to whom.

    Those who wait longest come first.
    """
    about = (
        f"waiting:{query.what}:{query.list}:{query.channel}:{query.kind}:{query.team}:{query.person}:{query.overdue}"
    )
    after = dated_place(call, about, query.cursor, OLDEST)
    with call.read() as session:
        wanted = WorklistFilter(
            what=query.what, list=query.list, channel=query.channel, kind=query.kind or "", team=query.team,
            person=person_seen(call, session, query.person) if query.person else "",
            overdue={"true": True, "false": False}.get(query.overdue),
        )  # fmt: skip
        found = worklist.listed(session, wanted, after=after, limit=query.limit + 1, reader=call.reader)
        counts = None if query.cursor else worklist.counted(session, call.reader)
    page = found[: query.limit]
    more = next_cursor(call, about, page[-1][0]) if len(found) > query.limit else None
    return WaitingPage([each for _, each in page], counts, more)


@get("/v1/waiting/{waiting}", scope="read")
def read_waiting(call: Call, waiting: Id) -> WaitingShown:
    """Read how somebody waits, or waited."""
    with call.read() as session:
        return worklist.one(session, waiting, call.reader)


@post("/v1/waiting/{waiting}/dismiss", scope="desk")
def dismiss(call: Call, waiting: Id, body: DismissIn) -> WaitingShown:
    """Say that what somebody asked needs no answer. Their next word asks anew. 409 when nobody waits any more."""

    def do(session: Session) -> str:
        dismissals.dismiss(session, waiting, reason=body.reason, by=agent_of(call, body))
        return waiting

    return _done(call, waiting, do)


@post("/v1/waiting/{waiting}/undismiss", scope="desk")
def undismiss(call: Call, waiting: Id, body: ByAgent) -> WaitingShown:
    """Take a dismissal back: they wait since they asked. 409 when it was not dismissed."""

    def do(session: Session) -> str:
        dismissals.undismiss(session, waiting, by=agent_of(call, body))
        return waiting

    return _done(call, waiting, do)


@post("/v1/waiting/{waiting}/asker", scope="desk")
def name_asker(call: Call, waiting: Id, body: AskerIn) -> WaitingShown:
    """Say who asked what one of us passed on to our mailbox. Answers with how that person waits. 409 when it is known."""

    def do(session: Session) -> str:
        asker = person_met(call, session, body.person)
        return dismissals.name_asker(session, waiting, asker, by=agent_of(call, body))

    return _done(call, waiting, do)


def _done(call: Call, waiting: str, do: Callable[[Session], str]) -> WaitingShown:
    """Do it, unless the caller may not know of it; and show what came of it."""
    with call.write() as session:
        worklist.one(session, waiting, call.reader)
        return worklist.one(session, do(session), call.reader)

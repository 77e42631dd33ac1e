"""What somebody of us promised a person: kept until it is done or withdrawn."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from kinline.desk import promises
from kinline.desk.promises import DONE, WITHDRAWN, PromiseShown
from kinline.store.models import Promised
from kinline.waiting.listing import OLDEST
from kinline_api.call import Call
from kinline_api.idempotency import ONCE, ByAgent, agent_of, key_conflict, new_id, person_seen
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged
from kinline_api.route import Id, get, post
from kinline_api.typed import moment_of

Word = Annotated[str, Meta(max_length=100)]


class PromiseIn(ByAgent, frozen=True, kw_only=True):
    """What was promised and until when; where, as far as it was said in an interaction; and which team is to keep it."""

    what: Annotated[str, Meta(min_length=1, max_length=2000)]
    due_at: Annotated[datetime, Meta(tz=True)]
    interaction: Annotated[str, Meta(max_length=32)] = ""
    team: Word = ""


class Promises(msgspec.Struct, frozen=True):
    """A page, in the order in which they were made."""

    promises: list[PromiseShown]
    next: str | None


@post("/v1/people/{person}/promises", scope="desk", status=201, headers=ONCE)
def promise(call: Call, person: str, body: PromiseIn) -> PromiseShown:
    """Keep what somebody of us promised a person: "we will call you on Friday".

    It stands among those who wait until it is done or withdrawn. The earliest open date is the person's attribute `promise_due`.
    """
    due_at = moment_of(body.due_at, "/due_at")
    with call.write() as session:
        root = person_seen(call, session, person)
        promise_id, named = new_id(call)
        known = session.get(Promised, promise_id) if named else None
        if known is None:
            promises.promise(
                session, root, what=body.what, due_at=due_at, by=agent_of(call, body), promise_id=promise_id,
                interaction=body.interaction or None, team=body.team, reader=call.reader,
            )  # fmt: skip
        elif (known.what, known.due_at) != (body.what, due_at):
            raise key_conflict()
        return promises.shown(session, promise_id, call.reader)


@get("/v1/people/{person}/promises", scope="read")
def list_promises(call: Call, person: str, query: Paged) -> Promises:
    """List all that was ever promised to a person, open or not."""
    about = f"promises:{person}"
    after = dated_place(call, about, query.cursor, OLDEST)
    with call.read() as session:
        root = person_seen(call, session, person)
        found = promises.of_person(session, root, after=after, limit=query.limit + 1, reader=call.reader)
        page = found[: query.limit]
        more = promises.place(session, page[-1].id) if len(found) > query.limit else None
    return Promises(page, next_cursor(call, about, more) if more else None)


@post("/v1/promises/{promise}/done", scope="desk")
def keep_promise(call: Call, promise: Id, body: ByAgent) -> PromiseShown:
    """Say that a promise was kept. 409 when it had ended before."""
    return _end(call, promise, DONE, body)


@post("/v1/promises/{promise}/withdraw", scope="desk")
def withdraw_promise(call: Call, promise: Id, body: ByAgent) -> PromiseShown:
    """Take a promise back. 409 when it had ended before."""
    return _end(call, promise, WITHDRAWN, body)


def _end(call: Call, promise_id: str, state: str, body: ByAgent) -> PromiseShown:
    with call.write() as session:
        promises.shown(session, promise_id, call.reader)
        promises.end(session, promise_id, state, by=agent_of(call, body))
        return promises.shown(session, promise_id, call.reader)

"""What is still to be done: waits between a trigger's actions, and what waits for somebody's approval."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kinline.decide import in_progress
from kinline.desk import approvals
from kinline.desk.approvals import Approval
from kinline.why import shown_steps
from kinline.why.shown_steps import StepShown
from kinline_api.call import Call
from kinline_api.idempotency import ByAgent, agent_of, person_seen
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged
from kinline_api.route import Id, get, post


class StepsQuery(Paged, frozen=True):
    """Those in one state, about one person (id or handle), of one trigger (a name)."""

    state: Literal["", "waiting", "done", "stopped"] = ""
    person: Annotated[str, Meta(max_length=500)] = ""
    trigger: Annotated[str, Meta(max_length=64)] = ""


class Steps(msgspec.Struct, frozen=True):
    """A page, in order of due time."""

    steps: list[StepShown]
    next: str | None


class Approvals(msgspec.Struct, frozen=True):
    """A page, those that wait longest first."""

    approvals: list[Approval]
    next: str | None


class StepCancelled(ByAgent, frozen=True, kw_only=True):
    """Why the rest is not to be done."""

    reason: Annotated[str, Meta(max_length=500)] = ""


@get("/v1/steps", scope="read")
def list_steps(call: Call, query: StepsQuery) -> Steps:
    """List waits between actions, in order of due time."""
    about = f"steps:{query.state}:{query.person}:{query.trigger}"
    after = dated_place(call, about, query.cursor, shown_steps.FIRST)
    with call.read() as session:
        root = person_seen(call, session, query.person) if query.person else ""
        found = shown_steps.listed(
            session, state=query.state, person=root, trigger=query.trigger, after=after, limit=query.limit + 1,
            reader=call.reader,
        )  # fmt: skip
        page = found[: query.limit]
        more = shown_steps.place(session, page[-1].id) if len(found) > query.limit else None
    return Steps(page, next_cursor(call, about, more) if more else None)


@get("/v1/steps/{step}", scope="read")
def read_step(call: Call, step: Id) -> StepShown:
    """Read one wait between actions."""
    with call.read() as session:
        return shown_steps.shown(session, step, call.reader)


@post("/v1/steps/{step}/cancel", scope="desk")
def cancel_step(call: Call, step: Id, body: StepCancelled) -> StepShown:
    """Leave the rest of a trigger's actions undone. 409 when it is too late for that."""
    with call.write() as session:
        shown_steps.shown(session, step, call.reader)
        in_progress.cancel(session, step, by=agent_of(call, body), reason=body.reason)
        return shown_steps.shown(session, step, call.reader)


@get("/v1/approvals", scope="read")
def list_approvals(call: Call, query: Paged) -> Approvals:
    """List what waits for somebody's approval: messages, public posts, and calls to endpoints.

    Approve or cancel each by its own route: `/v1/followups/{followup}/approve`, `/v1/deliveries/{delivery}/approve`.
    """
    after = dated_place(call, "approvals", query.cursor, approvals.FIRST)
    with call.read() as session:
        found = approvals.listed(session, after=after, limit=query.limit + 1, reader=call.reader)
        page = found[: query.limit]
        more = approvals.place(session, page[-1]) if len(found) > query.limit else None
    return Approvals(page, next_cursor(call, "approvals", more) if more else None)

"""Follow-ups: what is going out, what went, what waits for somebody; and writing to a person."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline.errors import Conflict, Invalid, NotFound
from kinline.followups import addressee, manage, showing
from kinline.followups.plan import Draft, plan
from kinline.followups.reach import Reach, reachable
from kinline.followups.routes import took_part
from kinline.followups.showing import FollowUpDetail, FollowUpShown
from kinline.identity.persons import members
from kinline.store.models import FollowUp
from kinline.timeline import detail
from kinline.words import FollowUpState, SendClass
from kinline_api.call import Call
from kinline_api.idempotency import (
    IF_MATCH,
    IF_NONE_MATCH,
    ONCE,
    ByAgent,
    agent_of,
    key_conflict,
    new_id,
    person_seen,
    require_unchanged,
    versioned,
)
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged, Query
from kinline_api.response import Answer
from kinline_api.route import Id, get, post
from kinline_api.routes.files import Attachments, Html, kept_files, same_form
from kinline_api.versions import unless_known

Word = Annotated[str, Meta(max_length=100)]
Reason = Annotated[str, Meta(max_length=500)]


class FollowUpsQuery(Paged, frozen=True):
    """Those in one state, for one person (id or handle), of one trigger (its name)."""

    state: FollowUpState | None = None
    person: Annotated[str, Meta(max_length=500)] = ""
    trigger: Word = ""


class FollowUps(msgspec.Struct, frozen=True):
    """A page, the newest first."""

    followups: list[FollowUpShown]
    next: str | None


class MessageIn(ByAgent, frozen=True, kw_only=True):
    """A message to a person. Without a channel it takes the thread of what it is ``about``, or their usual one. ``to``: the
    handle of theirs that gets it, or where the author of what it is about wants the answer."""

    text: Annotated[str, Meta(min_length=1, max_length=32_000)]
    subject: Annotated[str, Meta(max_length=500)] = ""
    html: Html = ""
    attachments: Attachments = ()
    class_: SendClass = msgspec.field(name="class", default=SendClass.HUMAN)
    channel: Word = ""
    account: Word = ""
    about: Annotated[str, Meta(max_length=32)] = ""
    to: Annotated[str, Meta(max_length=500)] = ""
    needs_approval: bool = False


class Cancelled(ByAgent, frozen=True, kw_only=True):
    """Why it is stopped."""

    reason: Reason = ""


class Reconciled(ByAgent, frozen=True, kw_only=True):
    """What somebody found out about a message whose outcome was unknown."""

    outcome: Literal["sent", "failed"]
    note: Reason = ""


class ReachQuery(Query, frozen=True):
    """For which class of message: who writes and why decides what can stop it."""

    class_: SendClass = msgspec.field(name="class", default=SendClass.HUMAN)


class Reachable(msgspec.Struct, frozen=True):
    """Every way to a person, and for a channel without one, what is missing."""

    channels: list[Reach]


@get("/v1/followups", scope="read")
def list_followups(call: Call, query: FollowUpsQuery) -> FollowUps:
    """List follow-ups, the newest first."""
    about = f"followups:{query.state}:{query.person}:{query.trigger}"
    before = dated_place(call, about, query.cursor, showing.NEWEST)
    with call.read() as session:
        root = person_seen(call, session, query.person) if query.person else ""
        found = showing.listed(
            session, state=query.state or "", person=root, trigger=query.trigger, before=before, limit=query.limit + 1,
            reader=call.reader,
        )  # fmt: skip
        page = found[: query.limit]
        more = showing.place(session, page[-1].id) if len(found) > query.limit else None
    return FollowUps(page, next_cursor(call, about, more) if more else None)


@get(
    "/v1/followups/{followup}", scope="read", answers=FollowUpDetail, headers=IF_NONE_MATCH,
    also={304: "Nothing changed."},
)  # fmt: skip
def read_followup(call: Call, followup: Id) -> Answer:
    """Read one follow-up, with its attempts, its receipts and the head of what is handed over."""
    with call.read() as session:
        return unless_known(call, msgspec.json.encode(showing.detail(session, followup, call.reader)))


@post("/v1/followups/{followup}/approve", scope="desk", answers=FollowUpDetail, headers=IF_MATCH)
def approve_followup(call: Call, followup: Id, body: ByAgent) -> Answer:
    """Let a follow-up go that waits for approval. 409 when it waits for none, or not any more."""
    with call.write() as session:
        _require_unchanged(call, session, followup)
        manage.approve(session, followup, by=agent_of(call, body))
        return versioned(showing.detail(session, followup))


@post("/v1/followups/{followup}/cancel", scope="desk", answers=FollowUpDetail, headers=IF_MATCH)
def cancel_followup(call: Call, followup: Id, body: Cancelled) -> Answer:
    """Stop a follow-up that is pending. 409 when it is too late for that."""
    with call.write() as session:
        _require_unchanged(call, session, followup)
        manage.cancel(session, followup, by=agent_of(call, body), reason=body.reason)
        return versioned(showing.detail(session, followup))


@post("/v1/followups/{followup}/reconcile", scope="desk", answers=FollowUpDetail, headers=IF_MATCH)
def reconcile_followup(call: Call, followup: Id, body: Reconciled) -> Answer:
    """Say whether a follow-up went out whose outcome is unknown. 409 when it is known."""
    with call.write() as session:
        _require_unchanged(call, session, followup)
        by, sent = agent_of(call, body), body.outcome == "sent"
        manage.reconcile(session, followup, sent=sent, by=by, note=body.note)
        return versioned(showing.detail(session, followup))


@get("/v1/people/{person}/reachable", scope="read")
def read_reachable(call: Call, person: str, query: ReachQuery) -> Reachable:
    """Tell over which channels a person can be written to now, and what would stop a message."""
    with call.read() as session:
        root = person_seen(call, session, person)
        return Reachable(reachable(call.hub, session, root, query.class_, accounts=call.reader.accounts))


@post("/v1/people/{person}/messages", scope="desk", status=202, headers=ONCE)
def write_to_person(call: Call, person: str, body: MessageIn) -> FollowUpShown:
    """Write to a person.

    It becomes a follow-up, and goes out when nothing stops it; `GET /v1/people/{person}/reachable` tells what would.
    A repeated call with the same `Idempotency-Key` writes once. 409 when no channel reaches them.
    """
    with call.write() as session:
        root = person_seen(call, session, person)
        draft = _draft(call, session, root, body)
        known = session.get(FollowUp, draft.id)
        if known is None:
            _plan(call, session, draft)
        elif not _same(session, known, draft):
            raise key_conflict()
        return showing.shown(session, draft.id)


def _require_unchanged(call: Call, session: Session, followup: str) -> None:
    require_unchanged(call, showing.detail(session, followup, call.reader))


def _draft(call: Call, session: Session, root: str, body: MessageIn) -> Draft:
    if not body.text.strip():
        raise Invalid("Say something: the text is empty.", code="empty_text", pointer="/text")
    if body.about:
        _require_theirs(call, session, root, body.about)
    identity = addressee.identity_for(session, root, body.about, body.to) if body.to else ""
    return Draft(
        id=new_id(call)[0], person_id=root, send_class=body.class_, text=body.text, subject=body.subject,
        html=body.html, files=kept_files(call, session, body.attachments),
        about=body.about, channel=body.channel, account=body.account, needs_approval=body.needs_approval,
        made_by=agent_of(call, body), identity=identity, exact=bool(identity),
    )  # fmt: skip


def _require_theirs(call: Call, session: Session, root: str, interaction: str) -> None:
    """What is answered must be something that this person took part in, and that the caller may read."""
    theirs = took_part(session, root, interaction)
    try:
        detail.read(session, interaction, call.reader)
    except NotFound:
        theirs = False
    if not theirs:
        raise Invalid("They took part in no such interaction.", code="unknown_interaction", pointer="/about")


def _plan(call: Call, session: Session, draft: Draft) -> None:
    why_not = plan(call.hub, session, draft)
    if why_not:
        raise Conflict(f"{why_not.partition(': ')[2].capitalize()}.", code="no_route")
    try:
        showing.shown(session, draft.id, call.reader)
    except NotFound:
        raise Conflict("No account that this key may use reaches this person.", code="no_route") from None


def _same(session: Session, known: FollowUp, draft: Draft) -> bool:
    whose = known.person_id in members(session, draft.person_id)
    said = (known.body, known.subject, known.send_class) == (draft.text, draft.subject, draft.send_class)
    return whose and said and same_form(session, known, draft.html, draft.files)

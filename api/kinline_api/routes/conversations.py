"""The desk: conversations over every channel, with a state, a team, an assignee, a clock, notes and macros.

Every change takes ``If-Match``: the ETag of the conversation as its agent saw it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline.accounts.reader import AccessScope
from kinline.desk import conversation_list, conversations, dismissals, macros, replies, work
from kinline.desk.conversation_list import FIRST, Place
from kinline.desk.conversations import View
from kinline.desk.macros import MacroApplied
from kinline.desk.replies import ReplyPreview
from kinline.errors import Invalid, NotFound, StalePrecondition
from kinline.followups import showing
from kinline.followups.addressee import WantedRecipients
from kinline.followups.showing import FollowUpShown
from kinline.store.models import Conversation, FollowUp
from kinline.timeline import detail
from kinline.words import ConversationState, Kind, Priority
from kinline_api.call import Call
from kinline_api.idempotency import (
    IF_MATCH,
    ONCE,
    ByAgent,
    agent_of,
    key_conflict,
    new_id,
    once,
    person_met,
    require_same,
)
from kinline_api.paging import foreign, next_cursor, place_of
from kinline_api.query import Paged, Query
from kinline_api.response import Answer, made
from kinline_api.route import Id, delete, get, post, put
from kinline_api.routes.files import Attachments, Html, kept_files, same_form
from kinline_api.typed import moment_of
from kinline_api.versions import unless_known, version_of

Word = Annotated[str, Meta(max_length=100)]
Subject = Annotated[str, Meta(max_length=500)]
Text = Annotated[str, Meta(min_length=1, max_length=32_000)]
#: A person by id, or a handle.
Handled = Annotated[str, Meta(max_length=500)]
#: What can come of a conversation; see the mission's "micro conversations".
Outcome = Literal["answered", "feedback", "word of mouth", "transaction", "none", ""]


class ConversationsQuery(Paged, frozen=True):
    """Those in one state, of one team (its name), of one assignee, of one number (ours, or another desk's), of one
    priority; overdue or not; those in which somebody waits for us, or not."""

    state: ConversationState | None = None
    team: Word = ""
    assignee: Annotated[str, Meta(max_length=200)] = ""
    number: Word = ""
    priority: Priority | None = None
    overdue: Literal["true", "false", ""] = ""
    waiting: Literal["true", "false", ""] = ""

    def wanted(self) -> conversation_list.ConversationFilter:
        said = {"true": True, "false": False}
        return conversation_list.ConversationFilter(
            state=self.state or "", team=self.team, assignee=self.assignee, number=self.number,
            priority=self.priority or "", overdue=said.get(self.overdue), waiting=said.get(self.waiting),
        )  # fmt: skip


class Conversations(msgspec.Struct, frozen=True):
    conversations: list[View]
    next: str | None


class ConversationDetail(msgspec.Struct, frozen=True):
    """A conversation, and what was said in it, oldest first."""

    conversation: View
    said: list[dict[str, Any]]


class OpenIn(ByAgent, frozen=True, kw_only=True):
    """Somebody called, came by or wrote on paper: who (id or handle), and what they said."""

    person: Annotated[str, Meta(min_length=1, max_length=500)]
    text: Text
    subject: Subject = ""
    kind: Kind = Kind.MESSAGE
    team: Word = ""


class ReplyIn(ByAgent, frozen=True, kw_only=True):
    """What to answer, and to whom: ``to`` is a person or a handle that takes part, ``cc`` those who get a copy (left out:
    who is in copy already), ``answers`` the interactions that it answers. ``html`` is the same as ``text`` for those who
    show it."""

    text: Text
    subject: Subject = ""
    html: Html = ""
    attachments: Attachments = ()
    to: Handled = ""
    cc: Annotated[tuple[Handled, ...], Meta(max_length=50)] | None = None
    answers: Annotated[tuple[Word, ...], Meta(max_length=50)] = ()

    def wanted(self) -> WantedRecipients:
        return WantedRecipients(to=self.to, cc=self.cc, answers=self.answers)


class ReplyQuery(Query, frozen=True):
    """``dry_run=true``: tell whom it would go to, and do nothing."""

    dry_run: Literal["true", "false", ""] = ""


class NoteIn(ByAgent, frozen=True, kw_only=True):
    """A note among us; the person never sees it."""

    text: Text


class Noted(msgspec.Struct, frozen=True):
    interaction: str


class AssignIn(ByAgent, frozen=True, kw_only=True):
    """To whom: a team, somebody in person, or both. Null or left out: as it is; "": nobody."""

    team: Word | None = None
    assignee: Annotated[str, Meta(max_length=200)] | None = None


class StateIn(ByAgent, frozen=True, kw_only=True):
    """Where it stands now, and what came of it."""

    state: ConversationState
    outcome: Outcome = ""


class PriorityIn(ByAgent, frozen=True, kw_only=True):
    """How much it hurries."""

    priority: Priority


class MacroIn(ByAgent, frozen=True, kw_only=True):
    """Which macro; without ``version`` its newest. ``to``: whom it is about, where that is not clear."""

    macro: Word
    to: Handled = ""
    version: Annotated[int, Meta(ge=1, le=2**31)] | None = None


class CloseIn(ByAgent, frozen=True, kw_only=True):
    """What came of it."""

    outcome: Outcome = ""


class SnoozeIn(ByAgent, frozen=True, kw_only=True):
    """Until when it may wait: within a year."""

    until: Annotated[datetime, Meta(tz=True)]


@get("/v1/conversations", scope="read")
def list_conversations(call: Call, query: ConversationsQuery) -> Conversations:
    """List conversations: first those in which somebody waits for us, longest first; then the rest, newest first.

    `waiting_since` tells since when somebody waits; `clock` by when we promised an answer.
    """
    wanted = query.wanted()
    about = f"conversations:{msgspec.json.encode(wanted).decode()}"
    after = _begin(call, about, query.cursor)
    with call.read() as session:
        found = conversation_list.listed(session, wanted, after=after, limit=query.limit + 1, reader=call.reader)
    page = found[: query.limit]
    more = next_cursor(call, about, page[-1][0]) if len(found) > query.limit else None
    return Conversations([view for _, view in page], more)


def _begin(call: Call, about: str, given: str) -> Place:
    match place_of(call, about, given):
        case None:
            return FIRST
        case [int(part), int(at), str(each)]:
            return part, at, each
    raise foreign()


@get("/v1/conversations/{conversation}", scope="read", answers=ConversationDetail)
def read_conversation(call: Call, conversation: Id) -> Answer:
    """Read one conversation, with what was said in it."""
    with call.read() as session:
        row = conversations.find(session, conversation)
        return unless_known(call, _detail(session, row, call.reader))


@post("/v1/conversations", scope="desk", status=201)
def open_conversation(call: Call, body: OpenIn) -> View:
    """Keep what somebody said by telephone, in person or on paper, and open a conversation about it."""
    with call.write() as session:
        row = work.open_conversation(
            call.hub, session, person_met(call, session, body.person), agent=agent_of(call, body), text=body.text,
            subject=body.subject, kind=body.kind, team=body.team,
        )  # fmt: skip
        return view_of(session, row.id)


@post(
    "/v1/conversations/{conversation}/reply", scope="desk", status=202, headers=ONCE | IF_MATCH, answers=FollowUpShown,
    also={200: ("Nothing was done: this is whom it would go to.", ReplyPreview)},
)  # fmt: skip
def reply_in_conversation(call: Call, conversation: Id, body: ReplyIn, query: ReplyQuery) -> FollowUpShown | Answer:
    """Answer whoever is named; else who waits alone, or whoever it clearly is, with those in copy who are. 409
    `several_waiting`, `addressee_unclear` or `reply_to_differs`, with the `choices`, where it is not clear.

    It becomes a follow-up. A repeated call with the same `Idempotency-Key` answers once. `dry_run=true` tells whom it
    would go to.
    """
    if query.dry_run == "true":
        with call.hub.store.rehearse() as session:
            require_seen(call, session, conversation)
            _require_answers_seen(call, session, body.answers)
            return made(replies.preview(call.hub, session, conversation, body.wanted()), 200)
    with call.write() as session:
        followup, named = new_id(call)
        files = kept_files(call, session, body.attachments)
        known = session.get(FollowUp, followup) if named else None
        require_seen(call, session, conversation, unchanged=known is None)
        _require_answers_seen(call, session, body.answers)
        require_same(call, session, f"reply:{conversation}", body.wanted())
        if known is None:
            written = replies.ReplyText(text=body.text, subject=body.subject, html=body.html, files=files)
            replies.reply(
                call.hub, session, conversation, written, agent=agent_of(call, body), wanted=body.wanted(),
                followup_id=followup,
            )  # fmt: skip
        elif (known.body, known.subject) != (body.text, body.subject) or not same_form(
            session, known, body.html, files
        ):
            raise key_conflict()
        return showing.shown(session, followup)


def _require_answers_seen(call: Call, session: Session, answers: Sequence[str]) -> None:
    """What is answered must be something that the caller may read."""
    for number, each in enumerate(answers):
        try:
            detail.read(session, each, call.reader)
        except NotFound:
            raise Invalid(
                "There is no such interaction.", code="unknown_interaction", pointer=f"/answers/{number}"
            ) from None


@post("/v1/conversations/{conversation}/notes", scope="desk", status=201, headers=IF_MATCH)
def note_in_conversation(call: Call, conversation: Id, body: NoteIn) -> Noted:
    """Put a note among us into a conversation; the person never sees it."""
    with call.write() as session:
        require_seen(call, session, conversation)
        return Noted(work.note(call.hub, session, conversation, agent=agent_of(call, body), text=body.text))


@post("/v1/conversations/{conversation}/assign", scope="desk", headers=IF_MATCH)
def assign_conversation(call: Call, conversation: Id, body: AssignIn) -> View:
    """Give a conversation to a team, to somebody, or to both."""
    with call.write() as session:
        require_seen(call, session, conversation)
        agent = agent_of(call, body)
        work.assign(call.hub, session, conversation, agent=agent, team=body.team, assignee=body.assignee)
        return view_of(session, conversation)


@post("/v1/conversations/{conversation}/close", scope="desk", headers=IF_MATCH)
def close_conversation(call: Call, conversation: Id, body: CloseIn) -> View:
    """Close a conversation, and say what came of it."""
    with call.write() as session:
        require_seen(call, session, conversation)
        work.close(call.hub, session, conversation, agent=agent_of(call, body), outcome=body.outcome)
        return view_of(session, conversation)


@post("/v1/conversations/{conversation}/reopen", scope="desk", headers=IF_MATCH)
def reopen_conversation(call: Call, conversation: Id, body: ByAgent) -> View:
    """Open a conversation again."""
    with call.write() as session:
        require_seen(call, session, conversation)
        work.reopen(call.hub, session, conversation, agent=agent_of(call, body))
        return view_of(session, conversation)


@post("/v1/conversations/{conversation}/state", scope="desk", headers=IF_MATCH)
def put_conversation_into_state(call: Call, conversation: Id, body: StateIn) -> View:
    """Put a conversation into a state, and say what came of it. 409 when it is there already."""
    with call.write() as session:
        require_seen(call, session, conversation)
        work.to_state(call.hub, session, conversation, body.state, agent=agent_of(call, body), outcome=body.outcome)
        return view_of(session, conversation)


@post("/v1/conversations/{conversation}/priority", scope="desk", headers=IF_MATCH)
def prioritise_conversation(call: Call, conversation: Id, body: PriorityIn) -> View:
    """Say how much a conversation hurries; what is owed is due by that. 409 when it is so already."""
    with call.write() as session:
        require_seen(call, session, conversation)
        work.prioritise(call.hub, session, conversation, agent=agent_of(call, body), priority=body.priority)
        return view_of(session, conversation)


@put("/v1/conversations/{conversation}/snooze", scope="desk", headers=IF_MATCH)
def snooze_conversation(call: Call, conversation: Id, body: SnoozeIn) -> View:
    """Put a conversation off: it leaves the lists until then, until their next word, or until an answer is late."""
    with call.write() as session:
        require_seen(call, session, conversation)
        dismissals.snooze(session, conversations.find(session, conversation), moment_of(body.until, "/until"))
        return view_of(session, conversation)


@delete("/v1/conversations/{conversation}/snooze", scope="desk")
def wake_conversation(call: Call, conversation: Id) -> View:
    """Put a conversation into the lists again before its time. 409 when it was not put off."""
    with call.write() as session:
        require_seen(call, session, conversation)
        dismissals.wake(session, conversations.find(session, conversation))
        return view_of(session, conversation)


@post("/v1/conversations/{conversation}/macro", scope="desk", headers=ONCE | IF_MATCH)
def apply_macro(call: Call, conversation: Id, body: MacroIn) -> MacroApplied:
    """Do all the steps of a macro, or none.

    A repeated call with the same `Idempotency-Key` gives the answer of the first and does nothing.
    """

    def do(session: Session, followup: str) -> MacroApplied:
        require_seen(call, session, conversation)
        macro = macros.latest(session, body.macro, body.version)
        return macros.apply(
            call.hub, session, conversation, macro, agent=agent_of(call, body), followup_id=followup, to=body.to
        )

    return once(call, f"macro:{conversation}", body, MacroApplied, do)


def require_seen(call: Call, session: Session, conversation: str, *, unchanged: bool = True) -> None:
    """Raises `NotFound` for a conversation that the caller may not know of, `StalePrecondition` for another version."""
    row = conversations.find(session, conversation)
    conversations.view(session, row, call.reader)
    expected = call.header("If-Match")
    if unchanged and expected is not None and expected.strip() != "*":
        version = version_of(_detail(session, row, call.reader))
        if version not in [each.strip() for each in expected.split(",")]:
            raise StalePrecondition("Somebody worked on this conversation since you looked.", current=version)


def _detail(session: Session, row: Conversation, reader: AccessScope) -> bytes:
    view = conversations.view(session, row, reader)
    lines = b",".join([entry.json() for entry in conversations.said(session, row, reader)])
    return b'{"conversation":%b,"said":[%b]}' % (msgspec.json.encode(view), lines)


def view_of(session: Session, conversation: str) -> View:
    session.flush()
    return conversations.view(session, conversations.find(session, conversation))

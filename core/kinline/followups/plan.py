"""Planning a follow-up: one row for one message to one person. Nothing is sent here."""

import msgspec
from sqlmodel import Session

from kinline import clock, markup
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.errors import Conflict
from kinline.followups import files
from kinline.followups.addressee import address_of, identity_of
from kinline.followups.files import File
from kinline.followups.posts import expiry
from kinline.followups.routes import Route, choose, handle_of, took_part
from kinline.followups.weighing import weighed
from kinline.hub import Hub
from kinline.identity.persons import root_of
from kinline.jobs import queue
from kinline.record import reply_tokens
from kinline.store import sql
from kinline.store.models import FollowUp, metadata
from kinline.words import FollowUpState, SendClass

_FOLLOWUP = metadata.tables[str(FollowUp.__tablename__)]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message somebody wants sent. ``about`` is the interaction it answers."""

    id: str
    person_id: str
    send_class: SendClass
    text: str
    made_by: str
    subject: str = ""
    html: str = ""  #: the same as ``text`` for those who show it; cleaned here
    files: tuple[File, ...] = ()
    about: str = ""
    channel: str = ""
    account: str = ""
    decision_id: str | None = None
    trigger_id: str | None = None
    only_in_thread: bool = False
    needs_approval: bool = False
    due_at: int | None = None
    template: str | None = None  #: the stored text that it was written from, for those who wonder
    identity: str = ""  #: to which of their identities, where that is known; else over which it can reach them
    exact: bool = False  #: to that one and no other
    copies: tuple[str, ...] = ()  #: identities that get a copy, seen by all who get it
    also_answers: tuple[str, ...] = ()  #: further interactions that it answers

    @property
    def automatic(self) -> bool:
        return self.send_class is not SendClass.HUMAN


def plan(hub: Hub, session: Session, draft: Draft) -> str:
    """Make the follow-up and plan its sending. Returns why that cannot be, or nothing. Raises `Invalid`, and `Conflict`
    ``reply_to_differs``: where an agent is asked which address it is, a message that nobody wrote waits for approval."""
    root = root_of(session, draft.person_id)
    route = route_of(session, root, draft)
    unclear = ""
    if route is not None and route.answers_id and not draft.identity:
        route, unclear = _at_their_address(session, draft, route)
    if route is None:
        return "message: no connected channel reaches this person" + (" in this thread" if draft.only_in_thread else "")
    if draft.files and Ability.FILES not in channels().get(route.channel).can:
        return f"message: {channels().get(route.channel).title} carries no files"
    now = clock.now()
    due = now if draft.due_at is None else draft.due_at
    answers = route.answers_id or _shared(session, root, draft.about)
    row = {
        "id": draft.id, "decision_id": draft.decision_id, "trigger_id": draft.trigger_id, "person_id": draft.person_id,
        "identity_id": route.identity_id, "account_id": route.account_id, "channel": route.channel,
        "send_class": draft.send_class, "automatic": int(draft.automatic), "answers_id": answers,
        "subject": draft.subject, "body": draft.text,
        "html": markup.clean(draft.html) if draft.html else "", "made_by": draft.made_by, "state": FollowUpState.PENDING,
        "reason": "", "due_at": due, "expires_at": due + expiry(hub, needs_approval=draft.needs_approval or bool(unclear)), "created_at": now,
        "needs_approval": int(draft.needs_approval or bool(unclear)), "unclear": unclear, "attempts": 0,
        "reply_key": reply_tokens.token(hub.secret, draft.id), "template": draft.template,
        "ways": weighed(session, root, route, channel=draft.channel, account=draft.account),
        "copies": msgspec.json.encode(draft.copies).decode(), "also_answers": msgspec.json.encode(draft.also_answers).decode(),
    }  # fmt: skip
    sql.insert(session, _FOLLOWUP, [tuple(row.get(column.name) for column in _FOLLOWUP.columns)])
    files.attach(session, draft.id, draft.files)
    queue.plan(session, "followup.send", [draft.id], run_at=due)
    return ""


def route_of(session: Session, root: str, draft: Draft) -> Route | None:
    """Over which account it would go out, and to which identity."""
    return choose(
        session, root, about=draft.about, channel=draft.channel, account=draft.account,
        only_in_thread=draft.only_in_thread, identity=draft.identity, exact=draft.exact,
    )  # fmt: skip


def _at_their_address(session: Session, draft: Draft, route: Route) -> tuple[Route, str]:
    """Where they want the answer; and why somebody should look first, where that is doubtful."""
    try:
        handle = address_of(session, draft.about)
    except Conflict as error:
        if not draft.automatic:
            raise
        return route, error.detail
    if not handle or handle == str(handle_of(session, route.identity_id)):
        return route, ""
    return msgspec.structs.replace(route, identity_id=identity_of(session, handle)), ""


def _shared(session: Session, root: str, about: str) -> str | None:
    """What it is about, if the person took part in it: nobody is answered with what others said among themselves."""
    return about if about and took_part(session, root, about) else None

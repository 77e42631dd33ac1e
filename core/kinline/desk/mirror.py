"""Doing where a conversation lives what one of us did here: a note, a state, what is made of a comment (planned by
`record.mirrors`).

A row goes pending → sending → sent. A definite refusal is tried again or has ``failed``; where nobody knows (no
answer, a worker that died), the desk is asked for a note before it is written again; a state and a moderation are
simply set again. How the thing stands there then is taken in like what a look brings: the other side has the last word.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.connected import AccountRef, ref
from kinline.accounts.ready import ReadyAccount, ready
from kinline.clock import SECOND
from kinline.errors import ChannelError, OutcomeUnknown
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.jobs import queue
from kinline.messages import Deletion, DeskChange, Sent
from kinline.record import echoes
from kinline.record.batch import record_batch
from kinline.record.mirrors import JOB
from kinline.record.prepare import interaction_id, short_id
from kinline.record.recording import Recording
from kinline.store.ask import Ask, OneText, among
from kinline.store.models import Conversation, InteractionRow, Mirror
from kinline.words import Origin

#: Seconds before the next try, by tries made. After the last it has failed.
RETRIES = (5, 30, 120, 600, 3600, 7200)


class Mirrored(msgspec.Struct, frozen=True):
    """Something of ours that has not reached the other side: ``pending``, ``unknown`` or ``failed``, and why.

    ``interaction`` is the note, or what is moderated; null of a state.
    """

    what: str
    state: str
    reason: str
    created_at: str | None
    interaction: str | None = None


#: Of one conversation, so many of what has not reached the other side are told.
TOLD = 20


def unsent(session: Session, conversations: Iterable[str]) -> dict[str, list[Mirrored]]:
    """What of each conversation has not reached the other side, the oldest first."""
    found: dict[str, list[Mirrored]] = {}
    for row in _UNSENT.rows(session, conversations=sorted(conversations)):
        told = found.setdefault(row.conversation_id, [])
        if len(told) < TOLD:
            told.append(Mirrored(row.what, row.state, row.reason, clock.to_text(row.created_at), row.interaction_id))
    return found


class _Unsent(msgspec.Struct, frozen=True):
    conversation_id: str
    what: str
    state: str
    reason: str
    created_at: int
    interaction_id: str | None


_UNSENT = Ask(
    select(
        col(Mirror.conversation_id),
        col(Mirror.what),
        col(Mirror.state),
        col(Mirror.reason),
        col(Mirror.created_at),
        col(Mirror.interaction_id),
    )
    .where(among(col(Mirror.conversation_id), "conversations"), col(Mirror.state).not_in(("sent", "cancelled")))
    .order_by(col(Mirror.id)),
    _Unsent,
)


def do(hub: Hub, mirror_id: str) -> None:
    """Bring one row as far as it will go now. Safe to call again at any time, by anybody."""
    row = _taken(hub, mirror_id)
    if row is None:
        return
    change = _change(hub, row)
    try:
        account = ready(hub, row.account_id)
        sent = _done(account, row, change)
    except OutcomeUnknown as error:
        _again(hub, row, "unknown", error)
    except ChannelError as error:
        _again(hub, row, "failed" if error.permanent else "pending", error)
    else:
        _finish(hub, row, change, ref(account.row), sent)


def _taken(hub: Hub, mirror_id: str) -> Mirror | None:
    """The row, marked as being sent. ``state`` stays what it was, to tell whether it may have been done before."""
    with hub.store.write() as session:
        row = session.get(Mirror, mirror_id)
        if row is None or row.state not in ("pending", "sending", "unknown"):
            return None
        if hub.settings.outbound == "file":
            row.state, row.reason = "cancelled", "this hub writes to files and sends nothing"
            session.add(row)
            return None
        before = row.state
        row.state, row.attempts = "sending", row.attempts + 1
        session.add(row)
        session.flush()
        session.expunge(row)
    row.state = before
    return row


def _change(hub: Hub, row: Mirror) -> DeskChange:
    with hub.store.read() as session:
        state = _newest(session, row)
    text = row.body if row.what == "note" else ""
    return DeskChange(id=row.id, what=row.what, thread=row.thread, text=text, state=state, by=row.by)


def _newest(session: Session, row: Mirror) -> str:
    """The state that is wanted now, whatever was wanted when the row was planned; of a note ""."""
    match row.what:
        case "state":
            return session.get_one(Conversation, row.conversation_id, populate_existing=True).state
        case "moderation":
            return _WANTED.one(session, interaction=row.interaction_id).text
        case _:
            return ""


#: What was asked for last to be made of an interaction.
_WANTED = Ask(
    select(col(Mirror.body).label("text"))
    .where(col(Mirror.interaction_id) == bindparam("interaction"), col(Mirror.what) == "moderation")
    .order_by(col(Mirror.id).desc())
    .limit(1),
    OneText,
)


def _done(account: ReadyAccount, row: Mirror, change: DeskChange) -> Sent:
    """Do it, unless the desk has it from an earlier try."""
    try:
        if row.what == "note" and row.state != "pending":
            found = account.channel.find_mirrored(change, account.settings)
            if found is not None:
                return found
        return account.channel.mirror(change, account.settings)
    except ChannelError:
        raise
    except (Exception, SystemExit) as error:  # a foreign plugin may raise anything; how far it came nobody knows
        raise OutcomeUnknown(f"the channel raised {type(error).__name__}: {error}"[:500]) from error


def _again(hub: Hub, row: Mirror, state: str, error: ChannelError) -> None:
    over = row.attempts > len(RETRIES)
    wait = RETRIES[min(row.attempts, len(RETRIES)) - 1] if error.retry_after is None else error.retry_after
    if over and state == "pending":
        state = "failed"
    with hub.store.write() as session:
        found = session.get_one(Mirror, row.id)
        found.state, found.reason = state, f"{error.code}: {error.detail}"[:1000]
        session.add(found)
        if state != "failed" and not over:
            queue.plan(session, JOB, [row.id], run_at=clock.now() + int(max(1.0, min(wait, 86_400)) * SECOND))


def _finish(hub: Hub, row: Mirror, change: DeskChange, account: AccountRef, sent: Sent) -> None:
    """It is there. Under its name there it comes back, and is no news; if it came back already, that goes.

    What was asked for while we were talking may have got there first: then the newest is set once more.
    """
    with hub.store.write() as session:
        found = session.get_one(Mirror, row.id)
        found.state, found.reason, found.source_id, found.done_at = "sent", sent.detail, sent.source_id, clock.now()
        if _newest(session, row) != change.state:
            found.state = "pending"
            queue.plan(session, JOB, [row.id])
        session.add(found)
        session.flush()
        if sent.news is not None and sent.news.body:
            receive(session, account, sent.news.body, sent.news.source)
        if row.what == "note" and row.interaction_id and sent.source_id:
            _one_note(session, account, short_id(sent.source_id), row.interaction_id)


def _one_note(session: Session, account: AccountRef, name: str, ours: str) -> None:
    twin = interaction_id(account.channel, account.instance, name)
    if twin != ours and session.get(InteractionRow, twin) is not None:
        gone = Deletion(source_id=name, occurred_at=clock.to_datetime(clock.now()), reason="the same note as ours")
        record_batch(session, [Recording(account=account, what=gone, origin=Origin.OURS, arrived_at=clock.now())])
    echoes.learn(session, account, name, ours)

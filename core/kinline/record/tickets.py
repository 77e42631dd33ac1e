"""What a desk elsewhere says of a conversation: its number, state, priority and agent, in any order of arrival.

The latest change told counts (``told_at``). A state that one of us chose here after that change stays: it is on its
way there. Nothing here goes out, so two desks cannot send a state back and forth.
"""

from typing import Any

from sqlmodel import Session

from kinline import clock
from kinline.errors import Unreadable
from kinline.messages import Ticket
from kinline.record import mirrors, owed
from kinline.record.recording import Outcome, Recording
from kinline.record.turns import wrote_after
from kinline.service import clocks
from kinline.store import sql
from kinline.threads.chain import Chain, conversation_id, thread_key_id
from kinline.threads.place import open_for
from kinline.words import ConversationState, ItemState, Priority

_COLUMNS = "id, state, state_at, told_at, number, priority, assignee"


def tell(session: Session, recording: Recording) -> Outcome:
    """Change how the conversation stands. A conversation of which nothing was said yet is opened for it."""
    what, account = recording.what, recording.account
    assert isinstance(what, Ticket)  # noqa: S101 - the caller sorted the others out
    if what.state and what.state not in set(ConversationState):
        raise Unreadable(f"No state of a conversation: “{what.state[:40]}”.", code="unknown_state")
    key = thread_key_id(account.channel, account.instance, what.thread)
    row = _conversation(session, recording, key)
    at = recording.arrived_at if what.changed_at is None else clock.from_datetime(what.changed_at)
    if row["told_at"] is not None and row["told_at"] > at:
        return Outcome(ItemState.DUPLICATE, None, "the desk said something newer of this conversation")
    changes = _changes(what, row)
    if what.state or what.changed_at:  # else it only names the conversation
        changes["told_at"] = at
    if not changes:
        return Outcome(ItemState.DUPLICATE, None, "known of this conversation")
    names = ", ".join(f"{name} = {{p}}" for name in changes)
    sql.changed(session, f"UPDATE conversation SET {names} WHERE id = {{p}}", *changes.values(), row["id"])
    if what.state and row["state"] not in (what.state, *what.same) and _newer(session, row, what, at):
        clocks.to_state(session, row["id"], what.state, at)
        if what.state in owed.ENDED:
            owed.closed(session, row["id"], at)
    elif "priority" in changes:
        clocks.aim_one(session, row["id"])
    return Outcome(ItemState.APPLIED, None, f"ticket {what.number or what.thread}: {what.state or 'no state'}")


def _newer(session: Session, row: dict[str, Any], what: Ticket, at: int) -> bool:
    """Whether it is the last word: nobody of us chose since, and they have not written since, which opens it."""
    if what.state != ConversationState.OPEN and wrote_after(session, row["id"], at):
        return False
    return (row["state_at"] is None or row["state_at"] <= at) and not mirrors.on_its_way(session, row["id"])


def _changes(what: Ticket, row: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": what.number[:100],
        "priority": what.priority if what.priority in set(Priority) else "",
    }
    changes = {name: value for name, value in told.items() if value and value != row[name]}
    if what.assignee is not None and (what.assignee or None) != row["assignee"]:
        changes["assignee"] = what.assignee[:200] or None
    return changes


def _conversation(session: Session, recording: Recording, key: str) -> dict[str, Any]:
    statement = (
        f"SELECT {', '.join('c.' + name for name in _COLUMNS.split(', '))} FROM thread_key k "
        "JOIN conversation c ON c.id = k.conversation_id WHERE k.id = {p}"
    )
    rows = sql.run(session, statement, key)
    if not rows:
        account = recording.account
        chain = Chain(
            interaction="", channel=account.channel, instance=account.instance, keys=(key,), below=frozenset(), private=True
        )  # fmt: skip
        open_for(session, chain)
        rows = sql.run(session, f"SELECT {_COLUMNS} FROM conversation WHERE id = {{p}}", conversation_id(key))
    return dict(zip(_COLUMNS.split(", "), rows[0], strict=True))

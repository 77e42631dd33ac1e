"""What a desk elsewhere says of a conversation: its number, state, priority and agent, in any order of arrival.

The latest change told counts (``told_at``). A state that one of us chose here after that change stays: it is on its
way there. Nothing here goes out, so two desks cannot send a state back and forth.
"""

from typing import Any

from sqlmodel import Session

from kinline import clock
from kinline.errors import Unreadable
from kinline.messages import Ticket
from kinline.record import mirrors
from kinline.record.recording import Outcome, Recording
from kinline.store import sql
from kinline.threads.chain import Chain, conversation_id, thread_key_id
from kinline.threads.place import open_for
from kinline.waiting import due
from kinline.waiting import keep as waiting
from kinline.words import ConversationState, ItemState, Priority, Visibility

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
    if what.state and row["state"] not in (what.state, *what.same) and not mirrors.on_its_way(session, row["id"]):
        at = min(at, recording.arrived_at or at)  # nothing is done after we hear of it: desks round their clocks up
        waiting.move(session, row["id"], what.state, at=at, by=account.name, elsewhere=True)
    elif "priority" in changes:
        due.aim(session, [row["id"]])
    return Outcome(ItemState.APPLIED, None, f"ticket {what.number or what.thread}: {what.state or 'no state'}")


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
            interaction="", channel=account.channel, instance=account.instance, keys=(key,), below=frozenset(),
            visibility=Visibility.PARTICIPANTS,
        )  # fmt: skip
        open_for(session, chain)
        rows = sql.run(session, f"SELECT {_COLUMNS} FROM conversation WHERE id = {{p}}", conversation_id(key))
    return dict(zip(_COLUMNS.split(", "), rows[0], strict=True))

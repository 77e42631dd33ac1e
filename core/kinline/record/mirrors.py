"""Planning what is to be done where a conversation lives, at a desk or on a blog, because one of us did it here.

A row for each note; and one for the state, and for what is made of each comment, which always stand for the newest:
`kinline.desk.mirror` does them.
"""

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.accounts import connected
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import Mirror
from kinline.words import Kind

JOB = "desk.mirror"
#: States of a row that is still on its way.
UNDER_WAY = "('pending', 'sending', 'unknown')"


def is_desk(channel: str) -> bool:
    found = channels().loaded.get(channel)
    return found is not None and Ability.DESK in found.can


def plan_state(session: Session, conversation_id: str, *, by: str) -> None:
    """Have the state of a conversation mirrored, if it lives at a desk. What waits already will tell the newest."""
    home = _home(session, conversation_id)
    if home is None:
        return
    waiting = (
        "SELECT id FROM mirror WHERE conversation_id = {p} AND what = 'state' AND state = 'pending' ORDER BY id LIMIT 1"
    )
    rows = sql.run(session, waiting, conversation_id)
    if not rows:
        _add(session, home, conversation_id, "state", by)


def plan_note(session: Session, conversation_id: str, *, text: str, by: str, interaction_id: str) -> None:
    """Have a note mirrored, if its conversation lives at a desk."""
    home = _home(session, conversation_id)
    if home is not None and text.strip():
        _add(session, home, conversation_id, "note", by, text, interaction_id)


def plan_moderation(
    session: Session,
    account_id: str,
    conversation_id: str,
    interaction_id: str,
    source_id: str,
    wanted: str,
    *,
    by: str,
) -> None:
    """Have something moderated where it was said, in place of whatever was asked for before. What is being done for it at
    this moment will tell the newest."""
    statement = (
        "UPDATE mirror SET state = 'cancelled', reason = 'asked anew' "
        "WHERE interaction_id = {p} AND what = 'moderation' AND state IN ('pending', 'unknown', 'failed')"
    )
    sql.changed(session, statement, interaction_id)
    _add(session, (account_id, source_id), conversation_id, "moderation", by, wanted, interaction_id)


def wanted_of(session: Session, interaction_id: str) -> str:
    """What was asked last to be made of it and is surely on its way; "" where nothing is."""
    rows = sql.run(
        session,
        "SELECT body, state FROM mirror WHERE interaction_id = {p} AND what = 'moderation' ORDER BY id DESC LIMIT 1",
        interaction_id,
    )
    return rows[0][0] if rows and rows[0][1] in ("pending", "sending") else ""


def on_its_way(session: Session, conversation_id: str) -> bool:
    """Whether a state of ours has not reached the desk there yet, so that what it says is not the last word."""
    statement = (
        f"SELECT 1 FROM mirror WHERE conversation_id = {{p}} AND what = 'state' AND state IN {UNDER_WAY} LIMIT 1"
    )
    return bool(sql.run(session, statement, conversation_id))


def _add(
    session: Session, home: tuple[str, str], conversation_id: str, what: str, by: str, text: str = "",
    interaction_id: str | None = None,
) -> None:  # fmt: skip
    account, thread = home
    row = Mirror(
        id=ids.new(), conversation_id=conversation_id, account_id=account, what=what, thread=thread, body=text, by=by,
        interaction_id=interaction_id, state="pending", created_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    queue.plan(session, JOB, [row.id])


def _home(session: Session, conversation_id: str) -> tuple[str, str] | None:
    """The account over which a desk's conversation reaches us, and how that desk names it. None: it lives here."""
    rows = sql.run(
        session,
        "SELECT y.account_id, i.doc, i.channel, a.settings, a.sealed FROM conversation c JOIN thread_key k ON k.conversation_id = c.id "
        "JOIN interaction i ON i.thread_key_id = k.id JOIN copy y ON y.source_id = i.source_id AND y.interaction_id = i.id "
        "JOIN account a ON a.id = y.account_id AND a.state = 'active' AND a.channel = i.channel "
        "WHERE c.id = {p} AND i.kind <> {p} AND i.followup_id IS NULL ORDER BY i.sort_at, i.id, y.account_id LIMIT 1",
        conversation_id, Kind.NOTE,
    )  # fmt: skip
    if not rows or not is_desk(rows[0][2]):
        return None
    account, doc, channel, settings, sealed = rows[0]
    ticket = _ticket(doc) if connected.can_send(channels().get(channel), settings, sealed) else ""
    return (account, ticket) if ticket else None


def _ticket(doc: str) -> str:
    """Every interaction of a desk says its ticket among its facts."""
    return str(msgspec.json.decode(doc).get("facts", {}).get("ticket", ""))

"""Whose turn it is in a conversation: what people write opens it, what one of us answers makes it theirs.

Where teams promise answers (`kinline.service`), the clock of what we owe starts and stops here too: any answer of one
of us, on any channel, stops every clock of that person; so does somebody else's answer to them in the conversation.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.record import mirrors
from kinline.record.prepare import Ready
from kinline.service import clocks
from kinline.service.clocks import Clock
from kinline.service.policies import Policies
from kinline.store import sql
from kinline.words import ConversationState, Direction, Kind, Origin, Role

NEVER = -(2**62)


def pass_on(session: Session, new: list[Ready]) -> None:
    """Live interactions turn their conversations: inbound ones to open, our people's answers to pending.

    Automatic messages and notes turn nothing, and neither does history, nor what a desk elsewhere has said more of since.
    """
    turning = sorted((each for each in new if _turns(each)), key=lambda each: (each.sort_at, each.id))
    if not turning:
        return
    policies, moments = Policies(session), _moments(session, turning)
    moves = _moves(session, turning, moments)
    for move in moves:
        if move.opened and not (move.was == ConversationState.PENDING and _answered_after(session, move)):
            _to_state(session, policies, move.conversation, ConversationState.OPEN, move.opened_at)
    for each in turning if policies else ():
        _tick(session, policies, each, moments[each.id])
    for move in moves:
        if move.state is ConversationState.PENDING and not wrote_after(session, move.conversation, move.at):
            _to_state(session, policies, move.conversation, move.state, move.at)
            if move.by_us and mirrors.is_desk(move.channel):
                mirrors.plan_state(session, move.conversation, by="")


class _Move(msgspec.Struct):
    """How a batch turns one conversation: whether it was opened on the way, and where it stands at the end."""

    conversation: str
    channel: str
    state: str
    at: int
    opened: bool = False
    opened_at: int = 0
    by_us: bool = False
    was: str = ""
    heard_at: int = NEVER

    def by(self, said: Ready, at: int) -> None:
        if said.what.direction is Direction.INBOUND:
            self.heard_at = max(self.heard_at, at)
        if said.what.direction is Direction.INBOUND and self.state != ConversationState.OPEN:
            self.state, self.at, self.opened, self.opened_at = ConversationState.OPEN, at, True, at
        elif said.what.direction is Direction.OUTBOUND and self.state == ConversationState.OPEN and self.at <= at:
            self.state, self.at, self.by_us = ConversationState.PENDING, at, said.recording.origin is Origin.OURS


def _moments(session: Session, turning: list[Ready]) -> dict[str, int]:
    """When each was said. What answers something of ours was said after it, whatever their clock says."""
    answers = sorted({each.answers_id for each in turning if each.answers_id})
    ours = sql.select_in(
        session, "SELECT id, sort_at FROM interaction WHERE id {in} AND direction = 'outbound'", answers
    )
    after, now = {each: at + 1 for each, at in ours}, clock.now()
    return {each.id: min(max(each.sort_at, after.get(each.answers_id or "", NEVER)), now) for each in turning}


def _moves(session: Session, turning: list[Ready], moments: dict[str, int]) -> list[_Move]:
    """What the batch does to each conversation, in the order in which it was said.

    What they wrote opens it, unless we answered since; an answer that is older than what opened it turns nothing.
    """
    rows = sql.select_in(
        session,
        "SELECT k.id, c.id, c.channel, c.state, coalesce(c.state_at, {p}), c.told_at FROM thread_key k "
        "JOIN conversation c ON c.id = k.conversation_id WHERE k.id {in} ORDER BY c.id, k.id".replace(
            "{p}", str(NEVER)
        ),
        sorted({each.thread_key for each in turning if each.thread_key}),
    )
    moves: dict[str, _Move] = {}
    places = {
        key: (moves.setdefault(c, _Move(c, channel, state, at, was=state)), told)
        for key, c, channel, state, at, told in rows
    }
    for each in turning:
        move, told = places[each.thread_key] if each.thread_key else (None, None)
        ours = each.recording.origin is Origin.OURS  # we do it now, whatever was said before
        if move and (ours or told is None or told < each.sort_at):
            move.by(each, moments[each.id])
    return list(moves.values())


def _to_state(session: Session, policies: Policies, conversation: str, state: str, at: int) -> None:
    if policies:
        clocks.to_state(session, conversation, state, at)
        return
    statement = "UPDATE conversation SET state = {p}, state_at = {p} WHERE id = {p}"
    sql.changed(session, statement, state, at, conversation)


def _turns(ready: Ready) -> bool:
    what, origin = ready.what, ready.recording.origin
    return not what.automatic and what.kind is not Kind.NOTE and origin is not Origin.IMPORT


def _tick(session: Session, policies: Policies, said: Ready, at: int) -> None:
    """What one interaction means for the clocks."""
    own = _clock_of(session, said)
    if said.what.direction is Direction.INBOUND:
        if own:
            own.heard(policies, at, said.author_id)
            own.save(session)
    elif said.what.direction is Direction.OUTBOUND:
        others = [each for each in clocks.owed_to(session, _addressed(said)) if own is None or each.id != own.id]
        for each in [*([own] if own else []), *others]:
            if each.answered(policies, at):
                _heard_since(session, policies, each, at)
            each.save(session)
    elif own and own.wait_for and own.wait_for != said.author_id and _answers(session, said, own):
        own.end(policies, at)
        own.save(session)


def _clock_of(session: Session, said: Ready) -> Clock | None:
    if not said.thread_key:
        return None
    statement = (
        f"SELECT {clocks.SELECT} FROM thread_key k JOIN conversation c ON c.id = k.conversation_id WHERE k.id = {{p}}"
    )
    rows = sql.run(session, statement, said.thread_key)
    return Clock(*rows[0]) if rows else None


def _addressed(said: Ready) -> Iterable[str]:
    return (line.identity_id for line in said.lines if line.identity_id and line.party.role is not Role.AUTHOR)


def _heard_since(session: Session, policies: Policies, found: Clock, at: int) -> None:
    """Start anew when they wrote again after that answer: an answer may reach us late."""
    rows = wrote_after(session, found.id, at)
    if rows:
        found.answered_at = max(at, found.answered_at or at)
        found.heard(policies, rows[0][0], rows[0][1])


def wrote_after(session: Session, conversation: str, at: int) -> list[tuple[Any, ...]]:
    """The first word of theirs after a moment, or in answer to one of ours of then or later: when, and whose."""
    return sql.run(
        session,
        "SELECT max(i.sort_at, coalesce(a.sort_at + 1, i.sort_at)) AS at, i.author_id FROM interaction i "
        "JOIN thread_key k ON k.id = i.thread_key_id LEFT JOIN interaction a ON a.id = i.answers_id "
        "AND a.direction = 'outbound' WHERE k.conversation_id = {p} AND i.direction = 'inbound' AND i.automatic = '' "
        "AND i.origin = 'live' AND (i.sort_at > {p} OR a.sort_at >= {p}) ORDER BY at, i.id LIMIT 1".replace(
            "max(", "max(" if session.connection().dialect.name == "sqlite" else "greatest("
        ),
        conversation, at, at,
    )  # fmt: skip


def _answered_after(session: Session, move: _Move) -> bool:
    """Whether one of us answered after the newest of what they said: what they said reached us late."""
    statement = (
        "SELECT 1 FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id WHERE k.conversation_id = {p} "
        "AND i.direction = 'outbound' AND i.automatic = '' AND i.kind <> 'note' AND i.origin <> 'import' "
        "AND i.sort_at > {p} LIMIT 1"
    )
    return bool(sql.run(session, statement, move.conversation, move.heard_at))


def _answers(session: Session, said: Ready, own: Clock) -> bool:
    """Whether somebody answered the very person who waits, and not us."""
    statement = "SELECT author_id FROM interaction WHERE id = {p}"
    rows = sql.run(session, statement, said.answers_id) if said.answers_id else []
    return bool(rows) and rows[0][0] == own.wait_for

"""Waits between actions as people look at them: what is still to be done for whom, and why it was not."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import NotFound
from kinline.reasons import Reasoned, fields
from kinline.store import sql
from kinline.triggers import read_trigger

Place = tuple[int, str]  #: due_at, id
FIRST: Place = (-(2**62), "")


class StepShown(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """The rest of what a decision asked for. ``then``: the words of the actions that come after the wait."""

    id: str
    person: str
    decision: str
    trigger: str
    version: int
    state: str  #: waiting, done or stopped
    due_at: str | None
    created_at: str | None
    closed_at: str | None
    then: list[str]


_SELECT = (
    "SELECT s.id, p.root_id, s.decision_id, coalesce(t.name, s.trigger_id), s.version, s.state, s.reason, s.due_at, "
    "s.created_at, s.closed_at, s.number, coalesce(v.source, ''), coalesce(o.arm, '') FROM step s JOIN person p ON p.id = s.person_id "
    "LEFT JOIN trigger_rule t ON t.id = s.trigger_id "
    "LEFT JOIN decision o ON o.id = s.decision_id "
    "LEFT JOIN trigger_version v ON v.trigger_id = s.trigger_id AND v.version = s.version WHERE "
)
_SEEN = (
    "EXISTS (SELECT 1 FROM decision x JOIN interaction i ON i.id = x.cause_id JOIN copy c ON c.source_id = i.source_id "
    "AND c.interaction_id = i.id WHERE x.id = s.decision_id AND c.account_id {in}) AND "
)


def listed(
    session: Session, *, state: str = "", person: str = "", trigger: str = "", after: Place = FIRST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[StepShown]:  # fmt: skip
    """In order of due time, narrowed by state, person (a root) and trigger (a name)."""
    wanted = [("s.state", state), ("p.root_id", person), ("t.name", trigger)]
    narrowed = "".join(f"AND {column} = {{p}} " for column, value in wanted if value)
    where = f"(s.due_at, s.id) > ({{p}}, {{p}}) {narrowed}ORDER BY s.due_at, s.id LIMIT {{p}}"
    return _rows(session, where, reader, *after, *(value for _, value in wanted if value), limit)


def of_decision(session: Session, decision_id: str) -> list[StepShown]:
    """The waits of a decision, in their order."""
    return _rows(session, "s.decision_id = {p} ORDER BY s.number", EVERYTHING, decision_id)


def shown(session: Session, step_id: str, reader: AccessScope = EVERYTHING) -> StepShown:
    """Raises `NotFound`, also for one about something that the reader may not read."""
    rows = _rows(session, "s.id = {p}", reader, step_id)
    if not rows:
        raise NotFound("There is no such step.", code="no_such_step")
    return rows[0]


def place(session: Session, step_id: str) -> Place:
    """Where it stands in the list."""
    return sql.run(session, "SELECT due_at, id FROM step WHERE id = {p}", step_id)[0]


def _rows(session: Session, narrowed: str, reader: AccessScope, *values: Any) -> list[StepShown]:
    if reader.accounts is None:
        return [_one(row) for row in sql.run(session, _SELECT + narrowed, *values)]
    return [_one(row) for row in sql.select_in(session, _SELECT + _SEEN + narrowed, reader.accounts, *values)]


def _one(row: tuple[Any, ...]) -> StepShown:
    each, person, decision, trigger, version, state, reason, due, created, closed, number, source, arm = row
    return StepShown(
        id=each, person=person, decision=decision, trigger=trigger, version=version, state=state,
        due_at=clock.to_text(due), created_at=clock.to_text(created), closed_at=clock.to_text(closed),
        then=_then(source, arm, number), **fields(reason_texts.read(reason)),
    )  # fmt: skip


def _then(source: str, arm: str, number: int) -> list[str]:
    """What comes after that wait, up to the next one; for those of a variant, of that."""
    if not source:
        return []
    made = read_trigger(source)
    words = [action.word for action in (made.acting(arm) if arm else made).actions[number + 1 :]]
    return words[: words.index("wait")] if "wait" in words else words

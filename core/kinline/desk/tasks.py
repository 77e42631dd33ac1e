"""Work for a human: what triggers ask for, and what people ask each other for."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import Conflict, Invalid, NotFound
from kinline.store import sql
from kinline.store.models import TaskRow
from kinline.timeline import seen
from kinline.why.decisions import readable

Place = tuple[int, str]  #: created_at, id
OLDEST: Place = (-(2**62), "")


class TaskShown(msgspec.Struct, frozen=True, kw_only=True):
    """A task, about a person. ``evidence`` is what made a trigger ask for it, or who asked."""

    id: str
    person: str
    team: str
    title: str
    state: str
    evidence: dict[str, Any]
    decision: str | None
    created_at: str | None
    done_at: str | None
    done_by: str | None


_SELECT = (
    "SELECT t.id, p.root_id, t.team, t.title, t.state, t.evidence, t.decision_id, t.created_at, t.done_at, t.done_by "
    "FROM task t JOIN person p ON p.id = t.person_id WHERE "
)


def listed(
    session: Session, *, state: str = "", team: str = "", person: str = "", after: Place = OLDEST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[TaskShown]:  # fmt: skip
    """Those that wait longest first, narrowed by state, team and person (a root)."""
    wanted = [("t.state", state), ("t.team", team), ("p.root_id", person)]
    narrowed = "".join(f"AND {column} = {{p}} " for column, value in wanted if value)
    statement = f"{_SELECT}(t.created_at, t.id) > ({{p}}, {{p}}) {narrowed}ORDER BY t.created_at, t.id LIMIT {{p}}"
    found: list[TaskShown] = []
    while len(found) < limit:
        rows = sql.run(session, statement, *after, *(value for _, value in wanted if value), limit)
        found += _visible(session, rows, reader)
        if len(rows) < limit:
            break
        after = (rows[-1][7], rows[-1][0])
    return found[:limit]


def place(session: Session, task_id: str) -> Place:
    """Where it stands in the list."""
    return sql.run(session, "SELECT created_at, id FROM task WHERE id = {p}", task_id)[0]


def shown(session: Session, task_id: str, reader: AccessScope = EVERYTHING) -> TaskShown:
    """Raises `NotFound`, also for one about a person whom the reader may not know of."""
    found = _visible(session, sql.run(session, _SELECT + "t.id = {p}", task_id), reader)
    if not found:
        raise NotFound("There is no such task.", code="no_such_task")
    return found[0]


def add(session: Session, person: str, *, team: str, title: str, by: str, task_id: str = "") -> str:
    """Somebody asks for something to be done. Returns the task's id."""
    if not title.strip():
        raise Invalid("Say what is to be done: the title is empty.", code="empty_text", pointer="/title")
    made = TaskRow(
        id=task_id or ids.new(), person_id=person, team=team, title=title, state="open", created_at=clock.now(),
        evidence=msgspec.json.encode({"made_by": by}).decode(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def done(session: Session, task_id: str, *, by: str) -> None:
    """Somebody did it. Raises `Conflict` when somebody had done it before."""
    if not sql.changed(
        session, "UPDATE task SET state = 'done', done_at = {p}, done_by = {p} WHERE id = {p} AND state = 'open'",
        clock.now(), by, task_id,
    ):  # fmt: skip
        raise Conflict(f"{shown(session, task_id).done_by} did this already.", code="already_so")


def _visible(session: Session, rows: list[tuple[Any, ...]], reader: AccessScope) -> list[TaskShown]:
    people = set(seen.visible(session, {row[1] for row in rows}, reader))
    return [_task(session, row, reader) for row in rows if row[1] in people]


def _task(session: Session, row: tuple[Any, ...], reader: AccessScope) -> TaskShown:
    each, person, team, title, state, evidence, decision, created, done_at, done_by = row
    return TaskShown(
        id=each, person=person, team=team, title=title, state=state, decision=decision, done_by=done_by,
        evidence=readable(session, msgspec.json.decode(evidence), reader), created_at=clock.to_text(created),
        done_at=clock.to_text(done_at),
    )  # fmt: skip

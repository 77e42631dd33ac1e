"""Work for a human: what triggers ask for, and what people ask each other for."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import Conflict, Invalid, NotFound
from kinline.store.ask import Ask, Change, columns, keyset
from kinline.store.ask import place as after_place
from kinline.store.models import Person, TaskRow
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


class _ListedTask(msgspec.Struct, frozen=True):
    id: str
    root_id: str
    team: str
    title: str
    state: str
    evidence: str
    decision_id: str | None
    created_at: int
    done_at: int | None
    done_by: str | None

    @property
    def place(self) -> Place:
        return self.created_at, self.id


_TASKS = select(*columns(TaskRow, _ListedTask, root_id=col(Person.root_id))).join(
    Person, col(Person.id) == col(TaskRow.person_id)
)
_ORDER = col(TaskRow.created_at), col(TaskRow.id)
_NARROWED = {"state": col(TaskRow.state), "team": col(TaskRow.team), "person": col(Person.root_id)}
_ONE = Ask(_TASKS.where(col(TaskRow.id) == bindparam("task")), _ListedTask)
_DONE = Change(
    update(TaskRow)
    .where(col(TaskRow.id) == bindparam("task"), col(TaskRow.state) == "open")
    .values(state="done", done_at=bindparam("now"), done_by=bindparam("by"))
)


@lru_cache(maxsize=8)
def _page(*narrowed: str) -> Ask[_ListedTask]:
    conditions = (_NARROWED[name] == bindparam(name) for name in narrowed)
    return Ask(_TASKS.where(keyset(*_ORDER), *conditions).order_by(*_ORDER).limit(bindparam("most")), _ListedTask)


def listed(
    session: Session, *, state: str = "", team: str = "", person: str = "", after: Place = OLDEST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[TaskShown]:  # fmt: skip
    """Those that wait longest first, narrowed by state, team and person (a root)."""
    wanted = {name: value for name, value in (("state", state), ("team", team), ("person", person)) if value}
    found: list[TaskShown] = []
    while len(found) < limit:
        rows = _page(*wanted).rows(session, most=limit, **wanted, **after_place(after))
        found += _visible(session, rows, reader)
        if len(rows) < limit:
            break
        after = rows[-1].place
    return found[:limit]


def place(session: Session, task_id: str) -> Place:
    """Where it stands in the list."""
    return _ONE.one(session, task=task_id).place


def shown(session: Session, task_id: str, reader: AccessScope = EVERYTHING) -> TaskShown:
    """Raises `NotFound`, also for one about a person whom the reader may not know of."""
    found = _visible(session, _ONE.rows(session, task=task_id), reader)
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
    if not _DONE.run(session, task=task_id, now=clock.now(), by=by):
        raise Conflict(f"{shown(session, task_id).done_by} did this already.", code="already_so")


def _visible(session: Session, rows: Sequence[_ListedTask], reader: AccessScope) -> list[TaskShown]:
    people = set(seen.visible(session, {row.root_id for row in rows}, reader))
    return [_task(session, row, reader) for row in rows if row.root_id in people]


def _task(session: Session, row: _ListedTask, reader: AccessScope) -> TaskShown:
    return TaskShown(
        id=row.id, person=row.root_id, team=row.team, title=row.title, state=row.state, decision=row.decision_id,
        evidence=readable(session, msgspec.json.decode(row.evidence), reader), created_at=clock.to_text(row.created_at),
        done_at=clock.to_text(row.done_at), done_by=row.done_by,
    )  # fmt: skip

"""Tasks: work for a human."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kinline.desk import tasks
from kinline.desk.tasks import TaskShown
from kinline.store.models import TaskRow
from kinline_api.call import Call
from kinline_api.idempotency import ONCE, ByAgent, agent_of, key_conflict, new_id, person_seen
from kinline_api.paging import dated_place, next_cursor
from kinline_api.query import Paged
from kinline_api.route import Id, get, post

Who = Annotated[str, Meta(min_length=1, max_length=500)]
Word = Annotated[str, Meta(max_length=100)]


class TasksQuery(Paged, frozen=True):
    """Those in one state, of one team, about one person (id or handle)."""

    state: Literal["open", "done", ""] = ""
    team: Word = ""
    person: Annotated[str, Meta(max_length=500)] = ""


class Tasks(msgspec.Struct, frozen=True):
    """A page, those that wait longest first."""

    tasks: list[TaskShown]
    next: str | None


class TaskIn(ByAgent, frozen=True, kw_only=True):
    """What is to be done, about whom (id or handle), by which team."""

    person: Who
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    team: Word = ""


@get("/v1/tasks", scope="read")
def list_tasks(call: Call, query: TasksQuery) -> Tasks:
    """List tasks, those that wait longest first."""
    about = f"tasks:{query.state}:{query.team}:{query.person}"
    after = dated_place(call, about, query.cursor, tasks.OLDEST)
    with call.read() as session:
        root = person_seen(call, session, query.person) if query.person else ""
        found = tasks.listed(
            session, state=query.state, team=query.team, person=root, after=after, limit=query.limit + 1,
            reader=call.reader,
        )  # fmt: skip
        page = found[: query.limit]
        more = tasks.place(session, page[-1].id) if len(found) > query.limit else None
    return Tasks(page, next_cursor(call, about, more) if more else None)


@post("/v1/tasks", scope="desk", status=201, headers=ONCE)
def add_task(call: Call, body: TaskIn) -> TaskShown:
    """Ask for something to be done about a person."""
    with call.write() as session:
        root = person_seen(call, session, body.person)
        task_id, named = new_id(call)
        known = session.get(TaskRow, task_id) if named else None
        if known is None:
            tasks.add(session, root, team=body.team, title=body.title, by=agent_of(call, body), task_id=task_id)
        elif (known.title, known.team) != (body.title, body.team):
            raise key_conflict()
        return tasks.shown(session, task_id)


@post("/v1/tasks/{task}/done", scope="desk")
def finish_task(call: Call, task: Id, body: ByAgent) -> TaskShown:
    """Say that a task is done. 409 when somebody had done it before."""
    with call.write() as session:
        tasks.shown(session, task, call.reader)
        tasks.done(session, task, by=agent_of(call, body))
        return tasks.shown(session, task, call.reader)

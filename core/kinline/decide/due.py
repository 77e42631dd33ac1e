"""What falls due by the clock alone: the sweep over armed waits."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from kinline.jobs import queue
from kinline.store import sql

#: Waits planned in one look, so that no transaction is long.
AT_ONCE = 500
#: The states in which something is still to come of it.
OPEN = "('armed', 'due', 'kept')"
_DUE = "FROM wait WHERE state = 'armed' AND due_at <= {p}"
_TO = "UPDATE wait SET state = {p} WHERE id {in}"


def any_due(session: Session, now: int) -> bool:
    """Whether the next one is due. Asked without a value: PostgreSQL's plan for any value would read all that wait."""
    rows = sql.run(session, "SELECT due_at FROM wait WHERE state = 'armed' ORDER BY due_at LIMIT 1")
    return bool(rows) and rows[0][0] <= now


def open_triggers(session: Session, people: Iterable[str]) -> set[tuple[str, str]]:
    """(person, trigger) of each open wait of these persons."""
    statement = f"SELECT DISTINCT person_id, trigger_id FROM wait WHERE person_id {{in}} AND state IN {OPEN}"
    return {(person, trigger) for person, trigger in sql.select_in(session, statement, people)}


def plan_due(session: Session, now: int, limit: int = AT_ONCE) -> int:
    """Have the persons looked at whose waits are due, in order of due time. Returns how many waits were taken.

    Two sweepers at once share them: what one takes the other passes over.
    """
    found = sql.run(session, f"SELECT id, person_id, due_at, trigger_id {_DUE} ORDER BY due_at LIMIT {{p}}", now, limit)
    resting = _resting(session, {row[3] for row in found})
    taken = _taken(session, found)
    due = [row for row in taken if row[3] not in resting]
    sql.update_in(session, _TO, sorted(row[0] for row in taken if row[3] in resting), "kept")
    sql.update_in(session, _TO, sorted(row[0] for row in due), "due")
    queue.plan(session, "person.decide", [(person, at) for _, person, at, _ in due])
    return len(taken)


def _resting(session: Session, triggers: Iterable[str]) -> set[str]:
    """Those of these triggers that do not look. Whoever wakes one waits until its waits are put by, or comes first."""
    share = "" if sql.on_sqlite(session) else " FOR SHARE"
    statement = f"SELECT id FROM trigger_rule WHERE id {{in}} AND state NOT IN ('live', 'shadow') ORDER BY id{share}"
    return {trigger for (trigger,) in sql.select_in(session, statement, triggers)}


def _taken(session: Session, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Those that no other sweeper has in hand."""
    if sql.on_sqlite(session):
        return rows
    statement = "SELECT id FROM wait WHERE id {in} AND state = 'armed' FOR UPDATE SKIP LOCKED"
    ours = {wait for (wait,) in sql.select_in(session, statement, [row[0] for row in rows])}
    return [row for row in rows if row[0] in ours]

"""Armed silences: rows with a due time and an episode, looked at again when they are due.

``armed`` until it is due; ``due`` while its person is to be looked at; ``kept`` when it fell due and its trigger does
not look, so that no sweep meets it again before that trigger does; ``closed`` with a reason. What is not due costs
nothing: a sweep reads the front of one index.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlmodel import Session

from kinline import clock, ids
from kinline.catalogue.trigger_store import Active
from kinline.decide.due import OPEN
from kinline.store import sql
from kinline.store.models import WaitRow, metadata
from kinline.triggers import Fire, Outcome, Settled, Wait

#: How the reason of a wait begins that another trigger called off: it is not armed again.
CALLED_OFF = "stopped: "
_WAIT = metadata.tables[str(WaitRow.__tablename__)]


def keep(
    session: Session,
    root: str,
    people: list[str],
    outcomes: Iterable[tuple[Active, Outcome]],
    asked: Collection[str],
    *,
    fires: bool = True,
) -> None:
    """Arm what waits; close what fired, was broken, or is nobody's episode any more.

    ``people``: all who are joined in the root. ``asked`` are the triggers that look. Without ``fires`` what fires stays
    for those who may act on it.
    """
    over: dict[str, list[str]] = {}
    rows = {(trigger, episode): (wait, due, state) for wait, trigger, episode, due, state in open_of(session, people)}
    for trigger, outcome in outcomes:
        known = rows.pop((trigger.id, outcome.episode), None)
        if isinstance(outcome, Wait):
            _arm(session, root, trigger, outcome, known)
        elif known and (fires or not isinstance(outcome, Fire)):
            over.setdefault(_why(outcome), []).append(known[0])
        elif isinstance(outcome, Settled) and outcome.reason == "no_calendar":
            _keep_for_later(session, root, trigger, outcome)
    due = [(wait, trigger_id in asked) for (trigger_id, _), (wait, _, state) in rows.items() if state == "due"]
    over.setdefault("moved_on", []).extend(wait for wait, looks in due if looks)
    for reason, those in over.items():
        _close(session, sorted(those), reason)
    # Of a trigger that was paused meanwhile; the next sweep puts it by.
    sql.update_in(
        session, "UPDATE wait SET state = {p} WHERE id {in}", sorted(w for w, looks in due if not looks), "armed"
    )


def open_of(session: Session, people: Iterable[str]) -> list[tuple[str, str, str, int, str]]:
    """The open waits of these persons: id, trigger, episode, due time, state."""
    statement = f"SELECT id, trigger_id, episode, due_at, state FROM wait WHERE person_id {{in}} AND state IN {OPEN}"
    return [(*row,) for row in sql.select_in(session, statement, people)]


def wait_id_of(trigger: Active, root: str, episode: str) -> str:
    """A wait belongs to the condition: an edit that leaves it alone keeps it."""
    return ids.derived("wait", trigger.id, trigger.compiled.condition_id, root, episode)


def row_of(trigger: Active, root: str, wait: Wait) -> tuple[object, ...]:
    """An armed wait as it is stored."""
    return (
        wait_id_of(trigger, root, wait.episode), trigger.id, trigger.version, root, wait.episode, wait.due_at, "armed", "",
        clock.now(), None, trigger.compiled.condition_id,
    )  # fmt: skip


def write_new(session: Session, rows: Sequence[tuple[object, ...]]) -> None:
    """Arm these; what is there already, armed or called off, stays as it is."""
    sql.insert(session, _WAIT, sorted(rows, key=lambda row: str(row[0])))


def waiting_for(session: Session, people: Iterable[str], trigger_id: str) -> list[tuple[str, str]]:
    """(person, episode) of the open waits of this trigger for these persons."""
    statement = f"SELECT person_id, episode FROM wait WHERE person_id {{in}} AND trigger_id = {{p}} AND state IN {OPEN}"
    return [(*row,) for row in sql.select_in(session, statement, people, trigger_id)]


def _arm(session: Session, root: str, trigger: Active, wait: Wait, known: tuple[str, int, str] | None) -> None:
    if known is None:
        wait_id = wait_id_of(trigger, root, wait.episode)
        row = row_of(trigger, root, wait)
        if not sql.insert_new(session, _WAIT, [row], 1):
            sql.run(
                session,
                "UPDATE wait SET state = 'armed', due_at = {p}, reason = '', closed_at = NULL WHERE id = {p} "
                "AND reason NOT LIKE {p}",
                wait.due_at,
                wait_id,
                f"{CALLED_OFF}%",
            )
    elif known[1] != wait.due_at or known[2] != "armed":
        sql.run(session, "UPDATE wait SET state = 'armed', due_at = {p} WHERE id = {p}", wait.due_at, known[0])


def _keep_for_later(session: Session, root: str, trigger: Active, outcome: Settled) -> None:
    """Nobody can say when it is due while its calendar is not there; it is seen, and waits again with the calendar."""
    now = clock.now()
    row = (
        wait_id_of(trigger, root, outcome.episode), trigger.id, trigger.version, root, outcome.episode, outcome.at, "closed",
        outcome.reason, now, now, trigger.compiled.condition_id,
    )  # fmt: skip
    sql.insert(session, _WAIT, [row])


def _close(session: Session, those: list[str], reason: str) -> None:
    sql.update_in(
        session,
        "UPDATE wait SET state = 'closed', reason = {p}, closed_at = {p} WHERE id {in}",
        those,
        reason,
        clock.now(),
    )


def _why(outcome: Outcome) -> str:
    return "fired" if isinstance(outcome, Fire) else outcome.reason if isinstance(outcome, Settled) else ""

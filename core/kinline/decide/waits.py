"""Armed silences: rows with a due time and an episode, looked at again when they are due.

``armed`` until it is due; ``due`` while its person is to be looked at; ``kept`` when it fell due and its trigger does
not look, so that no sweep meets it again before that trigger does; ``closed`` with a reason. What is not due costs
nothing: a sweep reads the front of one index.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.catalogue.trigger_store import Active
from kinline.decide.due import OPEN
from kinline.store import sql
from kinline.store.ask import Ask, among
from kinline.store.models import WaitRow, metadata
from kinline.triggers import Fire, Outcome, Settled, Wait

#: How the reason of a wait begins that another trigger called off: it is not armed again.
CALLED_OFF = "stopped: "
_WAIT = metadata.tables[str(WaitRow.__tablename__)]
_DUE_AT = list(_WAIT.columns.keys()).index("due_at")


class OpenSilence(msgspec.Struct, frozen=True):
    """A wait that something is still to come of."""

    id: str
    person_id: str
    trigger_id: str
    episode: str
    due_at: int
    state: str


_OPEN = Ask(
    select(*[col(getattr(WaitRow, name)) for name in OpenSilence.__struct_fields__]).where(
        among(col(WaitRow.person_id), "people"), col(WaitRow.state).in_(["armed", "due", "kept"])
    ),
    OpenSilence,
)


@dataclass
class _WaitChanges:
    """What becomes of the waits of several persons. ``over``: ids by the reason why nothing comes of them any more;
    ``moved``: with the new due time; ``armed``: rows by id."""

    over: dict[str, list[str]] = field(default_factory=dict)
    put_by: list[str] = field(default_factory=list)
    moved: list[tuple[str, int]] = field(default_factory=list)
    armed: dict[str, tuple[object, ...]] = field(default_factory=dict)


class PersonOutcomes(NamedTuple):
    """What became of the episodes of one person. ``people``: all who are joined in the root."""

    root: str
    people: list[str]
    outcomes: Sequence[tuple[Active, Outcome]]


def keep(session: Session, found: Sequence[PersonOutcomes], asked: Collection[str], *, fires: bool = True) -> None:
    """Arm what waits; close what fired, was broken, or is nobody's episode any more.

    ``asked`` are the triggers that look. Without ``fires`` what fires stays for those who may act on it.
    """
    of = {person: each.root for each in found for person in each.people}
    rows: dict[str, dict[tuple[str, str], OpenSilence]] = {each.root: {} for each in found}
    for row in open_of(session, of):
        rows[of[row.person_id]][row.trigger_id, row.episode] = row
    changes = _WaitChanges()
    for each in found:
        _sort(session, changes, each, rows[each.root], asked, fires)
    _write(session, changes)


def _sort(
    session: Session, changes: _WaitChanges, found: PersonOutcomes, rows: dict[tuple[str, str], OpenSilence],
    asked: Collection[str], fires: bool,
) -> None:  # fmt: skip
    """What is to change for one person. ``rows``: their open waits."""
    for trigger, outcome in found.outcomes:
        known = rows.pop((trigger.id, outcome.episode), None)
        if isinstance(outcome, Wait):
            _arm(changes, found.root, trigger, outcome, known)
        elif known and (fires or not isinstance(outcome, Fire)):
            changes.over.setdefault(_why(outcome), []).append(known.id)
        elif isinstance(outcome, Settled) and outcome.reason == "no_calendar":
            _keep_for_later(session, found.root, trigger, outcome)
    for row in rows.values():
        if row.state == "due":
            (changes.over.setdefault("moved_on", []) if row.trigger_id in asked else changes.put_by).append(row.id)


def _write(session: Session, changes: _WaitChanges) -> None:
    for reason, those in changes.over.items():
        _close(session, sorted(those), reason)
    # Of a trigger that was paused meanwhile; the next sweep puts it by.
    sql.update_in(session, "UPDATE wait SET state = {p} WHERE id {in}", sorted(changes.put_by), "armed")
    for wait_id, due in sorted(changes.moved):
        sql.run(session, "UPDATE wait SET state = 'armed', due_at = {p} WHERE id = {p}", due, wait_id)
    new = sql.insert_new(session, _WAIT, [row for _, row in sorted(changes.armed.items())], 1)
    for wait_id, row in sorted(changes.armed.items()):
        if (wait_id,) not in new:
            sql.run(
                session,
                "UPDATE wait SET state = 'armed', due_at = {p}, reason = '', closed_at = NULL WHERE id = {p} "
                "AND reason NOT LIKE {p}",
                row[_DUE_AT], wait_id, f"{CALLED_OFF}%",
            )  # fmt: skip


def open_of(session: Session, people: Iterable[str]) -> list[OpenSilence]:
    """The open waits of these persons."""
    return _OPEN.rows(session, people=sorted(people))


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


def _arm(changes: _WaitChanges, root: str, trigger: Active, wait: Wait, known: OpenSilence | None) -> None:
    if known is None:
        changes.armed[wait_id_of(trigger, root, wait.episode)] = row_of(trigger, root, wait)
    elif known.due_at != wait.due_at or known.state != "armed":
        changes.moved.append((known.id, wait.due_at))


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

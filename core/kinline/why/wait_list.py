"""What waits for a person: when we will look again, and what would have to happen, or not to happen, until then.

A wait is a row with a due time; why it waits is asked anew of the function that decides, on the history of now.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope, seen_by
from kinline.catalogue.trigger_store import Active, active
from kinline.history.load_history import load
from kinline.identity.persons import members
from kinline.reasons import Reasoned, fields
from kinline.store import sql
from kinline.triggers import Evidence, Wait, evaluate
from kinline.why.parts import CountedInteraction, Missed, counted, missed, stamp

Place = tuple[int, str]  #: armed_at, id
NEWEST: Place = (2**62, "")


class WaitShown(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """One wait. ``state``: `armed`, `due` (somebody is about to look), `kept` (its trigger does not look), `closed`.
    ``said`` is its ``reason``, and ``told`` all of it, in words.

    What is said of an open one is so now: another interaction may change it.
    """

    id: str
    person: str
    trigger: str
    version: int
    about: str
    state: str
    due_at: str
    armed_at: str
    closed_at: str | None
    interactions: list[CountedInteraction] = []
    absences: list[Missed] = []
    proved: bool = True
    read: dict[str, Any] = {}
    said: str = ""
    told: str = ""


_WAITS = (
    "SELECT w.id, w.trigger_id, coalesce(t.name, w.trigger_id), w.version, w.state, w.reason, w.due_at, w.armed_at, "
    "w.closed_at, w.episode FROM wait w LEFT JOIN trigger_rule t ON t.id = w.trigger_id WHERE "
)


def listed(
    session: Session,
    root: str,
    *,
    state: str = "",
    before: Place = NEWEST,
    limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[tuple[Place, WaitShown | None]]:
    """The waits of everybody who is this person now, the latest armed first, each with its place in the list.

    None stands for one that rests on an interaction which the reader may not read.
    """
    narrowed = "AND w.state = {p} " if state else ""
    rows = sql.select_in(
        session,
        f"{_WAITS}w.person_id {{in}} AND (w.armed_at, w.id) < ({{p}}, {{p}}) {narrowed}"
        "ORDER BY w.armed_at DESC, w.id DESC LIMIT {p}",
        members(session, root), *before, *([state] if state else []), limit,
    )  # fmt: skip
    shown = {each.id: each for each in _shown(session, root, rows, reader)}
    return [((row[7], row[0]), shown.get(row[0])) for row in rows]


def one(session: Session, root: str, wait: str, reader: AccessScope = EVERYTHING) -> WaitShown | None:
    """One wait of this person, open or over; None where the reader may not see what it waits after."""
    rows = sql.run(session, f"{_WAITS}w.id = {{p}}", wait)
    return next(iter(_shown(session, root, rows, reader)), None)


def _shown(session: Session, root: str, rows: list[tuple[Any, ...]], reader: AccessScope) -> list[WaitShown]:
    if not rows:
        return []
    looking = {each.id: each for each in active(session)}
    evidence = _evidence(session, root, [each for row in rows if (each := looking.get(row[1]))])
    found = []
    for row in rows:
        known, trigger = evidence.get((row[1], row[9])), looking.get(row[1])
        rests_on = known.interactions if known else (row[9],)  # of one that is over: what opened its episode
        if reader.accounts is None or seen_by(session, rests_on, reader):
            found.append(_one(session, root, row, trigger, known, reader))
    return found


def _evidence(session: Session, root: str, triggers: list[Active]) -> dict[tuple[str, str], Evidence]:
    """Why each of these triggers waits, by trigger and episode."""
    if not triggers:
        return {}
    history, now = load(session, root), clock.now()
    return {
        (each.id, outcome.episode): outcome.evidence
        for each in {trigger.id: trigger for trigger in triggers}.values()
        for outcome in evaluate(each.compiled, history, now)
        if isinstance(outcome, Wait)
    }


def _one(
    session: Session,
    root: str,
    row: tuple[Any, ...],
    trigger: Active | None,
    known: Evidence | None,
    reader: AccessScope,
) -> WaitShown:
    wait, _, name, version, state, reason, due, armed, closed, _ = row
    bare = WaitShown(
        id=wait, person=root, trigger=name, version=version, state=state, due_at=stamp(due),
        about=trigger.compiled.definition.about if trigger else "", armed_at=stamp(armed), closed_at=clock.to_text(closed),
        **fields(reason_texts.read(reason)) | {"reason": reason},
    )  # fmt: skip
    if known is None:
        return bare
    return msgspec.structs.replace(
        bare,
        interactions=counted(session, list(known.interactions), reader),
        absences=[missed(msgspec.to_builtins(each)) for each in known.absences],
        proved=known.proved,
        read=known.read,
    )

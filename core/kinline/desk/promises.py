"""What somebody of us promised a person: "we will call you on Friday". Owed until it is done or withdrawn.

The earliest open one is the person's attribute ``promise_due``, so that triggers can look at it: ``time: {attribute:
promise_due, after: 1h}``.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, seen_by
from kinline.errors import Conflict, Invalid, NotFound
from kinline.identity import attributes
from kinline.identity.persons import members, spans
from kinline.store import sql
from kinline.store.models import Promised
from kinline.timeline import seen

ATTRIBUTE = "promise_due"
OPEN, DONE, WITHDRAWN = "open", "done", "withdrawn"
#: How far ahead one can promise.
FURTHEST = 1830 * clock.DAY


class PromiseShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised to whom, by when, by whom, in which interaction; and how it ended."""

    id: str
    person: str
    what: str
    due_at: str | None
    overdue: bool
    state: str
    team: str
    channel: str
    interaction: str | None
    made_at: str | None
    made_by: str
    ended_at: str | None
    ended_by: str | None


_COLUMNS = (
    "r.id, p.root_id, r.what, r.due_at, r.state, r.team, r.channel, r.interaction_id, r.made_at, r.made_by, r.ended_at, r.ended_by"
)  # fmt: skip
SELECT = f"SELECT {_COLUMNS} FROM promised r JOIN person p ON p.id = r.person_id WHERE "


def promise(
    session: Session, person: str, *, what: str, due_at: int, by: str, promise_id: str, interaction: str | None = None,
    team: str = "", reader: AccessScope = EVERYTHING,
) -> None:  # fmt: skip
    """Keep a promise. ``interaction`` is where it was made; it must be one of this person's that the reader may see."""
    if not what.strip():
        raise Invalid("Say what was promised: the text is empty.", code="empty_text", pointer="/what")
    if due_at > clock.now() + FURTHEST:
        raise Invalid("A promise is due within five years.", code="out_of_range", pointer="/due_at")
    channel = _made_in(session, person, interaction, reader) if interaction else ""
    session.add(
        Promised(
            id=promise_id, person_id=person, what=what, due_at=due_at, team=team, channel=channel,
            interaction_id=interaction, made_at=clock.now(), made_by=by,
        )
    )  # fmt: skip
    session.flush()
    _tell(session, person, by)


def end(session: Session, promise_id: str, state: str, *, by: str) -> None:
    """It was done, or is withdrawn. Raises `Conflict` when it had ended before."""
    statement = "UPDATE promised SET state = {p}, ended_at = {p}, ended_by = {p} WHERE id = {p} AND state = 'open'"
    if not sql.changed(session, statement, state, clock.now(), by, promise_id):
        known = shown(session, promise_id)
        raise Conflict(f"This promise was {known.state} by {known.ended_by} before.", code="already_so")
    _tell(session, shown(session, promise_id).person, by)


def shown(session: Session, promise_id: str, reader: AccessScope = EVERYTHING) -> PromiseShown:
    """Raises `NotFound`, also for one to a person whom the reader may not know of."""
    found = visible(session, sql.run(session, SELECT + "r.id = {p}", promise_id), reader)
    if not found:
        raise NotFound("There is no such promise.", code="no_such_promise")
    return found[0]


def of_person(
    session: Session, root: str, *, after: tuple[int, str], limit: int, reader: AccessScope = EVERYTHING
) -> list[PromiseShown]:
    """All that was ever promised to a person, in the order in which it was."""
    rows = sql.select_in(
        session,
        SELECT + "r.person_id {in} AND (r.made_at, r.id) > ({p}, {p}) ORDER BY r.made_at, r.id LIMIT {p}",
        members(session, root), *after, limit,
    )  # fmt: skip
    return visible(session, rows, reader)


def place(session: Session, promise_id: str) -> tuple[int, str]:
    """Where it stands in the list."""
    rows = sql.run(session, "SELECT made_at, id FROM promised WHERE id = {p}", promise_id)
    return rows[0][0], rows[0][1]


def visible(session: Session, rows: list[tuple[Any, ...]], reader: AccessScope) -> list[PromiseShown]:
    """Those of these rows (of `SELECT`) that the reader may see: of people whom they may know of. An interaction that is
    hidden from them is not named."""
    people = set(seen.visible(session, sorted({row[1] for row in rows}), reader))
    told = seen_by(session, [row[7] for row in rows if row[7]], reader)
    return [_shown(row, told) for row in rows if row[1] in people]


def _shown(row: tuple[Any, ...], told: set[str]) -> PromiseShown:
    each, person, what, due, state, team, channel, interaction, made, by, ended, ended_by = row
    return PromiseShown(
        id=each, person=person, what=what, due_at=clock.to_text(due), overdue=state == OPEN and due < clock.now(),
        state=state, team=team, channel=channel, interaction=interaction if interaction in told else None,
        made_at=clock.to_text(made), made_by=by, ended_at=clock.to_text(ended), ended_by=ended_by,
    )  # fmt: skip


def _made_in(session: Session, person: str, interaction: str, reader: AccessScope) -> str:
    """The channel of the interaction in which it was promised."""
    rows = sql.select_in(
        session,
        "SELECT i.channel FROM interaction i JOIN participant t ON t.interaction_id = i.id AND t.sort_at = i.sort_at "
        "AND t.sequence = i.sequence WHERE t.identity_id {in} AND i.id = {p} LIMIT 1",
        sorted({span.identity_id for span in spans(session, person)}), interaction,
    )  # fmt: skip
    if not rows or interaction not in seen_by(session, [interaction], reader):
        raise Invalid(
            "This is no interaction with that person: give one of their timeline.", code="no_such_interaction",
            pointer="/interaction",
        )  # fmt: skip
    return str(rows[0][0])


def _tell(session: Session, person: str, by: str) -> None:
    """Keep the earliest open date as an attribute, and have the person looked at."""
    held = spans(session, person)
    if held:
        rows = sql.select_in(
            session,
            "SELECT min(due_at) FROM promised WHERE state = 'open' AND person_id {in}",
            members(session, person),
        )
        due = clock.to_text(rows[0][0])
        attributes.state(session, held[0].identity_id, ATTRIBUTE, due, source=by)

"""What somebody of us promised a person: "we will call you on Friday". Owed until it is done or withdrawn.

The earliest open one is the person's attribute ``promise_due``, so that triggers can look at it: ``time: {attribute:
promise_due, after: 1h}``.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, seen_by
from kinline.errors import Conflict, Invalid, NotFound
from kinline.followups.routes import took_part
from kinline.identity import attributes
from kinline.identity.persons import members, spans
from kinline.store.ask import Ask, Change, among, columns, keyset
from kinline.store.ask import place as after_place
from kinline.store.models import InteractionRow, Person, Promised
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


class PromisedRow(msgspec.Struct, frozen=True):
    """A promise as it is stored, and the root of whom it was made to."""

    id: str
    root_id: str
    what: str
    due_at: int
    state: str
    team: str
    channel: str
    interaction_id: str | None
    made_at: int
    made_by: str
    ended_at: int | None
    ended_by: str | None

    @property
    def place(self) -> tuple[int, str]:
        return self.made_at, self.id


class _EarliestDue(msgspec.Struct, frozen=True):
    due_at: int | None


#: All promises, a `PromisedRow` each; and how a list of them is ordered.
PROMISES = select(*columns(Promised, PromisedRow, root_id=col(Person.root_id))).join(
    Person, col(Person.id) == col(Promised.person_id)
)
ORDER = col(Promised.made_at), col(Promised.id)
_ONE = Ask(PROMISES.where(col(Promised.id) == bindparam("promise")), PromisedRow)
_OF_PERSON = Ask(
    PROMISES.where(among(col(Promised.person_id), "persons"), keyset(*ORDER)).order_by(*ORDER).limit(bindparam("most")),
    PromisedRow,
)
_END = Change(
    update(Promised)
    .where(col(Promised.id) == bindparam("promise"), col(Promised.state) == OPEN)
    .values(state=bindparam("how"), ended_at=bindparam("now"), ended_by=bindparam("by"))
)
_EARLIEST = Ask(
    select(func.min(col(Promised.due_at)).label("due_at")).where(
        col(Promised.state) == OPEN, among(col(Promised.person_id), "persons")
    ),
    _EarliestDue,
)


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
    if not _END.run(session, promise=promise_id, how=state, now=clock.now(), by=by):
        known = shown(session, promise_id)
        raise Conflict(f"This promise was {known.state} by {known.ended_by} before.", code="already_so")
    _tell(session, shown(session, promise_id).person, by)


def shown(session: Session, promise_id: str, reader: AccessScope = EVERYTHING) -> PromiseShown:
    """Raises `NotFound`, also for one to a person whom the reader may not know of."""
    found = visible(session, _ONE.rows(session, promise=promise_id), reader)
    if not found:
        raise NotFound("There is no such promise.", code="no_such_promise")
    return found[0]


def of_person(
    session: Session, root: str, *, after: tuple[int, str], limit: int, reader: AccessScope = EVERYTHING
) -> list[PromiseShown]:
    """All that was ever promised to a person, in the order in which it was."""
    rows = _OF_PERSON.rows(session, persons=members(session, root), most=limit, **after_place(after))
    return visible(session, rows, reader)


def place(session: Session, promise_id: str) -> tuple[int, str]:
    """Where it stands in the list."""
    return _ONE.one(session, promise=promise_id).place


def visible(session: Session, rows: Sequence[PromisedRow], reader: AccessScope) -> list[PromiseShown]:
    """Those of these rows that the reader may see: of people whom they may know of. An interaction that is
    hidden from them is not named."""
    people = set(seen.visible(session, sorted({row.root_id for row in rows}), reader))
    told = seen_by(session, [row.interaction_id for row in rows if row.interaction_id], reader)
    return [_shown(row, told) for row in rows if row.root_id in people]


def _shown(row: PromisedRow, told: set[str]) -> PromiseShown:
    return PromiseShown(
        id=row.id, person=row.root_id, what=row.what, due_at=clock.to_text(row.due_at),
        overdue=row.state == OPEN and row.due_at < clock.now(), state=row.state, team=row.team, channel=row.channel,
        interaction=row.interaction_id if row.interaction_id in told else None, made_at=clock.to_text(row.made_at),
        made_by=row.made_by, ended_at=clock.to_text(row.ended_at), ended_by=row.ended_by,
    )  # fmt: skip


def _made_in(session: Session, person: str, interaction: str, reader: AccessScope) -> str:
    """The channel of the interaction in which it was promised."""
    if not took_part(session, person, interaction) or interaction not in seen_by(session, [interaction], reader):
        raise Invalid(
            "This is no interaction with that person: give one of their timeline.", code="no_such_interaction",
            pointer="/interaction",
        )  # fmt: skip
    return session.get_one(InteractionRow, interaction).channel


def _tell(session: Session, person: str, by: str) -> None:
    """Keep the earliest open date as an attribute, and have the person looked at."""
    held = spans(session, person)
    if held:
        due = clock.to_text(_EARLIEST.one(session, persons=members(session, person)).due_at)
        attributes.state(session, held[0].identity_id, ATTRIBUTE, due, source=by)

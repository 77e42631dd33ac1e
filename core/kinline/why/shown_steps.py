"""Waits between actions as people look at them: what is still to be done for whom, and why it was not."""

from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, func, select
from sqlmodel import Session, col

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, rests_on_visible
from kinline.errors import NotFound
from kinline.reasons import Reasoned, fields
from kinline.store.ask import Ask, columns, keyset
from kinline.store.ask import place as after_place
from kinline.store.models import Decision, Person, StepRow, TriggerRow, TriggerVersion
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


class _StepLine(msgspec.Struct, frozen=True):
    id: str
    person: str
    decision_id: str
    trigger: str
    version: int
    state: str
    reason: str
    due_at: int
    created_at: int
    closed_at: int | None
    number: int
    source: str
    arm: str


_STEPS = (
    select(
        *columns(
            StepRow, _StepLine, person=col(Person.root_id),
            trigger=func.coalesce(col(TriggerRow.name), col(StepRow.trigger_id)),
            source=func.coalesce(col(TriggerVersion.source), ""), arm=func.coalesce(col(Decision.arm), ""),
        )
    )
    .join(Person, col(Person.id) == col(StepRow.person_id))
    .outerjoin(TriggerRow, col(TriggerRow.id) == col(StepRow.trigger_id))
    .outerjoin(Decision, col(Decision.id) == col(StepRow.decision_id))
    .outerjoin(
        TriggerVersion,
        and_(
            col(TriggerVersion.trigger_id) == col(StepRow.trigger_id), col(TriggerVersion.version) == col(StepRow.version)
        ),
    )
)  # fmt: skip
_ORDER = col(StepRow.due_at), col(StepRow.id)
_NARROWED = {
    "state": col(StepRow.state) == bindparam("state"),
    "person": col(Person.root_id) == bindparam("person"),
    "trigger": col(TriggerRow.name) == bindparam("trigger"),
    "accounts": rests_on_visible(col(StepRow.decision_id)),
}
_OF_DECISION = Ask(
    _STEPS.where(col(StepRow.decision_id) == bindparam("decision")).order_by(col(StepRow.number)), _StepLine
)


@lru_cache(maxsize=16)
def _page(*narrowed: str) -> Ask[_StepLine]:
    conditions = (_NARROWED[name] for name in narrowed)
    return Ask(_STEPS.where(keyset(*_ORDER), *conditions).order_by(*_ORDER).limit(bindparam("most")), _StepLine)


@lru_cache(maxsize=2)
def _by_id(*narrowed: str) -> Ask[_StepLine]:
    conditions = (_NARROWED[name] for name in narrowed)
    return Ask(_STEPS.where(col(StepRow.id) == bindparam("step"), *conditions), _StepLine)


def listed(
    session: Session, *, state: str = "", person: str = "", trigger: str = "", after: Place = FIRST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[StepShown]:  # fmt: skip
    """In order of due time, narrowed by state, person (a root) and trigger (a name)."""
    wanted = {name: value for name, value in (("state", state), ("person", person), ("trigger", trigger)) if value}
    given = {**wanted, **accounts_of(reader)}
    return [_one(row) for row in _page(*given).rows(session, most=limit, **after_place(after), **given)]


def of_decision(session: Session, decision_id: str) -> list[StepShown]:
    """The waits of a decision, in their order."""
    return [_one(row) for row in _OF_DECISION.rows(session, decision=decision_id)]


def shown(session: Session, step_id: str, reader: AccessScope = EVERYTHING) -> StepShown:
    """Raises `NotFound`, also for one about something that the reader may not read."""
    given = accounts_of(reader)
    row = _by_id(*given).first(session, step=step_id, **given)
    if row is None:
        raise NotFound("There is no such step.", code="no_such_step")
    return _one(row)


def place(session: Session, step_id: str) -> Place:
    """Where it stands in the list."""
    row = session.get_one(StepRow, step_id)
    return row.due_at, row.id


def _one(row: _StepLine) -> StepShown:
    return StepShown(
        id=row.id, person=row.person, decision=row.decision_id, trigger=row.trigger, version=row.version,
        state=row.state, due_at=clock.to_text(row.due_at), created_at=clock.to_text(row.created_at),
        closed_at=clock.to_text(row.closed_at), then=_then(row.source, row.arm, row.number),
        **fields(reason_texts.read(row.reason)),
    )  # fmt: skip


def _then(source: str, arm: str, number: int) -> list[str]:
    """What comes after that wait, up to the next one; for those of a variant, of that."""
    if not source:
        return []
    made = read_trigger(source)
    words = [action.word for action in (made.acting(arm) if arm else made).actions[number + 1 :]]
    return words[: words.index("wait")] if "wait" in words else words

"""Decisions as people look at them: what each trigger decided about whom, and why it acted or did not."""

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of, rests_on_visible, seen_by
from kinline.errors import NotFound
from kinline.reasons import Reasoned, fields
from kinline.store.ask import Ask, Id, IdPair, among, columns, keyset
from kinline.store.ask import place as after_place
from kinline.store.models import Decision, DeliveryRow, FollowUp, Person, TaskRow, TriggerRow
from kinline.why import shown_steps
from kinline.why.shown_steps import StepShown

Place = tuple[int, str]  #: decided_at, id
NEWEST: Place = (2**62, "")


class DecisionShown(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """That a trigger fired, or was skipped for a stated reason. ``cause`` is the interaction it is about."""

    id: str
    person: str
    trigger: str
    version: int
    verdict: str
    at: str | None
    decided_at: str | None
    cause: str | None


class DecisionDetail(DecisionShown, frozen=True, kw_only=True):
    """A decision with its evidence, as it was known when deciding, and what came of it."""

    evidence: dict[str, Any]
    chain: list[str]  #: names of the triggers that led here, this one last
    followups: list[str]
    tasks: list[str]
    steps: list[StepShown]  #: its waits between actions
    deliveries: list[str]  #: its calls to endpoints


class _DecisionLine(msgspec.Struct, frozen=True):
    id: str
    person: str
    trigger: str
    version: int
    verdict: str
    reason: str
    at: int
    decided_at: int
    cause: str | None
    evidence: str
    chain: str


_DECISIONS = (
    select(
        *columns(
            Decision, _DecisionLine, person=col(Person.root_id), cause=col(Decision.cause_id),
            trigger=func.coalesce(col(TriggerRow.name), col(Decision.trigger_id)),
        )
    )
    .join(Person, col(Person.id) == col(Decision.person_id))
    .outerjoin(TriggerRow, col(TriggerRow.id) == col(Decision.trigger_id))
)  # fmt: skip
_ORDER = col(Decision.decided_at), col(Decision.id)
_NARROWED = {
    "person": col(Person.root_id) == bindparam("person"),
    "trigger": col(TriggerRow.name) == bindparam("trigger"),
    "verdict": col(Decision.verdict) == bindparam("verdict"),
    "accounts": rests_on_visible(col(Decision.id)),
}
_FOLLOWUPS, _TASKS, _DELIVERIES = (
    Ask(select(col(table.id)).where(col(table.decision_id) == bindparam("decision")).order_by(col(table.id)), Id)
    for table in (FollowUp, TaskRow, DeliveryRow)
)
_NAMES = Ask(
    select(col(TriggerRow.id).label("one"), col(TriggerRow.name).label("other")).where(
        among(TriggerRow.id, "triggers")
    ),
    IdPair,
)


@lru_cache(maxsize=16)
def _page(*narrowed: str) -> Ask[_DecisionLine]:
    conditions = (_NARROWED[name] for name in narrowed)
    newest = (each.desc() for each in _ORDER)
    return Ask(
        _DECISIONS.where(keyset(*_ORDER, descending=True), *conditions).order_by(*newest).limit(bindparam("most")),
        _DecisionLine,
    )


@lru_cache(maxsize=2)
def _one(*narrowed: str) -> Ask[_DecisionLine]:
    conditions = (_NARROWED[name] for name in narrowed)
    return Ask(_DECISIONS.where(col(Decision.id) == bindparam("decision"), *conditions), _DecisionLine)


def listed(
    session: Session, *, person: str = "", trigger: str = "", verdict: str = "", before: Place = NEWEST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[DecisionShown]:  # fmt: skip
    """The newest first, narrowed by person (a root), trigger (a name) and verdict."""
    wanted = {name: value for name, value in (("person", person), ("trigger", trigger), ("verdict", verdict)) if value}
    given = {**wanted, **accounts_of(reader)}
    rows = _page(*given).rows(session, most=limit, **after_place(before), **given)
    return [DecisionShown(**_fields(row)) for row in rows]


def place(session: Session, decision_id: str) -> Place:
    """Where it stands in the list."""
    row = session.get_one(Decision, decision_id)
    return row.decided_at, row.id


def detail(session: Session, decision_id: str, reader: AccessScope = EVERYTHING) -> DecisionDetail:
    """Raises `NotFound`, also for one about something that the reader may not read."""
    given = accounts_of(reader)
    row = _one(*given).first(session, decision=decision_id, **given)
    if row is None:
        raise NotFound("There is no such decision.", code="no_such_decision")
    followups, tasks, deliveries = (
        [each.id for each in made.rows(session, decision=decision_id)] for made in (_FOLLOWUPS, _TASKS, _DELIVERIES)
    )
    return DecisionDetail(
        **_fields(row),
        evidence=readable(session, msgspec.json.decode(row.evidence), reader),
        chain=_names(session, msgspec.json.decode(row.chain)),
        followups=followups, tasks=tasks, deliveries=deliveries,
        steps=shown_steps.of_decision(session, decision_id),
    )  # fmt: skip


def readable(session: Session, evidence: dict[str, Any], reader: AccessScope) -> dict[str, Any]:
    """As much of an evidence as the reader may see: not what was read in interactions hidden from them."""
    told = [str(each) for each in evidence.get("interactions", ())]
    if reader.accounts is None or not told:
        return evidence
    seen = seen_by(session, told, reader)
    if seen.issuperset(told):
        return evidence
    kept = {name: value for name, value in evidence.items() if name != "read"}
    return kept | {"interactions": [each for each in told if each in seen]}


def _fields(row: _DecisionLine) -> dict[str, Any]:
    return {
        "id": row.id, "person": row.person, "trigger": row.trigger, "version": row.version, "verdict": row.verdict,
        "at": clock.to_text(row.at), "decided_at": clock.to_text(row.decided_at), "cause": row.cause,
        **fields(reason_texts.read(row.reason)),
    }  # fmt: skip


def _names(session: Session, triggers: list[str]) -> list[str]:
    known = {row.one: row.other for row in _NAMES.rows(session, triggers=triggers)}
    return [known.get(each, each) for each in triggers]

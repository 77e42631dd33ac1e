"""Decisions as people look at them: what each trigger decided about whom, and why it acted or did not."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope, seen_by
from kinline.errors import NotFound
from kinline.reasons import Reasoned, fields
from kinline.store import sql
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


_SELECT = (
    "SELECT d.id, p.root_id, coalesce(t.name, d.trigger_id), d.version, d.verdict, d.reason, d.at, d.decided_at, d.cause_id "
    "FROM decision d JOIN person p ON p.id = d.person_id LEFT JOIN trigger_rule t ON t.id = d.trigger_id WHERE "
)
_SEEN = (
    "EXISTS (SELECT 1 FROM interaction i JOIN copy c ON c.source_id = i.source_id AND c.interaction_id = i.id "
    "WHERE i.id = d.cause_id AND c.account_id {in}) AND "
)


def listed(
    session: Session, *, person: str = "", trigger: str = "", verdict: str = "", before: Place = NEWEST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[DecisionShown]:  # fmt: skip
    """The newest first, narrowed by person (a root), trigger (a name) and verdict."""
    wanted = [("p.root_id", person), ("t.name", trigger), ("d.verdict", verdict)]
    narrowed = "".join(f"AND {column} = {{p}} " for column, value in wanted if value)
    rows = _rows(
        session,
        f"(d.decided_at, d.id) < ({{p}}, {{p}}) {narrowed}ORDER BY d.decided_at DESC, d.id DESC LIMIT {{p}}",
        reader,
        *before,
        *(value for _, value in wanted if value),
        limit,
    )
    return [DecisionShown(**_fields(row)) for row in rows]


def place(session: Session, decision_id: str) -> Place:
    """Where it stands in the list."""
    return sql.run(session, "SELECT decided_at, id FROM decision WHERE id = {p}", decision_id)[0]


def detail(session: Session, decision_id: str, reader: AccessScope = EVERYTHING) -> DecisionDetail:
    """Raises `NotFound`, also for one about something that the reader may not read."""
    rows = _rows(session, "d.id = {p}", reader, decision_id)
    if not rows:
        raise NotFound("There is no such decision.", code="no_such_decision")
    evidence, chain = sql.run(session, "SELECT evidence, chain FROM decision WHERE id = {p}", decision_id)[0]
    return DecisionDetail(
        **_fields(rows[0]),
        evidence=readable(session, msgspec.json.decode(evidence), reader),
        chain=_names(session, msgspec.json.decode(chain)),
        followups=_ids(session, "SELECT id FROM followup WHERE decision_id = {p} ORDER BY id", decision_id),
        tasks=_ids(session, "SELECT id FROM task WHERE decision_id = {p} ORDER BY id", decision_id),
        steps=shown_steps.of_decision(session, decision_id),
        deliveries=_ids(session, "SELECT id FROM delivery WHERE decision_id = {p} ORDER BY id", decision_id),
    )


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


def _rows(session: Session, narrowed: str, reader: AccessScope, *values: Any) -> list[tuple[Any, ...]]:
    if reader.accounts is None:
        return sql.run(session, _SELECT + narrowed, *values)
    return sql.select_in(session, _SELECT + _SEEN + narrowed, reader.accounts, *values)


def _fields(row: tuple[Any, ...]) -> dict[str, Any]:
    each, person, trigger, version, verdict, reason, at, decided, cause = row
    return {
        "id": each, "person": person, "trigger": trigger, "version": version, "verdict": verdict,
        "at": clock.to_text(at), "decided_at": clock.to_text(decided), "cause": cause,
        **fields(reason_texts.read(reason)),
    }  # fmt: skip


def _names(session: Session, triggers: list[str]) -> list[str]:
    known = dict(sql.select_in(session, "SELECT id, name FROM trigger_rule WHERE id {in}", triggers))
    return [str(known.get(each, each)) for each in triggers]


def _ids(session: Session, statement: str, decision_id: str) -> list[str]:
    return [each for (each,) in sql.run(session, statement, decision_id)]

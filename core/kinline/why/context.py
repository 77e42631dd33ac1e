"""What stood beside a decision: chance, what led to it and what it led to, other triggers, and other ways to the person."""

from typing import Any

from sqlmodel import Session

from kinline import reason_texts
from kinline.accounts.reader import AccessScope, seen_by
from kinline.clock import HOUR
from kinline.decide.verdicts import DEEPEST
from kinline.followups import weighing
from kinline.identity.persons import members
from kinline.reasons import Reason, Reasoned, fields
from kinline.store import sql
from kinline.triggers.definition import HOLD_OUT
from kinline.why.parts import ExplanationPart, stamp

#: What other triggers decided about a person so near in time is told beside a decision.
NEAR = HOUR
MOST = 20


class Given(ExplanationPart, frozen=True):
    """The arm of an experiment that chance gave them: at this decision, or at the one that ``first`` names."""

    experiment: str
    arm: str
    person: str  #: whose id was hashed
    first: str | None
    held_out: bool


class Considered(Reasoned, frozen=True, kw_only=True):
    """What another trigger decided. ``same``: about the same interaction, and not only at about the same time."""

    decision: str
    trigger: str
    verdict: str
    at: str
    same: bool


class Cascade(ExplanationPart, frozen=True):
    """The triggers that led here, this one last, and how many may follow each other. ``stopped``: it ended here."""

    triggers: list[str]
    depth: int
    deepest: int = DEEPEST
    stopped: bool = False


class WayShown(ExplanationPart, frozen=True):
    """A way to the person that there was, and why it was taken or not."""

    channel: str
    account: str
    handle: str
    taken: bool
    why: str

    @property
    def because(self) -> Reason:
        return reason_texts.read(self.why)


def given(evidence: dict[str, Any]) -> Given | None:
    """What chance gave them, out of an evidence."""
    found: dict[str, str] = evidence.get("experiment", {})
    if not found:
        return None
    return Given(
        experiment=found["name"], arm=found["arm"], person=found["person"], first=found["first"] or None,
        held_out=found["arm"] == HOLD_OUT,
    )  # fmt: skip


def cascade(session: Session, led: list[str], reason: str) -> Cascade:
    """The triggers by name, of which the ids stand with a decision."""
    names = dict(sql.select_in(session, "SELECT id, name FROM trigger_rule WHERE id {in}", led))
    stopped = len(led) > DEEPEST and bool(reason)
    return Cascade(triggers=[str(names.get(each, each)) for each in led], depth=len(led), stopped=stopped)


_OTHERS = (
    "SELECT d.id, coalesce(t.name, d.trigger_id), d.verdict, d.reason, d.at, d.cause_id FROM decision d "
    "LEFT JOIN trigger_rule t ON t.id = d.trigger_id WHERE d.person_id {in} AND "
)


def considered(
    session: Session, root: str, decision: str, *, cause: str | None, at: int, reader: AccessScope
) -> list[Considered]:
    """What other triggers decided about this person, about the same interaction or within an hour."""
    rows = sql.select_in(
        session,
        f"{_OTHERS} d.id <> {{p}} AND (d.cause_id = {{p}} OR d.at BETWEEN {{p}} AND {{p}}) "
        "ORDER BY d.at, d.id LIMIT {p}",
        members(session, root), decision, cause or "", at - NEAR, at + NEAR, MOST,
    )  # fmt: skip
    return _shown(session, rows, cause, reader)


def led_to(session: Session, root: str, interactions: list[str], reader: AccessScope) -> list[Considered]:
    """What triggers decided about what went out because of a decision."""
    rows = [
        row
        for interaction in interactions
        for row in sql.select_in(
            session, f"{_OTHERS} d.cause_id = {{p}} ORDER BY d.at, d.id LIMIT {{p}}", members(session, root), interaction, MOST
        )
    ]  # fmt: skip
    return _shown(session, rows, None, reader)


def ways(session: Session, followups: dict[str, str | None], reader: AccessScope) -> dict[str, list[WayShown]]:
    """The ways that were weighed for each of these follow-ups, as far as the reader may know of their accounts."""
    found = {each: weighing.read(stored) for each, stored in followups.items()}
    every = [way for listed in found.values() for way in listed]
    handles = weighing.handles(session, every)
    names = dict(sql.select_in(session, "SELECT id, name FROM account WHERE id {in}", {way.account for way in every}))
    return {
        followup: [
            WayShown(
                channel=way.channel, account=names.get(way.account, ""), handle=handles.get(way.identity, ""),
                taken=way.taken, why=way.why,
            )
            for way in listed
            if reader.accounts is None or way.account in reader.accounts
        ]
        for followup, listed in found.items()
    }  # fmt: skip


def _shown(session: Session, rows: list[tuple[Any, ...]], cause: str | None, reader: AccessScope) -> list[Considered]:
    seen = seen_by(session, {row[5] for row in rows if row[5]}, reader)
    return [
        Considered(
            decision=each, trigger=name, verdict=verdict, at=stamp(at), same=bool(cause) and about == cause,
            **fields(reason_texts.read(reason)),
        )
        for each, name, verdict, reason, at, about in rows
        if reader.accounts is None or about in seen
    ]  # fmt: skip

"""Which arm of an experiment a person is in: the one they were first given, or else what the hash says.

The first counts over everybody who was joined, and stands on the decision that gave it. An arm that the experiment
has no more is forgotten, and they are assigned anew.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlmodel import Session

from kinline.catalogue.trigger_store import Active
from kinline.identity.persons import members
from kinline.store import sql
from kinline.triggers.definition import HOLD_OUT

#: Arms that were given, by trigger and experiment, the earliest first.
Given = dict[tuple[str, str], "list[AssignedArm]"]


class AssignedArm(msgspec.Struct, frozen=True):
    """``person`` is whose id was hashed; ``first`` the decision that gave the arm, "" where this one does."""

    experiment: str
    name: str
    person: str
    first: str = ""

    @property
    def held_out(self) -> bool:
        return self.name == HOLD_OUT

    def evidence(self) -> dict[str, Any]:
        return {"experiment": {"name": self.experiment, "arm": self.name, "person": self.person, "first": self.first}}


def given(session: Session, root: str, triggers: Iterable[Active]) -> Given:
    """The arms that anybody who is this person now was given."""
    if all(trigger.compiled.experiment is None for trigger in triggers):
        return {}
    rows = sql.select_in(
        session,
        "SELECT trigger_id, experiment, arm, person_id, id FROM decision WHERE person_id {in} AND arm IS NOT NULL "
        "ORDER BY decided_at, id",
        members(session, root),
    )
    found: Given = {}
    for trigger, experiment, arm, person, decision in rows:
        found.setdefault((trigger, experiment), []).append(AssignedArm(experiment, arm, person, decision))
    return found


def assigned(trigger: Active, root: str, before: Given) -> AssignedArm | None:
    """The arm of this person in this trigger's experiment; None where it has none."""
    experiment = trigger.compiled.experiment
    if experiment is None:
        return None
    odds = experiment.odds
    known = next((arm for arm in before.get((trigger.id, experiment.name), ()) if arm.name in odds), None)
    return known or AssignedArm(experiment.name, experiment.arm_of(root), root)

"""Which arm of an experiment a person is in: the one they were first given, or else what the hash says.

The first counts over everybody who was joined, and stands on the decision that gave it. An arm that the experiment
has no more is forgotten, and they are assigned anew.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline.catalogue.trigger_store import Active
from kinline.identity.persons import members
from kinline.store.ask import Ask, among
from kinline.store.models import Decision
from kinline.triggers.definition import HOLD_OUT

#: Arms that were given, by trigger and experiment, the earliest first.
Given = dict[tuple[str, str], "list[AssignedArm]"]


class _GivenArm(msgspec.Struct, frozen=True):
    trigger_id: str
    experiment: str
    arm: str
    person_id: str
    id: str


_GIVEN = Ask(
    select(*[col(getattr(Decision, name)) for name in _GivenArm.__struct_fields__])
    .where(among(col(Decision.person_id), "people"), col(Decision.arm).is_not(None))
    .order_by(col(Decision.decided_at), col(Decision.id)),
    _GivenArm,
)


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
    return given_many(session, {root: (members(session, root), triggers)}).get(root, {})


def given_many(session: Session, people: Mapping[str, tuple[list[str], Iterable[Active]]]) -> dict[str, Given]:
    """The same of several persons: by root all who are joined in it, and the triggers that are asked."""
    of = {
        member: root
        for root, (joined, triggers) in people.items()
        if any(trigger.compiled.experiment is not None for trigger in triggers)
        for member in joined
    }
    found: dict[str, Given] = {}
    for row in _GIVEN.rows(session, people=sorted(of)) if of else ():
        arm = AssignedArm(row.experiment, row.arm, row.person_id, row.id)
        found.setdefault(of[row.person_id], {}).setdefault((row.trigger_id, row.experiment), []).append(arm)
    return found


def assigned(trigger: Active, root: str, before: Given) -> AssignedArm | None:
    """The arm of this person in this trigger's experiment; None where it has none."""
    experiment = trigger.compiled.experiment
    if experiment is None:
        return None
    odds = experiment.odds
    known = next((arm for arm in before.get((trigger.id, experiment.name), ()) if arm.name in odds), None)
    return known or AssignedArm(experiment.name, experiment.arm_of(root), root)

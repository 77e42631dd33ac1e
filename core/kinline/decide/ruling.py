"""The rules first, then chance: what becomes of a fire, and as whom it acts where an experiment has assigned somebody."""

import msgspec

from kinline.catalogue.trigger_store import Active
from kinline.decide.rounds import FoundFire
from kinline.decide.verdicts import HELD_OUT, chain, rule, too_deep
from kinline.experiments.assignment import Given, assigned
from kinline.triggers import Fire, Seen
from kinline.words import Verdict


def ruled(
    trigger: Active,
    fire: Fire,
    *,
    root: str,
    arms: Given,
    seen: dict[str, Seen],
    now: int,
    only_housekeeping: bool,
    existing: int | None = None,
) -> FoundFire:
    """The ruling on a fire. Only who would be acted for is assigned to an arm, and then the trigger is that arm's."""
    ruling = rule(trigger, fire, seen, now, only_housekeeping=only_housekeeping, existing=existing)
    ruling = too_deep(ruling, chain(trigger, fire, seen))
    arm = assigned(trigger, root, arms) if ruling.verdict is Verdict.FIRED else None
    if arm is None:
        return FoundFire(trigger, fire, ruling)
    if arm.held_out:
        return FoundFire(trigger, fire, HELD_OUT, arm)
    theirs = msgspec.structs.replace(trigger, compiled=trigger.compiled.acting(arm.name))
    return FoundFire(theirs, fire, ruling, arm)

"""``start``: another trigger acts as if it had fired, with a decision of its own under its own rules.

Its ``who``, its once-key, its lateness and its state hold; what counted is what counted for the trigger that starts it.
"""

import msgspec

from kinline.catalogue import trigger_store
from kinline.decide.action_context import Acting
from kinline.decide.rounds import FoundFire
from kinline.decide.ruling import ruled
from kinline.experiments.assignment import given
from kinline.triggers import Fire, answered, once_of


def begun(acting: Acting, name: str) -> FoundFire | str:
    """The trigger, its fire and the ruling on it; or a sentence why it does not start."""
    target = trigger_store.looking(acting.session, name)
    if target is None:
        return f"start: the trigger “{name}” is not live"
    if target.id in acting.led:
        return f"start: the trigger “{name}” led here itself"
    fire = Fire(
        episode=f"started:{acting.decision_id}", at=acting.at, evidence=acting.fire.evidence, step=acting.fire.step + 1
    )
    fire = msgspec.structs.replace(fire, once=once_of(target.compiled, fire))
    ours = answered(acting.history, fire.evidence.about, acting.now)
    if not target.compiled.addresses(acting.history.person_at(fire.at, fire.step), answered=ours):
        return f"start: the trigger “{name}” is for others, its `who` does not hold"
    seen = {one.id: one for one in acting.history.seen}
    arms = given(acting.session, acting.root, [target])
    found = ruled(target, fire, root=acting.root, arms=arms, seen=seen, now=acting.now, only_housekeeping=False)
    return f"start: the trigger “{name}” was not live yet" if found.ruling.verdict is None else found

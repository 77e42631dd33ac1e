"""Experiments: who gets what, by a hash that anybody can compute again.

``SHA-256("<trigger>/<experiment>:<person id>")``, as UTF-8, is a number of 256 bits. Its first 64 bits, as a part of
2^64, say whether somebody is held out; the next 64 bits, as a part of all weights, which variant they get. So a
hold-out that grows moves nobody from one variant to another, and two experiments know nothing of each other.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

from kinline.triggers.definition import HOLD_OUT, Definition
from kinline.triggers.filters import Matcher, compile_filter
from kinline.triggers.percentages import WHOLE

ACTED = "acted"  #: the arm of everybody who is not held out, where there are no variants
BITS = 64


@dataclass(frozen=True)
class Experiment:
    """A compiled experiment. ``arms`` are the weights of its variants by name, without the hold-out."""

    id: str
    name: str
    held_out: int  #: of everybody, in hundredths of a per cent
    arms: dict[str, int]
    desired: Matcher
    within: int  #: µs
    time: str  #: the same as it was written

    def arm_of(self, person_id: str) -> str:
        """The variant of this person, or ``hold-out``. The same for ever, as long as the odds are."""
        digest = sha256(f"{self.id}:{person_id}".encode()).digest()
        out, place = (int.from_bytes(digest[at : at + 8], "big") for at in (0, 8))
        if out * WHOLE < self.held_out << BITS:
            return HOLD_OUT
        chosen = place * sum(self.arms.values()) >> BITS
        return next(name for name, end in zip(self.arms, accumulate(self.arms.values()), strict=True) if chosen < end)

    @property
    def odds(self) -> dict[str, float]:
        """How large a part of everybody each arm gets, the one that others are compared with first."""
        out, weights = self.held_out / WHOLE, sum(self.arms.values())
        shares = {name: (1 - out) * weight / weights for name, weight in self.arms.items()}
        return {HOLD_OUT: out, **shares} if self.held_out else shares


def compile_experiment(definition: Definition, trigger_id: str) -> Experiment | None:
    """Compile it, where there is one. Raises `Invalid` with a pointer into the definition."""
    given = definition.experiment
    if given is None:
        return None
    pointer = "/experiment/outcome/did"
    return Experiment(
        id=f"{definition.name}/{given.name}",
        name=given.name,
        held_out=given.hold_out.parts if given.hold_out else 0,
        arms={variant.name: variant.weight for variant in given.variants} or {ACTED: 1},
        desired=compile_filter(given.outcome.did, side="them", own=trigger_id, pointer=pointer),
        within=given.outcome.within.micros,
        time=given.outcome.within.text,
    )

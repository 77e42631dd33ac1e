"""``sequence``: one thing after another, on any channel, within a time, with nothing of a kind in between.

It comes about at the interaction that ends the last step. Each interaction takes one step at most; among the chains
that could end there, the one that began latest counts, so ``within`` is as easily met as it can be. What completed a
sequence is used up: the next one begins behind it. Something that ``without`` names ends every chain that began
before it. Only what came before an interaction decides about it, so later ones never take a fire back.
"""

from collections import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import Duration
from kinline.triggers.filters import Filter, Interest, Matcher, compile_filter, verified
from kinline.triggers.history import Seen
from kinline.triggers.outcomes import Absence, Evidence, Fire
from kinline.triggers.parts import Part


class Sequence(Part, frozen=True, kw_only=True):
    """One thing after another, within a time from the first to the last, with nothing of a kind in between."""

    steps: Annotated[tuple[Filter, ...], Meta(min_length=2, max_length=10)]
    within: Duration | None = None
    without: Filter | None = None


Chain = tuple[Seen, ...]


@dataclass(frozen=True)
class SequenceCondition:
    steps: tuple[Matcher, ...]
    without: Matcher | None
    within: int | None
    looked_for: str
    verified_only: bool

    def outcomes(self, sight: Sight) -> Iterator[Fire]:
        return (
            Fire(episode=chain[-1].id, at=chain[-1].at, evidence=self._evidence(chain)) for chain in self._chains(sight)
        )

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        """From its last step on; with ``within``, for as long as its first step is no longer ago than that."""
        for chain in reversed(self._chains(sight)):
            if chain[-1].at <= at:
                fresh = self.within is None or chain[0].at > at - self.within
                return self._evidence(chain) if fresh else None
        return None

    def interests(self) -> frozenset[Interest]:
        """It comes about at its last step; an earlier one that comes late may be what it lacked."""
        return frozenset().union(*(step.interests() for step in self.steps))

    @property
    def lookback(self) -> int | None:
        return self.within

    def _chains(self, sight: Sight) -> list[Chain]:
        return sight.once(self, lambda: list(self._walk(sight.history.seen)))

    def _walk(self, history: abc.Sequence[Seen]) -> Iterator[Chain]:
        begun: list[Chain] = [()] * len(self.steps)  #: by steps taken, the chain that began latest
        for seen in history:
            if self.without is not None and self.without.matches(seen):
                begun = [()] * len(self.steps)
            if not self._counts(seen):
                continue
            for place in reversed(range(len(self.steps))):
                before = begun[place - 1] if place else ()
                if (place and not before) or not self.steps[place].matches(seen) or not self._in_time(before, seen):
                    continue
                begun[place] = (*before, seen)
                if place == len(self.steps) - 1:
                    yield begun[place]
                    begun = [()] * len(self.steps)
                    break

    def _in_time(self, chain: Chain, seen: Seen) -> bool:
        return not chain or self.within is None or chain[0].at > seen.at - self.within

    def _counts(self, seen: Seen) -> bool:
        return not self.verified_only or verified(seen)

    def _evidence(self, chain: Chain) -> Evidence:
        last = chain[-1]
        missed = Absence(of="anyone", looked_for=self.looked_for, since=chain[0].at, until=last.at)
        return Evidence(
            interactions=tuple(seen.id for seen in chain),
            about=last.id,
            conversation=last.conversation,
            absences=(missed,) if self.without else (),
            read=self.steps[-1].read(last),
            proved=all(verified(seen) for seen in chain),
        )


def compile_sequence(written: Sequence, pointer: str, terms: ConditionTerms) -> SequenceCondition:
    steps = tuple(
        compile_filter(step, side="them", own=terms.own, pointer=f"{pointer}/steps/{at}")
        for at, step in enumerate(written.steps)
    )
    without = written.without
    return SequenceCondition(
        steps=steps,
        without=compile_filter(without, side="anyone", own="", pointer=f"{pointer}/without") if without else None,
        within=written.within.micros if written.within else None,
        looked_for=f"anything with {without.said()}" if without else "",
        verified_only=terms.verified_only and not any(step.standing for step in written.steps),
    )


SEQUENCE = ConditionType(
    word="sequence",
    shape=Sequence,
    compile=compile_sequence,
    says="One thing after another, on any channel, within a time, with nothing of a kind in between.",
    fields={
        "steps": "2 to 10 filters, in their order.",
        "within": "How soon the last must come after the first.",
        "without": "Nothing of this by anyone in between.",
    },
    starts=lambda written: written.steps[-1],
)

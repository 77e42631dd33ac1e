"""What every condition can be asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar

from kinline.triggers.filters import Interest
from kinline.triggers.history import LAST, History
from kinline.triggers.outcomes import Evidence, Outcome

T = TypeVar("T")


@dataclass(frozen=True)
class Sight:
    """One look at one person: the history, the moment, and what was already worked out in this look.

    ``step``: the step of an instant as of which `Condition.holds` is asked.
    """

    history: History
    now: int
    step: int = LAST
    _worked_out: dict[int, Any] = field(default_factory=dict)

    def as_of(self, step: int) -> "Sight":
        """The same look, at a step of the instant that is asked about."""
        return self if step == self.step else replace(self, step=step)

    def once(self, owner: object, work: Callable[[], T]) -> T:
        """The answer of ``work`` for this owner, worked out the first time only."""
        key = id(owner)
        if key not in self._worked_out:
            self._worked_out[key] = work()
        answer: T = self._worked_out[key]
        return answer


class ConditionTerms(NamedTuple):
    """What a condition is compiled under.

    ``own``: the trigger's id. ``verified_only``: the trigger moves a stage, so that only verified interactions
    start anything. ``inherit``: nothing of it reaches a person; then a claimed interaction may set a clock anew
    that a verified one started.
    """

    own: str
    verified_only: bool = False
    inherit: bool = False


class Condition(Protocol):
    """A condition has moments at which it comes about, and it holds, or not, at any moment.

    ``all`` is made of both: one of its parts comes about while the others hold.
    """

    def outcomes(self, sight: Sight) -> Iterable[Outcome]:
        """Every episode in the history: fired (also in the future of ``now``), waiting, or settled."""
        ...

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        """Why it is true at a moment; None if it is not."""
        ...

    def interests(self) -> frozenset[Interest]:
        """Which interactions can make it come about, or wait."""
        ...

    @property
    def lookback(self) -> int | None:
        """How far before a moment the history must reach to decide about it (µs); None for all of it."""
        ...

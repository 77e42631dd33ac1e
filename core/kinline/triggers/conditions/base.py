"""What a condition is: a word with its shape, and once compiled, what can be asked of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from kinline.triggers.filters import Filter, Interest
from kinline.triggers.history import LAST, History
from kinline.triggers.outcomes import Evidence, Outcome

T = TypeVar("T")
W = TypeVar("W")  #: what is written under a word


@dataclass(frozen=True)
class Sight:
    """One look at one person: the history, the moment, and what was already worked out in this look.

    ``step``: the step of an instant as of which `CompiledCondition.holds` is asked.
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


class CompiledCondition(Protocol):
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


@dataclass(frozen=True, eq=False)
class ConditionType(Generic[W]):
    """A word of ``when``: what is written under it, what that is compiled to, and what is said of it.

    ``shape``: the type that is read, mostly a `Part`. ``compile`` gets it, where it stands (JSON pointer) and the terms; it
    raises `Invalid`.
    """

    word: str
    shape: object
    compile: Callable[[W, str, ConditionTerms], CompiledCondition]
    says: str  #: what an editor shows beside the word
    fields: Mapping[str, str] = field(default_factory=dict)  #: what it shows beside the words under it
    starts: Callable[[W], Filter | None] = lambda written: None  #: the filter of what makes it come about
    judged: Callable[[W], Filter | None] = lambda written: None  #: the filter of what scorers judge for it
    from_plugin: bool = False
    narrow: bool = False  #: it does not come about at whatever anybody does
    advise: Callable[[W], Iterable[str]] = lambda written: ()  #: sentences for the author


AnyConditionType = ConditionType[Any]


class ConditionDefinition:
    """A condition as it was written: its word, and what stands under it."""

    __slots__ = ("type", "written")

    def __init__(self, type: AnyConditionType, written: Any) -> None:
        self.type = type
        self.written = written

    @property
    def word(self) -> str:
        return self.type.word

    def compile(self, pointer: str, terms: ConditionTerms) -> CompiledCondition:
        """Compile what stands at this pointer. Raises `Invalid`."""
        return self.type.compile(self.written, f"{pointer}/{self.word}", terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConditionDefinition) and (self.word, self.written) == (other.word, other.written)

    def __hash__(self) -> int:
        return hash((self.word, self.written))

    def __repr__(self) -> str:
        return f"{self.word}: {self.written!r}"

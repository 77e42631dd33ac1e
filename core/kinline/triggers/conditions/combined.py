"""``all``, ``any`` and ``not`` over conditions.

``any`` comes about when one of its parts does. ``all`` comes about when one of its parts does while all the
others hold at that moment. ``not`` never comes about, it only holds: so it stands inside ``all``, beside
something that happens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from kinline.errors import Invalid
from kinline.triggers.conditions.base import (
    CompiledCondition,
    ConditionDefinition,
    ConditionTerms,
    ConditionType,
    Sight,
)
from kinline.triggers.conditions.did import DidCondition
from kinline.triggers.conditions.sentiment import LevelCondition
from kinline.triggers.conditions.sequence import SequenceCondition
from kinline.triggers.conditions.stage import StageCondition
from kinline.triggers.conditions.time import TimeCondition
from kinline.triggers.filters import Interest
from kinline.triggers.outcomes import Evidence, Fire, Outcome


@dataclass(frozen=True)
class AnyCondition:
    parts: tuple[CompiledCondition, ...]

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        return (outcome for part in self.parts for outcome in part.outcomes(sight))

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        return next((evidence for part in self.parts if (evidence := part.holds(sight, at))), None)

    def interests(self) -> frozenset[Interest]:
        return frozenset().union(*(part.interests() for part in self.parts))

    @property
    def lookback(self) -> int | None:
        return _most(part.lookback for part in self.parts)


@dataclass(frozen=True)
class AllCondition:
    parts: tuple[CompiledCondition, ...]

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        for part in self.parts:
            others = [other for other in self.parts if other is not part]
            for outcome in part.outcomes(sight):
                if not isinstance(outcome, Fire):
                    yield outcome
                elif evidence := _together(outcome.evidence, others, sight.as_of(outcome.step), outcome.at):
                    yield msgspec.structs.replace(outcome, evidence=evidence)

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        first, *others = self.parts
        evidence = first.holds(sight, at)
        return _together(evidence, others, sight, at) if evidence else None

    def interests(self) -> frozenset[Interest]:
        return frozenset().union(*(part.interests() for part in self.parts))

    @property
    def lookback(self) -> int | None:
        """As far as each part needs to come about, and as far as it needs to hold when another one does."""
        reaches = [part.lookback for part in self.parts]
        for part in self.parts:
            if any(other is not part and not isinstance(other, NotCondition) for other in self.parts):
                reaches.append(_memory(part))
        return _most(reaches)


@dataclass(frozen=True)
class NotCondition:
    part: CompiledCondition

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        return iter(())

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        return None if self.part.holds(sight, at) else Evidence()

    def interests(self) -> frozenset[Interest]:
        return frozenset()

    @property
    def lookback(self) -> int | None:
        return self.part.lookback


def _together(evidence: Evidence, others: Iterable[CompiledCondition], sight: Sight, at: int) -> Evidence | None:
    for other in others:
        more = other.holds(sight, at)
        if more is None:
            return None
        evidence = evidence.joined(more)
    return evidence


def _memory(part: CompiledCondition) -> int | None:
    """How far back it must see to tell whether it holds: what once happened may hold for ever since."""
    match part:
        case StageCondition() | TimeCondition():
            return 0
        case DidCondition(within=within) | SequenceCondition(within=within) | LevelCondition(within=within):
            return within
        case AnyCondition(parts=parts) | AllCondition(parts=parts):
            return _most(_memory(each) for each in parts)
        case NotCondition(part=inner):
            return _memory(inner)
    return None


def _most(reaches: Iterable[int | None]) -> int | None:
    found = list(reaches)
    return None if None in found else max(reach for reach in found if reach is not None)


def _compile_all(written: tuple[ConditionDefinition, ...], pointer: str, terms: ConditionTerms) -> AllCondition:
    if all(part.type is NOT for part in written):
        raise Invalid("`all` needs something that happens, beside `not`", code="never_happens", pointer=pointer)
    return AllCondition(tuple(part.compile(f"{pointer}/{at}", terms) for at, part in enumerate(written)))


def _compile_any(written: tuple[ConditionDefinition, ...], pointer: str, terms: ConditionTerms) -> AnyCondition:
    return AnyCondition(tuple(compile_condition(part, f"{pointer}/{at}", terms) for at, part in enumerate(written)))


def _compile_not(written: ConditionDefinition, pointer: str, terms: ConditionTerms) -> NotCondition:
    return NotCondition(written.compile(pointer, terms))


Several = Annotated[tuple[ConditionDefinition, ...], Meta(min_length=1, max_length=20)]
ALL = ConditionType("all", Several, _compile_all, "One of these comes about while all the others hold.")
ANY = ConditionType("any", Several, _compile_any, "One of these comes about.")
NOT = ConditionType(
    "not", ConditionDefinition, _compile_not, "It does not hold. Stands inside `all`, beside something that happens."
)


def compile_condition(part: ConditionDefinition, pointer: str, terms: ConditionTerms) -> CompiledCondition:
    """Compile a condition that can come about. Raises `Invalid`."""
    if part.type is NOT:
        raise Invalid(
            "`not` alone never happens at a moment; put it into `all`, beside something that does",
            code="never_happens", pointer=f"{pointer}/not",
        )  # fmt: skip
    return part.compile(pointer, terms)


def with_places(condition: ConditionDefinition, pointer: str) -> Iterator[tuple[str, ConditionDefinition]]:
    """A condition and all conditions inside it, each with its JSON pointer, from the given one of the first on."""
    yield pointer, condition
    here = f"{pointer}/{condition.word}"
    if condition.type is NOT:
        yield from with_places(condition.written, here)
    elif condition.type in (ALL, ANY):
        for at, part in enumerate(condition.written):
            yield from with_places(part, f"{here}/{at}")


def conditions(condition: ConditionDefinition) -> Iterator[ConditionDefinition]:
    """A condition and all conditions inside it."""
    return (part for _, part in with_places(condition, ""))

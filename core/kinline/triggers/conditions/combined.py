"""``all``, ``any`` and ``not`` over conditions, and the table of all words.

``any`` comes about when one of its parts does. ``all`` comes about when one of its parts does while all the
others hold at that moment. ``not`` never comes about, it only holds: so it stands inside ``all``, beside
something that happens.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from kinline.errors import Invalid
from kinline.triggers import definition as written
from kinline.triggers.conditions.base import Condition, ConditionTerms, Sight
from kinline.triggers.conditions.did import DidCondition, compile_did
from kinline.triggers.conditions.habit import compile_habit
from kinline.triggers.conditions.peer import compile_peer
from kinline.triggers.conditions.receipt import compile_receipt
from kinline.triggers.conditions.sentiment import LevelCondition, compile_sentiment
from kinline.triggers.conditions.sequence import SequenceCondition, compile_sequence
from kinline.triggers.conditions.silence import compile_silence
from kinline.triggers.conditions.stage import StageCondition, compile_stage
from kinline.triggers.conditions.time import TimeCondition, compile_time
from kinline.triggers.conditions.topic import compile_topic
from kinline.triggers.filters import Interest
from kinline.triggers.outcomes import Evidence, Fire, Outcome


@dataclass(frozen=True)
class AnyCondition:
    parts: tuple[Condition, ...]

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
    parts: tuple[Condition, ...]

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
    part: Condition

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        return iter(())

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        return None if self.part.holds(sight, at) else Evidence()

    def interests(self) -> frozenset[Interest]:
        return frozenset()

    @property
    def lookback(self) -> int | None:
        return self.part.lookback


def _together(evidence: Evidence, others: Iterable[Condition], sight: Sight, at: int) -> Evidence | None:
    for other in others:
        more = other.holds(sight, at)
        if more is None:
            return None
        evidence = evidence.joined(more)
    return evidence


def _memory(part: Condition) -> int | None:
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


def _compile_all(parts: tuple[written.ConditionDefinition, ...], pointer: str, terms: ConditionTerms) -> AllCondition:
    if all(part.word == "not_" for part in parts):
        raise Invalid("`all` needs something that happens, beside `not`", code="never_happens", pointer=pointer)
    compiled = (_compile(part, f"{pointer}/{at}", terms, beside=True) for at, part in enumerate(parts))
    return AllCondition(tuple(compiled))


def _compile_any(parts: tuple[written.ConditionDefinition, ...], pointer: str, terms: ConditionTerms) -> AnyCondition:
    return AnyCondition(tuple(compile_condition(part, f"{pointer}/{at}", terms) for at, part in enumerate(parts)))


def _compile_not(part: written.ConditionDefinition, pointer: str, terms: ConditionTerms) -> NotCondition:
    return NotCondition(_compile(part, pointer, terms, beside=True))


#: Every word, and what compiles it. A new condition is a new line here.
_WORDS: dict[str, Callable[[Any, str, ConditionTerms], Condition]] = {
    "did": compile_did,
    "silence": compile_silence,
    "broken_habit": compile_habit,
    "sequence": compile_sequence,
    "answered_by_peer": compile_peer,
    "stage": compile_stage,
    "time": compile_time,
    "receipt": compile_receipt,
    "sentiment": compile_sentiment,
    "topic": compile_topic,
    "all": _compile_all,
    "any": _compile_any,
    "not_": _compile_not,
}


def compile_condition(part: written.ConditionDefinition, pointer: str, terms: ConditionTerms) -> Condition:
    """Compile a condition that can come about. Raises `Invalid`."""
    return _compile(part, pointer, terms, beside=False)


def _compile(part: written.ConditionDefinition, pointer: str, terms: ConditionTerms, *, beside: bool) -> Condition:
    word = part.word
    here = f"{pointer}/{word.rstrip('_')}"
    if word == "not_" and not beside:
        raise Invalid(
            "`not` alone never happens at a moment; put it into `all`, beside something that does",
            code="never_happens",
            pointer=here,
        )
    return _WORDS[word](getattr(part, word), here, terms)

"""Conditions of plugins: what one gives is checked and kept at arm's length.

One that raises, or gives what cannot be, says nothing: no trigger with it fires or waits then, also where it stands in a
``not``. Neither does one whose plugin is not installed any more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import structlog

from kinline.contract.condition import MOST, AnyPluginCondition, ConditionWords, Moment, sound_moment
from kinline.errors import Invalid
from kinline.triggers.conditions.base import AnyConditionType, CompiledCondition, ConditionTerms, ConditionType, Sight
from kinline.triggers.filters import Filter, Interest, Matcher, compile_filter, verified
from kinline.triggers.outcomes import MAX_TOLD, Evidence, Fire, Outcome, Settled, Wait

log = structlog.get_logger(__name__)


class Unanswered(Exception):
    """A condition could not say anything about this person."""


@dataclass(frozen=True)
class PluginCondition:
    """A condition of a plugin, made for one trigger."""

    name: str
    made: AnyPluginCondition
    matcher: Matcher
    verified_only: bool

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        for moment in self._moments(sight):
            evidence, episode = self._evidence(sight, moment), moment.interactions[-1]
            if moment.until is not None and moment.until <= moment.at:
                yield Settled(episode=episode, at=moment.until, reason="moved_on", evidence=evidence)
            elif moment.at <= sight.now:
                yield Fire(episode=episode, at=moment.at, evidence=evidence)
            else:
                yield Wait(episode=episode, due_at=moment.at, evidence=evidence)

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        found = (m for m in self._moments(sight) if m.at <= at and (m.until is None or at < m.until))
        latest = max(found, key=lambda moment: moment.at, default=None)
        return None if latest is None else self._evidence(sight, latest)

    def interests(self) -> frozenset[Interest]:
        return self.matcher.interests()

    @property
    def lookback(self) -> int | None:
        """Nobody knows how far it looks, so all of it."""
        return None

    def _moments(self, sight: Sight) -> list[Moment]:
        return sight.once(self, lambda: self._asked(sight))

    def _asked(self, sight: Sight) -> list[Moment]:
        seen = tuple(
            each
            for each in sight.history.seen
            if self.matcher.matches(each) and (not self.verified_only or verified(each))
        )
        known = frozenset(each.id for each in seen)
        try:
            moments = [sound_moment(each, known) for each in islice(self.made.moments(seen, sight.now), MOST + 1)]
            if len(moments) > MOST:
                raise ValueError(f"it gave more than {MOST} moments")
        except (Exception, SystemExit) as error:  # whatever a foreign plugin does, the others are decided
            log.error("condition failed", condition=self.name, reason=f"{type(error).__name__}: {error}", exc_info=True)
            raise Unanswered(self.name) from error
        return moments

    def _evidence(self, sight: Sight, moment: Moment) -> Evidence:
        counted = frozenset(moment.interactions)
        seen = {each.id: each for each in sight.history.seen if each.id in counted}
        about = seen[moment.interactions[-1]]
        return Evidence(
            interactions=moment.interactions[-MAX_TOLD:],
            about=about.id,
            conversation=about.conversation,
            read={f"{self.name}.{name}": value for name, value in moment.read.items()},
            proved=all(map(verified, seen.values())),
        )


class MissingCondition:
    """A stored condition whose plugin is not here, or does not understand it any more: it says nothing."""

    lookback = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        raise Unanswered(self.name)

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        raise Unanswered(self.name)

    def interests(self) -> frozenset[Interest]:
        return frozenset()


def type_of(plugin: type[AnyPluginCondition]) -> AnyConditionType:
    """The word of a plugin, beside those that ship."""
    wanted = Filter(kind=tuple(sorted(plugin.kinds)))

    def compiled(written: ConditionWords, pointer: str, terms: ConditionTerms) -> CompiledCondition:
        try:
            made = plugin(written)
        except Exception as wrong:
            raise Invalid(str(wrong)[:500] or type(wrong).__name__, code="wrong_value", pointer=pointer) from wrong
        matcher = compile_filter(wanted, side=plugin.whose, own=terms.own, pointer=pointer)
        return PluginCondition(plugin.name, made, matcher, terms.verified_only)

    return ConditionType(
        plugin.name, plugin.words, compiled, plugin.title, narrow=True, from_plugin=True, judged=lambda written: None
    )


def missing_type(word: str) -> AnyConditionType:
    """What stands for a word whose plugin is not here, with whatever was written under it."""
    return ConditionType(
        word, object, lambda written, pointer, terms: MissingCondition(word), "", narrow=True, from_plugin=True
    )

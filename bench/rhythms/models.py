"""How long to wait for somebody: each model with one screw, so that all can be set to one rate of false alarms.

`level` says how far the screw must be turned for an alarm after so many days, as a logarithm; `patience` is its
inverse. More days are never a lower level.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from kinline.triggers.rhythm import PATIENCE, WEIGHT, Rhythm
from rhythms.bgnbd import Parameters
from rhythms.populations import Episode, Population

WEEK = 7
#: A level that is reached for certain.
BEYOND = math.inf


class Model(Protocol):
    @property
    def name(self) -> str: ...

    def level(self, episode: Episode, days: float) -> float: ...

    def patience(self, episode: Episode, level: float) -> float: ...


@dataclass(frozen=True)
class Multiple:
    """A factor times some length that is worked out of the gaps: a fixed time is a factor times one day."""

    name: str
    length: Callable[[Episode], float]

    def level(self, episode: Episode, days: float) -> float:
        return math.log(days / self.length(episode)) if days > 0 else -math.inf

    def patience(self, episode: Episode, level: float) -> float:
        return self.length(episode) * math.exp(level)


@dataclass(frozen=True)
class AtMost:
    """Another model, and never more than so many days."""

    name: str
    model: Model
    days: float

    def level(self, episode: Episode, days: float) -> float:
        return BEYOND if days > self.days else self.model.level(episode, days)

    def patience(self, episode: Episode, level: float) -> float:
        return min(self.days, self.model.patience(episode, level))


@cache
def _leaning(episode: Episode, usual: float, spread: float) -> tuple[float, float]:
    """Mean and deviation of the logarithms of the gaps, with four gaps of everybody's."""
    logs = [math.log(gap) for gap in episode.gaps]
    mean = (sum(logs) + 4 * math.log(usual)) / (len(logs) + 4)
    variance = (sum((each - mean) ** 2 for each in logs) + 4 * spread**2) / (len(logs) + 4)
    return mean, math.sqrt(variance)


@dataclass(frozen=True)
class LogNormal:
    """So many deviations above the mean of the logarithms: who is irregular is waited for longer.

    Both the mean and the deviation lean on those of all people, as if four further gaps had been seen.
    """

    usual: float
    spread: float
    name: str = "log-normal, own spread"

    def _of(self, episode: Episode) -> tuple[float, float]:
        return _leaning(episode, self.usual, self.spread)

    def level(self, episode: Episode, days: float) -> float:
        mean, deviation = self._of(episode)
        return (math.log(days) - mean) / deviation if days > 0 else -math.inf

    def patience(self, episode: Episode, level: float) -> float:
        mean, deviation = self._of(episode)
        return math.exp(mean + level * deviation)


@dataclass(frozen=True)
class BgNbd:
    """BG/NBD: an alarm when somebody is dead more probably than so (Fader, Hardie and Lee 2005, equation for P(alive)).

    The level is the logarithm of the odds of being dead.
    """

    parameters: Parameters
    name: str = "BG/NBD"

    def _seen(self, episode: Episode) -> tuple[int, float, float]:
        """Times bought again, over how many weeks, and the odds at the last of them."""
        _, alpha, a, b = self.parameters
        again = len(episode.gaps)
        return again, alpha + sum(episode.gaps) / WEEK, math.log(a / (b + again - 1))

    def level(self, episode: Episode, days: float) -> float:
        again, weeks, odds = self._seen(episode)
        return odds + (self.parameters[0] + again) * math.log1p(days / WEEK / weeks)

    def patience(self, episode: Episode, level: float) -> float:
        again, weeks, odds = self._seen(episode)
        power = (level - odds) / (self.parameters[0] + again)
        return weeks * math.expm1(min(power, 700)) * WEEK


FIXED: Model = Multiple("fixed threshold", lambda episode: 1.0)


def models(population: Population, parameters: Parameters | None, fixed: float) -> list[Model]:
    """All that are compared; ``fixed`` is the fixed threshold in days at this rate of false alarms.

    Without ``parameters`` BG/NBD is left out.
    """
    usual = population.usual
    ours = Multiple("**shipped**", lambda episode: shipped(episode, usual))
    return [
        FIXED,
        ours,
        AtMost("**shipped**, `at_most` a tenth over the fixed", ours, 1.1 * fixed),
        Multiple("**shipped**, `weight: 1000`", lambda episode: shipped(episode, usual, 1000)),
        Multiple("shipped, without `usual`", lambda episode: shipped(episode, None)),
        Multiple("shipped, without patience by number", lambda each: shipped(each, usual) / len(each.gaps) ** PATIENCE),
        Multiple("own median alone", cache(lambda episode: statistics.median(episode.gaps))),
        LogNormal(usual, _spread(population)),
        *([BgNbd(parameters)] if parameters else ()),
    ]


def shipped(episode: Episode, everybody: float | None, weight: int = WEIGHT) -> float:
    """What is unusual by a factor of one, as the hub works it out."""
    return _rhythm(episode).unusual(1, everybody, weight)


@cache
def _rhythm(episode: Episode) -> Rhythm:
    rhythm = Rhythm()
    for gap in episode.gaps:
        rhythm.add(gap)
    return rhythm


def _spread(population: Population) -> float:
    """How far the logarithms of a person's gaps lie around their mean."""
    logs = [[math.log(gap) for gap in each.gaps] for each in population.people if len(each.gaps) > 1]
    return math.sqrt(statistics.fmean(statistics.variance(each) for each in logs))

"""How sure one may be of a difference between two rates: for one planned look, and for looking at any time.

*One look*: Wilson's score interval for a rate, and Newcombe's hybrid of two of them for a difference (R. G. Newcombe,
Statistics in Medicine 17, 1998, 873-890, method 10).

*Any time*: for each pair of rates the likelihood, averaged over Beta(1/2, 1/2) in each arm, divided by that of the pair
is a martingale under that pair (the prior-posterior ratio; I. Waudby-Smith and A. Ramdas, NeurIPS 2020, and H. Robbins,
Annals of Mathematical Statistics 41, 1970, 1397-1409). By Ville's inequality the true pair ever reaches 1/alpha with a
chance of alpha at most, whenever and however often one looks. The interval is of all differences that some pair below
that has. It is exact, for any number of observations, and wider than that for one look.

*How likely*: independent Beta(1, 1) priors; the chance that one rate is above the other, by a sum over a fine grid.
"""

from collections.abc import Callable
from math import erfc, exp, inf, lgamma, log, pi, sqrt
from typing import NamedTuple

Z95 = 1.959963984540054  #: of the normal distribution, for 95 % between both sides
ALPHA = 0.05
_STEPS = 52  #: halvings: as many as a double has bits
_GRID = 4000


class HitRate(NamedTuple):
    """Of ``of`` persons ``hits`` did it."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        return self.hits / self.of if self.of else 0.0


class Interval(NamedTuple):
    low: float
    high: float


EVERYTHING = Interval(-1.0, 1.0)


def wilson(counted: HitRate) -> Interval:
    """The 95 % score interval of a rate. Of nobody it is everything."""
    hits, of = counted
    if not of:
        return Interval(0.0, 1.0)
    middle, wide = 2 * hits + Z95**2, Z95 * sqrt(Z95**2 + 4 * hits * (1 - hits / of))
    whole = 2 * (of + Z95**2)
    return Interval(max(0.0, (middle - wide) / whole), min(1.0, (middle + wide) / whole))


def newcombe(one: HitRate, other: HitRate) -> Interval:
    """The 95 % interval of ``one`` minus ``other``, right for one look that was planned."""
    if not one.of or not other.of:
        return EVERYTHING
    (low1, high1), (low2, high2) = wilson(one), wilson(other)
    difference = one.rate - other.rate
    return Interval(
        difference - sqrt((one.rate - low1) ** 2 + (high2 - other.rate) ** 2),
        difference + sqrt((high1 - one.rate) ** 2 + (other.rate - low2) ** 2),
    )


def surprise(one: HitRate, other: HitRate, difference: float) -> float:
    """How much (in nats) what was seen speaks against this difference, whichever rates make it.

    Under the true difference it ever exceeds ``log(1 / alpha)`` with a chance of ``alpha`` at most.
    """
    low, high = max(0.0, difference), min(1.0, 1.0 + difference)

    def slope(rate: float) -> float:
        return _slope(one, rate) + _slope(other, rate - difference)

    rate = _crossing(slope, low, high) if difference else (one.hits + other.hits) / max(1, one.of + other.of)
    return _against(one, rate) + _against(other, rate - difference)


def any_time(one: HitRate, other: HitRate, alpha: float = ALPHA) -> Interval:
    """The interval of ``one`` minus ``other`` that holds at all times together with a chance of 1 - ``alpha``."""
    if not one.of or not other.of:
        return EVERYTHING
    most, best = log(1 / alpha), one.rate - other.rate

    def too_far(difference: float) -> float:
        return surprise(one, other, difference) - most

    high = _crossing(too_far, best, 1.0) if too_far(1.0) > 0 else 1.0
    low = -_crossing(lambda back: too_far(-back), -best, 1.0) if too_far(-1.0) > 0 else -1.0
    return Interval(low, high)


def settled(one: HitRate, other: HitRate, alpha: float = ALPHA) -> bool:
    """Whether the interval for any time leaves out a difference of nought."""
    return bool(one.of and other.of) and surprise(one, other, 0.0) > log(1 / alpha)


def likely_more(one: HitRate, other: HitRate) -> float:
    """The chance that the rate behind ``one`` is above that behind ``other``, given what was seen."""
    (low1, high1), (low2, high2) = _reach(one), _reach(other)
    if low1 >= high2 or low2 >= high1:
        return float(low1 >= high2)
    low, wide = min(low1, low2), max(high1, high2) - min(low1, low2)
    grid = [low + wide * (step + 0.5) / _GRID for step in range(_GRID)]
    below = total = chance = 0.0
    for here, there in zip(_density(one, grid), _density(other, grid), strict=True):
        chance += here * (below + there / 2)
        below += there
        total += here
    return min(1.0, chance / (total * below))


def by_chance(seen: list[int], odds: list[float]) -> float:
    """How likely counts at least this far from their odds are by chance (Pearson's chi-square)."""
    of = sum(seen)
    if not of or len(seen) < 2:
        return 1.0
    square = sum((count - of * share) ** 2 / (of * share) for count, share in zip(seen, odds, strict=True))
    return _chi_square_above(square, len(seen) - 1)


def _against(counted: HitRate, rate: float) -> float:
    """The logarithm of the averaged likelihood over that of this rate."""
    hits, misses = counted.hits, counted.of - counted.hits
    averaged = lgamma(hits + 0.5) + lgamma(misses + 0.5) - lgamma(counted.of + 1) - log(pi)
    if (hits and rate <= 0) or (misses and rate >= 1):
        return inf
    return averaged - (hits * log(rate) if hits else 0.0) - (misses * log(1 - rate) if misses else 0.0)


def _slope(counted: HitRate, rate: float) -> float:
    hits, misses = counted.hits, counted.of - counted.hits
    falling = hits / rate if rate > 0 else (inf if hits else 0.0)
    rising = misses / (1 - rate) if rate < 1 else (inf if misses else 0.0)
    return rising - falling


def _crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that only rises passes nought, or the nearest end."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if rising(middle) > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _reach(counted: HitRate) -> Interval:
    """Where the rate is, given what was seen: eight standard deviations to both sides of its mean, and then some."""
    more, fewer = counted.hits + 1, counted.of - counted.hits + 1
    mean, whole = more / (more + fewer), more + fewer
    wide = 8 * sqrt(mean * (1 - mean) / (whole + 1)) + 16 / whole
    return Interval(max(0.0, mean - wide), min(1.0, mean + wide))


def _density(counted: HitRate, grid: list[float]) -> list[float]:
    """Of the rate given what was seen, at these points; not yet as parts of one."""
    hits, misses = counted.hits, counted.of - counted.hits
    logs = [hits * log(x) + misses * log(1 - x) for x in grid]
    top = max(logs)
    return [exp(each - top) for each in logs]


def _chi_square_above(square: float, freedom: int) -> float:
    """The upper tail, by the recurrence of the incomplete gamma function (DLMF 8.8.2)."""
    half, at = square / 2, (freedom % 2) / 2
    tail = erfc(sqrt(half)) if freedom % 2 else 0.0
    while at < freedom / 2:
        tail += exp(at * log(half) - half - lgamma(at + 1)) if half else float(at == 0)
        at += 1
    return min(1.0, tail)

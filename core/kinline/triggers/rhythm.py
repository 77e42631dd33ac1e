"""The model of a habit: how long somebody's gaps usually are, and from when on a gap is unusual; learned gap by gap.

The usual gap is the geometric mean of the gaps that were seen and of `WEIGHT` further ones of the length that is
usual among people in general, where the author states it. Gaps are positive and skewed, so their logarithms are
averaged: one long holiday counts little. Unusual is a factor times the usual gap, times a patience that grows with
the number of gaps: who came often seldom leaves for good. Two numbers are kept, and each gap costs one addition. What
was compared on real and made data, and why this is the model, stands in ``docs/habits.md``.
"""

from math import exp, log, pow

#: How many gaps of a person's own it takes for them to count as much as what is usual among people in general, unless
#: the author says another number.
WEIGHT = 10
#: The power of the number of gaps: 1.25 times as long after 3 gaps, 1.6 after 10, 2.2 after 50.
PATIENCE = 0.2


def model(weight: int) -> str:
    """What an explanation calls it; ``weight`` 0 where nothing is stated of people in general."""
    return f"log-mean {weight}, patience {PATIENCE}"


class Rhythm:
    """Somebody's gaps so far. Lengths are microseconds, or any other unit that is used throughout."""

    __slots__ = ("_logs", "gaps")

    def __init__(self) -> None:
        self.gaps = 0
        self._logs = 0.0

    def add(self, gap: float) -> None:
        """One more gap, longer than nothing."""
        self.gaps += 1
        self._logs += log(gap)

    def usual(self, everybody: float | None = None, weight: int = WEIGHT) -> float:
        """The usual gap; ``everybody`` is what is usual among people in general. At least one gap must be known."""
        if everybody is None:
            return exp(self._logs / self.gaps)
        return exp((self._logs + weight * log(everybody)) / (self.gaps + weight))

    def unusual(self, factor: float, everybody: float | None = None, weight: int = WEIGHT) -> float:
        """From when on a gap is unusual."""
        return factor * self.usual(everybody, weight) * pow(self.gaps, PATIENCE)

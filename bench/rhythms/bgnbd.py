"""BG/NBD in pure Python: its likelihood, and a search for its parameters.

Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005), equation 6. Weeks.
"""

from collections import Counter
from collections.abc import Callable
from math import exp, lgamma, log

from rhythms.populations import Population

Parameters = tuple[float, float, float, float]  #: r, alpha, a, b
WEEK = 7


def fitted(population: Population) -> Parameters:
    """The published parameters; where there are none, those of the greatest likelihood over all that was seen."""
    if population.published:
        return population.published
    seen = Counter(
        (len(each.gaps), sum(each.gaps) / WEEK, (population.end - each.days[0]) / WEEK) for each in population.people
    )

    def loss(logs: list[float]) -> float:
        found = tuple(exp(min(max(each, -9), 9)) for each in logs)
        return -sum(count * _likelihood(found, *customer) for customer, count in seen.items())

    r, alpha, a, b = (exp(min(max(each, -9), 9)) for each in downhill(loss, [0.0, 1.0, 0.0, 1.0], steps=240))
    return r, alpha, a, b


def _likelihood(found: tuple[float, ...], x: int, recency: float, age: float) -> float:
    """The logarithm of the likelihood of one customer: bought again ``x`` times, last after ``recency`` of ``age`` weeks."""
    r, alpha, a, b = found
    rest = lgamma(r + x) - lgamma(r) + r * log(alpha) + lgamma(a + b) + lgamma(b + x) - lgamma(b) - lgamma(a + b + x)
    alive = -(r + x) * log(alpha + age)
    if not x:
        return rest + alive
    dead = log(a) - log(b + x - 1) - (r + x) * log(alpha + recency)
    top = max(alive, dead)
    return rest + top + log(exp(alive - top) + exp(dead - top))


def downhill(loss: Callable[[list[float]], float], start: list[float], steps: int) -> list[float]:
    """The simplex of Nelder and Mead (1965), with their coefficients."""
    corners = [start, *([*start[:at], start[at] + 0.7, *start[at + 1 :]] for at in range(len(start)))]
    ranked = sorted((loss(each), each) for each in corners)
    for _ in range(steps):
        worst, middle = (
            ranked[-1],
            [sum(column) / (len(ranked) - 1) for column in zip(*(c for _, c in ranked[:-1]), strict=True)],
        )
        tried = _at(loss, middle, worst[1], -1.0)
        if tried < ranked[0]:
            tried = min(tried, _at(loss, middle, worst[1], -2.0))
        elif tried >= ranked[-2]:
            tried = min(_at(loss, middle, worst[1], -0.5), _at(loss, middle, worst[1], 0.5))
        if tried < worst:
            ranked[-1] = tried
        else:
            ranked = [ranked[0], *(_at(loss, ranked[0][1], each, 0.5) for _, each in ranked[1:])]
        ranked.sort()
    return ranked[0][1]


def _at(
    loss: Callable[[list[float]], float], middle: list[float], corner: list[float], by: float
) -> tuple[float, list[float]]:
    spot = [m + by * (c - m) for m, c in zip(middle, corner, strict=True)]
    return loss(spot), spot

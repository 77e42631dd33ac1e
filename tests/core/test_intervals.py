"""How sure one may be: against the books, against other ways to compute the same, and against chance itself."""

import random
from collections.abc import Callable
from math import exp, lgamma, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinline.experiments import intervals
from kinline.experiments.intervals import HitRate

COUNTS = st.integers(0, 3000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))).map(lambda x: HitRate(*x))
SEEN = COUNTS.filter(lambda counted: counted.of > 0)
DIFFERENCES = st.floats(-0.99, 0.99)


def test_an_interval_of_a_rate_is_that_of_the_book() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
    for counted, low, high in ((HitRate(81, 263), 0.2553, 0.3662), (HitRate(15, 148), 0.0624, 0.1605)):
        assert intervals.wilson(counted) == pytest.approx((low, high), abs=5e-5)
    assert intervals.wilson(HitRate(0, 20)) == pytest.approx((0, 0.1611), abs=5e-5)


def test_an_interval_of_a_difference_is_that_of_the_book() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10
    for one, other, low, high in (
        (HitRate(56, 70), HitRate(48, 80), 0.0524, 0.3339),
        (HitRate(9, 10), HitRate(3, 10), 0.1705, 0.8090),
        (HitRate(10, 10), HitRate(0, 20), 0.6791, 1.0),
    ):
        assert intervals.newcombe(one, other) == pytest.approx((low, high), abs=5e-5)


def test_chance_is_that_of_the_tables() -> None:
    for square, freedom in ((3.841459, 1), (5.991465, 2), (7.814728, 3), (9.487729, 4), (18.307038, 10)):
        assert intervals._chi_square_above(square, freedom) == pytest.approx(0.05, abs=1e-7)
    assert intervals.by_chance([50, 50], [0.5, 0.5]) == 1
    assert intervals.by_chance([900, 1100], [0.5, 0.5]) == pytest.approx(7.744e-6, rel=1e-3)


@settings(max_examples=30)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_how_likely_is_what_the_exact_sum_says(hits: int, misses: int, others: int, other_misses: int) -> None:
    # Given the closed form for whole numbers (E. Miller, Formulas for Bayesian A/B Testing)
    a, b, c, d = others + 1, other_misses + 1, hits + 1, misses + 1
    exact = sum(exp(_beta(a + i, b + d) - log(d + i) - _beta(1 + i, d) - _beta(a, b)) for i in range(c))

    assert intervals.likely_more(HitRate(hits, hits + misses), HitRate(others, others + other_misses)) == pytest.approx(
        exact, abs=1e-5
    )


def _beta(one: float, other: float) -> float:
    return lgamma(one) + lgamma(other) - lgamma(one + other)


@settings(max_examples=60)
@given(SEEN, SEEN)
def test_intervals_hold_what_was_seen_and_the_one_for_any_time_is_the_wider(one: HitRate, other: HitRate) -> None:
    once, ever = intervals.newcombe(one, other), intervals.any_time(one, other)
    seen = one.rate - other.rate

    assert -1 <= ever.low <= seen <= ever.high <= 1
    assert once.low - 1e-9 <= seen <= once.high + 1e-9
    assert intervals.any_time(one, other, 0.01).low <= ever.low + 1e-9
    if min(one.of, other.of) > 20:
        assert ever.high - ever.low > once.high - once.low


@settings(max_examples=60)
@given(SEEN, SEEN, DIFFERENCES)
def test_the_interval_for_any_time_is_what_is_not_too_surprising(
    one: HitRate, other: HitRate, difference: float
) -> None:
    low, high = intervals.any_time(one, other)
    surprise = intervals.surprise(one, other, difference)

    if abs(surprise - log(20)) > 1e-6:
        assert (low <= difference <= high) == (surprise < log(20))
    if abs(intervals.surprise(one, other, 0.0) - log(20)) > 1e-6:
        assert intervals.settled(one, other) == (low > 0 or high < 0)


@settings(max_examples=60)
@given(SEEN, SEEN)
def test_the_other_way_round_everything_is_the_other_way_round(one: HitRate, other: HitRate) -> None:
    low, high = intervals.any_time(one, other)

    assert intervals.any_time(other, one) == pytest.approx((-high, -low), abs=1e-9)
    assert intervals.likely_more(one, other) + intervals.likely_more(other, one) == pytest.approx(1, abs=1e-9)


#: The rate of both arms, and how many of ten are in the first.
NOTHING_IN_IT = [(0.03, 5), (0.2, 5), (0.5, 1)]
EXPERIMENTS, LONG = 1000, 400


@pytest.mark.parametrize(("rate", "first"), NOTHING_IN_IT)
def test_looking_after_every_person_finds_nothing_where_nothing_is(rate: float, first: int) -> None:
    # Given a thousand experiments in which both arms are the same, and somebody who looks after every single person
    fooled = sum(_fooled(random.Random(f"{rate}/{first}/{number}"), rate, first) for number in range(EXPERIMENTS))

    # Then at most one in twenty ever says otherwise
    assert fooled <= EXPERIMENTS * intervals.ALPHA


def _fooled(chance: random.Random, rate: float, first: int, long: int = LONG) -> bool:
    arms = [HitRate(0, 0), HitRate(0, 0)]
    for _ in range(long):
        arm = chance.random() * 10 >= first
        arms[arm] = HitRate(arms[arm].hits + (chance.random() < rate), arms[arm].of + 1)
        if intervals.settled(arms[0], arms[1]):
            return True
    return False


def test_a_difference_that_is_there_is_found() -> None:
    # Given experiments of two thousand in each arm, of whom ten and twenty per cent do it
    chance = random.Random(7)

    def arm(rate: float) -> HitRate:
        return HitRate(sum(chance.random() < rate for _ in range(2000)), 2000)

    found = [intervals.settled(arm(0.2), arm(0.1)) for _ in range(20)]

    assert all(found)


NOBODY: list[Callable[[HitRate, HitRate], object]] = [intervals.newcombe, intervals.any_time]


@pytest.mark.parametrize("interval", NOBODY)
def test_of_nobody_nothing_is_known(interval: Callable[[HitRate, HitRate], object]) -> None:
    assert interval(HitRate(0, 0), HitRate(3, 5)) == (-1, 1)
    assert not intervals.settled(HitRate(0, 0), HitRate(5000, 5000))
    assert intervals.likely_more(HitRate(0, 0), HitRate(0, 0)) == pytest.approx(0.5)

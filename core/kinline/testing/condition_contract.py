"""The conformance suite for conditions of plugins.

Use it in one test file of the plugin::

    class TestBurst(ConditionContract):
        condition = BurstCondition
        samples = (({"count": 2}, (0, 0.5), (0.5,)),)

A sample is what an author writes under the word, the hours at which the person did something, and the hours at which it
comes about, or is due.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec
import pytest

from kinline.clock import HOUR
from kinline.contract.condition import AnyPluginCondition, Moment, sound_moment
from kinline.contract.plugins import checked_condition
from kinline.contract.seen import Seen
from kinline.words import Direction, Kind, Role, Standing

#: When the samples begin (µs): some day in 2026.
START = 1_780_000_000_000_000
#: How long after the last interaction a sample is asked about.
LATER = 24 * 366 * HOUR
Sample = tuple[Mapping[str, object], tuple[float, ...], tuple[float, ...]]


class ConditionContract:
    """Inherit, set ``condition`` and ``samples``, and pytest does the rest."""

    condition: ClassVar[type[AnyPluginCondition]]
    samples: ClassVar[tuple[Sample, ...]]

    def test_it_says_what_it_is(self) -> None:
        assert checked_condition(self.condition) is self.condition

    def test_a_sample_comes_about_when_it_must(self) -> None:
        assert self.samples, "write some samples: what is written, what they did, and when it comes about"
        for written, hours, expected in self.samples:
            found = sorted(
                each.at for each in self._moments(written, hours) if each.until is None or each.until > each.at
            )
            assert found == [START + round(hour * HOUR) for hour in expected], f"{written} of {hours}"

    def test_its_moments_are_sound_and_the_same_of_the_same(self) -> None:
        for written, hours, _ in self.samples:
            moments = self._moments(written, hours)
            assert moments == self._moments(written, hours)
            assert [sound_moment(each, frozenset(map(str, range(len(hours))))) for each in moments] == moments

    def test_what_comes_later_takes_no_moment_back(self) -> None:
        for written, hours, _ in self.samples:
            for number in range(len(hours)):
                until = START + round(hours[number] * HOUR)
                before = [each.at for each in self._moments(written, hours[: number + 1]) if each.at <= until]
                assert before == [each.at for each in self._moments(written, hours) if each.at <= until]

    def test_nothing_seen_gives_nothing(self) -> None:
        for written, _, _ in self.samples:
            assert self._moments(written, ()) == []

    def test_an_unknown_word_under_it_is_refused(self) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"no_such_word": 1}, self.condition.words)

    def _moments(self, written: Mapping[str, object], hours: tuple[float, ...]) -> list[Moment]:
        made = self.condition(msgspec.convert(written, self.condition.words))
        return list(made.moments([seen(number, hour) for number, hour in enumerate(hours)], START + LATER))


def seen(number: int, hour: float) -> Seen:
    """A mail that somebody wrote us so many hours after the start."""
    at = START + round(hour * HOUR)
    return Seen(
        id=str(number), at=at, recorded_at=at, kind=Kind.MESSAGE, direction=Direction.INBOUND, channel="email",
        role=Role.AUTHOR, standing=Standing.VERIFIED,
    )  # fmt: skip

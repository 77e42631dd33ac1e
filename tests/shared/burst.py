"""A condition that finds bursts, and does worse where it was taught."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from kinline import Condition, ConditionWords, Moment, Seen

HOUR = 3_600_000_000


class BurstWords(ConditionWords, frozen=True, kw_only=True):
    """So many within an hour; due so many hours after the last."""

    count: int = 2
    later: int = 0

    def __post_init__(self) -> None:
        if self.count == 13:
            raise KeyError("a bug of the plugin")


class Burst(Condition[BurstWords]):
    """Comes about at each interaction that has enough others in the hour before it. ``taught``: does that instead."""

    name = "burst"
    title = "Much at once."
    words = BurstWords
    taught: ClassVar[Callable[[Sequence[Seen]], Any] | None] = None

    def moments(self, seen: Sequence[Seen], now: int) -> Iterable[Moment]:
        taught = type(self).taught
        if taught is not None:
            found: Iterable[Moment] = taught(seen)
            return found
        return [
            Moment(at=each.at + self.written.later * HOUR, interactions=ids, read={"count": len(ids)})
            for each in seen
            if len(ids := tuple(one.id for one in seen if each.at - HOUR < one.at <= each.at)) >= self.written.count
        ]

"""``did``: somebody did something: each time, or when it has become often enough.

Without ``count`` it comes about at each matching interaction. With ``count: n`` it comes about at the
interaction that makes it n: over the whole history, so once in a life; or, with ``within``, over a sliding
window, each time the number in the window *reaches* n: at that interaction there are n, just before it there
were fewer. What is once in a life has one episode: something older that comes late does not make it happen again.
The window before an interaction at t is (t - within, t]. ``distinct_channels`` asks the same of the
channels in the window. Only what came before an interaction decides about it, so later ones never take a
fire back.
"""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import Duration
from kinline.triggers.filters import Filter, Interest, Matcher, compile_filter, verified
from kinline.triggers.history import Seen
from kinline.triggers.outcomes import MAX_TOLD, Evidence, Fire
from kinline.triggers.parts import Count


class Did(Filter, frozen=True, kw_only=True):
    """Somebody did it: each time; or the time that makes it ``count``, within a sliding window."""

    count: Count | None = None
    within: Duration | None = None
    distinct_channels: Annotated[int, Meta(ge=2, le=20)] | None = None

    def __post_init__(self) -> None:
        if self.within and self.count is None and self.distinct_channels is None:
            raise ValueError("`within` needs a `count` (or `distinct_channels`) to reach")


@dataclass(frozen=True)
class DidCondition:
    matcher: Matcher
    count: int
    within: int | None
    channels: int
    each_time: bool
    verified_only: bool
    place: str = ""  #: where it stands in the trigger

    def outcomes(self, sight: Sight) -> Iterator[Fire]:
        matched = self._matched(sight)
        if self.each_time:
            return (self._fire((seen,)) for seen in matched)
        return self._reached(matched)

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        matched = self._matched(sight)
        until = bisect_right(matched, at, key=lambda seen: seen.at)
        start = 0 if self.within is None else bisect_right(matched, at - self.within, key=lambda seen: seen.at)
        window = matched[start:until]
        if len(window) < self.count or len({seen.channel for seen in window}) < self.channels:
            return None
        return self._evidence(window[-max(self.count, MAX_TOLD) :])

    def interests(self) -> frozenset[Interest]:
        return self.matcher.interests()

    @property
    def lookback(self) -> int | None:
        return 0 if self.each_time else self.within

    def _matched(self, sight: Sight) -> list[Seen]:
        return sight.once(self, lambda: [seen for seen in sight.history.seen if self._counts(seen)])

    def _counts(self, seen: Seen) -> bool:
        return (not self.verified_only or verified(seen)) and self.matcher.matches(seen)

    def _reached(self, matched: Iterable[Seen]) -> Iterator[Fire]:
        window: deque[Seen] = deque()
        channels: Counter[str] = Counter()
        for seen in matched:
            self._forget(window, channels, seen.at)
            before = len(window) >= self.count and len(channels) >= self.channels
            window.append(seen)
            channels[seen.channel] += 1
            if not before and len(window) >= self.count and len(channels) >= self.channels:
                yield self._fire(window)

    def _forget(self, window: deque[Seen], channels: Counter[str], now: int) -> None:
        while self.within is not None and window and window[0].at <= now - self.within:
            gone = window.popleft().channel
            channels[gone] -= 1
            if not channels[gone]:
                del channels[gone]

    def _fire(self, window: Sequence[Seen]) -> Fire:
        last = window[-1]
        once_in_a_life = not self.each_time and self.within is None
        episode = f"{self.place}:{self.count}" if once_in_a_life else last.id
        return Fire(episode=episode, at=last.at, evidence=self._evidence(window))

    def _evidence(self, window: Sequence[Seen]) -> Evidence:
        last = window[-1]
        return Evidence(
            interactions=tuple(seen.id for seen in window),
            about=last.id,
            conversation=last.conversation,
            read=self.matcher.read(last),
            proved=all(verified(seen) for seen in window),
        )


def compile_did(written: Did, pointer: str, terms: ConditionTerms) -> DidCondition:
    channels = written.distinct_channels or 1
    return DidCondition(
        matcher=compile_filter(written, side="them", own=terms.own, pointer=pointer),
        count=written.count or channels,
        within=written.within.micros if written.within else None,
        channels=channels,
        each_time=written.count is None and written.distinct_channels is None,
        verified_only=terms.verified_only and not written.standing,
        place=pointer,
    )


DID = ConditionType(
    word="did",
    shape=Did,
    compile=compile_did,
    says="Somebody did it: each time; or the time that makes it `count`, within a sliding window.",
    fields={
        "count": "The interaction that makes it so many.",
        "within": "The length of the window.",
        "distinct_channels": "On at least so many different channels.",
    },
    starts=lambda written: written,
)

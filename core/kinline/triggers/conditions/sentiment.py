"""``sentiment``: how somebody sounds, at a level or falling, as scorers and people found, surely enough.

Of the person's own interactions that ``said`` names those count whose sentiment is known with at least ``confidence``: the
known ones, in their order. A like, a text in a language that nobody reads, and a low confidence are passed over: they are
neither good nor bad.

**Level.** It comes about at each known one that lies within the bounds. It holds at a moment when the newest known one up
to then is no older than ``within`` and lies within the bounds.

**Fall.** At a known one, the newest ``least`` of them are what it sounds like now; they must all lie in
(t - within, t]. All known ones before them are what it sounded like; they must be at least ``least`` too. It has fallen
when the mean of now lies under the mean of before by ``falls_by`` or more. It comes about where it has fallen and had not
at the known one before; so a person who stays angry is noticed once, and again when they recovered in between. It holds
from a known one at which it has fallen until the next, and no longer than ``within``.

Only what came before an interaction decides about it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated

from msgspec import Meta

from kinline.clock import DAY
from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import Duration
from kinline.triggers.filters import (
    Bounds,
    Confidence,
    Filter,
    Interest,
    Matcher,
    bounds_of,
    compile_filter,
    told,
    verified,
)
from kinline.triggers.history import CONFIDENT, Seen
from kinline.triggers.outcomes import Evidence, Fire


class SentimentIs(Bounds, frozen=True, kw_only=True):
    """How the person sounds: at a level, or falling. ``said``: which of their interactions count.

    The level is that of the newest that is known, at most ``within`` ago. It falls when the mean of the newest ``least``
    (all within that time) lies ``falls_by`` or more under the mean of all that came before them, also at least ``least``.
    """

    falls_by: Annotated[float, Meta(gt=0, le=2)] | None = None
    within: Duration | None = None  #: 30d where nothing is written
    least: Annotated[int, Meta(ge=1, le=100)] | None = None  #: 3 where nothing is written
    confidence: Confidence = CONFIDENT
    said: Filter = Filter()

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.lt, self.lte, self.gt, self.gte) if bound is not None]
        if bool(bounds) == (self.falls_by is not None):
            raise ValueError("write either bounds (lt, lte, gt, gte) or `falls_by`")
        if self.least is not None and self.falls_by is None:
            raise ValueError("`least` belongs to `falls_by`")


WITHIN = 30 * DAY
LEAST = 3
#: Means are compared to so many places: 0.5 - 0.2 is 0.3.
PLACES = 9
Known = tuple[Seen, float]


@dataclass(frozen=True)
class _Heard:
    """What both forms share: which interactions are known."""

    matcher: Matcher
    confidence: float
    within: int
    verified_only: bool

    def interests(self) -> frozenset[Interest]:
        return self.matcher.interests()

    def _known(self, sight: Sight) -> list[Known]:
        return sight.once(self, lambda: self._heard(sight))[0]

    def _totals(self, sight: Sight) -> list[int]:
        """The sums of the first 0, 1, 2, … known ones, in thousandths: whole numbers add up the same in any order."""
        return sight.once(self, lambda: self._heard(sight))[1]

    def _heard(self, sight: Sight) -> tuple[list[Known], list[int]]:
        known = list(self._all_known(sight))
        return known, [0, *accumulate(round(value * 1000) for _, value in known)]

    def _all_known(self, sight: Sight) -> Iterator[Known]:
        for seen in sight.history.seen:
            judged = seen.judgement("sentiment")
            value = judged.known(self.confidence) if judged else None
            if isinstance(value, float) and (not self.verified_only or verified(seen)) and self.matcher.matches(seen):
                yield seen, value

    def _place(self, sight: Sight, at: int) -> int | None:
        """Where the newest known one up to that moment stands, if it is not too old."""
        known = self._known(sight)
        place = bisect_right(known, at, key=lambda each: each[0].at) - 1
        return place if place >= 0 and known[place][0].at > at - self.within else None


@dataclass(frozen=True)
class LevelCondition(_Heard):
    inside: Callable[[float], bool]

    def outcomes(self, sight: Sight) -> Iterator[Fire]:
        for seen, value in self._known(sight):
            if self.inside(value):
                yield Fire(episode=seen.id, at=seen.at, evidence=self._evidence(seen))

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        place = self._place(sight, at)
        if place is None:
            return None
        seen, value = self._known(sight)[place]
        return self._evidence(seen) if self.inside(value) else None

    @property
    def lookback(self) -> int | None:
        return self.within

    def _evidence(self, seen: Seen) -> Evidence:
        return Evidence(
            interactions=(seen.id,), about=seen.id, conversation=seen.conversation,
            read=self.matcher.read(seen) | told(seen, "sentiment"), proved=verified(seen),
        )  # fmt: skip


@dataclass(frozen=True)
class FallCondition(_Heard):
    falls_by: float
    least: int

    def outcomes(self, sight: Sight) -> Iterator[Fire]:
        before = False
        for place, (seen, _) in enumerate(self._known(sight)):
            means = self._fallen(sight, place)
            if means and not before:
                yield Fire(episode=seen.id, at=seen.at, evidence=self._evidence(sight, place, means))
            before = means is not None

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        place = self._place(sight, at)
        means = None if place is None else self._fallen(sight, place)
        return self._evidence(sight, place, means) if place is not None and means else None

    @property
    def lookback(self) -> int | None:
        return None

    def _fallen(self, sight: Sight, place: int) -> tuple[float, float] | None:
        """The means of before and of now, where it has fallen at that known one."""
        known, first = self._known(sight), place + 1 - self.least
        if first < self.least or known[first][0].at <= known[place][0].at - self.within:
            return None
        totals = self._totals(sight)
        before, now = totals[first] / first / 1000, (totals[place + 1] - totals[first]) / self.least / 1000
        return (before, now) if round(before - now, PLACES) >= self.falls_by else None

    def _evidence(self, sight: Sight, place: int, means: tuple[float, float]) -> Evidence:
        recent = [seen for seen, _ in self._known(sight)[place + 1 - self.least : place + 1]]
        before, now = (round(mean, 3) for mean in means)
        return Evidence(
            interactions=tuple(seen.id for seen in recent), about=recent[-1].id, conversation=recent[-1].conversation,
            read=self.matcher.read(recent[-1]) | told(recent[-1], "sentiment")
            | {"sentiment.before": before, "sentiment.now": now, "sentiment.counted_before": place + 1 - self.least},
            proved=all(verified(seen) for seen in recent),
        )  # fmt: skip


def compile_sentiment(written: SentimentIs, pointer: str, terms: ConditionTerms) -> LevelCondition | FallCondition:
    matcher = compile_filter(written.said, side="them", own=terms.own, pointer=f"{pointer}/said")
    within = written.within.micros if written.within else WITHIN
    verified_only = terms.verified_only and not written.said.standing
    heard = (matcher, written.confidence, within, verified_only)
    if written.falls_by is None:
        return LevelCondition(*heard, inside=bounds_of(written))
    return FallCondition(*heard, falls_by=written.falls_by, least=written.least or LEAST)


SENTIMENT = ConditionType(
    word="sentiment",
    shape=SentimentIs,
    compile=compile_sentiment,
    says="How the person sounds: at a level, or falling.",
    fields={
        "falls_by": "How far the newest must lie under what came before.",
        "within": "How old the newest may be.",
        "least": "How many of the newest, and how many before them, must be known. Without it, 3.",
    },
    starts=lambda written: written.said,
    judged=lambda written: written.said,
    narrow=True,
)

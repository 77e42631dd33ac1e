"""``topic``: they spoke about something, as scorers and people found, surely enough.

It comes about as `did` does: each time; with ``count``, at the interaction that makes it so many, in the whole history or
within a sliding window.
"""

from dataclasses import dataclass
from typing import Any

from msgspec import field

from kinline.triggers.conditions.base import ConditionTerms, ConditionType
from kinline.triggers.conditions.did import DidCondition
from kinline.triggers.durations import Duration
from kinline.triggers.filters import Confidence, Filter, Matcher, compile_filter, told
from kinline.triggers.history import CONFIDENT, Seen
from kinline.triggers.parts import Count, Part, Word, many


class TopicIs(Part, frozen=True, kw_only=True):
    """They spoke about something: each time; or the time that makes it ``count``, within a sliding window."""

    is_: Word | tuple[Word, ...] = field(name="is")
    count: Count | None = None
    within: Duration | None = None
    confidence: Confidence = CONFIDENT
    said: Filter = Filter()

    def __post_init__(self) -> None:
        if self.within and self.count is None:
            raise ValueError("`within` needs a `count` to reach")


@dataclass(frozen=True)
class TopicMatcher(Matcher):
    """A filter that also asks for a topic, found with at least that ``confidence``."""

    topics: frozenset[str] = frozenset()
    confidence: float = 0.0

    def matches(self, seen: Seen) -> bool:
        judged = seen.judgement("topic")
        found = judged is not None and judged.known(self.confidence) in self.topics
        return found and super().matches(seen)

    def read(self, seen: Seen) -> dict[str, Any]:
        return super().read(seen) | told(seen, "topic")


def compile_topic(written: TopicIs, pointer: str, terms: ConditionTerms) -> DidCondition:
    plain = compile_filter(written.said, side="them", own=terms.own, pointer=f"{pointer}/said")
    return DidCondition(
        matcher=TopicMatcher(
            **{name: getattr(plain, name) for name in Matcher.__dataclass_fields__},
            topics=frozenset(many(written.is_)),
            confidence=written.confidence,
        ),
        count=written.count or 1,
        within=written.within.micros if written.within else None,
        channels=1,
        each_time=written.count is None,
        verified_only=terms.verified_only and not written.said.standing,
    )


TOPIC = ConditionType(
    word="topic",
    shape=TopicIs,
    compile=compile_topic,
    says="They spoke about something: each time, or the time that makes it `count`.",
    fields={
        "is": "The topic, or one of several.",
        "count": "The interaction that makes it so many.",
        "within": "The length of the window.",
    },
    starts=lambda written: written.said,
    judged=lambda written: written.said,
    narrow=True,
)

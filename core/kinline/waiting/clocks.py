"""By when an answer is due that a team promised: counted in working time while a clock runs.

It runs from the first word on, not for what was imported, rests while the wait is paused and while the conversation is on hold, and is over when
the wait is.
"""

from collections.abc import Iterable

import msgspec

from kinline.waiting.fold import Episode
from kinline.waiting.policies import Policies, Promise
from kinline.waiting.rules import Level

FOREVER = 2**62
Span = tuple[int, int]  #: from, to


class PromiseTerms(msgspec.Struct, frozen=True):
    """What a conversation promises by: its team and priority, when it was first answered, and when it was on hold."""

    team_id: str | None = None
    priority: str = "normal"
    first_answered_at: int | None = None
    holds: tuple[Span, ...] = ()


def due_at(policies: Policies, terms: PromiseTerms, episode: Episode) -> int | None:
    """When the answer is due. None: nothing is promised, or the clock rests and nobody knows until when."""
    if not policies or episode.level is not Level.DIRECT or episode.imported:
        return None
    answered = terms.first_answered_at
    first = answered is None or answered >= episode.since
    promise = policies.promise(terms.team_id, terms.priority, first=first)
    return _reached(promise, _running(episode, terms.holds)) if promise else None


def _running(episode: Episode, holds: Iterable[Span]) -> list[Span]:
    """The times in which its clock runs; the last one may have no end."""
    start, end = episode.since, episode.ended_at or FOREVER
    pause = [] if episode.paused_at is None else [(episode.paused_at, episode.paused_until or FOREVER)]
    spans = list[Span]()
    for begun, over in sorted([*episode.rests, *pause, *holds]):
        if begun > start:
            spans.append((start, min(begun, end)))
        start = max(start, over)
    return [span for span in [*spans, (start, end)] if span[0] < span[1]]


def _reached(promise: Promise, spans: Iterable[Span]) -> int | None:
    left = promise.length
    for start, end in spans:
        if end == FOREVER:
            return promise.calendar.add(start, left)
        ran = promise.calendar.measure(start, end)
        if ran >= left:
            return promise.calendar.add(start, left)
        left -= ran
    return None

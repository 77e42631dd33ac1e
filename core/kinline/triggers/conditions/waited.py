"""How somebody waited for an answer of ours, as a silence of ours follows it (docs/waiting.md): pure.

Closing and dismissing end what was asked, and where somebody else answered it the clock rests.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable

from kinline.triggers.history import Seen, Waited
from kinline.words import ASKING, Direction, Role

Pause = tuple[int, int | None]  #: from, and to; None while it lasts


class Asks:
    """What somebody asked us, with what became of it by ``now``. ``waited`` None: nobody knows; then all that was said waits
    until one of us answers."""

    def __init__(self, waited: Iterable[Waited] | None, now: int) -> None:
        self._known, self._now = waited is not None, now
        self._by_ask = {each.asked: each for each in waited or ()}
        self._in: dict[str, list[Waited]] = defaultdict(list)
        for each in sorted(waited or (), key=lambda one: one.since):
            self._in[each.place].append(each)

    def opens(self, seen: Seen) -> bool:
        """Whether it asks us directly, so that a silence of ours begins. Of what asks nothing by its nature the trigger says
        itself that it wants an answer."""
        return not self._follows(seen) or self._of(seen) is not None

    def ended_at(self, seen: Seen) -> int | None:
        """When what it asked was over: closed, dismissed, withdrawn, or answered by us or, for good, by somebody else."""
        found = self._of(seen) if self._follows(seen) else None
        return found.ended_at if found and found.ended_at is not None and found.ended_at <= self._now else None

    def pauses(self, seen: Seen) -> list[Pause]:
        """When its clock rested, as far as that has happened."""
        found = self._of(seen) if self._follows(seen) else None
        begun = [(since, to) for since, to in found.pauses if since <= self._now] if found else []
        return [(since, to if to is not None and to <= self._now else None) for since, to in begun]

    def _follows(self, seen: Seen) -> bool:
        theirs = seen.role is Role.AUTHOR and seen.direction is not Direction.OUTBOUND
        return self._known and theirs and seen.kind in ASKING

    def _of(self, seen: Seen) -> Waited | None:
        if seen.id in self._by_ask:
            return self._by_ask[seen.id]
        here, at = self._in.get(seen.conversation or seen.id, []), min(seen.at, seen.recorded_at)
        place = bisect_right(here, at, key=lambda each: each.since) - 1
        return here[place] if place >= 0 and here[place].covers(at) else None


def due_after(start: int, length: int, pauses: list[Pause], add: Callable[[int, int], int], spent: Callable[[int, int], int]) -> int | None:  # fmt: skip
    """When ``length`` has passed since ``start`` without the pauses; None while it rests. ``add`` and ``spent`` count time."""
    at, left = start, length
    for since, to in sorted(pauses):
        if add(at, left) <= since:
            break
        if to is None:
            return None
        left -= spent(at, max(at, since))
        at = max(at, to)
    return add(at, left)

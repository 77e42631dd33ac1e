"""``broken_habit``: somebody stays away longer than their own rhythm.

What matches ``of`` makes the rhythm. What comes within ``apart`` of the first of several counts as one occasion; from
the first of one occasion to the first of the next is a gap. With ``least`` gaps known, each matching interaction
starts a clock: it runs until the gap is unusual by ``factor`` (`kinline.triggers.rhythm`), never less than ``at_least``
and never more than ``at_most``. The next matching interaction up to that moment settles it and starts the clock anew;
without one it fires, once: only the next interaction starts another clock. Only what came before an interaction
decides how long its clock runs, so what comes later takes no fire back. One walk over the history answers all.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from kinline.clock import HOUR
from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import LONGEST, Duration, told
from kinline.triggers.filters import Filter, Interest, Matcher, compile_filter, verified
from kinline.triggers.history import Seen
from kinline.triggers.outcomes import Absence, Evidence, Fire, Outcome, Settled, Wait
from kinline.triggers.parts import Count, Part
from kinline.triggers.rhythm import WEIGHT, Rhythm, model


class BrokenHabit(Part, frozen=True, kw_only=True):
    """Somebody stays away longer than their own rhythm: by ``factor``, and nothing ``of`` this (`triggers.rhythm`)."""

    of: Filter = Filter()
    factor: Annotated[float, Meta(ge=1, le=100)] = 2.0
    least: Annotated[int, Meta(ge=2, le=100)] = 3
    usual: Duration | None = None
    weight: Count | None = None  #: `triggers.rhythm.WEIGHT` where nothing is written
    apart: Duration | None = None  #: 12h where nothing is written
    at_least: Duration | None = None
    at_most: Duration | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= 100:  # also what is no number (NaN)
            raise ValueError("`factor` lies between 1 and 100")
        if self.at_least and self.at_most and self.at_least.micros > self.at_most.micros:
            raise ValueError("`at_least` is no longer than `at_most`")
        if self.weight and not self.usual:
            raise ValueError("`weight` says how much `usual` counts: write both")


APART = 12 * HOUR
#: The newest occasions that an evidence names; all of them count.
TOLD = 10


@dataclass(slots=True)
class Clock:
    """It runs since ``last``. ``ended_by`` is what came next, at whatever time."""

    last: Seen
    due: int
    gaps: int
    usual: int
    occasions: tuple[str, ...]
    proved: bool
    ended_by: Seen | None = None


class Habit:
    """The occasions of one person so far, and the rhythm they make."""

    def __init__(self, apart: int) -> None:
        self.rhythm = Rhythm()
        self.proved = True
        self.newest = deque[str](maxlen=TOLD)
        self._apart = apart
        self._began: int | None = None

    def add(self, seen: Seen) -> None:
        self.proved = self.proved and verified(seen)
        if self._began is not None and seen.at - self._began < self._apart:
            return
        if self._began is not None:
            self.rhythm.add(seen.at - self._began)
        self._began = seen.at
        self.newest.append(seen.id)


@dataclass(frozen=True)
class HabitCondition:
    what: Matcher
    written: BrokenHabit
    looked_for: str
    terms: ConditionTerms

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        return (self._outcome(clock, sight.now) for clock in self._clocks(sight))

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        """From its due time on, until they come again."""
        for clock in self._clocks(sight):
            if clock.due <= at and (clock.ended_by is None or clock.ended_by.at > at):
                return self._evidence(clock, at)
        return None

    def interests(self) -> frozenset[Interest]:
        return self.what.interests()

    @property
    def lookback(self) -> int | None:
        """A rhythm is made of all that was seen."""
        return None

    def rhythm(self, history: Iterable[Seen]) -> Rhythm:
        """The rhythm of all that was seen, in the order it happened."""
        habit = Habit(self._apart)
        for seen in history:
            if self.what.matches(seen) and self._counts(seen):
                habit.add(seen)
        return habit.rhythm

    @property
    def _apart(self) -> int:
        return self.written.apart.micros if self.written.apart else APART

    def _clocks(self, sight: Sight) -> list[Clock]:
        return sight.once(self, lambda: list(self._walk(sight.history.seen)))

    def _walk(self, history: Sequence[Seen]) -> Iterator[Clock]:
        habit, trusted = Habit(self._apart), False
        clock: Clock | None = None
        for seen in history:
            if not self.what.matches(seen):
                continue
            if clock is not None:
                clock.ended_by = seen
                yield clock
            clock = None
            if self._counts(seen):
                habit.add(seen)
                trusted = trusted or verified(seen)
            elif not (self.terms.inherit and trusted):
                continue
            if habit.rhythm.gaps >= self.written.least:
                clock = self._started(seen, habit)
        if clock is not None:
            yield clock

    def _counts(self, seen: Seen) -> bool:
        """A stage moves by verified interactions only; claimed ones may put a lapse off (`ConditionTerms`)."""
        return not self.terms.verified_only or bool(self.written.of.standing) or verified(seen)

    def _started(self, last: Seen, habit: Habit) -> Clock:
        written, rhythm = self.written, habit.rhythm
        everybody = written.usual.micros if written.usual else None
        due = last.at + self._bounded(rhythm.unusual(written.factor, everybody, self._weight))
        usual = round(rhythm.usual(everybody, self._weight))
        return Clock(last, due, habit.rhythm.gaps, usual, tuple(habit.newest), habit.proved)

    @property
    def _weight(self) -> int:
        return (self.written.weight or WEIGHT) if self.written.usual else 0

    def _bounded(self, length: float) -> int:
        least = self.written.at_least.micros if self.written.at_least else 0
        most = self.written.at_most.micros if self.written.at_most else LONGEST
        return max(least, min(round(length), most))

    def _outcome(self, clock: Clock, now: int) -> Outcome:
        episode, ended = clock.last.id, clock.ended_by
        if ended is not None and ended.at <= clock.due:  # nearly always: nobody reads why, so nothing is worked out
            return Settled(episode=episode, at=ended.at, reason="restarted", by=ended.id)
        evidence = self._evidence(clock, clock.due)
        if clock.due <= now:
            return Fire(episode=episode, at=clock.due, evidence=evidence)
        return Wait(episode=episode, due_at=clock.due, evidence=evidence)

    def _evidence(self, clock: Clock, until: int) -> Evidence:
        last = clock.last
        return Evidence(
            interactions=tuple(dict.fromkeys((*clock.occasions, last.id))),
            about=last.id,
            conversation=last.conversation,
            absences=(Absence(of="them", looked_for=self.looked_for, since=last.at, until=until),),
            read={
                **self.what.read(last),
                "habit.usual": told(clock.usual),
                "habit.threshold": told(clock.due - last.at),
                "habit.gaps": clock.gaps,
                "habit.model": model(self._weight),
            },
            proved=clock.proved,
        )


def compile_habit(written: BrokenHabit, pointer: str, terms: ConditionTerms) -> HabitCondition:
    narrowed = written.of.said()
    return HabitCondition(
        what=compile_filter(written.of, side="them", own=terms.own, pointer=f"{pointer}/of"),
        written=written,
        looked_for="anything that the person did" + (f" with {narrowed}" if narrowed else ""),
        terms=terms,
    )


def _advice(written: BrokenHabit) -> Iterator[str]:
    if written.usual is None:
        yield (
            "Without `usual`, a few gaps decide alone what is unusual: say how long a gap is among people in general, "
            "and `kinline trigger rhythm FILE` tells what it was in the stored history."
        )


BROKEN_HABIT = ConditionType(
    word="broken_habit",
    shape=BrokenHabit,
    compile=compile_habit,
    says="Somebody stays away longer than their own rhythm.",
    fields={
        "of": "What makes the habit. Without it, whatever the person does.",
        "factor": "How many times as long as usual is unusual. Without it, 2.",
        "least": "How many gaps must be known before anything is unusual. Without it, 3.",
        "usual": "How long a gap is among people in general; steadies what a few gaps of the person's own say.",
        "weight": "How many gaps of the person's own `usual` counts for. Without it, 10.",
        "apart": "What comes sooner than this after another belongs to the same occasion. Without it, 12h.",
        "at_least": "Never fire sooner than this after the last time.",
        "at_most": "Never wait longer than this after the last time.",
    },
    starts=lambda written: written.of,
    advise=_advice,
)

"""``stage``: somebody came to a stage of the life cycle, or has been there for a time.

Moves are made by triggers and by people; the first stage of a track (stranger, none) is where everybody begins, and
nobody enters it that way. Several moves at one step of an instant are one: the furthest. What follows from a move is a
step later, and a stay of its own, however short.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import field

from kinline.clock import EARLIEST
from kinline.triggers.conditions.base import ConditionTerms, ConditionType, Sight
from kinline.triggers.durations import Duration
from kinline.triggers.filters import Interest
from kinline.triggers.history import History, PersonState
from kinline.triggers.outcomes import Absence, Evidence, Fire, Outcome, Settled, Wait
from kinline.triggers.parts import Part, Word, many
from kinline.words import STAGES, Track


class StageIs(Part, frozen=True, kw_only=True):
    """Somebody came to a stage, or has been there for a time."""

    track: Track
    to: Word | tuple[Word, ...]
    came_from: Word | tuple[Word, ...] = field(name="from", default=())
    for_: Duration | None = field(name="for", default=None)

    def __post_init__(self) -> None:
        for name in (*many(self.to), *many(self.came_from)):
            if name not in STAGES[self.track]:
                raise ValueError(f"a stage of {self.track} is {', '.join(STAGES[self.track])}; this is {name[:40]!r}")


class Stay(msgspec.Struct, frozen=True):
    """How long somebody was where, and where they came from. ``until`` None: they still are.

    ``imported_at``: when that came which it rests on, where that is history that was imported.
    """

    stage: str
    came_from: str
    since: int
    step: int
    until: int | None
    until_step: int
    imported_at: int | None


@dataclass(frozen=True)
class StageCondition:
    track: str
    to: frozenset[str]
    came_from: frozenset[str]
    length: int

    def outcomes(self, sight: Sight) -> Iterator[Outcome]:
        return (self._outcome(stay, sight.now) for stay in self._stays(sight) if stay.since > EARLIEST)

    def holds(self, sight: Sight, at: int) -> Evidence | None:
        for stay in self._stays(sight):
            begins = stay.since + self.length if stay.since > EARLIEST else stay.since
            begun = (begins, 0 if self.length else stay.step) <= (at, sight.step)
            if begun and (stay.until is None or (at, sight.step) < (stay.until, stay.until_step)):
                return self._evidence(stay, at)
        return None

    def interests(self) -> frozenset[Interest]:
        """No interaction: whoever moves somebody has them looked at."""
        return frozenset()

    @property
    def lookback(self) -> int | None:
        return 0

    def _stays(self, sight: Sight) -> list[Stay]:
        return sight.once(self, lambda: [stay for stay in stays(sight.history, self.track) if self._meant(stay)])

    def _meant(self, stay: Stay) -> bool:
        return stay.stage in self.to and (not self.came_from or stay.came_from in self.came_from)

    def _outcome(self, stay: Stay, now: int) -> Outcome:
        due, episode = stay.since + self.length, f"{self.track}:{stay.stage}:{stay.since}"
        if stay.until is not None and stay.until <= due and self.length:
            return Settled(episode=episode, at=stay.until, reason="moved_on", evidence=self._evidence(stay, stay.until))
        evidence = self._evidence(stay, due)
        if due <= now:
            return Fire(episode=episode, at=due, evidence=evidence, step=0 if self.length else stay.step)
        return Wait(episode=episode, due_at=due, evidence=evidence)

    def _evidence(self, stay: Stay, until: int) -> Evidence:
        looked_for = f"a move on the {self.track} track"
        stayed = Absence(of="anyone", looked_for=looked_for, since=max(stay.since, EARLIEST), until=until)
        return Evidence(
            absences=(stayed,) if self.length else (),
            read={f"person.{self.track}": stay.stage, f"person.{self.track}.before": stay.came_from},
            imported=stay.imported_at is not None and until <= stay.imported_at,
        )


def stays(history: History, track: str) -> Iterator[Stay]:
    """The stages of a track one after the other, each with its time."""
    held: dict[tuple[int, int], PersonState] = {(since, step): person for since, step, person in history.persons}
    changes = list[tuple[tuple[int, int], PersonState]]()
    for moment, person in sorted(held.items(), key=lambda each: each[0]):
        if not changes or getattr(person, track) != getattr(changes[-1][1], track):
            changes.append((moment, person))
    before = ""
    for place, ((since, step), person) in enumerate(changes):
        until, until_step = changes[place + 1][0] if place + 1 < len(changes) else (None, 0)
        stage: str = getattr(person, track)
        yield Stay(stage, before, since, step, until, until_step, person.imported.get(track))
        before = stage


def compile_stage(written: StageIs, pointer: str, terms: ConditionTerms) -> StageCondition:
    return StageCondition(
        track=str(written.track),
        to=frozenset(many(written.to)),
        came_from=frozenset(many(written.came_from)),
        length=written.for_.micros if written.for_ else 0,
    )


STAGE = ConditionType(
    word="stage",
    shape=StageIs,
    compile=compile_stage,
    says="Somebody came to a stage of the life cycle, or has been there for a time.",
    fields={
        "to": "The stage, or one of several.",
        "from": "Only who came from there.",
        "for": "Not when they come to it, but when they have been there so long.",
    },
    narrow=True,
)

"""The rounds of one look at one person: ask every trigger, and after a move in the life cycle ask again.

An instant has steps. What happened is step 0, and a move is one step later than what it moves for. All that fires at a step
is ruled before any of it moves anything, and ``who`` reads the person as they are at that step. So it does not matter which
trigger is asked first, and what a trigger is called decides nothing.

Live, in shadow and in a back-test it is this one function. It reads no clock and no database: the caller says what
asks, what was decided before, and how to rule.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from kinline import ids
from kinline.catalogue.trigger_store import Active
from kinline.decide.verdicts import Ruling, is_history
from kinline.experiments.assignment import AssignedArm
from kinline.history.load_history import Fact, persons_over_time
from kinline.triggers import Action, Fire, History, Outcome, answered, replied
from kinline.triggers.actions import StageAction, TagAction
from kinline.triggers.history import LAST
from kinline.triggers.parts import many
from kinline.words import Verdict

#: Moves that follow from moves: more steps of one instant than this are a circle.
STEPS = 50
#: More instants than this at which something moves are not looked at in one look.
ROUNDS = 20_000
Used = set[tuple[str, str]]  #: (trigger id, once-key) of what was decided
Asked = list[tuple[Active, Outcome]]


class FoundFire(NamedTuple):
    """A fire that is new, with the ruling on it. Where an experiment has assigned them, it acts as for their arm."""

    trigger: Active
    fire: Fire
    ruling: Ruling
    arm: AssignedArm | None = None

    @property
    def place(self) -> tuple[int, int]:
        """The instant, and the step of it."""
        return self.fire.at, self.fire.step


class RoundsResult(NamedTuple):
    """What is new, earliest first; what the last round said; and the history with all that was moved."""

    found: list[FoundFire]
    outcomes: Asked
    history: History


def rounds(
    ask: Callable[[History], Asked], history: History, known: Used, judge: Callable[[Active, Fire], FoundFire],
    moves: Callable[[FoundFire, History], list[Fact]], facts: Sequence[Fact],
) -> RoundsResult:  # fmt: skip
    """Ask every trigger, earliest first; after a step that moves something ask again, for others may depend on it.

    ``known`` are the once-keys used up before; a fire that ``judge`` gives no verdict on is passed over. ``facts`` are those
    that the history rests on.
    """
    used, found, outcomes, facts = set(known), list[FoundFire](), list[tuple[Active, Outcome]](), list(facts)
    for _ in range(ROUNDS):
        outcomes = ask(history)
        moved = list[Fact]()
        for fires in of_one_step(_fires(outcomes)):
            judged = [judge(*each) for each in _unused(fires, used)]
            decided = [each for each in judged if each.ruling.verdict is not None]
            found += decided
            moved = [fact for each in decided if each.ruling.verdict is Verdict.FIRED for fact in moves(each, history)]
            if moved:
                break
        if not moved or moved[0].step > STEPS:
            break
        facts += moved
        history = msgspec.structs.replace(history, persons=persons_over_time(facts, history.persons[-1][2].attributes))
    return RoundsResult(found, outcomes, history)


def _fires(outcomes: Asked) -> list[tuple[Active, Fire]]:
    return [(trigger, outcome) for trigger, outcome in outcomes if isinstance(outcome, Fire)]


def of_one_step(fires: Iterable[tuple[Active, Fire]]) -> Iterator[list[tuple[Active, Fire]]]:
    """What fires at one step of one instant, in their order."""

    def place(fire: tuple[Active, Fire]) -> tuple[int, int]:
        return fire[1].at, fire[1].step

    return (list(each) for _, each in groupby(sorted(fires, key=place), key=place))


def _unused(fires: list[tuple[Active, Fire]], used: Used) -> Iterator[tuple[Active, Fire]]:
    for trigger, fire in fires:
        if (trigger.id, fire.once) not in used:
            used.add((trigger.id, fire.once))
            yield trigger, fire


def decision_of(trigger_id: str, root: str, fire: Fire) -> str:
    """The id of the decision on a fire: one for the person, or one for the whole organisation that was silent."""
    return ids.derived("decision", trigger_id, fire.evidence.organisation or root, fire.once)


def holds(action: Action, history: History, fire: Fire, now: int, *, at_once: bool = True) -> bool:
    """Whether an action's ``if`` holds. What follows the order of what happened is asked as of then, at the fire's own step;
    what reaches somebody is asked now, and so is all that comes after a wait, that is not ``at_once``."""
    at, step = (fire.at, fire.step) if action.housekeeping and at_once else (now, LAST)
    person = history.person_at(at, step)
    ours, theirs = answered(history, fire.evidence.about, at), replied(history, fire.at, at)
    return action.applies(person, answered=ours, replied=theirs)


def moves(decision_id: str, trigger: Active, fire: Fire, history: History, now: int) -> list[Fact]:
    """The stages and tags that this fire changes before its first wait, where the action's ``if`` holds: as they will be stored."""
    imported_at = _imported_at(fire, history, now)
    facts = []
    for number, action in enumerate(trigger.compiled.at_once):
        if not isinstance(action.doing, StageAction | TagAction) or not holds(action, history, fire, now):
            continue
        for word, value, part in _changes(action.doing):
            if fire.proved or part == "tag":
                each = ids.derived(part, decision_id, str(number), *_of_tag(word, value))
                facts.append(
                    Fact(
                        fire.at, each, word, value, step=fire.step + 1,
                        imported_at=imported_at if part == "stage" else None,
                    )
                )  # fmt: skip
    return facts


def _imported_at(fire: Fire, history: History, now: int) -> int | None:
    """When the history came on which this fire rests, if it was imported."""
    about = next((seen for seen in history.seen if seen.id == fire.evidence.about), None)
    if about is not None and is_history(about, fire):
        return about.recorded_at
    return now if fire.evidence.imported else None


def _changes(doing: object) -> Iterator[tuple[str, str, str]]:
    """(track, ``+`` or ``-``; stage or tag; which table) for each change that an action asks for."""
    match doing:
        case StageAction(track=track, to=to):
            yield track, to, "stage"
        case TagAction(add=add, remove=remove):
            yield from (("+", tag, "tag") for tag in many(add or ()))
            yield from (("-", tag, "tag") for tag in many(remove or ()))


def _of_tag(word: str, value: str) -> tuple[str, ...]:
    return (value, "1" if word == "+" else "0") if word in ("+", "-") else ()

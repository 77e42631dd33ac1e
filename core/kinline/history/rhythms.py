"""How long the gaps are among people in general, for the author of a broken habit: its `usual`."""

from collections.abc import Callable, Iterator
from math import exp, log, sqrt

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.clock import SECOND
from kinline.history.load_history import load
from kinline.hub import Hub
from kinline.identity.persons import roots
from kinline.triggers import Trigger
from kinline.triggers.conditions.base import CompiledCondition
from kinline.triggers.conditions.habit import HabitCondition
from kinline.triggers.durations import told


class Usual(msgspec.Struct, frozen=True):
    """What is usual among those with at least one gap. ``spread``: times as long, or as short, within which two of three are."""

    people: int
    gaps: int
    usual: str
    spread: float


def usual(hub: Hub, trigger: Trigger, *, progress: Callable[[int], None] | None = None) -> list[Usual]:
    """Of each broken habit in the trigger, what its gaps are in the stored history. Nothing is written."""
    conditions = list(habits(trigger.condition))
    logs: list[list[float]] = [[] for _ in conditions]
    gaps = [0] * len(conditions)
    after = ""
    while conditions:
        with hub.store.read() as session:
            page = roots(session, after=after)
            for root in page:
                for at, (mean, count) in enumerate(_of_one(session, root, conditions)):
                    logs[at] += [mean] if count else []
                    gaps[at] += count
        if not page:
            break
        after = page[-1]
        if progress:
            progress(len(page))
    return [_usual(means, count) for means, count in zip(logs, gaps, strict=True)]


def habits(condition: CompiledCondition) -> Iterator[HabitCondition]:
    """The broken habits in a condition, in the order they were written."""
    if isinstance(condition, HabitCondition):
        yield condition
    for part in (*getattr(condition, "parts", ()), *filter(None, [getattr(condition, "part", None)])):
        yield from habits(part)


def _of_one(session: Session, root: str, conditions: list[HabitCondition]) -> Iterator[tuple[float, int]]:
    history = load(session, root, receipts=False, calendars=False, organisations=False, as_of=clock.now())
    for condition in conditions:
        rhythm = condition.rhythm(history.seen)
        yield (log(rhythm.usual()) if rhythm.gaps else 0.0), rhythm.gaps


def _usual(logs: list[float], gaps: int) -> Usual:
    if not logs:
        return Usual(0, 0, "", 1.0)
    mean = sum(logs) / len(logs)
    spread = sqrt(sum((each - mean) ** 2 for each in logs) / len(logs))
    return Usual(len(logs), gaps, told(max(round(exp(mean)), SECOND)), round(exp(spread), 2))

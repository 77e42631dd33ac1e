"""People and the days on which they came: real ones where a file is there, made ones with a seed."""

import csv
import math
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

#: Days at the end in which no alarm is raised, so that of each it is known whether they came back.
TAIL = 180
#: Gaps that must be known before anything is unusual.
LEAST = 2


@dataclass(frozen=True)
class Visits:
    """The days of one person, in order, each once; and of each from the third gap on, an `Episode`."""

    days: tuple[int, ...]

    @property
    def gaps(self) -> tuple[int, ...]:
        return tuple(later - day for day, later in zip(self.days, self.days[1:], strict=False))


@dataclass(frozen=True, eq=False)  # each is itself: what is worked out of one is kept by it
class Episode:
    """A person has come, and we wait for the next time. Everything in days."""

    gaps: tuple[int, ...]
    comes_back: float  #: after so long; infinity: never again, which is a lapse
    room: int  #: so long an alarm can be raised

    @property
    def lapse(self) -> bool:
        return math.isinf(self.comes_back)

    @property
    def open_for(self) -> float:
        """How long an alarm can be raised before they come back, or the time is over."""
        return min(self.comes_back, self.room)


@dataclass(frozen=True)
class Population:
    """``end``: the last day seen. ``published``: parameters of BG/NBD that somebody else fitted to it, in weeks."""

    name: str
    people: tuple[Visits, ...]
    end: int
    published: tuple[float, float, float, float] | None = None

    @property
    def usual(self) -> float:
        """The gap that is usual among those with any, as ``kinline trigger rhythm`` tells it."""
        means = [sum(map(math.log, each.gaps)) / len(each.gaps) for each in self.people if each.gaps]
        return math.exp(sum(means) / len(means))

    def episodes(self) -> list[Episode]:
        last = self.end - TAIL
        return [
            Episode(
                person.gaps[:at],
                person.gaps[at] if at < len(person.gaps) else math.inf,
                last - person.days[at],
            )
            for person in self.people
            for at in range(LEAST, len(person.days))
            if person.days[at] <= last
        ]


def cdnow(corpora: Path) -> Population | None:
    """CDNOW: buyers of music, 1997 to June 1998. Parameters by Fader, Hardie and Lee (2005)."""
    for folder in ("ev-cdnow", "ev-cdnow-dev"):
        file = corpora / folder / "lifetimes" / "CDNOW_sample.txt"
        if file.exists():
            rows = (line.split() for line in file.read_text("ascii").splitlines())
            bought = ((row[1], _day(row[2])) for row in rows)
            return _population("cdnow", bought, _day("19980630"), (0.243, 4.414, 0.793, 2.426))
    return None


def log(name: str, file: Path) -> Population:
    """A file with a header, a column of ids and one of dates (``2024-03-01``, or days as numbers)."""
    with file.open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        bought = [(row[0], _day(row[1])) for row in rows]
    return _population(name, bought, max(day for _, day in bought))


def rhythmic(seed: int = 1, people: int = 1000) -> Population:
    """Weekly, monthly and quarterly habits, with jitter. After each time, one of 0, 3 or 6 in 100 never come again."""
    dice = random.Random(seed)  # noqa: S311 - a made population, the same in each run
    bought: list[tuple[str, int]] = []
    for person in range(people):
        habit, jitter = dice.choice((7, 30.4, 91.3)), dice.choice((0.1, 0.2, 0.35))
        leaves, day = dice.choice((0.0, 0.03, 0.06)), dice.uniform(0, 120)
        while day < 720:
            bought.append((str(person), int(day)))
            if dice.random() < leaves:
                break
            day += habit * math.exp(dice.gauss(0, jitter))
    return _population("made, with a rhythm", bought, 720)


def without_rhythm(seed: int = 1, people: int = 1000) -> Population:
    """The same chance every day for everybody, one time in 30 days; 5 in 100 never come again."""
    dice = random.Random(seed)  # noqa: S311 - the same
    bought: list[tuple[str, int]] = []
    for person in range(people):
        day = dice.uniform(0, 120)
        while day < 720:
            bought.append((str(person), int(day)))
            if dice.random() < 0.05:
                break
            day += dice.expovariate(1 / 30)
    return _population("made, without a rhythm", bought, 720)


def _population(
    name: str, bought: Iterable[tuple[str, int]], end: int, published: tuple[float, float, float, float] | None = None
) -> Population:
    days: dict[str, set[int]] = defaultdict(set)
    for who, day in bought:
        days[who].add(day)
    return Population(name, tuple(Visits(tuple(sorted(each))) for each in days.values()), end, published)


def _day(text: str) -> int:
    if "-" in text:
        return date.fromisoformat(text[:10]).toordinal()
    if len(text) == 8:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()
    return int(float(text))

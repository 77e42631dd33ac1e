"""From interactions to what they mean for who waits where: pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from kinline.waiting import rules
from kinline.waiting.fold import AskEvent, End, Ended, Event, Paused, React, Rest
from kinline.waiting.rules import Level, WaitingLine
from kinline.words import Kind

Pair = tuple[str, str]  #: who (an identity, or an interaction without an author), and the place
#: Until when an answer elsewhere lets the clock of a place rest.
Until = Callable[[str, int], int]


class Pairs:
    """Those who wait, or waited, each with the person: found by person and by place."""

    def __init__(self, pairs: Iterable[tuple[Pair, str]]) -> None:
        self._of: dict[str, list[Pair]] = defaultdict(list)
        self._in: dict[str, list[tuple[Pair, str]]] = defaultdict(list)
        for pair, person in pairs:
            self._of[person].append(pair)
            self._in[pair[1]].append((pair, person))

    def concerned(self, line: WaitingLine, answered: Iterable[WaitingLine]) -> Iterable[tuple[Pair, str]]:
        """Those to whom a word of one of us may mean something: whom it names, whose words it answers, who is there."""
        persons = {*line.reached, *(each.person for each in answered)}
        found = {pair: person for person in persons for pair in self._of.get(person, ())}
        if rules.reaches_all(line):
            found |= dict(self._in.get(line.place, ()))
        return found.items()


class World:
    """The interactions at hand, and who holds which identity."""

    def __init__(self, lines: Mapping[str, WaitingLine], until: Until) -> None:
        self._lines, self._until = lines, until
        self._levels: dict[str, Level | None] = {}

    def find(self, interaction: str) -> WaitingLine | None:
        return self._lines.get(interaction)

    def level(self, line: WaitingLine) -> Level | None:
        if line.id not in self._levels:
            self._levels[line.id] = rules.level(line, self.find)
        return self._levels[line.id]

    def answered(self, line: WaitingLine) -> list[WaitingLine]:
        """What it answers, as far as that is here."""
        return [found for each in line.answers if (found := self.find(each)) is not None]

    def asked_at(self, line: WaitingLine) -> int:
        """When somebody asked. What answers ours was said after it, whatever their clock says."""
        return max([line.at, *(each.at + 1 for each in self.answered(line) if each.ours)])

    def answered_at(self, line: WaitingLine, person: str, place: str) -> int:
        """When one of us, or somebody else, answered a person in a place: not before what they asked there, whatever
        anybody's clock says."""
        asked = (each for each in self.answered(line) if not each.ours and (each.person, each.place) == (person, place))
        return max([line.at, *(each.at for each in asked)])

    def own(self, line: WaitingLine) -> Iterator[tuple[Pair, Event]]:
        """What it means for whoever said it: they ask, or say by a reaction that somebody's answer was it."""
        if found := self.level(line):
            at = self.asked_at(line)
            yield (line.who, line.place), AskEvent(
                at=at, by=line.id, said_at=line.at, known_at=max(at, line.known_at), level=found, channel=line.channel,
                kind=line.kind, imported=line.imported, also_asks=line.also_asks, withdrawn_at=line.deleted_at,
            )  # fmt: skip
        if line.kind == Kind.REACTION and not line.ours and not line.automatic and line.deleted_at is None:
            for each in self.answered(line):
                at = max(line.at, self.answered_at(each, line.person, each.place))
                yield (line.who, each.place), React(at=at, by=line.id, to=each.id)

    def answer(self, line: WaitingLine, pairs: Pairs) -> Iterator[tuple[Pair, Event]]:
        """What a word of one of us means for these."""
        if not rules.answers(line):
            return
        answered = self.answered(line)
        for pair, person in pairs.concerned(line, answered):
            named = [
                each.at
                for each in answered
                if (each.person, each.place) == (person, pair[1]) and rules.settles_named(line, each)
            ]
            everything = rules.settles(line, person, pair[1])
            if everything or named:
                yield (
                    pair,
                    End(
                        at=self.answered_at(line, person, pair[1]), by=line.id, how=Ended.US, seen_until=line.written_at,
                        asked_until=None if everything else max(named),
                    ),
                )  # fmt: skip
            elif pair[1] != line.place and rules.reaches_elsewhere(line, person):
                yield pair, Rest(at=line.at, by=line.id, how=Paused.US, until=self._until(pair[1], line.at))

    def help(self, line: WaitingLine) -> Iterator[tuple[Pair, Event]]:
        """What a word of another outsider means for whoever asked what it answers."""
        if line.ours or line.deleted_at is not None:
            return
        for question in self.answered(line):
            if question.place == line.place and rules.helps(line, question, self.find):
                yield (
                    (question.who, question.place),
                    Rest(
                        at=self.answered_at(line, question.person, question.place),
                        by=line.id,
                        how=Paused.PEER,
                        asked_at=self.asked_at(question),
                    ),
                )


def by_pair(found: Iterable[tuple[Pair, Event]]) -> dict[Pair, list[Event]]:
    """The events of each pair, each once."""
    gathered: dict[Pair, dict[Event, None]] = defaultdict(dict)
    for pair, event in found:
        gathered[pair][event] = None
    return {pair: list(events) for pair, events in gathered.items()}

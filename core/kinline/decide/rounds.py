"""The rounds of one look at one person: ask every trigger, and after a move in the life cycle ask again.

Live, in shadow and in a back-test it is this one function. It reads no clock and no database: the caller says what
asks, what was decided before, and how to rule.
"""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from kinline import ids
from kinline.decide.assigning import Arm
from kinline.decide.catalogue import Active
from kinline.decide.histories import Fact
from kinline.decide.verdicts import Ruling
from kinline.triggers import Fire, History, Outcome, answered, replied
from kinline.triggers.deeds import Stage, Tag
from kinline.triggers.parts import many
from kinline.words import Origin, Verdict

#: Moves that follow from moves: more rounds than this are a circle.
ROUNDS = 50


class Decider(Protocol):
    """Whatever can decide: a trigger, or one whose stored decisions are played again."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


Who = TypeVar("Who", bound=Decider)
Used = set[tuple[str, str]]  #: (trigger id, once-key) of what was decided


class Found(NamedTuple, Generic[Who]):
    """A fire that is new, with the ruling on it. Where an experiment has assigned them, it acts as for their arm."""

    trigger: Who
    fire: Fire
    ruling: Ruling
    arm: Arm | None = None


def rounds(
    ask: Callable[[History], list[tuple[Who, Outcome]]],
    history: History,
    known: Used,
    judge: Callable[[Who, Fire], Found[Who]],
    moves: Callable[[Who, Fire], list[Fact]],
) -> tuple[list[Found[Who]], list[tuple[Who, Outcome]]]:
    """Ask every trigger; after a move in the life cycle ask again, for others may depend on it. Earliest first.

    ``known`` are the once-keys used up before; a fire that ``judge`` gives no verdict on is passed over. Returns what
    is new, and what the last round said.
    """
    used, found = set(known), list[Found[Who]]()
    for _ in range(ROUNDS):
        outcomes = ask(history)
        moved = list[Fact]()
        for trigger, fire in _in_order(outcomes):
            if (trigger.id, fire.once) in used:
                continue
            used.add((trigger.id, fire.once))
            judged = judge(trigger, fire)
            if judged.ruling.verdict is None:
                continue
            found.append(judged)
            moved = moves(judged.trigger, fire) if judged.ruling.verdict is Verdict.FIRED else []
            if moved:
                break
        if not moved:
            break
        history = _moved(history, moved)
    return found, outcomes


def decision_of(trigger_id: str, root: str, fire: Fire) -> str:
    """The id of the decision on a fire: one for the person, or one for the whole organisation that was silent."""
    return ids.derived("decision", trigger_id, fire.evidence.organisation or root, fire.once)


def moves(decision_id: str, trigger: Active, fire: Fire, history: History, now: int) -> list[Fact]:
    """The stages and tags that this fire changes before its first wait, where the action's ``if`` holds: as they will be stored."""
    about = next((seen for seen in history.seen if seen.id == fire.evidence.about), None)
    imported = fire.evidence.imported or (about is not None and about.origin is Origin.IMPORT)
    person, ours = history.person_at(now), answered(history, fire.evidence.about, now)
    theirs = replied(history, fire.at, now)
    facts = []
    for number, action in enumerate(trigger.compiled.at_once):
        if not action.housekeeping or not action.applies(person, answered=ours, replied=theirs):
            continue
        for word, value, part in _changes(action.doing):
            if fire.proved or part == "tag":
                each = ids.derived(part, decision_id, str(number), *_of_tag(word, value))
                facts.append(Fact(fire.at, each, word, value, imported=imported and part == "stage"))
    return facts


def _changes(doing: object) -> Iterator[tuple[str, str, str]]:
    """(track, ``+`` or ``-``; stage or tag; which table) for each change that an action asks for."""
    match doing:
        case Stage(track=track, to=to):
            yield track, to, "stage"
        case Tag(add=add, remove=remove):
            yield from (("+", tag, "tag") for tag in many(add or ()))
            yield from (("-", tag, "tag") for tag in many(remove or ()))


def _of_tag(word: str, value: str) -> tuple[str, ...]:
    return (value, "1" if word == "+" else "0") if word in ("+", "-") else ()


def _in_order(outcomes: list[tuple[Who, Outcome]]) -> list[tuple[Who, Fire]]:
    fires = [(trigger, outcome) for trigger, outcome in outcomes if isinstance(outcome, Fire)]
    return sorted(fires, key=lambda pair: (pair[1].at, pair[0].name))


def _moved(history: History, facts: list[Fact]) -> History:
    """The same history with these facts true from their time on, until something later says otherwise."""
    persons = list(history.persons)
    for fact in facts:
        at = sum(1 for since, _ in persons if since <= fact.at)
        change = _change(persons[at - 1][1], fact)
        persons.insert(at, (fact.at, msgspec.structs.replace(persons[at - 1][1], **change)))
        for later in range(at + 1, len(persons)):
            since, person = persons[later]
            if fact.word not in ("+", "-") and getattr(person, fact.word) != getattr(persons[at - 1][1], fact.word):
                break
            persons[later] = (since, msgspec.structs.replace(person, **_change(person, fact)))
    return msgspec.structs.replace(history, persons=tuple(persons))


def _change(person: object, fact: Fact) -> dict[str, object]:
    tags: frozenset[str] = getattr(person, "tags")  # noqa: B009 - keeps the type of the struct open
    if fact.word in ("+", "-"):
        return {"tags": tags | {fact.value} if fact.word == "+" else tags - {fact.value}}
    imported: frozenset[str] = getattr(person, "imported")  # noqa: B009 - the same
    return {
        fact.word: fact.value,
        "imported": imported | {fact.word} if fact.imported else imported - {fact.word},
    }

"""What the author of a trigger should know before it goes live, and what is refused because it feeds itself."""

from collections.abc import Callable, Iterator

from kinline.errors import Invalid
from kinline.triggers import actions
from kinline.triggers.conditions import conditions, with_places
from kinline.triggers.conditions.silence import Silence
from kinline.triggers.conditions.time import Time
from kinline.triggers.definition import Definition, doings
from kinline.triggers.filters import Filter
from kinline.triggers.history import PersonState
from kinline.triggers.parts import many
from kinline.triggers.score_use import on_sentiment_alone
from kinline.words import STAGES


def warnings_of(definition: Definition) -> Iterator[str]:
    """Sentences for the author."""
    parts = list(conditions(definition.when))
    filters = [one for part in parts if (one := part.type.starts(part.written)) is not None]
    yield from _platform(filters)
    if not definition.who and not any(part.type.narrow for part in parts) and not any(_narrow(one) for one in filters):
        yield "It looks at everything that anybody does; name a `kind`, a `where` or a `who`."
    yield from _claimed(definition, filters)
    for part in parts:
        yield from part.type.advise(part.written)
    if definition.experiment is not None and definition.experiment.hold_out is None:
        yield "Without a `hold_out` its variants are compared with each other, and never with doing nothing."
    if on_sentiment_alone(definition.when):
        yield (
            "It rests on sentiment alone, which is a weak sign (docs/scorers.md says how weak). "
            "Ask beside it for a topic, for words (`where`), or for something that people did."
        )


def calendars(definition: Definition) -> Iterator[tuple[str, str]]:
    """The working calendars in which it counts: JSON pointer, and name."""
    for pointer, part in with_places(definition.when, "/when"):
        if isinstance(part.written, Silence) and part.written.counts_in:
            yield f"{pointer}/silence/{'calendar' if part.written.calendar else 'clock'}", part.written.counts_in


def refuse_own_condition(definition: Definition, addresses: Callable[[PersonState], bool]) -> None:
    """Refuse a trigger that asks for what it does itself: the tag it adds, the stage it moves to.

    Found by asking ``who``: with the tag it holds, without it it does not.
    """
    for pointer, part in doings(definition):
        if isinstance(part.tag, actions.TagAction):
            for tag in many(part.tag.add):
                if addresses(PersonState(tags=frozenset({tag}))) and not addresses(PersonState()):
                    _refuse(f"`who` asks for the tag {tag!r} that the trigger adds", f"{pointer}/tag")
        if isinstance(part.stage, actions.StageAction) and _asks_for(part.stage, addresses):
            _refuse(f"`who` asks for the stage {part.stage.to!r} that the trigger moves to", f"{pointer}/stage")
        if isinstance(part.attribute, actions.AttributeAction):
            _refuse_own_attribute(definition, part.attribute, addresses, f"{pointer}/attribute")
        if isinstance(part.start, actions.Start) and part.start.trigger == definition.name:
            _refuse("it names itself", f"{pointer}/start/trigger")


def _refuse_own_attribute(
    definition: Definition, sets: actions.AttributeAction, addresses: Callable[[PersonState], bool], pointer: str
) -> None:
    looked_at = {part.written.attribute for part in conditions(definition.when) if isinstance(part.written, Time)}
    if sets.name in looked_at and sets.value is not None:
        _refuse(f"`when` waits for the attribute {sets.name!r} that the trigger sets", pointer)
    if addresses(PersonState(attributes={sets.name: sets.value})) and not addresses(PersonState()):
        _refuse(f"`who` asks for the attribute {sets.name!r} that the trigger sets", pointer)


def _asks_for(stage: actions.StageAction, addresses: Callable[[PersonState], bool]) -> bool:
    named = {to: addresses(_at(stage.track, to)) for to in STAGES[stage.track]}
    return named.pop(stage.to) and not any(named.values())


def _at(track: str, stage: str) -> PersonState:
    return PersonState(relationship=stage) if track == "relationship" else PersonState(business=stage)


def _refuse(detail: str, pointer: str) -> None:
    raise Invalid(f"it would start itself: {detail}", code="triggers_itself", pointer=pointer)


def _narrow(one: Filter) -> bool:
    return one != type(one)() if type(one) is Filter else bool(one.kind or one.where or one.topic or one.sentiment)


def _platform(filters: list[Filter]) -> Iterator[str]:
    named = sorted({channel for one in filters for channel in many(one.channel)})
    if len(named) == 1:
        yield (
            f"It looks only at {named[0]}. People combine channels: whoever says the same elsewhere is passed over. "
            "Leave `channel` out to hear them everywhere."
        )


def _claimed(definition: Definition, filters: list[Filter]) -> Iterator[str]:
    moves = any(isinstance(part.stage, actions.StageAction) for _, part in doings(definition))
    if moves and any("verified" not in many(one.standing) for one in filters if one.standing):
        yield "It moves a stage and asks for interactions that are not verified: those move no stage."
    if moves and definition.limits.lateness is not None:
        yield "`lateness` says nothing about stage moves: they follow the order of what happened, however late."

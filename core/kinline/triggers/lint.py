"""What the author of a trigger should know before it goes live, and what is refused because it feeds itself."""

from collections.abc import Callable, Iterator

from kinline.errors import Invalid
from kinline.triggers import actions
from kinline.triggers import definition as written
from kinline.triggers.definition import ConditionDefinition, Definition, Filter, doings
from kinline.triggers.history import PersonState
from kinline.triggers.parts import many
from kinline.triggers.score_use import on_sentiment_alone
from kinline.words import STAGES


def warnings_of(definition: Definition) -> Iterator[str]:
    """Sentences for the author."""
    filters = [one for part in conditions(definition.when) for one in _filters(part)]
    yield from _platform(filters)
    elsewhere = {part.word for part in conditions(definition.when)} & {"stage", "time", "receipt", "sentiment", "topic"}
    if not definition.who and not elsewhere and not any(_narrow(one) for one in filters):
        yield "It looks at everything that anybody does; name a `kind`, a `where` or a `who`."
    yield from _claimed(definition, filters)
    for part in conditions(definition.when):
        yield from _about_time(part)
    if definition.experiment is not None and definition.experiment.hold_out is None:
        yield "Without a `hold_out` its variants are compared with each other, and never with doing nothing."
    if on_sentiment_alone(definition.when):
        yield (
            "It rests on sentiment alone, which is a weak sign (docs/scorers.md says how weak). "
            "Ask beside it for a topic, for words (`where`), or for something that people did."
        )


def conditions(condition: ConditionDefinition) -> Iterator[ConditionDefinition]:
    """A condition and all conditions inside it."""
    return (part for _, part in with_places(condition, ""))


def with_places(condition: ConditionDefinition, pointer: str) -> Iterator[tuple[str, ConditionDefinition]]:
    """A condition and all conditions inside it, each with its JSON pointer, from the given one of the first on."""
    yield pointer, condition
    inner: list[tuple[str, ConditionDefinition]] = []
    for word in ("all", "any"):
        if isinstance(parts := getattr(condition, word), tuple):
            inner = [(f"{pointer}/{word}/{at}", part) for at, part in enumerate(parts)]
    if isinstance(condition.not_, ConditionDefinition):
        inner = [(f"{pointer}/not", condition.not_)]
    for here, part in inner:
        yield from with_places(part, here)


def calendars(definition: Definition) -> Iterator[tuple[str, str]]:
    """The working calendars in which it counts: JSON pointer, and name."""
    for pointer, part in with_places(definition.when, "/when"):
        if isinstance(part.silence, written.Silence) and part.silence.counts_in:
            yield f"{pointer}/silence/{'calendar' if part.silence.calendar else 'clock'}", part.silence.counts_in


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
    looked_at = {part.time.attribute for part in conditions(definition.when) if isinstance(part.time, written.Time)}
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


def _filters(condition: ConditionDefinition) -> Iterator[Filter]:
    if isinstance(condition.did, Filter):
        yield condition.did
    if isinstance(condition.silence, written.Silence):
        yield condition.silence.after
    if isinstance(condition.broken_habit, written.BrokenHabit):
        yield condition.broken_habit.of
    if isinstance(condition.sequence, written.Sequence):
        yield condition.sequence.steps[-1]
    if isinstance(condition.answered_by_peer, written.AnsweredByPeer):
        yield condition.answered_by_peer.asked
    if isinstance(condition.sentiment, written.SentimentIs):
        yield condition.sentiment.said
    if isinstance(condition.topic, written.TopicIs):
        yield condition.topic.said


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


def _about_time(condition: ConditionDefinition) -> Iterator[str]:
    silence, habit = condition.silence, condition.broken_habit
    if isinstance(silence, written.Silence) and silence.counts_in and set("dw") & set(silence.for_.text):
        yield (
            f"`for: {silence.for_.text}` of working time: a day is 24 hours of it, about three days of an office that "
            "works eight. Write hours."
        )
    if isinstance(habit, written.BrokenHabit) and habit.usual is None:
        yield (
            "Without `usual`, a few gaps decide alone what is unusual: say how long a gap is among people in general, "
            "and `kinline trigger rhythm FILE` tells what it was in the stored history."
        )

"""A trigger ready to be asked: checked, compiled once, and able to say what it looks at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec

from kinline import ids
from kinline.errors import Invalid
from kinline.triggers import definition as written
from kinline.triggers import score_use
from kinline.triggers.actions import ActionPart, Deed, Pause, Publish
from kinline.triggers.conditions import Condition, ConditionTerms, compile_condition
from kinline.triggers.definition import LATENESS, ONCE_WORDS, Definition, doings
from kinline.triggers.durations import span
from kinline.triggers.experiments import ACTED, Experiment, compile_experiment
from kinline.triggers.expressions import Expression, compile_expression
from kinline.triggers.filters import Interest
from kinline.triggers.history import PersonState
from kinline.triggers.lint import calendars, conditions, refuse_own_condition, warnings_of
from kinline.triggers.parts import many
from kinline.triggers.templates import ROOTS, Template, check

#: Where templates stand in each action, and whether they are one line.
_TEMPLATES: dict[str, tuple[tuple[str, Any], ...]] = {
    "message": (("text", "text"), ("subject", "line"), ("html", "html")),
    "task": (("title", "line"),),
    "attribute": (("value", "line"),),
    "publish": (("text", "text"),),
}
#: A name that is written with nothing to stand in its place.
_NAMED = re.compile(r"\{\{-?\s*(person\.(?:first_)?name)\s*-?\}\}")
#: Of whom a public post that nobody looks at first may not speak.
_PERSONAL = frozenset({"person", "interaction", "conversation"})


@dataclass(frozen=True)
class Action:
    """One thing to do, by its ``word``; or a ``wait``. ``doing`` is what was written.

    ``asked`` is its ``if``; of a wait its ``unless``.
    """

    word: str
    doing: Deed | Pause
    asked: Expression | None = None
    templates: dict[str, Template] = field(default_factory=dict)
    pointer: str = ""  #: where in the definition it stands

    @property
    def housekeeping(self) -> bool:
        """It reaches nobody and follows the order of what happened."""
        return self.word in ("tag", "stage", "attribute")

    def applies(self, person: PersonState, *, answered: bool = False, replied: bool = False) -> bool:
        """Whether its ``if`` holds now. ``answered``: one of us wrote to them since (`kinline.triggers.answered`)."""
        return self.asked is None or self.asked.holds(person_values(person, answered=answered, replied=replied))

    def ends_here(self, person: PersonState, *, answered: bool, replied: bool) -> bool:
        """Of a wait that is over: whether its ``unless`` holds, so that the rest is left undone."""
        return self.asked is not None and self.asked.holds(person_values(person, answered=answered, replied=replied))


@dataclass(frozen=True)
class Trigger:
    """A compiled trigger. ``id`` is the name under which interactions it caused carry it in their cause chain."""

    id: str
    definition: Definition
    condition: Condition
    who: Expression | None
    actions: tuple[Action, ...]  #: those of all variants of its experiment
    experiment: Experiment | None = None

    def acting(self, arm: str) -> "Trigger":
        """This trigger as it acts for those of one variant, named as in its experiment."""
        if self.experiment is None or arm == ACTED:
            return self
        shares = [(f"/experiment/variants/{number}/", name) for number, name in enumerate(self.experiment.arms)]
        [mine] = [pointer for pointer, name in shares if name == arm]
        return replace(self, actions=tuple(action for action in self.actions if action.pointer.startswith(mine)))

    def actions_by_arm(self) -> dict[str, tuple[ActionPart, ...]]:
        """What each arm of its experiment gets, as it was written."""
        given = self.definition.experiment
        if given is None or not given.variants:
            return {ACTED: self.definition.do}
        return {variant.name: variant.do for variant in given.variants}

    @property
    def name(self) -> str:
        return self.definition.name

    def interests(self) -> frozenset[Interest]:
        """Which interactions concern it: (kind, direction, channel), ``*`` for any."""
        return self.condition.interests()

    def concerns(self, kind: str, direction: str, channel: str) -> bool:
        return not self._interests.isdisjoint(_options(kind, direction, channel))

    def needs_judged(self, kind: str, direction: str, channel: str) -> bool:
        """Whether such an interaction has to be judged before it is asked."""
        return not self.judged_interests.isdisjoint(_options(kind, direction, channel))

    def addresses(self, person: PersonState, *, answered: bool = False) -> bool:
        """Whether ``who`` names this person, as they are. A cheap question before any history is loaded."""
        return self.who is None or self.who.holds(person_values(person, answered=answered))

    @property
    def lookback(self) -> int | None:
        """How far (µs) before ``since`` the history must reach, that moment included; None for all of it."""
        return self.condition.lookback

    @cached_property
    def condition_id(self) -> str:
        """What it waits for: a hash of its ``when``, ``who`` and ``once_per`` as they were written, whatever a release makes
        of them. What is armed belongs to it, and so outlives a change of texts and actions."""
        definition = self.definition
        said = (definition.when, definition.who.strip(), definition.limits.once_per)
        plain = msgspec.to_builtins(said, enc_hook=lambda value: getattr(value, "micros", str(value)))
        return ids.derived("condition", msgspec.json.encode(plain, order="sorted").decode())

    @cached_property
    def words(self) -> frozenset[str]:
        """The conditions it is made of."""
        return frozenset(part.word for part in conditions(self.definition.when))

    @cached_property
    def calendars(self) -> tuple[tuple[str, str], ...]:
        """The working calendars in which it counts: where in the definition each is named (JSON pointer), and its name."""
        return tuple(calendars(self.definition))

    @cached_property
    def of_organisations(self) -> bool:
        """It looks at what everybody of an organisation did."""
        silences = (part.silence for part in conditions(self.definition.when))
        return any(isinstance(each, written.Silence) and each.of == "organisation" for each in silences)

    @cached_property
    def of_us(self) -> bool:
        """It looks at how long we did not answer."""
        silences = (part.silence for part in conditions(self.definition.when))
        return any(isinstance(each, written.Silence) and each.of == "us" for each in silences)

    @cached_property
    def judged_interests(self) -> frozenset[Interest]:
        """Which interactions have to be judged by a scorer before it is asked: (kind, direction, channel)."""
        return score_use.interests(self.definition.when)

    @property
    def looks_at_judgements(self) -> bool:
        """Whether it looks at what scorers and people make of what was written."""
        return bool(self.judged_interests)

    @property
    def only_housekeeping(self) -> bool:
        return all(action.housekeeping for action in self.actions)

    @cached_property
    def at_once(self) -> tuple[Action, ...]:
        """The actions before the first wait."""
        waits = [at for at, action in enumerate(self.actions) if action.word == "wait"]
        return self.actions[: waits[0]] if waits else self.actions

    def naming(self, word: str, field: str) -> Iterator[tuple[str, str]]:
        """What its actions of this word name in this field, each with its pointer: templates, endpoints, triggers."""
        for action in self.actions:
            if action.word == word and (named := getattr(action.doing, field)):
                yield str(named), f"{action.pointer}/{word}/{field}"

    @property
    def lateness(self) -> int:
        """How old (µs) what starts a message or a task may be, at most."""
        written_so = self.definition.limits.lateness
        return LATENESS if written_so is None else written_so.micros

    @property
    def once_within(self) -> int | None:
        """At most one fire in any such time (µs), where ``once_per`` is a duration. The caller knows the fires."""
        once = self.definition.limits.once_per
        return None if once in ONCE_WORDS else span(once).micros

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What its author should know, in sentences. It works all the same."""
        return (*warnings_of(self.definition), *_unknown_names(self.actions), *_nameless(self.actions))

    @cached_property
    def _interests(self) -> frozenset[Interest]:
        return self.interests()


def compile_trigger(definition: Definition, trigger_id: str = "") -> Trigger:
    """Compile all of it. Raises `Invalid` with a pointer into the definition."""
    actions = tuple(_action(part, pointer) for pointer, part in doings(definition))
    _check_order(actions)
    trigger = Trigger(
        id=trigger_id or definition.name,
        definition=definition,
        condition=compile_condition(definition.when, "/when", _terms(actions, trigger_id or definition.name)),
        who=compile_expression(definition.who, "person", "/who") if definition.who else None,
        actions=actions,
        experiment=compile_experiment(definition, trigger_id or definition.name),
    )
    if trigger.experiment and trigger.only_housekeeping:
        raise Invalid(
            "an experiment needs a message or a task: tags and stages follow old history too, and reach nobody",
            code="reaches_nobody", pointer="/experiment",
        )  # fmt: skip
    refuse_own_condition(definition, trigger.addresses)
    return trigger


def person_values(person: PersonState, *, answered: bool, replied: bool = False) -> dict[str, Any]:
    """A person as the variables of an expression."""
    return {
        "relationship": person.relationship,
        "business": person.business,
        "tags": sorted(person.tags),
        "attributes": person.attributes,
        "answered": answered,
        "replied": replied,
    }


def _options(kind: str, direction: str, channel: str) -> Iterator[Interest]:
    return ((k, d, c) for k in (kind, "*") for d in (direction, "*") for c in (channel, "*"))


def _terms(actions: tuple[Action, ...], own: str) -> ConditionTerms:
    """Claimed interactions move no stage."""
    moves = any(action.word == "stage" for action in actions)
    return ConditionTerms(
        own=own, verified_only=moves, inherit=moves and all(action.housekeeping for action in actions)
    )


def _action(part: ActionPart, pointer: str) -> Action:
    here = f"{pointer}/{part.word}"
    if part.word == "wait":
        return replace(_pause(part, here), pointer=pointer)
    doing = part.doing
    asked = compile_expression(doing.if_, "person", f"{here}/if") if doing.if_ else None
    action = Action(part.word, doing, asked, dict(_templates(part, here)), pointer)
    if isinstance(doing, Publish) and not doing.approval:
        _refuse_personal(action.templates["text"], f"{here}/text")
    return action


def _pause(part: ActionPart, pointer: str) -> Action:
    if isinstance(part.wait, Pause):
        unless = part.wait.unless
        return Action("wait", part.wait, compile_expression(unless, "person", f"{pointer}/unless") if unless else None)
    try:
        return Action("wait", Pause(for_=span(part.wait)))
    except ValueError as wrong:
        raise Invalid(str(wrong), code="wrong_value", pointer=pointer) from wrong


def _check_order(actions: tuple[Action, ...]) -> None:
    """A wait waits for something."""
    for action, after in zip(actions, (*actions[1:], None), strict=True):
        last = after is None or _list_of(after) != _list_of(action) or after.word == "wait"
        if action.word == "wait" and last:
            said = "nothing comes after this wait; say what, or leave it out"
            raise Invalid(said, code="wrong_value", pointer=action.pointer)


def _list_of(action: Action) -> str:
    """The list that it stands in: ``do``, or that of a variant."""
    return action.pointer.rpartition("/")[0]


def _refuse_personal(template: Template, pointer: str) -> None:
    named = sorted(name for name in template.names if root_of(name) in _PERSONAL)
    if named:
        said = f"`{named[0]}` is about the person, and nobody looks at this post first; leave it out, or drop `approval: false`"
        raise Invalid(said, code="personal_data", pointer=pointer)


def _templates(part: ActionPart, pointer: str) -> Iterator[tuple[str, Template]]:
    for name, form in _TEMPLATES.get(part.word, ()):
        source = getattr(part.doing, name)
        if source and isinstance(source, str):
            yield name, check(source, form, f"{pointer}/{name}")


def root_of(name: str) -> str:
    """``person`` of ``person.first_name``, ``person['x']`` and so on."""
    return name.partition(".")[0].partition("[")[0]


def _nameless(actions: tuple[Action, ...]) -> Iterator[str]:
    sources = (
        template.source for action in actions if action.word == "message" for template in action.templates.values()
    )
    for name in sorted({found for source in sources for found in _NAMED.findall(source)}):
        yield (
            f"Not everybody has a proved name, and without one this message is not sent: write "
            f"{{{{ {name} | default: 'you' }}}}."
        )


def _unknown_names(actions: tuple[Action, ...]) -> Iterator[str]:
    names = {name for action in actions for template in action.templates.values() for name in template.names}
    for name in sorted(names):
        if root_of(name) not in many(ROOTS):
            yield f"The text speaks of `{name}`, which nobody fills in; it can speak of {', '.join(ROOTS)}."

"""A trigger as its author writes it: names and shapes, nothing compiled yet.

What makes it come about is a condition (`kinline.triggers.conditions`), what it does are actions
(`kinline.triggers.actions`): each an object with exactly one word in it. Unknown words are refused.
"""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from kinline.clock import HOUR
from kinline.triggers.actions import ActionPart
from kinline.triggers.conditions.base import ConditionDefinition
from kinline.triggers.durations import Duration, span
from kinline.triggers.filters import Filter
from kinline.triggers.parts import Cel, Count, Line, Name, Part
from kinline.triggers.percentages import Share

LATENESS = 4 * HOUR
ONCE_WORDS = ("episode", "interaction", "conversation", "person")


class Existing(Part, frozen=True, kw_only=True):
    """What becomes of those for whom it was due before it went live: acted for, where that was no longer ago than this."""

    fire_within: Duration


class Limits(Part, frozen=True, kw_only=True):
    """How often at most, and how late at most. ``once_per`` is a word or a duration.

    ``per_hour``: how often it may act in an hour before it pauses itself, in place of the hub's storm limit.
    """

    once_per: Line = "episode"
    lateness: Duration | None = None  #: 4h where nothing is written
    per_hour: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    existing: Existing | None = None

    def __post_init__(self) -> None:
        if self.once_per not in ONCE_WORDS:
            try:
                span(self.once_per)
            except ValueError as wrong:
                raise ValueError(f"`once_per` is {', '.join(ONCE_WORDS)} or a duration like 7d") from wrong


Doings = Annotated[tuple[ActionPart, ...], Meta(min_length=1, max_length=20)]
HOLD_OUT = "hold-out"


class Variant(Part, frozen=True, kw_only=True):
    """One of the things that an experiment compares. ``weight``: how many of all, beside the other weights."""

    name: Name
    do: Doings
    weight: Count = 1


class Desired(Part, frozen=True, kw_only=True):
    """What an experiment hopes for: that the person does such a thing within a time after they were assigned."""

    did: Filter
    within: Duration


class ExperimentDefinition(Part, frozen=True, kw_only=True):
    """Who gets what, by chance and for ever, and what it is measured by."""

    outcome: Desired
    name: Name = "experiment"
    hold_out: Share | None = None
    variants: Annotated[tuple[Variant, ...], Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two variants are called {twice[0]!r}; each has a name of its own")
        if HOLD_OUT in names:
            raise ValueError(f"{HOLD_OUT!r} is what those are called who get nothing; call the variant something else")
        if self.hold_out is None and len(names) < 2:
            raise ValueError("there is nothing to compare: write a `hold_out`, or two `variants`")


class Definition(Part, frozen=True, kw_only=True):
    """The whole trigger. What is done stands in ``do``, or in each variant of its experiment."""

    name: Name
    about: Annotated[str, Meta(min_length=1, max_length=500)]
    when: ConditionDefinition
    do: Doings = ()
    who: Cel = ""
    limits: Limits = Limits()
    experiment: ExperimentDefinition | None = None

    def __post_init__(self) -> None:
        varied = self.experiment is not None and bool(self.experiment.variants)
        if not self.do and not varied:
            raise ValueError("`do` is missing")
        if self.do and varied:
            raise ValueError("with `variants`, what is done stands in each of them: leave `do` out")


def doings(definition: Definition) -> Iterator[tuple[str, ActionPart]]:
    """Everything that it may do, each with the pointer to where it stands."""
    for at, part in enumerate(definition.do):
        yield f"/do/{at}", part
    for number, variant in enumerate(definition.experiment.variants if definition.experiment else ()):
        for at, part in enumerate(variant.do):
            yield f"/experiment/variants/{number}/do/{at}", part

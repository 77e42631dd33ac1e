"""A trigger as its author writes it: names and shapes, nothing compiled yet.

The shape is the one all conditions have: a condition is an object with exactly one word in it, so a new
condition is a new word, and ``all``, ``any`` and ``not`` take any of them. Unknown words are refused.
What it does stands in `kinline.triggers.actions`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from kinline.clock import HOUR
from kinline.triggers.actions import ActionPart
from kinline.triggers.durations import Duration, span
from kinline.triggers.history import CONFIDENT
from kinline.triggers.parts import Cel, Count, Line, Name, Part, Word, exactly_one, many, words_of
from kinline.triggers.percentages import Share
from kinline.words import STAGES, Direction, Kind, Role, Standing, Track

Confidence = Annotated[float, Meta(ge=0, le=1)]

Whose = Literal["us", "them", "anyone", "organisation"]

LATENESS = 4 * HOUR
APART = 12 * HOUR
#: The calendar that counts where a trigger names none.
CALENDAR = "default"
ONCE_WORDS = ("episode", "interaction", "conversation", "person")


class Compare(Part, frozen=True, kw_only=True):
    """Bounds for a number. An unknown number is within no bounds."""

    lt: float | None = None
    lte: float | None = None
    gt: float | None = None
    gte: float | None = None

    def __post_init__(self) -> None:
        if all(bound is None for bound in (self.lt, self.lte, self.gt, self.gte)):
            raise ValueError("compare with at least one of lt, lte, gt, gte")


class Filter(Part, frozen=True, kw_only=True):
    """Which interactions. Every line narrows; a list means one of them; what is unknown never matches.

    Without ``direction`` it looks at what the person did themselves. Notes, automatic mail and what was
    moderated away are passed over unless named.
    """

    kind: Kind | tuple[Kind, ...] = ()
    direction: Direction | tuple[Direction, ...] = ()
    channel: Word | tuple[Word, ...] = ()
    account: Word | tuple[Word, ...] = ()
    role: Role | tuple[Role, ...] = ()
    standing: Standing | tuple[Standing, ...] = ()
    topic: Word | tuple[Word, ...] = ()
    language: Word | tuple[Word, ...] = ()
    moderation: Word | tuple[Word, ...] = ()
    sentiment: Compare | None = None
    automatic: bool | Literal["any"] = False
    where: Cel = ""

    def said(self) -> str:
        """What it asks for, as it was written, for an explanation."""
        return ", ".join(f"{name}: {given}" for name in self.__struct_fields__ if (given := getattr(self, name)))


class Did(Filter, frozen=True, kw_only=True):
    """Somebody did it: each time; or the time that makes it ``count``, within a sliding window."""

    count: Count | None = None
    within: Duration | None = None
    distinct_channels: Annotated[int, Meta(ge=2, le=20)] | None = None

    def __post_init__(self) -> None:
        if self.within and self.count is None and self.distinct_channels is None:
            raise ValueError("`within` needs a `count` (or `distinct_channels`) to reach")


class Silence(Part, frozen=True, kw_only=True):
    """Nothing came from somebody for a time, counted from an interaction.

    With ``clock: business-hours`` the time is working time of ``calendar``, of the one named `CALENDAR` without it.
    """

    of: Whose
    for_: Duration = field(name="for")
    after: Filter = Filter()
    broken_by: Filter | None = None
    rearm: Literal["first", "last"] | None = None
    clock: Literal["always", "business-hours"] = "always"
    calendar: Annotated[str, Meta(min_length=1, max_length=100)] | None = None

    def __post_init__(self) -> None:
        if self.calendar and self.clock == "always":
            raise ValueError("`calendar` goes with `clock: business-hours`")

    @property
    def counts_in(self) -> str:
        """The name of the working calendar; "" where the clock never rests."""
        return "" if self.clock == "always" else self.calendar or CALENDAR


class BrokenHabit(Part, frozen=True, kw_only=True):
    """Somebody stays away longer than their own rhythm: by ``factor``, and nothing ``of`` this (`triggers.rhythm`)."""

    of: Filter = Filter()
    factor: Annotated[float, Meta(ge=1, le=100)] = 2.0
    least: Annotated[int, Meta(ge=2, le=100)] = 3
    usual: Duration | None = None
    weight: Count | None = None  #: `triggers.rhythm.WEIGHT` where nothing is written
    apart: Duration | None = None  #: 12h where nothing is written
    at_least: Duration | None = None
    at_most: Duration | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= 100:  # also what is no number (NaN)
            raise ValueError("`factor` lies between 1 and 100")
        if self.at_least and self.at_most and self.at_least.micros > self.at_most.micros:
            raise ValueError("`at_least` is no longer than `at_most`")
        if self.weight and not self.usual:
            raise ValueError("`weight` says how much `usual` counts: write both")


class Sequence(Part, frozen=True, kw_only=True):
    """One thing after another, within a time from the first to the last, with nothing of a kind in between."""

    steps: Annotated[tuple[Filter, ...], Meta(min_length=2, max_length=10)]
    within: Duration | None = None
    without: Filter | None = None


class AnsweredByPeer(Part, frozen=True, kw_only=True):
    """Somebody else than us answered what the person said. ``asked``: what was answered; ``within``: how soon."""

    asked: Filter = Filter()
    within: Duration | None = None


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


class Time(Part, frozen=True, kw_only=True):
    """A date that is known of the person comes near, is there, or has passed."""

    attribute: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    before: Duration | None = None
    after: Duration | None = None
    every: Literal["year"] | None = None

    def __post_init__(self) -> None:
        if self.before and self.after:
            raise ValueError("write either `before` or `after`")


Report = Literal["delivered", "read", "bounced", "delayed", "rejected", "complained", "clicked"]


class ReceiptIs(Part, frozen=True, kw_only=True):
    """A provider reported what became of a message of ours. ``trigger``: only of messages that this one asked for."""

    report: Report | tuple[Report, ...]
    channel: Word | tuple[Word, ...] = ()
    trigger: Line = ""
    permanent: bool | None = None


class SentimentIs(Part, frozen=True, kw_only=True):
    """How the person sounds: at a level, or falling. ``said``: which of their interactions count.

    The level is that of the newest that is known, at most ``within`` ago. It falls when the mean of the newest ``least``
    (all within that time) lies ``falls_by`` or more under the mean of all that came before them, also at least ``least``.
    """

    lt: float | None = None
    lte: float | None = None
    gt: float | None = None
    gte: float | None = None
    falls_by: Annotated[float, Meta(gt=0, le=2)] | None = None
    within: Duration | None = None  #: 30d where nothing is written
    least: Annotated[int, Meta(ge=1, le=100)] | None = None  #: 3 where nothing is written
    confidence: Confidence = CONFIDENT
    said: Filter = Filter()

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.lt, self.lte, self.gt, self.gte) if bound is not None]
        if bool(bounds) == (self.falls_by is not None):
            raise ValueError("write either bounds (lt, lte, gt, gte) or `falls_by`")
        if self.least is not None and self.falls_by is None:
            raise ValueError("`least` belongs to `falls_by`")


class TopicIs(Part, frozen=True, kw_only=True):
    """They spoke about something: each time; or the time that makes it ``count``, within a sliding window."""

    is_: Word | tuple[Word, ...] = field(name="is")
    count: Count | None = None
    within: Duration | None = None
    confidence: Confidence = CONFIDENT
    said: Filter = Filter()

    def __post_init__(self) -> None:
        if self.within and self.count is None:
            raise ValueError("`within` needs a `count` to reach")


class ConditionDefinition(Part, frozen=True, kw_only=True):
    """Exactly one of its words."""

    did: Did | UnsetType = UNSET
    silence: Silence | UnsetType = UNSET
    broken_habit: BrokenHabit | UnsetType = UNSET
    sequence: Sequence | UnsetType = UNSET
    answered_by_peer: AnsweredByPeer | UnsetType = UNSET
    stage: StageIs | UnsetType = UNSET
    time: Time | UnsetType = UNSET
    receipt: ReceiptIs | UnsetType = UNSET
    sentiment: SentimentIs | UnsetType = UNSET
    topic: TopicIs | UnsetType = UNSET
    all: Annotated[tuple["ConditionDefinition", ...], Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    any: Annotated[tuple["ConditionDefinition", ...], Meta(min_length=1, max_length=20)] | UnsetType = UNSET
    not_: "ConditionDefinition | UnsetType" = field(name="not", default=UNSET)

    def __post_init__(self) -> None:
        exactly_one(self, "a condition")

    @property
    def word(self) -> str:
        return words_of(self)[0]


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

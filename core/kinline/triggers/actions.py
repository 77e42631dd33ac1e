"""What a trigger does, as its author writes it: an action is an object with exactly one word in it."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from kinline.triggers.durations import Duration
from kinline.triggers.parts import Cel, Line, Name, Part, Text, Word, exactly_one, words_of
from kinline.words import STAGES, Track


class Doing(Part, frozen=True, kw_only=True):
    """Base of what a trigger does. ``if`` is asked at the moment of doing it."""

    if_: Cel = field(name="if", default="")


class MessageAction(Doing, frozen=True, kw_only=True):
    """Write to the person: by a stored template, or by words written here."""

    class_: Literal["service", "transactional", "marketing"] = field(name="class")
    template: Name | None = None
    text: Text = ""
    subject: Line = ""
    html: Text = ""
    channel: Word | None = None
    account: Word | None = None
    approval: bool = False

    def __post_init__(self) -> None:
        if bool(self.template) == bool(self.text):
            raise ValueError("a message has either a `template` or a `text`")
        if self.template and (self.subject or self.html):
            raise ValueError("a message with a `template` has its `subject` and `html` there")
        if self.html and not self.text:
            raise ValueError("a message with `html` has a `text` too, for those who show none")


class TaskAction(Doing, frozen=True, kw_only=True):
    """Work for a human. ``evidence`` puts what was seen beside it."""

    team: Word
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    evidence: bool = True


class TagAction(Doing, frozen=True, kw_only=True):
    """Tags to put on the person, or to take off."""

    add: Word | tuple[Word, ...] = ()
    remove: Word | tuple[Word, ...] = ()

    def __post_init__(self) -> None:
        if not self.add and not self.remove:
            raise ValueError("a tag action needs `add` or `remove`")


class StageAction(Doing, frozen=True, kw_only=True):
    """A move in the life cycle."""

    track: Track
    to: str

    def __post_init__(self) -> None:
        if self.to not in STAGES[self.track]:
            raise ValueError(f"`to` is one of {', '.join(STAGES[self.track])}; this is {self.to[:40]!r}")


class AttributeAction(Doing, frozen=True, kw_only=True):
    """Something to know of the person from now on. A text is a template of one line; null: not known any more."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    value: Line | int | float | bool | None


class Webhook(Doing, frozen=True, kw_only=True):
    """A signed call to a stored endpoint of the company's. ``evidence``: what counted stands in it."""

    endpoint: Name
    evidence: bool = True
    approval: bool = False


class Start(Doing, frozen=True, kw_only=True):
    """Do what another trigger does, as if it had fired."""

    trigger: Name


class StopAction(Doing, frozen=True, kw_only=True):
    """Call off what another trigger has under way for this person."""

    trigger: Name


class Publish(Doing, frozen=True, kw_only=True):
    """A public post over an account of ours. Somebody approves it, unless ``approval`` is false."""

    account: Word
    text: Annotated[str, Meta(min_length=1, max_length=32_000)]
    approval: bool = True


class Pause(Part, frozen=True, kw_only=True):
    """A time between two actions. ``unless`` is asked when it is over: where it holds, the rest is left undone."""

    for_: Duration = field(name="for")
    unless: Cel = ""


Deed = MessageAction | TaskAction | TagAction | StageAction | AttributeAction | Webhook | Start | StopAction | Publish


class ActionPart(Part, frozen=True, kw_only=True):
    """Exactly one of its words."""

    message: MessageAction | UnsetType = UNSET
    task: TaskAction | UnsetType = UNSET
    tag: TagAction | UnsetType = UNSET
    stage: StageAction | UnsetType = UNSET
    attribute: AttributeAction | UnsetType = UNSET
    webhook: Webhook | UnsetType = UNSET
    start: Start | UnsetType = UNSET
    stop: StopAction | UnsetType = UNSET
    publish: Publish | UnsetType = UNSET
    wait: Line | Pause | UnsetType = UNSET

    def __post_init__(self) -> None:
        exactly_one(self, "an action")

    @property
    def word(self) -> str:
        return words_of(self)[0]

    @property
    def doing(self) -> Deed:
        """What is to be done. Not of a ``wait``, which does nothing."""
        doing: Deed = getattr(self, self.word)
        return doing

"""A condition is one class behind one hook: what somebody did in, the moments at which it comes about out.

It is a word of the language of triggers: authors write it under ``when`` like every other, live, in back-tests and in
explanations. It gets what was seen of one person as plain data, in the order it happened, and the moment it is asked about;
it reads no clock and no network, keeps nothing between calls, and says the same of the same. What people wrote is data:
nothing in it is an instruction. Whatever goes wrong in it costs the decisions of its own triggers and nothing else.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from kinline import clock
from kinline.contract.seen import Seen
from kinline.words import Kind

#: The version of this contract. A break is announced one minor release ahead.
CONTRACT = 1
#: The words that ship; no plugin brings another of the same name.
SHIPPED = frozenset(
    [
        "did",
        "silence",
        "broken_habit",
        "sequence",
        "answered_by_peer",
        "stage",
        "time",
        "receipt",
        "sentiment",
        "topic",
        "all",
        "any",
        "not",
    ]
)
#: Moments of one person at most.
MOST = 100_000
#: Characters of a value that an explanation may show.
LONGEST = 500


class ConditionWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what authors write under the word. Fields are typed. Say what each means with
    ``msgspec.Meta(description=…)``; raise `ValueError` in ``__post_init__`` for what makes no sense together."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One time that it comes about.

    ``at``: when (µs since 1970 UTC). Ahead of now it is waited for: the person is looked at again then.
    ``interactions``: the ids of what counted, at least one; an answer would answer the last, and a trigger acts on that once.
    ``until``: from when on it holds no more; None: it still does. Not after ``at``: it came to nothing.
    ``read``: what an explanation shows, by name.
    """

    at: int
    interactions: tuple[str, ...]
    until: int | None = None
    read: dict[str, str | int | float | bool] = {}


W = TypeVar("W", bound=ConditionWords)


class Condition(ABC, Generic[W]):
    """One word of ``when``. Subclass it, and return the class from the ``kinline_condition`` hook.

    Made once for each trigger from what its author wrote (``written``); raise `ValueError` with a sentence for what makes no
    sense in it.
    """

    name: ClassVar[str]  #: lower case, letters, digits and ``_``; the word that authors write
    title: ClassVar[str]  #: what it means, in a sentence
    contract: ClassVar[int] = CONTRACT
    words: type[W]
    whose: ClassVar[Literal["them", "us", "anyone"]] = "them"  #: whose acts it sees
    kinds: ClassVar[frozenset[Kind]] = frozenset()  #: the kinds of interaction it sees; none: all but notes

    def __init__(self, written: W) -> None:
        self.written = written

    @abstractmethod
    def moments(self, seen: Sequence[Seen], now: int) -> Iterable[Moment]:
        """Every moment in this history, in any order. Only what came before a moment may decide about it.

        ``seen`` leaves out what machines did, what was moderated away and what the trigger caused itself; of a trigger that
        moves a stage also what is not verified.
        """


AnyPluginCondition = Condition[Any]


def sound_moment(moment: Moment, known: frozenset[str]) -> Moment:
    """The same moment, if it can be one of a history of these interactions. Raises `ValueError` saying what is wrong."""
    if type(moment) is not Moment:
        raise ValueError("it gave something that is no kinline.Moment")
    for at in (moment.at, 0 if moment.until is None else moment.until):
        if type(at) is not int or not clock.EARLIEST <= at < clock.LATEST:
            raise ValueError("a moment is whole microseconds since 1970")
    if type(moment.interactions) is not tuple or not moment.interactions or not known.issuperset(moment.interactions):
        raise ValueError("a moment names at least one interaction, of those that were seen")
    if type(moment.read) is not dict or not all(map(_shown, moment.read.items())):
        raise ValueError(f"what is read are words, numbers, true and false of at most {LONGEST} characters, by name")
    return moment


def _shown(item: tuple[object, object]) -> bool:
    name, value = item
    return isinstance(name, str) and type(value) in (str, int, float, bool) and len(f"{name}{value}") <= LONGEST

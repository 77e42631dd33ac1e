"""A scorer is one class behind one hook: texts in, judgements out. Read this file and you know the contract.

It gets what people wrote as plain data, several at once, and says what it makes of each: how it sounds, what it is about,
which language it is in. It sees no session, no person and no core object, and keeps nothing between calls. What people
wrote is data: nothing in it is an instruction. The hub calls it in a job, after recording, with a time limit; whatever
goes wrong in it costs a judgement and nothing else.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar

import msgspec

from kinline.words import Kind, Scored

#: The version of this contract. A break is announced one minor release ahead.
CONTRACT = 1
#: Characters of a text that a scorer gets at most.
LONGEST = 10_000
#: Characters of a word (a topic, a language).
LONGEST_WORD = 100


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote. ``language`` is the source's own word for it (BCP 47), "" where it has none."""

    text: str
    subject: str = ""
    language: str = ""
    kind: Kind = Kind.MESSAGE


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement of one writing.

    ``value``: of `Scored.SENTIMENT` a number from -1 (as bad as can be) to 1; of the others a word. None: it cannot tell,
    and what is unknown never matches. ``confidence``: 0 to 1, how often it is right when it says so. ``language``: in
    which it read the text.
    """

    what: Scored
    value: float | str | None
    confidence: float = 0.0
    language: str = ""


class Scorer(ABC):
    """One way of judging texts. Subclass it, and return the class from the ``kinline_scorer`` hook.

    ``own`` is what the operator wrote into the file that the setting ``scorer_words`` names, as plain data; raise
    `Misconfigured` for what makes no sense in it. ``version`` names the rules that judge: give another one whenever a
    text may be judged otherwise, also because of ``own``. Of two versions the greater counts, read as people read them
    (1.10 after 1.9).
    """

    name: ClassVar[str]  #: lower case, letters, digits and ``_``; the word in the setting ``scorer``
    contract: ClassVar[int] = CONTRACT
    gives: ClassVar[frozenset[Scored]]  #: what it judges
    version: str

    def __init__(self, own: Mapping[str, Any]) -> None:
        if own:
            raise TypeError(f"The scorer {self.name} takes no words of the operator's.")

    @abstractmethod
    def score(self, writings: Sequence[Writing]) -> Sequence[Iterable[Score]]:
        """The judgements of each writing, in their order; what is left out is unknown. Called by one thread at a time."""


def sound(score: Score, gives: frozenset[Scored]) -> Score:
    """The same score, if it is one that may be kept. Raises `ValueError` saying what is wrong with it."""
    if type(score) is not Score or score.what not in gives:
        raise ValueError("it gave something that is no score of what it gives")
    if not isinstance(score.confidence, int | float) or not 0 <= score.confidence <= 1:
        raise ValueError("a confidence lies between 0 and 1")
    if not isinstance(score.language, str) or not printable(score.language, empty=True):
        raise ValueError("a language is a word")
    if score.value is not None:
        _checked(score.what, score.value)
    return score


def _checked(what: Scored, value: object) -> None:
    if what is Scored.SENTIMENT:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not isfinite(value) or not -1 <= value <= 1:  # type: ignore[arg-type,operator]
            raise ValueError("a sentiment is a number from -1 to 1")
    elif not isinstance(value, str) or not printable(value):
        raise ValueError(f"a {what} is a word of 1 to {LONGEST_WORD} characters")


def printable(word: str, *, empty: bool = False) -> bool:
    """Whether a word can be kept and shown."""
    return (empty or bool(word.strip())) and len(word) <= LONGEST_WORD and word.isprintable()

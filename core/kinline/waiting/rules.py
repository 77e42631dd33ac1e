"""What an interaction asks of us, and what it answers: pure, and the only place that knows (docs/waiting.md).

A word asks us *directly*, or *indirectly* where it answers another outsider and we are no recipient of it, or not at all.
One of us who answers by hand, and is proved to be us, settles whoever gets the answer, in that conversation, for what they
asked before. Nobody is guessed away, and nobody is guessed in.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from kinline.triggers.filters import MODERATED_AWAY
from kinline.words import ASKING, Direction, Kind, Visibility

#: With what one of us answers. A like is no answer.
ANSWERING = ASKING | {Kind.POST, Kind.ARTICLE}
#: In person: who was there was heard.
IN_PERSON = frozenset({Kind.CALL, Kind.VISIT})
#: To more people than this, words that answer nobody are a mailing.
MANY = 10
#: What a channel flags as perhaps not of the side that it seems to be: it answers nobody.
UNSURE = frozenset({"ours_unproved", "side_guessed"})
#: How far along somebody's answers to their own words a level is looked for.
FURTHEST = 50


class Level(StrEnum):
    """How somebody waits."""

    DIRECT = "direct"  #: for an answer of ours; a clock may run
    INDIRECT = "indirect"  #: they spoke to another outsider: listed when asked for, no clock
    FORWARDED = "forwarded"  #: one of us passed on somebody's words: who asked is to be named


class WaitingLine(msgspec.Struct, frozen=True, kw_only=True):
    """An interaction as waiting sees it. ``person`` is whoever holds the author's identity now; of an author without a
    handle the interaction itself, for it waits under its typed name and is nobody else."""

    id: str
    at: int  #: by the clock of whoever said it; live words were not said after they reached us
    place: str  #: the conversation, or the interaction itself where it is in none
    who: str  #: the author's identity, or the interaction; "" of ours, but for what one of us passed on
    person: str
    channel: str
    kind: str
    direction: str
    visibility: str
    automatic: bool = False
    away: bool = False  #: moderated away
    unsure: bool = False  #: nobody vouches for it being ours
    vouched: bool = False  #: nobody did, and whoever got it answered: it is ours
    known_at: int = 0  #: when we came to know of it: live words may have been on the way for long
    written_at: int | None = None  #: of ours that was written here: when, so that what came later was not seen
    imported: bool = False
    deleted_at: int | None = None
    to_us: bool = False  #: one of us is a recipient
    taken: bool = False  #: of a call or visit: one of us took part
    reached: frozenset[str] = frozenset()  #: the persons whom it names: recipients and mentioned
    shown: frozenset[str] = frozenset()  #: the persons who stand on it visibly, as author or recipient
    answers: tuple[str, ...] = ()  #: what it answers, as far as that is here
    went_to: frozenset[str] = frozenset()  #: of ours: the handles that got it
    wants_at: frozenset[str] = frozenset()  #: of theirs: the handles at which its author wants the answer
    failed_to: frozenset[str] = frozenset()  #: the persons to whom it surely never came
    also_asks: bool = False  #: it was judged to be a question or a complaint
    among_us: bool = False  #: of ours, to us alone, about nothing that is here

    @property
    def ours(self) -> bool:
        return self.direction == Direction.OUTBOUND


Find = Callable[[str], WaitingLine | None]


def level(line: WaitingLine, find: Find) -> Level | None:
    """How it asks us. ``find`` gives what it answers, and what that answers. None: not at all."""
    if line.ours:
        return Level.FORWARDED if line.among_us and not line.unsure and _counts(line) else None
    if line.kind not in ASKING or not _counts(line) or (line.kind in IN_PERSON and line.taken):
        return None
    return _level(line, find, FURTHEST)


def _level(line: WaitingLine, find: Find, further: int) -> Level | None:
    parent = next((found for each in line.answers if (found := find(each)) is not None), None)
    if parent is None or further == 0:
        return None if line.direction == Direction.AMONG else Level.DIRECT
    if parent.ours:
        return Level.DIRECT
    above = _level(parent, find, further - 1)
    if parent.person == line.person:  # what goes on with one's own words has their level
        return above if above or line.direction == Direction.AMONG else Level.DIRECT
    if line.direction == Direction.AMONG:
        return Level.INDIRECT if above else None
    return Level.DIRECT if line.to_us else Level.INDIRECT


def _counts(line: WaitingLine) -> bool:
    return not line.automatic and not line.away and line.kind != Kind.NOTE


def answers(line: WaitingLine) -> bool:
    """Whether one of us said it by hand, and it counts as an answer."""
    if line.deleted_at is not None or not _counts(line) or line.unsure:
        return False
    if line.ours:
        return line.kind in ANSWERING
    return line.kind in IN_PERSON and line.taken  # they were heard: it settles what is named as answered


def is_mailing(line: WaitingLine) -> bool:
    """Unasked words to many answer nobody."""
    return line.ours and not line.answers and len(line.reached) > MANY


def reaches_all(line: WaitingLine) -> bool:
    """Whether it is an answer to more than those whom it names."""
    return line.visibility == Visibility.PARTICIPANTS or (line.visibility == Visibility.ADDRESSED and not line.reached)


def settles(line: WaitingLine, person: str, asked_in: str) -> bool:
    """Whether this answer of ours settles all that this person asked in a place before."""
    if not line.ours or line.place != asked_in or person in line.failed_to or is_mailing(line):
        return False
    if line.visibility == Visibility.PARTICIPANTS:  # what was written here says whom its ticket reaches
        return line.written_at is None or person in line.reached
    if line.reached:
        return person in line.reached
    return line.visibility == Visibility.ADDRESSED and person in line.shown


def settles_named(line: WaitingLine, asked: WaitingLine) -> bool:
    """Whether it settles what it names as answered, wherever that was asked: whoever asked it got the answer, visibly or in
    public. What they asked there later is not answered by that."""
    if asked.ours or asked.person in line.failed_to or is_mailing(line):
        return False
    got_it = asked.person in line.reached or not asked.wants_at.isdisjoint(line.went_to)
    return got_it or not line.ours or line.visibility == Visibility.PUBLIC


def reaches_elsewhere(line: WaitingLine, person: str) -> bool:
    """Whether it is a word of ours to that person, so that what they asked elsewhere rests for a while."""
    return line.ours and person in line.reached and person not in line.failed_to and not is_mailing(line)


def helps(line: WaitingLine, question: WaitingLine, find: Find) -> bool:
    """Whether a word of another outsider, which is not meant for us, answers a question that was."""
    if line.ours or line.also_asks or line.person == question.person:
        return False
    return level(line, find) is Level.INDIRECT and level(question, find) is Level.DIRECT


def moderated_away(moderation: str) -> bool:
    return moderation in MODERATED_AWAY

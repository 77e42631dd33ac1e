"""What a decision may look at: plain frozen data about one person, loaded by somebody else."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from kinline.clock import EARLIEST
from kinline.contract.seen import CONFIDENT as CONFIDENT
from kinline.contract.seen import Judged as Judged
from kinline.contract.seen import Seen as Seen

if TYPE_CHECKING:
    from kinline.calendars import Calendar
#: The end of an instant, after all that follows in it.
LAST = 2**31


class PersonState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person, at one time."""

    relationship: str = "stranger"
    business: str = "none"
    tags: frozenset[str] = frozenset()
    attributes: dict[str, Any] = {}
    imported: dict[str, int] = {}  #: tracks whose stage rests on history that was imported, and when that came


Dated = tuple[int, int, PersonState]  #: since when, from which step of that instant, and who they were then


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider reported of a message that we sent to the person."""

    at: int
    id: str
    followup: str
    report: str
    channel: str
    permanent: bool = False
    trigger: str = ""  #: the name of the trigger that asked for the message
    interaction: str = ""  #: the message, as it stands on the timeline
    conversation: str = ""
    recorded_at: int = 0  #: when it was reported to us


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """One time that the person waited for an answer of ours in one place, which is a conversation or an interaction.

    ``asked`` is the id of the first that they asked in it. ``ended_at``: when it was over; ``answered_by``: the answer of ours
    that ended it, which they need not have got themselves. ``pauses``: from when to when it rested; None: it still does.
    """

    place: str
    asked: str
    since: int
    until: int | None = None  #: to when it covers what they asked there
    ended_at: int | None = None
    answered_by: str = ""
    pauses: tuple[tuple[int, int | None], ...] = ()

    def covers(self, at: int) -> bool:
        return self.since <= at and (self.until is None or at <= self.until)


class OrganisationHistory(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation of the person's, and what everybody of it did while they belonged to it.

    ``seen`` is in the order it happened, each interaction once. ``mine``: those of them that are this person's. One
    that several of them share is only one member's, so that what it starts is started once.
    """

    id: str
    name: str
    seen: tuple[Seen, ...]
    mine: frozenset[str]


class History(msgspec.Struct, frozen=True):
    """A person's interactions in the order they happened, and what was true of the person when.

    Make it with `of`, which sorts. ``persons`` are dated, (since, step, person): each holds from its time until the next
    one's, so that an old silence is judged by the stage of its day and not by today's. An instant has steps: what happened
    is step 0, and what a trigger moves is one more than what it moves it for. ``calendars`` are the hub's working calendars
    by name. ``waited``: how they waited for an answer of ours.
    """

    seen: tuple[Seen, ...]
    persons: tuple[Dated, ...] = ((EARLIEST, 0, PersonState()),)
    receipts: tuple[Received, ...] = ()
    calendars: "Mapping[str, Calendar]" = {}
    organisations: tuple[OrganisationHistory, ...] = ()
    waited: tuple[Waited, ...] | None = None  #: None: nobody knows

    @classmethod
    def of(
        cls,
        seen: Iterable[Seen],
        person: PersonState | Iterable[tuple[int, PersonState] | Dated] = (),
        receipts: Iterable[Received] = (),
        *,
        calendars: "Mapping[str, Calendar] | None" = None,
        organisations: Iterable[OrganisationHistory] = (),
        waited: Iterable[Waited] | None = None,
    ) -> "History":
        """From interactions in any order, and a person who never changed or (since, person) or (since, step, person)."""
        told = [(EARLIEST, person)] if isinstance(person, PersonState) else person
        dated = sorted((_with_step(*each) for each in told), key=lambda each: each[:2])
        if not dated or dated[0][0] > EARLIEST:
            dated.insert(0, (EARLIEST, 0, PersonState()))
        return cls(
            in_order(seen),
            tuple(dated),
            tuple(sorted(receipts, key=lambda one: (one.at, one.id))),
            calendars or {},
            tuple(sorted(organisations, key=lambda one: one.id)),
            None if waited is None else tuple(waited),
        )

    def person_at(self, at: int, step: int = LAST) -> PersonState:
        """Who they were at a step of a moment, what changed in that very step included; without one, at its end."""
        found = bisect_right(self.persons, (at, step), key=lambda dated: dated[:2])
        return self.persons[max(found - 1, 0)][2]


def _with_step(since: int, *more: Any) -> Dated:
    return (since, 0, *more) if len(more) == 1 else (since, *more)


def in_order(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    """Interactions as they happened; among equal times by the source's order, then by id."""
    return tuple(sorted(seen, key=lambda one: (one.at, one.sequence, one.id)))

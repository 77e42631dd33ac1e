"""What deciding can say: it fires, it waits, it is over. Each with what was seen and what was missed."""

from typing import Any, Literal

import msgspec

MAX_TOLD = 100  #: interactions told in an evidence; a silence of years may follow thousands


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that did not happen: whose act was looked for, which, and from when to when (µs)."""

    of: Literal["us", "them", "anyone", "organisation"]
    looked_for: str
    since: int
    until: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why. ``interactions`` counted; ``about`` is the one that an answer would answer.

    ``proved``: every interaction counted is verified. Where it is False, somebody only says who they are: such
    a fire may send a message in its own ``conversation`` and move no stage.
    """

    interactions: tuple[str, ...] = ()
    about: str = ""
    conversation: str = ""
    absences: tuple[Absence, ...] = ()
    read: dict[str, Any] = {}
    proved: bool = True
    imported: bool = False  #: it rests on history that was imported, though no interaction is named
    organisation: str = ""  #: whose silence it is: decided once for all who belong to it

    def joined(self, other: "Evidence") -> "Evidence":
        """Both; what is about stays this one's."""
        return msgspec.structs.replace(
            self,
            interactions=tuple(dict.fromkeys(self.interactions + other.interactions)),
            absences=self.absences + other.absences,
            read={**other.read, **self.read},
            proved=self.proved and other.proved,
            imported=self.imported or other.imported,
            organisation=self.organisation or other.organisation,
        )


class Fire(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It holds, since ``at``. ``once`` is the trigger's and person's part of the once-key, by ``once_per``.

    ``step``: 0 where something happened, or a time was over, at ``at``; where it rests on a move, that move's.
    """

    episode: str
    at: int
    evidence: Evidence
    once: str = ""
    step: int = 0

    @property
    def proved(self) -> bool:
        return self.evidence.proved


class Wait(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It may hold at ``due_at``, if nothing happens: ask again then."""

    episode: str
    due_at: int
    evidence: Evidence


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """This episode is over without firing, since ``at``.

    ``reason``: ``moved_on`` (interaction ``by`` broke the silence), ``restarted`` (``by`` set the clock anew),
    ``not_addressed`` (the person was not among those whom ``who`` names), ``no_calendar`` (the working calendar in
    which it counts is not there: nobody can say when it is due), ``ended`` (it was closed or dismissed, or they withdrew
    what they had asked), ``resting`` (somebody else answered it: its clock rests).
    """

    episode: str
    at: int
    reason: Literal["moved_on", "restarted", "not_addressed", "no_calendar", "ended", "resting"]
    by: str = ""
    evidence: Evidence = Evidence()


Outcome = Fire | Wait | Settled


def moment(outcome: Outcome) -> int:
    """When it is, was, or will be."""
    return outcome.due_at if isinstance(outcome, Wait) else outcome.at

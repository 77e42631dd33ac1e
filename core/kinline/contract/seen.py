"""One interaction as a person's history has it, and what was made of its words: plain frozen data."""

from typing import Any

import msgspec

from kinline.words import Direction, Kind, Origin, Role, Standing

#: How confident a judgement has to be to count, where a trigger does not say.
CONFIDENT = 0.5


class Judged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody made of what was written: a scorer in a version, the source itself, or one of us (``by``).

    ``value`` None: it could not be told. ``confidence``: 0 to 1. ``language``: in which it was read.
    """

    value: float | str | None
    confidence: float
    scorer: str
    version: str = ""
    language: str = ""
    by: str = ""

    def known(self, least: float = CONFIDENT) -> float | str | None:
        """The value, where it is known surely enough."""
        return self.value if self.confidence >= least else None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One interaction as this person's history has it. Times are microseconds since 1970 UTC.

    ``topic``, ``language`` and ``moderation`` are "" and ``sentiment`` is None where nobody knows; the
    unknown never matches anything. ``caused_by`` are the ids of the triggers in its cause chain. ``judged`` says of
    topic, sentiment and language who judged, how surely; empty where nobody has judged yet.
    """

    id: str
    at: int  #: the time it is sorted by: theirs, or ours where they have none
    recorded_at: int
    kind: Kind
    direction: Direction
    channel: str
    account: str = ""
    conversation: str = ""
    role: Role = Role.AUTHOR  #: this person's part in it
    standing: Standing = Standing.CLAIMED  #: how far this person's line in it is proved
    automatic: bool = False
    origin: Origin = Origin.LIVE
    sequence: int = 0  #: the source's order among equal times
    subject: str = ""
    text: str = ""
    topic: str = ""
    sentiment: float | None = None
    language: str = ""
    moderation: str = ""
    facts: dict[str, Any] = {}
    answers: str = ""  #: id of the interaction it answers
    caused_by: frozenset[str] = frozenset()
    to_us: bool = False  #: one of us is a recipient
    judged: dict[str, Judged] = {}

    def judgement(self, what: str) -> Judged | None:
        """Who judged that, and how surely. What stands here without a judgement counts as said by the source."""
        if what in self.judged:
            return self.judged[what]
        value = getattr(self, what)
        return None if value in ("", None) else Judged(value=value, confidence=1.0, scorer="source")

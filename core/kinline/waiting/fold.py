"""From what happened between somebody and us in one place to the times they waited: pure.

What was kept up while it happened and what is folded from nothing are one, for both are this function: it goes on from
wherever an earlier fold stopped.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from kinline.waiting.rules import Level


class Ended(StrEnum):
    """What ended a wait."""

    US = "us"  #: one of us answered
    PEER = "peer"  #: somebody else answered, and they said that this was it
    CLOSED = "closed"  #: the conversation was solved or closed
    DISMISSED = "dismissed"  #: one of us said that it needs no answer
    WITHDRAWN = "withdrawn"  #: they deleted what they had asked


class Paused(StrEnum):
    """Why a clock rests."""

    PEER = "peer"  #: somebody else answered
    US = "us"  #: one of us answered them elsewhere


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what happens. ``by`` is the interaction, or whoever of us did it."""

    at: int
    by: str = ""


class AskEvent(Event, frozen=True, kw_only=True):
    """They asked something. ``said_at``: by the clock of whoever said it; ``known_at``: when we came to know of it."""

    said_at: int
    known_at: int
    level: Level
    channel: str
    kind: str
    imported: bool = False
    also_asks: bool = False
    withdrawn_at: int | None = None


class Episode(msgspec.Struct, kw_only=True):
    """One time that somebody waited in one place, until it ended. ``last_at``: what happened last in it."""

    level: Level
    since: int
    asked_id: str
    channel: str
    kind: str
    imported: bool
    also_asks: bool = False
    last_at: int = 0
    last_asked_at: int = 0  #: when they last asked
    last_known_at: int = 0  #: when we last came to know that they asked
    begun_at: int = 0  #: when it began, also where what began it was withdrawn, or asked us less directly
    said_from: int = 0  #: the earliest that any clock says of what was asked in it
    paused_at: int | None = None
    paused_how: str = ""
    paused_by: str = ""
    paused_until: int | None = None
    rests: tuple[tuple[int, int], ...] = ()  #: pauses that are over, from and to
    ended_at: int | None = None
    ended_how: str = ""
    ended_by: str = ""
    asks: tuple[AskEvent, ...] = ()  #: not stored: what was asked in it, while it is folded whole

    @property
    def open(self) -> bool:
        return self.ended_at is None


class End(Event, frozen=True, kw_only=True):
    """One of us answered them, the place was closed, or somebody said that it needs no answer.

    It ends what they asked before; only what they asked up to ``asked_until`` where that is given; and only what we knew of
    by ``seen_until``: nobody is answered by what was done while their words were on the way.
    """

    how: Ended
    asked_until: int | None = None
    seen_until: int | None = None

    def ends(self, ask: AskEvent) -> bool:
        asked = self.asked_until is None or ask.at <= self.asked_until
        return asked and (self.seen_until is None or ask.known_at <= self.seen_until)

    def leaves(self, running: Episode) -> bool:
        """Whether something that they asked is not ended by it."""
        later = self.asked_until is not None and running.last_asked_at > self.asked_until
        return later or (self.seen_until is not None and running.last_known_at > self.seen_until)


class Rest(Event, frozen=True, kw_only=True):
    """Something answered them for now. ``question``: only what was asked since, up to there, counts as answered."""

    how: Paused
    until: int | None = None
    asked_at: int | None = None


class React(Event, frozen=True, kw_only=True):
    """They reacted to what somebody else had answered: that was it."""

    to: str


#: What happens at one moment, in this order: an answer at the moment of a question is an answer to it.
_ORDER: dict[type[Event], int] = {AskEvent: 0, React: 1, Rest: 2, End: 3}


class _Withdraw(Event, frozen=True, kw_only=True):
    """They deleted something that they had asked."""


def fold(events: Iterable[Event], begun: Episode | None = None) -> list[Episode]:
    """The episodes, in their order; ``begun`` is one that runs already, and of which nothing that comes is older."""
    return _folded(sorted(_with_withdrawals(events), key=_place_of), begun)


def _folded(listed: list[Event], begun: Episode | None = None) -> list[Episode]:
    episodes, running = list[Episode](), begun
    for number, event in enumerate(listed):
        if running is not None and isinstance(event, End) and event.leaves(running):
            ended, running = _parted(running, event, listed[:number])
            episodes += ended
        else:
            running = _step(running, event)
        if running is not None and not running.open:
            episodes.append(running)
            running = None
    return [*episodes, *([running] if running else [])]


def _parted(running: Episode, end: End, before: list[Event]) -> tuple[list[Episode], Episode | None]:
    """A part of what they asked is over, and they wait since they asked the rest."""
    over = _running([event for event in before if not isinstance(event, AskEvent) or end.ends(event)])
    rest = _running([event for event in before if not isinstance(event, AskEvent) or not end.ends(event)])
    if over is None:
        running.last_at = end.at
        return [], running
    _end(over, end)
    if rest is not None:
        rest.last_at = end.at
    return [over], rest


def _running(events: list[Event]) -> Episode | None:
    episodes = _folded(events)
    return episodes[-1] if episodes and episodes[-1].open else None


def _with_withdrawals(events: Iterable[Event]) -> Iterable[Event]:
    for event in events:
        yield event
        if isinstance(event, AskEvent) and event.withdrawn_at is not None:
            yield _Withdraw(at=max(event.at, event.withdrawn_at), by=event.by)


def _place_of(event: Event) -> tuple[int, int, str]:
    return event.at, _ORDER.get(type(event), 4), event.by


def _step(running: Episode | None, event: Event) -> Episode | None:
    if running is None:
        return _begun(event) if isinstance(event, AskEvent) else None
    running.last_at = event.at
    match event:
        case AskEvent():
            _asked(running, event)
        case Rest() if running.level is Level.DIRECT:
            _rested(running, event)
        case React(to=to) if running.paused_how == Paused.PEER and running.paused_by == to:
            _end(running, event, Ended.PEER)
        case End():
            _end(running, event)
        case _Withdraw():
            return _withdrawn(running, event)
    return running


def _begun(ask: AskEvent) -> Episode:
    return Episode(
        level=ask.level, since=ask.at, asked_id=ask.by, channel=ask.channel, kind=ask.kind, imported=ask.imported,
        also_asks=ask.also_asks, last_at=ask.at,
        last_asked_at=ask.at, last_known_at=ask.known_at, begun_at=ask.at, said_from=ask.said_at, asks=(ask,),
    )  # fmt: skip


def _asked(running: Episode, ask: AskEvent) -> None:
    """A direct word makes the wait direct, a live one makes it live; it wakes where it rested, since it began."""
    begun_at, said_from = running.begun_at, min(running.said_from, ask.said_at)
    if ask.level is not Level.DIRECT:
        running.also_asks = running.also_asks or (running.level is Level.INDIRECT and ask.also_asks)
    elif running.level is not Level.DIRECT or (running.imported and not ask.imported):
        fresh = _begun(ask)
        for name in fresh.__struct_fields__:
            setattr(running, name, getattr(fresh, name))
        running.begun_at, running.said_from = begun_at, said_from
        return
    else:
        _wake(running, ask.at)
    running.said_from = said_from
    running.asks = (*running.asks, ask)
    running.last_asked_at, running.last_known_at = ask.at, max(running.last_known_at, ask.known_at)


def _wake(running: Episode, at: int) -> None:
    """Its clock runs again, from then or from when the pause was over by itself."""
    if running.paused_at is not None:
        over = at if running.paused_until is None else min(at, running.paused_until)
        running.rests = (*running.rests, (running.paused_at, over))
    running.paused_at = running.paused_until = None
    running.paused_how = running.paused_by = ""


def _rested(running: Episode, rest: Rest) -> None:
    """A peer's answer lasts; a word of ours elsewhere lasts for its time, and does not shorten a peer's."""
    if rest.asked_at is not None and rest.asked_at < running.since:
        return
    if rest.how is Paused.US and running.paused_how == Paused.PEER:
        return
    if rest.how is Paused.PEER and running.paused_how == Paused.PEER:
        return
    _wake(running, rest.at)
    running.paused_at, running.paused_how, running.paused_by = rest.at, rest.how, rest.by
    running.paused_until = rest.until


def _end(running: Episode, event: Event, how: Ended | None = None) -> None:
    how = event.how if isinstance(event, End) else how
    running.ended_at, running.ended_how, running.ended_by = event.at, how or Ended.US, event.by


def _withdrawn(running: Episode, event: Event) -> Episode | None:
    """Without its first word it began with the next; without any it is over."""
    asks = tuple(ask for ask in running.asks if ask.by != event.by)
    if len(asks) == len(running.asks):
        return running
    running.asks = asks
    if not asks:
        _end(running, event, Ended.WITHDRAWN)
        return running
    if running.asked_id == event.by:
        running.since, running.asked_id = asks[0].at, asks[0].by
    running.last_asked_at, running.last_known_at = asks[-1].at, max(ask.known_at for ask in asks)
    return running

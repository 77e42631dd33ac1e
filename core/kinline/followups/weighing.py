"""Why a message takes this way to a person and not one of the others: written down when it is planned.

Later somebody may have used another channel, and nobody could tell any more. The sentences stand in `kinline.reasons`.
"""

from collections.abc import Iterator

import msgspec
from sqlmodel import Session

from kinline.followups.routes import Route, account_name, handles_of, preferred, used, ways

#: So many other ways are written down at most.
MOST = 20


class Way(msgspec.Struct, frozen=True):
    """One way that was there, and why it was taken or not."""

    account: str  #: its id
    channel: str
    identity: str
    taken: bool
    why: str


def weighed(session: Session, root: str, taken: Route, *, channel: str, account: str) -> str:
    """All ways at this moment, the one that is taken first, as JSON."""
    others = [way for way in ways(session, root) if not _same(way, taken)][:MOST]
    scale = _Scale(session, root, taken, channel, account)
    found = [_way(taken, True, scale.why_taken(alone=not others))]
    return msgspec.json.encode(found + [_way(other, False, scale.why_not(other)) for other in others]).decode()


def read(stored: str | None) -> list[Way]:
    return msgspec.json.decode(stored, type=list[Way]) if stored else []


class _Scale:
    """What ways are weighed by: what was asked for, what they prefer, what they used last."""

    def __init__(self, session: Session, root: str, taken: Route, channel: str, account: str) -> None:
        self.session, self.taken, self.channel, self.account = session, taken, channel, account
        self.preferred, self.used = preferred(session, root)[:1], used(session, root)

    def why_taken(self, *, alone: bool) -> str:
        return next(self._for(alone))

    def _for(self, alone: bool) -> Iterator[str]:
        if self.taken.answers_id:
            yield "they wrote there, and it answers that"
        if self.channel or self.account:
            yield "it was asked for"
        if self.taken.channel in self.preferred:
            yield "they prefer it"
        if alone:
            yield "it was the only one"
        yield "they used it last" if self.taken.channel in self.used else "it came first by name"

    def why_not(self, other: Route) -> str:
        return next(self._against(other))

    def _against(self, other: Route) -> Iterator[str]:
        if self.taken.answers_id:
            yield "it answers where they wrote"
        if self.channel and other.channel != self.channel:
            yield "another channel was asked for"
        if self.account and account_name(self.session, other.account_id) != self.account:
            yield "another account was asked for"
        if other.channel != self.taken.channel:
            if self.taken.channel in self.preferred:
                yield "they prefer another"
            if self.taken.channel in self.used:
                yield "they used another since" if other.channel in self.used else "they never used it"
        yield "the other came first by name"


def _same(one: Route, other: Route) -> bool:
    return (one.account_id, one.identity_id) == (other.account_id, other.identity_id)


def _way(route: Route, taken: bool, why: str) -> Way:
    return Way(route.account_id, route.channel, route.identity_id, taken, why)


def handles(session: Session, found: list[Way]) -> dict[str, str]:
    """The handles behind these ways, by identity."""
    return {each: str(handle) for each, handle in handles_of(session, {way.identity for way in found}).items()}

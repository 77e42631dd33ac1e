"""Participants of an interaction: who becomes an identity, who stays a name in the text."""

from functools import lru_cache
from typing import Any

import msgspec

from kinline import handles, ids
from kinline.errors import Invalid
from kinline.handles import Handle
from kinline.messages import Interaction, Party
from kinline.words import HandleType, Role, Standing

#: A name longer than this is cut; nobody is called so.
MAX_NAME = 200
#: More participants than this are kept in the raw bytes only.
MAX_PARTIES = 1000


class Who(msgspec.Struct, frozen=True):
    """One participant line, ready for the tables. ``identity`` is None for our own side and for nobody."""

    party: Party
    identity: Handle | None
    identity_id: str | None


class KnownIdentity(msgspec.Struct, frozen=True):
    handle: Handle
    id: str
    blocked: bool


@lru_cache(maxsize=10_000)
def identify(handle: Handle) -> KnownIdentity | None:
    """The identity of a handle as given, or None when there is no such handle."""
    try:
        written = handles.normalise(handle)
    except Invalid:
        return None
    return KnownIdentity(written, written.id, handles.is_blocked(written))


def who(interaction: Interaction) -> list[Who]:
    """The participants, each once for each role. Handles that are nobody's make no identity."""
    found: dict[tuple[str, str], Who] = {}
    for number, party in enumerate(interaction.parties[:MAX_PARTIES]):
        known = identify(party.handle) if party.handle else None
        key = known.id if known else f"{number}"
        carries = (
            known is not None and not party.ours and not known.blocked and known.handle.type is not HandleType.X_HANDLE
        )
        found.setdefault(
            (key, party.role),
            Who(party, known.handle if known and carries else None, known.id if known and carries else None),
        )
    return list(found.values())


def described(line: Who) -> dict[str, Any]:
    """A participant line as the timeline shows it."""
    party = line.party
    shown: dict[str, Any] = {"role": party.role}
    handle = line.identity or party.handle
    if handle:
        shown["handle"] = str(handle)
    if line.identity_id:
        shown["identity"] = line.identity_id
    if party.name:
        shown["name"] = party.name[:MAX_NAME]
    if party.ours:
        shown["ours"] = True
    if party.hidden:
        shown["hidden"] = True
    return shown


def home_person(identity_id: str) -> str:
    """The person that an identity makes when nobody has said more of it."""
    return ids.derived("person", identity_id)


def author_of(lines: list[Who]) -> Who | None:
    return next((line for line in lines if line.party.role is Role.AUTHOR), None)


def is_claimed(lines: list[Who]) -> bool:
    author = author_of(lines)
    return author is not None and author.identity is not None and author.party.standing is Standing.CLAIMED

"""Who of an interaction is one of us: also by another account of ours than the one that it came over.

A channel knows its own account alone, so a mail to two mailboxes of ours would name one of them as a customer.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.errors import KinlineError
from kinline.handles import Handle
from kinline.messages import Interaction, Party
from kinline.record.recording import Recording
from kinline.store.ask import Ask, among
from kinline.store.models import Account
from kinline.words import Direction, Role, Standing

#: It is ours by its author's address, and nobody proved that.
UNPROVED = "ours_unproved"


class _OwnSideRow(msgspec.Struct, frozen=True):
    channel: str
    settings: str


_ACCOUNTS = Ask(
    select(col(Account.channel), col(Account.settings)).where(among(col(Account.channel), "channels")), _OwnSideRow
)
IsOurs = Callable[[Handle], bool]


def marked(session: Session, recordings: Sequence[Recording]) -> list[Recording]:
    """The same, with everybody marked as ours who is."""
    named = {each.account.channel for each in recordings}
    accounts = tuple(sorted({(row.channel, row.settings) for row in _ACCOUNTS.rows(session, channels=named)}))
    several = {name for name, _ in accounts if sum(channel == name for channel, _ in accounts) > 1}
    return [
        _marked(each, _ours(each.account.channel, accounts)) if each.account.channel in several else each
        for each in recordings
    ]


@lru_cache(maxsize=64)
def _ours(channel: str, accounts: tuple[tuple[str, str], ...]) -> IsOurs:
    """Whether a handle is ours on any account of a channel."""
    plugin = channels().loaded.get(channel)
    if plugin is None:
        return lambda handle: False
    every = []
    for name, settings in accounts:
        try:
            every += [connected.read_settings(plugin, msgspec.json.decode(settings))] if name == channel else []
        except KinlineError:
            continue  # an account of an earlier version of the channel is looked after when it is next asked
    return lru_cache(maxsize=10_000)(lambda handle: any(plugin.is_ours(handle, each) for each in every))


def _marked(recording: Recording, ours: IsOurs) -> Recording:
    what = recording.what
    if not isinstance(what, Interaction):
        return recording
    parties = tuple(_party(each, ours) for each in what.parties)
    if parties == what.parties:
        return recording
    author = next((each for each in parties if each.role is Role.AUTHOR), None)
    if author is None or not author.ours or what.direction is Direction.OUTBOUND:
        return msgspec.structs.replace(recording, what=msgspec.structs.replace(what, parties=parties))
    flags = what.flags if author.standing is Standing.VERIFIED else tuple(sorted({*what.flags, UNPROVED}))
    said = msgspec.structs.replace(what, parties=parties, direction=Direction.OUTBOUND, flags=flags)
    return msgspec.structs.replace(recording, what=said)


def _party(party: Party, ours: IsOurs) -> Party:
    if party.ours or party.handle is None or party.role not in (Role.AUTHOR, Role.RECIPIENT) or not ours(party.handle):
        return party
    return msgspec.structs.replace(party, ours=True)

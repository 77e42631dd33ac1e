"""An account ready to be used at its provider: found, active, its tokens fresh."""

import threading

import msgspec

from kinline import clock
from kinline.accounts import connected, oauth
from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import ChannelError
from kinline.hub import Hub
from kinline.store.models import Account

#: Seconds before its end when a token is refreshed.
EARLY = 120
_refreshing = threading.Lock()  #: in this process one at a time: many providers take a refresh token only once


class ReadyAccount(msgspec.Struct, frozen=True):
    row: Account
    channel: AnyChannel
    settings: AccountSettings


def ready(hub: Hub, account_id: str) -> ReadyAccount:
    """The account with its typed settings, secrets included. Refreshes its token where it ends soon: network.

    Raises `ChannelError` ``not_authorised`` where a person has to say yes again, ``paused`` for a paused one.
    """
    found = as_it_is(hub, account_id)
    if found.row.state != connected.ACTIVE:
        raise ChannelError(f"The account “{found.row.name}” is paused.", code="paused")
    if _ends_soon(found):
        with _refreshing:
            found = as_it_is(hub, account_id)  # somebody may have refreshed it meanwhile
            if _ends_soon(found):
                _refresh(hub, found)
                found = as_it_is(hub, account_id)
    return found


def as_it_is(hub: Hub, account_id: str) -> ReadyAccount:
    """The account whatever its state, its token perhaps an old one."""
    with hub.store.read() as session:
        row = connected.named(session, account_id)
    return ReadyAccount(row, channels().get(row.channel), connected.settings_of(row, hub.secret))


def _ends_soon(found: ReadyAccount) -> bool:
    if Ability.OAUTH not in found.channel.can or not getattr(found.settings, "refresh_token", ""):
        return False
    return float(getattr(found.settings, "token_expires_at", 0)) < clock.now() / clock.SECOND + EARLY


def _refresh(hub: Hub, found: ReadyAccount) -> None:
    token = getattr(found.settings, "refresh_token", "")
    tokens = oauth.refresh(hub.secret, found.row, token)
    with hub.store.write() as session:
        row = session.get_one(Account, found.row.id)
        if getattr(connected.settings_of(row, hub.secret), "refresh_token", "") == token:
            oauth.keep(session, hub.secret, row, tokens)

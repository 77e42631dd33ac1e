"""Channels that are installed, and the accounts connected to them."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kinline import clock
from kinline.accounts import connected, teams
from kinline.contract.channel import AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import Invalid, NotFound
from kinline.store.models import Account
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.route import get, patch, post

MASK = "********"
Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=100)]


class ChannelShown(msgspec.Struct, frozen=True):
    """An installed channel. ``settings`` is the JSON Schema of what an account of it needs."""

    name: str
    title: str
    kinds: list[str]
    can: list[str]
    delivery: str
    personal_data: list[str]
    settings: dict[str, Any]
    secrets: list[str]


class LeftOut(msgspec.Struct, frozen=True):
    """A plugin that could not be loaded, and why."""

    plugin: str
    reason: str


class ChannelsShown(msgspec.Struct, frozen=True):
    channels: list[ChannelShown]
    left_out: list[LeftOut]


class AccountShown(msgspec.Struct, frozen=True):
    """A channel account. Of secret settings one sees only that they are set."""

    id: str
    name: str
    channel: str
    instance: str
    purpose: str
    state: str
    settings: dict[str, Any]
    teams: list[str]
    created_at: str | None


class Accounts(msgspec.Struct, frozen=True):
    accounts: list[AccountShown]


class NewAccount(Body, frozen=True):
    """``teams`` may read it; none: everybody."""

    channel: Annotated[str, Meta(max_length=40)]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    purpose: Annotated[str, Meta(max_length=1000)] = ""
    teams: Names = msgspec.field(default_factory=list)


class AccountChange(Body, frozen=True):
    """What to change. ``settings`` join those that stand; null takes one away."""

    settings: dict[str, Any] | UnsetType = UNSET
    state: str | UnsetType = UNSET
    purpose: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET
    teams: Names | UnsetType = UNSET


@get("/v1/channels", scope="channels")
def list_channels(call: Call) -> ChannelsShown:
    """List the channels that are installed, and the plugins that were left out."""
    found = channels()
    shown = [_channel(channel) for _, channel in sorted(found.loaded.items())]
    return ChannelsShown(shown, [LeftOut(each.plugin, each.reason) for each in found.failed])


@get("/v1/accounts", scope="channels")
def list_accounts(call: Call) -> Accounts:
    """List the channel accounts."""
    with call.read() as session:
        of = teams.names(session)
        rows = [row for row in connected.every(session) if _may_see(call, row)]
        return Accounts([_shown(row, of.get(row.id, [])) for row in rows])


@post("/v1/accounts", scope="channels", status=201)
def connect_account(call: Call, body: NewAccount) -> AccountShown:
    """Connect an account of a channel under a name of its own."""
    with call.write() as session:
        made = connected.connect(
            session, call.hub.secret, body.channel, body.name, body.settings, purpose=body.purpose,
            teams=tuple(dict.fromkeys(body.teams)),
        )  # fmt: skip
        row = connected.named(session, made.id)
        shown = _shown(row, teams.names(session).get(row.id, []))
    _changed(call)
    return shown


@get("/v1/accounts/{name}", scope="channels")
def read_account(call: Call, name: str) -> AccountShown:
    """Read one channel account, by name or id."""
    with call.read() as session:
        row = _named(call, connected.named(session, name))
        return _shown(row, teams.names(session).get(row.id, []))


@patch("/v1/accounts/{name}", scope="channels")
def change_account(call: Call, name: str, body: AccountChange) -> AccountShown:
    """Change a channel account: its settings, its purpose, its teams, or pause it."""
    with call.write() as session:
        row = _named(call, connected.named(session, name))
        if body.settings is not UNSET:
            connected.configure(session, call.hub.secret, row, _joined(call, row, body.settings))
        if body.state is not UNSET:
            row.state = _state(body.state)
        if body.purpose is not UNSET:
            row.purpose = body.purpose
        if body.teams is not UNSET:
            teams.assign(session, row.id, body.teams)
        session.add(row)
        session.flush()
        shown = _shown(row, teams.names(session).get(row.id, []))
    _changed(call)
    return shown


def _joined(call: Call, row: Account, given: dict[str, Any]) -> dict[str, Any]:
    """The settings that stand with those given; a mask, as we show it, leaves a secret as it is."""
    sealed = msgspec.json.decode(row.sealed)
    stand = connected.plain(row, call.hub.secret)
    new = {name: each for name, each in given.items() if not (name in sealed and each == MASK)}
    return {name: each for name, each in (stand | new).items() if each is not None}


def _state(word: str) -> str:
    if word not in (connected.ACTIVE, connected.PAUSED):
        raise Invalid("An account is active or paused.", code="unknown_value", pointer="/state")
    return word


def _changed(call: Call) -> None:
    """What this process remembers of accounts and readers is old now."""
    call.app_state.accounts.forget()
    call.app_state.auth.forget()


def _may_see(call: Call, row: Account) -> bool:
    return call.reader.accounts is None or row.id in call.reader.accounts


def _named(call: Call, row: Account) -> Account:
    if not _may_see(call, row):
        raise NotFound(f"There is no account “{row.name}”.", code="no_such_account")
    return row


def _shown(row: Account, names: list[str]) -> AccountShown:
    return AccountShown(
        row.id, row.name, row.channel, row.instance, row.purpose, row.state, connected.shown(row), names,
        clock.to_text(row.created_at),
    )  # fmt: skip


def _channel(channel: AnyChannel) -> ChannelShown:
    return ChannelShown(
        channel.name, channel.title, sorted(channel.kinds), sorted(channel.can), channel.delivery,
        list(channel.personal_data), msgspec.json.schema(channel.settings), sorted(channel.settings.secrets),
    )  # fmt: skip

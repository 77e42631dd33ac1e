"""Channel accounts: connect, find, configure. Secret settings are stored encrypted, one by one."""

from typing import Any

import msgspec
from sqlmodel import Session, select

from kinline import clock, ids
from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import Conflict, Invalid, NotFound
from kinline.secret import Secret
from kinline.store.models import Account, AccountTeam, Team

ACTIVE = "active"
PAUSED = "paused"


class AccountRef(msgspec.Struct, frozen=True):
    """As much of an account as recording needs."""

    id: str
    channel: str
    instance: str
    name: str


def connect(
    session: Session, secret: Secret, channel: str, name: str, settings: dict[str, Any], *, purpose: str = "",
    teams: tuple[str, ...] = (),
) -> AccountRef:  # fmt: skip
    """Connect an account of that channel under a name of its own. Raises `Invalid` or `Conflict`."""
    if not name or len(name) > 100:
        raise Invalid("An account needs a name of 1 to 100 characters.", code="invalid_name", pointer="/name")
    if session.exec(select(Account).where(Account.name == name)).first():
        raise Conflict(f"There is an account “{name}” already.", code="account_exists")
    plugin = channels().get(channel)
    checked = read_settings(plugin, settings)
    account = Account(
        id=ids.derived("account", channel, name), channel=channel, name=name, instance=plugin.instance(checked),
        purpose=purpose, created_at=clock.now(), **_split(plugin, settings, secret),
    )  # fmt: skip
    session.add(account)
    session.flush()
    for team in teams:
        session.add(AccountTeam(account_id=account.id, team_id=team_named(session, team).id))
    return ref(account)


def ensure(session: Session, secret: Secret, channel: str, name: str) -> AccountRef:
    """The account of that name, connected with default settings if there is none yet."""
    found = session.exec(select(Account).where(Account.name == name)).first()
    if found is None:
        return connect(session, secret, channel, name, {})
    if found.channel != channel:
        raise Conflict(f"The account “{name}” is of the channel {found.channel}, not {channel}.", code="other_channel")
    return ref(found)


def named(session: Session, name_or_id: str) -> Account:
    found = session.exec(select(Account).where((Account.name == name_or_id) | (Account.id == name_or_id))).first()
    if found is None:
        raise NotFound(f"There is no account “{name_or_id[:100]}”.", code="no_such_account")
    return found


def every(session: Session) -> list[Account]:
    return list(session.exec(select(Account).order_by(Account.name)))


def configure(session: Session, secret: Secret, account: Account, settings: dict[str, Any]) -> None:
    """Replace the settings of an account. The instance stays: source ids hang on it."""
    plugin = channels().get(account.channel)
    if plugin.instance(read_settings(plugin, settings)) != account.instance:
        raise Conflict(
            "These settings name another provider instance: connect a new account for it.", code="other_instance"
        )
    split = _split(plugin, settings, secret)
    account.settings, account.sealed = split["settings"], split["sealed"]
    session.add(account)


def settings_of(account: Account, secret: Secret) -> AccountSettings:
    """The typed settings, secrets included, for handing to the channel."""
    settings: AccountSettings = msgspec.convert(plain(account, secret), channels().get(account.channel).settings)
    return settings


def plain(account: Account, secret: Secret) -> dict[str, Any]:
    """The settings as they were given, secrets included."""
    sealed = msgspec.json.decode(account.sealed).items()
    given: dict[str, Any] = msgspec.json.decode(account.settings)
    return given | {name: secret.unseal(value) for name, value in sealed}


def shown(account: Account) -> dict[str, Any]:
    """The settings as anybody may see them: of a secret, only that it is set."""
    masked = dict.fromkeys(msgspec.json.decode(account.sealed), "********")
    return {**msgspec.json.decode(account.settings), **masked}


def read_settings(plugin: AnyChannel, given: dict[str, Any]) -> AccountSettings:
    try:
        settings: AccountSettings = msgspec.convert(given, plugin.settings)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"Settings of the {plugin.name} channel: {error}.", code="invalid_settings", pointer="/settings"
        ) from None
    return settings


def ref(account: Account) -> AccountRef:
    return AccountRef(account.id, account.channel, account.instance, account.name)


def can_send(channel: AnyChannel, settings: str, sealed: str) -> bool:
    """Whether an account with these settings (its columns) has what its channel needs to send."""
    if Ability.SEND not in channel.can:
        return False
    given = msgspec.json.decode(settings) | msgspec.json.decode(sealed) if channel.send_needs else {}
    return all(given.get(name) for name in channel.send_needs)


def team_named(session: Session, name: str) -> Team:
    """The team of that name, made if there is none yet."""
    found = session.exec(select(Team).where(Team.name == name)).first()
    if found is None:
        found = Team(id=ids.derived("team", name), name=name, created_at=clock.now())
        session.add(found)
        session.flush()
    return found


def _split(plugin: AnyChannel, given: dict[str, Any], secret: Secret) -> dict[str, str]:
    hidden = plugin.settings.secrets
    return {
        "settings": msgspec.json.encode({k: v for k, v in given.items() if k not in hidden}).decode(),
        "sealed": msgspec.json.encode({k: secret.seal(str(v)) for k, v in given.items() if k in hidden}).decode(),
    }

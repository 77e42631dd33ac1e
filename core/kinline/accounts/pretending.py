"""Accounts that talk to a stand-in of this machine instead of their provider: tried out, never mistaken for real."""

from typing import Any

from sqlmodel import Session, select

from kinline import clock
from kinline.accounts import connected
from kinline.contract.channel import AnyChannel
from kinline.secret import Secret
from kinline.store.models import Account, Meta

_MARK = "pretends:"
PURPOSE = "Talks to a stand-in on this machine, to try the channel out."


def connect(session: Session, secret: Secret, plugin: AnyChannel, settings: dict[str, Any]) -> Account:
    """The account that talks to this channel's stand-in, connected or brought up to these settings."""
    name = f"pretend-{plugin.name}"
    found = session.exec(select(Account).where(Account.name == name)).first()
    if found is None:
        made = connected.connect(session, secret, plugin.name, name, settings, purpose=PURPOSE)
        session.add(Meta(key=_MARK + made.id, value=clock.to_text(clock.now()) or ""))
        session.flush()
        return session.get_one(Account, made.id)
    if session.get(Meta, _MARK + found.id) is not None:
        connected.configure(session, secret, found, settings)
    return found


def pretends(session: Session, account_id: str) -> bool:
    """Whether what goes out over this account reaches nobody but a stand-in."""
    return session.get(Meta, _MARK + account_id) is not None


def port(session: Session, plugin: AnyChannel) -> int:
    """The port its stand-in had before; 0: any. The same address is the same instance, so nothing comes twice."""
    found = session.get(Meta, f"pretend-port:{plugin.name}")
    return int(found.value) if found else 0


def keep_port(session: Session, plugin: AnyChannel, number: int) -> None:
    session.merge(Meta(key=f"pretend-port:{plugin.name}", value=str(number)))

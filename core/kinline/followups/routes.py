"""Over which channel, account and handle a message can reach a person."""

from collections.abc import Iterator

import msgspec
from sqlmodel import Session

from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.handles import Handle
from kinline.identity.persons import spans
from kinline.store import sql
from kinline.words import HandleType


class Route(msgspec.Struct, frozen=True):
    account_id: str
    channel: str
    identity_id: str
    answers_id: str | None = None


def choose(
    session: Session,
    root: str,
    *,
    about: str = "",
    channel: str = "",
    account: str = "",
    only_in_thread: bool = False,
    identity: str = "",
    exact: bool = False,
) -> Route | None:
    """The way to this person: in the thread of what is answered, else the channel named, preferred or used last.

    What somebody else wrote is no way to this person: a thread leads to whoever wrote in it, or to the ``identity`` that
    is named; ``exact``: to no other.
    """
    thread = _in_thread(session, about, identity) if about else None
    if thread and not identity and thread.identity_id not in {span.identity_id for span in spans(session, root)}:
        thread = None
    if (
        thread
        and (not channel or channel == thread.channel)
        and (not account or account == account_name(session, thread.account_id))
    ):
        return thread
    if only_in_thread:
        return None
    routes = [route for route in ways(session, root) if not exact or route.identity_id == identity]
    named = [r for r in routes if channel in ("", r.channel) and account in ("", account_name(session, r.account_id))]
    wanted = [channel] if channel else [*preferred(session, root), *used(session, root)]
    order = {name: place for place, name in reversed(list(enumerate(wanted)))}
    return min(named, key=lambda route: (order.get(route.channel, 99), route.channel, route.account_id), default=None)


def handle_of(session: Session, identity_id: str) -> Handle:
    kind, value, issuer = sql.run(session, "SELECT type, value, issuer FROM identity WHERE id = {p}", identity_id)[0]
    return Handle(HandleType(kind), value, issuer)


def _in_thread(session: Session, about: str, identity: str) -> Route | None:
    """Over the account on which it was said, to whoever said it; to somebody else only where they are named."""
    whose, values = ("{p}", [identity]) if identity else ("i.author_id", [])
    rows = sql.run(
        session,
        "SELECT c.account_id, i.channel, d.id, d.type, d.issuer, a.instance, a.settings, a.sealed FROM interaction i "
        "JOIN copy c ON c.source_id = i.source_id AND c.interaction_id = i.id "
        f"JOIN account a ON a.id = c.account_id AND a.state = 'active' JOIN identity d ON d.id = {whose} "
        "WHERE i.id = {p}" + ("" if identity else " AND i.direction <> 'outbound'") + " ORDER BY c.account_id",
        *values,
        about,
    )
    for account, channel, to, kind, issuer, instance, *settings in rows:
        if _can_send(channel, kind, *settings, answering=True) and _gave(channel, instance, kind, issuer):
            return Route(account, channel, to, about)
    return None


def ways(session: Session, root: str) -> Iterator[Route]:
    """Every active account that can send, with every handle of theirs that it reaches."""
    identities = [span.identity_id for span in spans(session, root)]
    handles = sql.select_in(session, "SELECT id, type, issuer FROM identity WHERE id {in}", identities)
    accounts = sql.run(
        session, "SELECT id, channel, instance, settings, sealed FROM account WHERE state = 'active' ORDER BY id"
    )
    for account_id, channel, instance, settings, sealed in accounts:
        for identity_id, kind, issuer in sorted(handles):
            if _can_send(channel, kind, settings, sealed) and _gave(channel, instance, kind, issuer):
                yield Route(account_id, channel, identity_id)


def _can_send(channel: str, kind: str, settings: str, sealed: str, *, answering: bool = False) -> bool:
    plugin = channels().loaded.get(channel)
    if plugin is None or not connected.can_send(plugin, settings, sealed):
        return False
    return kind in plugin.reaches or (answering and kind in plugin.reaches_in_thread)


def _gave(channel: str, instance: str, kind: str, issuer: str) -> bool:
    """An external id means something to whoever gave it, and to nobody else."""
    return kind != HandleType.EXTERNAL or channels().loaded[channel].gave(issuer, instance)


def preferred(session: Session, root: str) -> list[str]:
    """The channel that they said they prefer, if they said so."""
    rows = sql.select_in(
        session,
        "SELECT value FROM attribute WHERE identity_id {in} AND name = 'preferred_channel' ORDER BY at DESC, id DESC LIMIT 1",
        [span.identity_id for span in spans(session, root)],
    )
    return [str(msgspec.json.decode(value)) for (value,) in rows]


def used(session: Session, root: str) -> list[str]:
    """Channels they wrote to us on, the last one first."""
    rows = sql.select_in(
        session,
        "SELECT channel, max(sort_at) FROM participant WHERE identity_id {in} AND direction = 'inbound' AND role = 'author' "
        "GROUP BY channel ORDER BY max(sort_at) DESC",
        [span.identity_id for span in spans(session, root)],
    )
    return [channel for channel, _ in rows]


def account_name(session: Session, account_id: str) -> str:
    return str(sql.run(session, "SELECT name FROM account WHERE id = {p}", account_id)[0][0])

"""Over which channel, account and handle a message can reach a person."""

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import and_, bindparam, func, select
from sqlmodel import Session, col

from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.handles import Handle
from kinline.identity.persons import spans
from kinline.store.ask import Ask, OneText, among, columns
from kinline.store.models import Account, Attribute, Copy, Identity, InteractionRow, Participant
from kinline.words import Direction, HandleType, Role


class Route(msgspec.Struct, frozen=True):
    account_id: str
    channel: str
    identity_id: str
    answers_id: str | None = None


class _IdentityHandle(msgspec.Struct, frozen=True):
    id: str
    type: str
    value: str
    issuer: str


class ActiveAccount(msgspec.Struct, frozen=True):
    """An account over which something may go out."""

    id: str
    channel: str
    instance: str
    settings: str
    sealed: str


class _WayInThread(msgspec.Struct, frozen=True):
    id: str
    channel: str
    instance: str
    settings: str
    sealed: str
    identity_id: str
    type: str
    issuer: str


_HANDLES = Ask(select(*columns(Identity, _IdentityHandle)).where(among(Identity.id, "identities")), _IdentityHandle)
_IS_ACTIVE = col(Account.state) == connected.ACTIVE
_ACCOUNTS = Ask(select(*columns(Account, ActiveAccount)).where(_IS_ACTIVE).order_by(col(Account.id)), ActiveAccount)
_ACCOUNT_NAME = Ask(select(col(Account.name).label("text")).where(col(Account.id) == bindparam("account")), OneText)
_IN_THREAD = (
    select(
        *columns(
            Account, _WayInThread, channel=col(InteractionRow.channel), identity_id=col(Identity.id),
            type=col(Identity.type), issuer=col(Identity.issuer),
        )
    )
    .select_from(InteractionRow)
    .join(
        Copy,
        and_(col(Copy.source_id) == col(InteractionRow.source_id), col(Copy.interaction_id) == col(InteractionRow.id)),
    )
    .join(Account, and_(col(Account.id) == col(Copy.account_id), _IS_ACTIVE))
    .where(col(InteractionRow.id) == bindparam("about"))
    .order_by(col(Copy.account_id))
)  # fmt: skip
_TO_NAMED = Ask(_IN_THREAD.join(Identity, col(Identity.id) == bindparam("identity")), _WayInThread)
_TO_AUTHOR = Ask(
    _IN_THREAD.join(Identity, col(Identity.id) == col(InteractionRow.author_id)).where(
        col(InteractionRow.direction) != Direction.OUTBOUND.value
    ),
    _WayInThread,
)
_STATED = Ask(
    select(col(Attribute.value).label("text"))
    .where(among(Attribute.identity_id, "identities"), col(Attribute.name) == bindparam("name"))
    .order_by(col(Attribute.at).desc(), col(Attribute.id).desc())
    .limit(1),
    OneText,
)
_USED = Ask(
    select(col(Participant.channel).label("text"))
    .where(
        among(Participant.identity_id, "identities"),
        col(Participant.direction) == Direction.INBOUND.value,
        col(Participant.role) == Role.AUTHOR.value,
    )
    .group_by(col(Participant.channel))
    .order_by(func.max(col(Participant.sort_at)).desc()),
    OneText,
)
_TOOK_PART = Ask(
    select(col(InteractionRow.channel).label("text"))
    .join(
        Participant,
        and_(
            col(Participant.sort_at) == col(InteractionRow.sort_at),
            col(Participant.sequence) == col(InteractionRow.sequence),
            col(Participant.interaction_id) == col(InteractionRow.id),
        ),
    )
    .where(among(Participant.identity_id, "identities"), col(InteractionRow.id) == bindparam("interaction"))
    .limit(1),
    OneText,
)


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
    return handles_of(session, [identity_id])[identity_id]


def handles_of(session: Session, identities: Iterable[str]) -> dict[str, Handle]:
    """The handles of those of these identities that there are."""
    return {
        row.id: Handle(HandleType(row.type), row.value, row.issuer)
        for row in _HANDLES.rows(session, identities=sorted(identities))
    }


def _in_thread(session: Session, about: str, identity: str) -> Route | None:
    """Over the account on which it was said, to whoever said it; to somebody else only where they are named."""
    to = _TO_NAMED.rows(session, about=about, identity=identity) if identity else _TO_AUTHOR.rows(session, about=about)
    for way in to:
        if _can_send(way, way.type, answering=True) and _gave(way, way.type, way.issuer):
            return Route(way.id, way.channel, way.identity_id, about)
    return None


def ways(session: Session, root: str) -> Iterator[Route]:
    """Every active account that can send, with every handle of theirs that it reaches."""
    identities = [span.identity_id for span in spans(session, root)]
    handles = sorted(_HANDLES.rows(session, identities=identities), key=lambda row: row.id)
    for account in active_accounts(session):
        for handle in handles:
            if _can_send(account, handle.type) and _gave(account, handle.type, handle.issuer):
                yield Route(account.id, account.channel, handle.id)


def active_accounts(session: Session) -> list[ActiveAccount]:
    """The accounts that are active, by id."""
    return _ACCOUNTS.rows(session)


def _can_send(account: ActiveAccount | _WayInThread, kind: str, *, answering: bool = False) -> bool:
    plugin = channels().loaded.get(account.channel)
    if plugin is None or not connected.can_send(plugin, account.settings, account.sealed):
        return False
    return kind in plugin.reaches or (answering and kind in plugin.reaches_in_thread)


def _gave(account: ActiveAccount | _WayInThread, kind: str, issuer: str) -> bool:
    """An external id means something to whoever gave it, and to nobody else."""
    return kind != HandleType.EXTERNAL or channels().loaded[account.channel].gave(issuer, account.instance)


def preferred(session: Session, root: str) -> list[str]:
    """The channel that they said they prefer, if they said so."""
    channel = stated(session, root, "preferred_channel")
    return [] if channel is None else [str(channel)]


def stated(session: Session, root: str, name: str) -> object:
    """The newest value of an attribute of theirs. None: nobody stated it."""
    row = _STATED.first(session, identities=[span.identity_id for span in spans(session, root)], name=name)
    return msgspec.json.decode(row.text) if row else None


def took_part(session: Session, root: str, interaction: str) -> bool:
    """Whether this person took part in an interaction."""
    identities = [span.identity_id for span in spans(session, root)]
    return _TOOK_PART.first(session, identities=identities, interaction=interaction) is not None


def used(session: Session, root: str) -> list[str]:
    """Channels they wrote to us on, the last one first."""
    rows = _USED.rows(session, identities=[span.identity_id for span in spans(session, root)])
    return [row.text for row in rows]


def account_name(session: Session, account_id: str) -> str:
    return _ACCOUNT_NAME.one(session, account=account_id).text

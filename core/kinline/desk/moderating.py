"""Deciding what is made of something that was said in public: everybody sees it, nobody yet, it is spam, it is put away.

It is done where it was said (`kinline.desk.mirror`), and how it stands here is what is said there: so until the other
side has answered, it stands here as before, and the conversation shows it among what is on its way.
"""

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.accounts import connected
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.desk import work
from kinline.errors import Conflict, NotFound
from kinline.hub import Hub
from kinline.record import mirrors
from kinline.store.ask import Ask, Id
from kinline.store.models import Account, Copy, InteractionRow, ThreadKey
from kinline.words import Moderation

#: What machines leave on a blog (pingbacks and the like) says so in place of “approved”.
SEEN = frozenset({"approved", "pingback", "trackback", "webmention"})


_COPIES = Ask(
    select(col(Account.id))
    .join(Copy, col(Copy.account_id) == col(Account.id))
    .where(
        col(Account.state) == connected.ACTIVE,
        col(Account.channel) == bindparam("channel"),
        col(Copy.source_id) == bindparam("source"),
        col(Copy.interaction_id) == bindparam("interaction"),
        col(Copy.deleted_at).is_(None),
    )
    .order_by(col(Account.id)),
    Id,
)


class Moderated(msgspec.Struct, frozen=True):
    """What was asked for, and how it stands until the other side has answered."""

    interaction: str
    conversation: str | None
    wanted: str
    stands: str


def moderate(hub: Hub, session: Session, interaction: str, wanted: Moderation, *, agent: str) -> Moderated:
    """Have it moderated where it was said. Raises `NotFound`, and `Conflict` where that cannot be asked for."""
    row = _found(session, interaction)
    account = _account(hub, session, row)
    waits = mirrors.wanted_of(session, row.id)
    if (waits or _stands(row)) == wanted:
        raise Conflict(f"It is {wanted} already{', or will be soon' if waits else ''}.", code="already_so")
    thread = session.get(ThreadKey, row.thread_key_id) if row.thread_key_id else None
    conversation = thread.conversation_id if thread else None
    mirrors.plan_moderation(session, account, conversation or "", row.id, row.source_id, wanted, by=agent)
    work.note_of(session, row.id, agent, {"moderation": str(wanted)})
    return Moderated(row.id, conversation, wanted, row.moderation)


def _found(session: Session, interaction: str) -> InteractionRow:
    row = session.get(InteractionRow, interaction)
    if row is None:
        raise NotFound("There is no such interaction.", code="no_such_interaction")
    if row.deleted_at is not None:
        raise Conflict("It was deleted where it was said.", code="deleted")
    if row.followup_id is not None:
        raise Conflict("We said this ourselves, from here: take it away where it stands.", code="ours")
    return row


def _account(hub: Hub, session: Session, row: InteractionRow) -> str:
    """The first account over which it reached us whose channel may moderate it."""
    channel = channels().loaded.get(row.channel)
    if channel is not None and Ability.MODERATE in channel.can:
        for account in _COPIES.rows(session, channel=row.channel, source=row.source_id, interaction=row.id):
            settings = connected.settings_of(session.get_one(Account, account.id), hub.secret)
            if channel.moderates(row.source_id, settings):
                return account.id
    raise Conflict(
        "Nothing can be moderated there: it takes a comment on a blog, and an account that may moderate it.",
        code="cannot_moderate",
    )


def _stands(row: InteractionRow) -> str:
    return Moderation.APPROVED if row.moderation in SEEN else row.moderation

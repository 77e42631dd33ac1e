"""What speaks of one message and is not one conversation: linked, with why."""

from typing import Literal

import msgspec
from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from kinline.store.ask import Ask, Id, among
from kinline.store.models import Conversation, InteractionRow, MessageReference, ThreadKey
from kinline.threads import audience
from kinline.threads.edges import Mail, is_mailing

#: Keys of a conversation, and mails that speak of them, that are looked at.
MOST = 1_000
Reason = Literal["subject", "mailing", "stranger"]


class Linked(msgspec.Struct, frozen=True, order=True):
    """Another conversation in which the same message is spoken of.

    ``why`` it is another: under another ``subject``; a ``mailing`` whose recipients do not know each other; or it was said
    by a ``stranger`` to those who took part.
    """

    conversation: str
    why: Reason


class _Key(msgspec.Struct, frozen=True):
    key_id: str


class _LinkedMail(msgspec.Struct, frozen=True):
    interaction_id: str


_KEYS = Ask(
    select(MessageReference.key_id)
    .join(InteractionRow, col(InteractionRow.id) == col(MessageReference.interaction_id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(among(col(ThreadKey.conversation_id), "conversations"))
    .distinct()
    .limit(MOST),
    _Key,
)
_SPEAKING = Ask(
    select(MessageReference.interaction_id).where(among(col(MessageReference.key_id), "keys")).distinct().limit(MOST),
    _LinkedMail,
)


_PLAIN = Ask(
    select(func.coalesce(ThreadKey.plain, ThreadKey.id).label("key_id"))
    .where(col(ThreadKey.conversation_id) == bindparam("conversation"))
    .limit(MOST),
    _Key,
)
#: The conversations of a key and of those that are the same one with a topic.
_SAYING = [
    Ask(
        select(func.coalesce(Conversation.merged_into, Conversation.id).label("id"))
        .join(ThreadKey, col(ThreadKey.conversation_id) == col(Conversation.id))
        .where(among(column, "keys")),
        Id,
    )
    for column in (ThreadKey.id, ThreadKey.plain)
]


def linked(session: Session, conversation: str) -> list[Linked]:
    """The conversations in which the same message is spoken of, by id."""
    found = _by_topic(session, conversation) | _by_mail(session, conversation)
    return [Linked(each, why) for each, why in sorted(found.items())]


def _by_topic(session: Session, conversation: str) -> dict[str, Reason]:
    """Among keys that have a topic."""
    said = sorted({row.key_id for row in _PLAIN.rows(session, conversation=conversation)})
    found = {row.id for statement in _SAYING if said for row in statement.rows(session, keys=said)}
    return dict.fromkeys(sorted(found - {conversation}), "subject")


def _by_mail(session: Session, conversation: str) -> dict[str, Reason]:
    """Among private mails, which nobody joins by naming."""
    keys = [row.key_id for row in _KEYS.rows(session, conversations=[conversation])]
    if not keys:
        return {}
    mails = [row.interaction_id for row in _SPEAKING.rows(session, keys=keys)]
    stored = audience.stored_of(session, mails)
    ours = [each.mail for each in stored if each.conversation == conversation]
    found: dict[str, Reason] = {}
    for each in stored:
        if each.conversation != conversation:
            found[each.conversation] = min(
                _why(each.mail, ours), found.get(each.conversation, "subject"), key=_SURER.index
            )
    return found


#: A subject that differs may be meant to; so what else parts two is told first.
_SURER: tuple[Reason, ...] = ("mailing", "stranger", "subject")


def _why(mail: Mail, here: list[Mail]) -> Reason:
    if all(mail.topic != each.topic for each in here):
        return "subject"
    return "mailing" if is_mailing(mail) or any(map(is_mailing, here)) else "stranger"

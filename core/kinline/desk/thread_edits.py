"""What people say of conversations: these two are one; this part of it is another. It stands, whatever arrives later."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline.errors import Conflict, Invalid
from kinline.store.ask import Ask, Change, among
from kinline.store.models import Conversation, InteractionRow, ThreadKey, metadata
from kinline.threads import by_hand, place
from kinline.threads.chain import Chain, key_of
from kinline.waiting import keep as waiting
from kinline.words import Kind, Visibility

_INTERACTION = metadata.tables[str(InteractionRow.__tablename__)]


class _Line(msgspec.Struct, frozen=True):
    id: str
    kind: str
    thread_key_id: str


_LINES = Ask(
    select(col(InteractionRow.id), col(InteractionRow.kind), col(InteractionRow.thread_key_id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(among(col(ThreadKey.conversation_id), "conversations"))
    .order_by(col(InteractionRow.id)),
    _Line,
)
_OWN_KEY = Change(
    _INTERACTION.update().where(_INTERACTION.c.id == bindparam("line")).values(thread_key_id=bindparam("key"))
)


def merge(session: Session, one: Conversation, other: Conversation, *, by: str) -> str:
    """Merge two conversations. Returns the id that answers for both.

    What was said to some only is never put among public words.
    """
    if one.id == other.id:
        raise Conflict("These are one conversation already.", code="already_so")
    seen_by = {one.visibility, other.visibility}
    if Visibility.PUBLIC in seen_by and len(seen_by) > 1:
        raise Conflict("The one is public and the other is not: they stay apart.", code="different_visibility")
    sides = [[line.id for line in _lines(session, each.id)] for each in (one, other)]
    by_hand.forget_parting(session, one.id, other.id)
    by_hand.remember(session, *sides, joined=True, made_by=by)
    if len(seen_by) > 1:  # to those whom each message is addressed to: whoever takes part in the other sees no more
        one.visibility = other.visibility = Visibility.ADDRESSED
    session.flush()
    joined = place.join(session, one.id, other.id)
    waiting.keep(session, [], joined)
    session.expire_all()
    return joined[0][1]


def split(session: Session, conversation: Conversation, interactions: Sequence[str], *, by: str) -> str:
    """Split what these interactions say off into a conversation of its own. Returns its id."""
    lines = {line.id: line for line in _lines(session, conversation.id)}
    moved = [lines[each] for each in dict.fromkeys(interactions) if each in lines and lines[each].kind != Kind.NOTE]
    left = [line for line in lines.values() if line not in moved]
    if not moved or len(moved) < len(set(interactions)):
        raise Invalid("These are not all of this conversation.", code="not_of_it", pointer="/interactions")
    if not any(line.kind != Kind.NOTE for line in left):
        raise Conflict("Nothing would be left of this conversation.", code="nothing_left")
    about = Chain(
        interaction=moved[0].id, channel=conversation.channel, instance=conversation.instance, keys=(moved[0].thread_key_id,),
        below=frozenset(), visibility=Visibility(conversation.visibility),
    )  # fmt: skip
    shared = {line.thread_key_id for line in left}
    own = {line.id: key_of(line.id) for line in moved if line.thread_key_id in shared}
    keys = sorted({own.get(line.id, line.thread_key_id) for line in moved})
    fresh = place.part(session, conversation.id, keys, about)
    for line, key in sorted(own.items()):
        _OWN_KEY.run(session, line=line, key=key)
    by_hand.remember(session, [line.id for line in moved], [line.id for line in left], joined=False, made_by=by)
    waiting.part(session, conversation.id, fresh)
    session.expire_all()
    return fresh


def _lines(session: Session, conversation: str) -> list[_Line]:
    return _LINES.rows(session, conversations=[conversation])

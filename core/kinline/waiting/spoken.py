"""What was said in conversations, read whole: for what is worked out anew."""

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import func, select
from sqlmodel import Session, col

from kinline.store.ask import Ask, Id, among
from kinline.store.models import InteractionRow, ThreadKey
from kinline.waiting import lines, rules
from kinline.waiting.rules import WaitingLine
from kinline.words import ASKING, Direction, Kind

#: So many interactions are in memory at once.
AT_ONCE = 500


class _Last(msgspec.Struct, frozen=True):
    place: str
    at: int


_LAST = Ask(
    select(col(ThreadKey.conversation_id).label("place"), func.max(col(InteractionRow.sort_at)).label("at"))
    .join(InteractionRow, col(InteractionRow.thread_key_id) == col(ThreadKey.id))
    .where(among(col(ThreadKey.conversation_id), "conversations"), col(InteractionRow.kind) != Kind.NOTE.value)
    .group_by(col(ThreadKey.conversation_id)),
    _Last,
)
_OURS = Ask(
    select(col(InteractionRow.id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(
        among(col(ThreadKey.conversation_id), "conversations"),
        col(InteractionRow.direction) == Direction.OUTBOUND.value,
        col(InteractionRow.automatic) == "",
        col(InteractionRow.kind) != Kind.NOTE.value,
    ),
    Id,
)
#: Who asked there: the author, or the interaction where the author is nobody known.
_ASKED = Ask(
    select(func.coalesce(col(InteractionRow.author_id), col(InteractionRow.id)).label("id"))
    .distinct()
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(
        among(col(ThreadKey.conversation_id), "conversations"), col(InteractionRow.kind).in_(sorted(map(str, ASKING)))
    ),
    Id,
)


def last_said(session: Session, conversations: list[str]) -> list[tuple[str, int]]:
    """When something was last said in each of these; of those in which anything was."""
    return [(row.place, row.at) for row in _LAST.rows(session, conversations=conversations)]


def our_answers(session: Session, conversations: list[str]) -> Iterator[WaitingLine]:
    """What one of us said by hand in these."""
    ours = [row.id for row in _OURS.rows(session, conversations=conversations)]
    for some in (ours[start : start + AT_ONCE] for start in range(0, len(ours), AT_ONCE)):
        found = lines.load(session, some)
        yield from (found[each] for each in some if each in found and found[each].ours and rules.answers(found[each]))


def askers(session: Session, conversations: Iterable[str]) -> set[str]:
    """Those who may wait in these."""
    return {row.id for row in _ASKED.rows(session, conversations=sorted(conversations))}

"""Old conversations that today's rules would part: what was joined before by a shared Message-ID alone.

They keep their id and who is in them until somebody parts them by hand.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline.store.ask import Ask, among
from kinline.store.models import Conversation, MailAudience, MessageReference, ThreadEdit, ThreadKey, UpgradeRow
from kinline.threads import audience
from kinline.threads.edges import Mail, joined
from kinline.words import Visibility

AT_ONCE = 200
#: The step of the upgrade that read who sees whom out of old mails.
STEP = "threads"


class _Conversation(msgspec.Struct, frozen=True):
    id: str


class _Finished(msgspec.Struct, frozen=True):
    finished_at: int | None


class _Mail(msgspec.Struct, frozen=True):
    interaction_id: str
    conversation_id: str


class _Edit(msgspec.Struct, frozen=True):
    id: str
    interaction_id: str


_UPGRADED = Ask(select(col(UpgradeRow.finished_at)).where(col(UpgradeRow.name) == STEP), _Finished)
_PAGE = Ask(
    select(col(Conversation.id))
    .join(ThreadKey, col(ThreadKey.conversation_id) == col(Conversation.id))
    .join(MailAudience, col(MailAudience.thread_key_id) == col(ThreadKey.id))
    .where(
        col(Conversation.id) > bindparam("after"),
        col(Conversation.visibility) == Visibility.ADDRESSED.value,
        col(Conversation.created_at) <= bindparam("before"),
    )
    .group_by(col(Conversation.id))
    .having(func.count() > 1)
    .order_by(col(Conversation.id))
    .limit(AT_ONCE),
    _Conversation,
)
_MAILS = Ask(
    select(col(MailAudience.interaction_id), col(ThreadKey.conversation_id))
    .join(ThreadKey, col(ThreadKey.id) == col(MailAudience.thread_key_id))
    .where(among(col(ThreadKey.conversation_id), "conversations")),
    _Mail,
)
_REFERENCES = Ask(
    select(
        col(MessageReference.key_id),
        col(MessageReference.own),
        col(MessageReference.interaction_id),
        col(MessageReference.place),
        col(MessageReference.vouched),
    ).where(among(col(MessageReference.interaction_id), "mails"), col(MessageReference.own) == 0),
    audience.Reference,
)
_JOINED = Ask(
    select(col(ThreadEdit.id), col(ThreadEdit.interaction_id)).where(
        among(col(ThreadEdit.interaction_id), "mails"), col(ThreadEdit.joined) == 1
    ),
    _Edit,
)


def would_part(session: Session) -> Iterator[str]:
    """The ids of those conversations, in their order. None where nothing was upgraded from before."""
    upgraded = _UPGRADED.first(session)
    after = ""
    while upgraded and upgraded.finished_at is not None:
        page = [row.id for row in _PAGE.rows(session, after=after, before=upgraded.finished_at)]
        yield from (each for each, count in _parts(session, page).items() if count > 1)
        if len(page) < AT_ONCE:
            return
        after = page[-1]


def _parts(session: Session, conversations: list[str]) -> dict[str, int]:
    """Of how many conversations each would be."""
    inside: dict[str, list[str]] = defaultdict(list)
    for row in _MAILS.rows(session, conversations=conversations):
        inside[row.conversation_id].append(row.interaction_id)
    mails = sorted(each for members in inside.values() for each in members)
    named: dict[str, dict[str, audience.Reference]] = defaultdict(dict)
    for reference in _REFERENCES.rows(session, mails=mails):
        named[reference.interaction_id][reference.key_id] = reference
    known = {stored.mail.id: stored.mail for stored in audience.stored_of(session, mails, named)}
    edits: dict[str, list[str]] = defaultdict(list)
    for edit in _JOINED.rows(session, mails=mails):
        edits[edit.id].append(edit.interaction_id)
    return {
        conversation: _components([known[each] for each in members if each in known], list(edits.values()))
        for conversation, members in sorted(inside.items())
    }


def _components(mails: list[Mail], by_hand: list[list[str]]) -> int:
    home = {mail.id: {mail.id} for mail in mails}
    keys: dict[str, list[Mail]] = defaultdict(list)
    for mail in mails:
        for key in {mail.key, *mail.names}:
            keys[key].append(mail)
    edges = [
        (one.id, other.id) for group in keys.values() for one, other in combinations(group, 2) if joined(one, other)
    ]
    edges += [(one, other) for together in by_hand for one, other in combinations(together, 2)]
    for one, other in edges:
        if one in home and other in home and home[one] is not home[other]:
            both = home[one] | home[other]
            home |= dict.fromkeys(both, both)
    return len({id(component) for component in home.values()})

"""Old conversations keep their ids and who is in them; what decides where the next mail belongs is read out of them.

Of an old mail the headers are gone, but for what its interaction tells: its key, the keys that it names, who wrote it and
to whom. Whoever got a hidden copy is not known, and so counts as not seen. What the new rules would part stays together
until somebody parts it: ``kinline doctor`` lists it (`kinline.threads.unlike`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from kinline import subjects
from kinline.domains import organisation_of
from kinline.handles import Handle, match_key
from kinline.record.chains import BY_TOKEN, MOST_NAMED, NO_WORDS
from kinline.store.ask import Ask, Change, Count, among, columns
from kinline.store.models import Conversation, Identity, InteractionRow, Participant, ThreadKey
from kinline.threads import audience
from kinline.threads.chain import Chain, thread_key_id
from kinline.threads.edges import Mail
from kinline.upgrades.step import UpgradePiece, UpgradeStep
from kinline.waiting import places
from kinline.words import PRIVATE, ConversationState, Direction, HandleType, Kind, Role, Standing, Visibility

AT_ONCE = 100
EMAIL = "email"
#: What people said of a conversation; that it was open or pending followed from what was said in it.
_SAID = frozenset({ConversationState.ON_HOLD, ConversationState.SOLVED, ConversationState.CLOSED})


class _OldConversation(msgspec.Struct, frozen=True):
    id: str
    state: str
    state_at: int | None
    created_at: int


class _OldLine(msgspec.Struct, frozen=True):
    id: str
    channel: str
    instance: str
    kind: str
    direction: str
    automatic: str
    author_id: str | None
    answers_id: str | None
    thread_key_id: str
    doc: str
    conversation_id: str


class _OldIdentity(msgspec.Struct, frozen=True):
    id: str
    type: str
    issuer: str
    value: str


class _Proved(msgspec.Struct, frozen=True):
    interaction_id: str


class _OldParty(msgspec.Struct, frozen=True):
    role: str
    identity: str = ""


class _Facts(msgspec.Struct, frozen=True):
    message_id: str = ""
    references: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    list_id: str = ""
    by_token: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _OldDocument(msgspec.Struct, frozen=True):
    parties: tuple[_OldParty, ...] = ()
    subject: str = ""
    facts: _Facts = _Facts()


_doc = msgspec.json.Decoder(_OldDocument)
_PAGE = Ask(
    select(col(Conversation.id), col(Conversation.state), col(Conversation.state_at), col(Conversation.created_at))
    .where(col(Conversation.id) > bindparam("after"), col(Conversation.merged_into).is_(None))
    .order_by(col(Conversation.id))
    .limit(bindparam("most")),
    _OldConversation,
)
_COUNT = Ask(
    select(func.count().label("count")).select_from(Conversation).where(col(Conversation.merged_into).is_(None)), Count
)
_LINES = Ask(
    select(*columns(InteractionRow, _OldLine, conversation_id=ThreadKey.conversation_id))
    .join(ThreadKey, col(ThreadKey.id) == col(InteractionRow.thread_key_id))
    .where(among(col(ThreadKey.conversation_id), "conversations"), col(InteractionRow.kind) != Kind.NOTE.value),
    _OldLine,
)
_IDENTITIES = Ask(
    select(col(Identity.id), col(Identity.type), col(Identity.issuer), col(Identity.value)).where(
        among(col(Identity.id), "identities")
    ),
    _OldIdentity,
)
_PROVED = Ask(
    select(col(Participant.interaction_id)).where(
        among(col(Participant.identity_id), "identities"),
        among(col(Participant.interaction_id), "interactions"),
        col(Participant.role) == Role.AUTHOR.value,
        col(Participant.standing) == Standing.VERIFIED.value,
    ),
    _Proved,
)
_SEEN_BY = Change(
    update(Conversation)
    .where(col(Conversation.id) == bindparam("conversation"))
    .values(visibility=bindparam("seen_by"))
)
_FOLLOWS = Change(
    update(Conversation)
    .where(among(col(Conversation.id), "conversations"))
    .values(state_at=None)
)  # fmt: skip


def _piece(session: Session, cursor: str) -> UpgradePiece:
    page = _PAGE.rows(session, after=cursor, most=AT_ONCE)
    if not page:
        return UpgradePiece(0, None)
    _remember_states(session, page)
    lines: dict[str, list[_OldLine]] = defaultdict(list)
    for line in _LINES.rows(session, conversations=[row.id for row in page]):
        lines[line.conversation_id].append(line)
    docs = {line.id: _doc.decode(line.doc) for told in lines.values() for line in told}
    for conversation, told in sorted(lines.items()):
        _SEEN_BY.run(session, conversation=conversation, seen_by=_visibility(told, docs))
    mails = [
        line for told in lines.values() for line in told if line.channel == EMAIL and docs[line.id].facts.message_id
    ]
    _keep(session, mails, docs)
    return UpgradePiece(len(page), page[-1].id if len(page) == AT_ONCE else None)


def _remember_states(session: Session, page: list[_OldConversation]) -> None:
    _FOLLOWS.run(session, conversations=[row.id for row in page])
    for row in page:
        if row.state in _SAID:
            places.remember_move(session, row.id, row.state, row.state_at or row.created_at, "")


def _visibility(told: Iterable[_OldLine], docs: Mapping[str, _OldDocument]) -> Visibility:
    """A conversation with a mail of a list, or with public words, is public."""
    lines = list(told)
    if any(line.kind not in PRIVATE or docs[line.id].facts.list_id for line in lines):
        return Visibility.PUBLIC
    return Visibility.ADDRESSED if any(line.channel == EMAIL for line in lines) else Visibility.PARTICIPANTS


def _keep(session: Session, lines: list[_OldLine], docs: Mapping[str, _OldDocument]) -> None:
    identities = sorted({party.identity for line in lines for party in docs[line.id].parties if party.identity})
    handles = {
        row.id: Handle(HandleType(row.type), row.value, row.issuer)
        for row in _IDENTITIES.rows(session, identities=identities)
    }
    authors = sorted({line.author_id for line in lines if line.author_id})
    proved = {
        row.interaction_id
        for row in _PROVED.rows(session, identities=authors, interactions=[line.id for line in lines])
    }
    message_ids = {line.id: docs[line.id].facts.message_id for line in lines}
    chains = [_chain(line, docs[line.id], _answered(line, message_ids), handles, line.id in proved) for line in lines]
    audience.refer(session, [chain.mail for chain in chains if chain.mail])
    audience.keep(session, chains)


def _answered(line: _OldLine, message_ids: Mapping[str, str]) -> Iterable[str]:
    """What a mail answers that does not say which keys it names: one of ours, written here."""
    found = message_ids.get(line.answers_id or "")
    return [found] if found else []


def _chain(
    line: _OldLine, doc: _OldDocument, answered: Iterable[str], handles: Mapping[str, Handle], proved: bool
) -> Chain:
    def key(text: str) -> str:
        return thread_key_id(line.channel, line.instance, text)

    def seen(parties: Iterable[_OldParty]) -> Iterable[str]:
        return (match_key(handles[party.identity]) for party in parties if party.identity in handles)

    names = tuple(dict.fromkeys(map(key, doc.facts.references[:MOST_NAMED] or answered)))
    author = handles.get(line.author_id or "")
    mail = Mail(
        id=line.id,
        key=key(doc.facts.message_id),
        names=names,
        vouched=frozenset(names[:1]) if doc.facts.by_token is not msgspec.UNSET else frozenset(),
        topic=subjects.base(doc.subject) or NO_WORDS,
        author=match_key(author) if author else "",
        organisation=organisation_of(author.value) if proved and author and author.type is HandleType.EMAIL else "",
        ours=line.direction == Direction.OUTBOUND,
        automatic=bool(line.automatic),
        seen=frozenset(seen(party for party in doc.parties if party.role in (Role.AUTHOR, Role.RECIPIENT))),
        reply_to=frozenset(match_key(Handle(HandleType.EMAIL, each)) for each in doc.facts.reply_to),
    )
    private = Visibility.PUBLIC if doc.facts.list_id else Visibility.ADDRESSED
    return Chain(
        interaction=line.id, channel=line.channel, instance=line.instance, keys=(line.thread_key_id,), below=frozenset(),
        visibility=private, mail=mail,
    )  # fmt: skip


def total(session: Session) -> int:
    """How many conversations there are."""
    found = _COUNT.first(session)
    return found.count if found else 0


assert BY_TOKEN in _Facts.__struct_fields__  # noqa: S101 - the fact that it reads by that name
STEP = UpgradeStep("threads", "Who sees whom is read out of mails", _piece, total)

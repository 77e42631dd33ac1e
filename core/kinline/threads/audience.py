"""Private mails as they are stored for their edges, and the mails that a new one may be joined with."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline.store import sql
from kinline.store.ask import Ask, among
from kinline.store.models import Conversation, MailAudience, MessageReference, ThreadKey, metadata
from kinline.threads.chain import Chain
from kinline.threads.edges import Mail

_AUDIENCE = metadata.tables[str(MailAudience.__tablename__)]
_REFERENCE = metadata.tables[str(MessageReference.__tablename__)]
#: So many mails at most are looked at that have, or name, one of a mail's keys. More would be somebody's attack.
MOST = 1_000
_texts = msgspec.json.Decoder(list[str])


class StoredMail(msgspec.Struct, frozen=True):
    """A mail that is stored, the key under which it stands in its conversation, and that conversation."""

    mail: Mail
    thread_key: str
    conversation: str


class Reference(msgspec.Struct, frozen=True):
    """That a mail names a key, or has it."""

    key_id: str
    own: int
    interaction_id: str
    place: int
    vouched: int


class _Audience(msgspec.Struct, frozen=True):
    interaction_id: str
    thread_key_id: str
    key_id: str
    topic: str
    author: str
    organisation: str
    ours: int
    automatic: int
    seen: str
    reply_to: str
    conversation_id: str
    merged_into: str | None


_COLUMNS = (
    col(MessageReference.key_id),
    col(MessageReference.own),
    col(MessageReference.interaction_id),
    col(MessageReference.place),
    col(MessageReference.vouched),
)
#: Whose keys these are, whoever wrote them.
_OWNERS = Ask(
    select(*_COLUMNS).where(among(col(MessageReference.key_id), "keys"), col(MessageReference.own) == 1).limit(MOST),
    Reference,
)
#: Who names these keys, of those who may be known there.
_NAMERS = Ask(
    select(*_COLUMNS)
    .where(
        among(col(MessageReference.key_id), "keys"),
        col(MessageReference.own) == 0,
        among(col(MessageReference.author), "authors"),
    )
    .limit(MOST),
    Reference,
)
_OF_ORGANISATION = Ask(
    select(*_COLUMNS)
    .where(
        among(col(MessageReference.key_id), "keys"),
        among(col(MessageReference.organisation), "organisations"),
        col(MessageReference.organisation) != "",
    )
    .limit(MOST),
    Reference,
)
_STORED = Ask(
    select(
        col(MailAudience.interaction_id),
        col(MailAudience.thread_key_id),
        col(MailAudience.key_id),
        col(MailAudience.topic),
        col(MailAudience.author),
        col(MailAudience.organisation),
        col(MailAudience.ours),
        col(MailAudience.automatic),
        col(MailAudience.seen),
        col(MailAudience.reply_to),
        col(ThreadKey.conversation_id),
        col(Conversation.merged_into),
    )
    .join(ThreadKey, col(ThreadKey.id) == col(MailAudience.thread_key_id))
    .join(Conversation, col(Conversation.id) == col(ThreadKey.conversation_id))
    .where(among(col(MailAudience.interaction_id), "mails")),
    _Audience,
)


def refer(session: Session, mails: Iterable[Mail]) -> None:
    """Store which keys these mails have and name."""
    references = {row[:4]: row for mail in mails for row in _reference_rows(mail)}
    names = tuple(column.name for column in _REFERENCE.columns)
    sql.upsert(session, _REFERENCE, names, [references[key] for key in sorted(references)], _PROVED)


def keep(session: Session, chains: Iterable[Chain]) -> dict[str, StoredMail]:
    """Store whom these private mails show, or what another copy of a known one adds: more, or that its author is proved.

    Returns them as they are known now, over all copies, by id; without a conversation where they are new.
    """
    given: dict[str, StoredMail] = {}
    for chain in chains:
        if chain.mail is not None and chain.by_edges:
            known = given.get(chain.mail.id)
            given[chain.mail.id] = StoredMail(_both(known.mail, chain.mail) if known else chain.mail, chain.own, "")
    for stored in stored_of(session, given):
        mail = _both(given[stored.mail.id].mail, stored.mail)
        given[stored.mail.id] = msgspec.structs.replace(stored, mail=mail)
    rows = [_audience_row(each) for _, each in sorted(given.items())]
    sql.upsert(session, _AUDIENCE, tuple(column.name for column in _AUDIENCE.columns), rows, _MORE)
    return given


def candidates(session: Session, mails: Sequence[Mail]) -> list[StoredMail]:
    """All stored mails that one of these may be joined with, these included, by id."""
    own = sorted({mail.key for mail in mails})
    keys = sorted({key for mail in mails for key in (mail.key, *mail.names)})
    authors = sorted({"", *(who for mail in mails for who in (mail.author, *mail.seen))})
    organisations = sorted({each for mail in mails for each in mail.organisations})
    found = _OWNERS.rows(session, keys=keys) + _NAMERS.rows(session, keys=keys, authors=authors)
    if organisations:
        found += _OF_ORGANISATION.rows(session, keys=own, organisations=organisations)
    named: dict[str, dict[str, Reference]] = defaultdict(dict)
    for row in found:
        if not row.own:
            named[row.interaction_id][row.key_id] = row
    return stored_of(session, {row.interaction_id for row in found}, named)


def stored_of(
    session: Session, interactions: Iterable[str], named: dict[str, dict[str, Reference]] | None = None
) -> list[StoredMail]:
    """These mails as they are stored; of the keys that they name only those given in ``named``."""
    rows = _STORED.rows(session, mails=sorted(interactions))
    return [
        StoredMail(
            _mail(row, (named or {}).get(row.interaction_id, {})),
            row.thread_key_id,
            row.merged_into or row.conversation_id,
        )
        for row in sorted(rows, key=lambda row: row.interaction_id)
    ]


def _mail(row: _Audience, named: dict[str, Reference]) -> Mail:
    nearest_first = sorted(named.values(), key=lambda each: each.place)
    return Mail(
        id=row.interaction_id,
        key=row.key_id,
        # The nearest stands first where it is among them; a machine's mail, and ours, is known by that one alone.
        names=tuple(each.key_id for each in nearest_first if each.place == 1 or not (row.automatic or row.ours)),
        vouched=frozenset(each.key_id for each in nearest_first if each.vouched),
        topic=row.topic,
        author=row.author,
        organisation=row.organisation,
        ours=bool(row.ours),
        automatic=bool(row.automatic),
        seen=frozenset(_texts.decode(row.seen)),
        reply_to=frozenset(_texts.decode(row.reply_to)),
    )


def _both(one: Mail, other: Mail) -> Mail:
    """One mail over two copies of it."""
    return msgspec.structs.replace(
        one,
        names=tuple(dict.fromkeys((*one.names, *other.names))),
        vouched=one.vouched | other.vouched,
        organisation=one.organisation or other.organisation,
        seen=one.seen | other.seen,
        reply_to=one.reply_to | other.reply_to,
    )


def _audience_row(stored: StoredMail) -> tuple[object, ...]:
    mail = stored.mail
    seen, reply_to = (msgspec.json.encode(sorted(each)).decode() for each in (mail.seen, mail.reply_to))
    return (
        mail.id, stored.thread_key, mail.key, mail.topic, mail.author, mail.organisation, int(mail.ours), int(mail.automatic), seen, reply_to,
    )  # fmt: skip


def _reference_rows(mail: Mail) -> Iterable[tuple[object, ...]]:
    yield mail.key, 1, mail.author, mail.id, mail.organisation, 0, 0
    for place, key in enumerate(mail.names, start=1):
        yield key, 0, mail.author, mail.id, mail.organisation, place, int(key in mail.vouched)


_MORE = (
    "ON CONFLICT (interaction_id) DO UPDATE SET organisation = excluded.organisation, seen = excluded.seen, "
    "reply_to = excluded.reply_to"
)
_PROVED = (
    "ON CONFLICT (key_id, own, author, interaction_id) DO UPDATE SET "
    "organisation = CASE WHEN excluded.organisation <> '' THEN excluded.organisation ELSE message_reference.organisation END, "
    "vouched = CASE WHEN excluded.vouched = 1 THEN 1 ELSE message_reference.vouched END "
    "WHERE message_reference.organisation < excluded.organisation OR message_reference.vouched < excluded.vouched"
)

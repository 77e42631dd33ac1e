"""Follow-ups as people look at them: lists, and one with its attempts, its receipts and what was handed over."""

from collections.abc import Sequence
from email.parser import BytesHeaderParser
from email.policy import default
from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, or_, select
from sqlmodel import Session, col

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope, accounts_of
from kinline.errors import NotFound
from kinline.followups import files
from kinline.followups.routes import handles_of
from kinline.handles import Handle
from kinline.messages import Prepared
from kinline.reasons import Reasoned, fields
from kinline.store.ask import Ask, among, columns, keyset
from kinline.store.ask import place as after_place
from kinline.store.models import Account, Attempt, FollowUp, Identity, Person, ReceiptRow, TriggerRow
from kinline.words import HandleType

Place = tuple[int, str]  #: created_at, id
NEWEST: Place = (2**62, "")
#: Header fields of a prepared mail that anybody may see who may see the message.
SHOWN = ("Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Precedence")
HEAD = 100_000


class FollowUpShown(Reasoned, msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person, or a public post, and how far it came. ``about`` is the interaction that it answers."""

    id: str
    person: str
    state: str
    class_: str = msgspec.field(name="class")
    channel: str
    account: str
    to: str
    subject: str
    text: str
    about: str | None
    made_by: str
    decision: str | None
    trigger: str | None
    needs_approval: bool
    approved_by: str | None
    created_at: str | None
    due_at: str | None
    expires_at: str | None
    sent_at: str | None
    interaction: str | None
    template: str | None  #: the stored text it was written from: its name, version and language
    cc: list[str] = []  #: those who get a copy


class AttemptShown(msgspec.Struct, frozen=True):
    """One try. ``outcome``: started, sent, failed, retry (surely not sent), unsure or unknown (nobody knows)."""

    number: int
    started_at: str | None
    finished_at: str | None
    outcome: str
    detail: str


class ReceiptShown(msgspec.Struct, frozen=True):
    """What the provider reported afterwards."""

    report: str
    at: str | None
    permanent: bool
    detail: str


class PreparedShown(msgspec.Struct, frozen=True):
    """The exact message that is handed over, without its words and without anything secret."""

    media_type: str
    source_id: str
    size: int
    headers: dict[str, str]


class FileShown(msgspec.Struct, frozen=True):
    """A file that goes out with it."""

    name: str
    media_type: str
    sha256: str


class FollowUpDetail(FollowUpShown, frozen=True, kw_only=True):
    """A follow-up with everything that happened to it."""

    attempts: list[AttemptShown]
    receipts: list[ReceiptShown]
    prepared: PreparedShown | None
    html: str = ""
    attachments: list[FileShown] = []


_ids = msgspec.json.Decoder(tuple[str, ...])


class _ShownRow(msgspec.Struct, frozen=True):
    id: str
    root_id: str
    state: str
    reason: str
    send_class: str
    channel: str
    account: str
    type: str | None
    issuer: str | None
    value: str | None
    subject: str
    body: str
    answers_id: str | None
    made_by: str
    decision_id: str | None
    trigger: str | None
    needs_approval: int
    approved_by: str | None
    created_at: int
    due_at: int
    expires_at: int
    sent_at: int | None
    interaction_id: str | None
    template: str | None
    copies: str


class _AttemptRow(msgspec.Struct, frozen=True):
    number: int
    started_at: int
    finished_at: int | None
    outcome: str
    detail: str


class _ReceiptLine(msgspec.Struct, frozen=True):
    report: str
    at: int
    permanent: int
    detail: str


_FOLLOWUPS = (
    select(
        *columns(
            FollowUp, _ShownRow, root_id=col(Person.root_id), account=col(Account.name), type=col(Identity.type),
            issuer=col(Identity.issuer), value=col(Identity.value), trigger=col(TriggerRow.name),
        )
    )
    .join(Person, col(Person.id) == col(FollowUp.person_id))
    .join(Account, col(Account.id) == col(FollowUp.account_id))
    .outerjoin(Identity, col(Identity.id) == col(FollowUp.identity_id))
    .outerjoin(TriggerRow, col(TriggerRow.id) == col(FollowUp.trigger_id))
)  # fmt: skip
_ORDER = col(FollowUp.created_at), col(FollowUp.id)
_NARROWED = {
    "state": col(FollowUp.state) == bindparam("state"),
    "person": col(Person.root_id) == bindparam("person"),
    "trigger": col(TriggerRow.name) == bindparam("trigger"),
    "accounts": among(FollowUp.account_id, "accounts"),
}
_ATTEMPTS = Ask(
    select(*columns(Attempt, _AttemptRow))
    .where(col(Attempt.followup_id) == bindparam("followup"))
    .order_by(col(Attempt.number)),
    _AttemptRow,
)
_RECEIPTS = Ask(
    select(*columns(ReceiptRow, _ReceiptLine))
    .where(
        or_(
            col(ReceiptRow.followup_id) == bindparam("followup"),
            and_(col(ReceiptRow.source_id) == bindparam("source"), col(ReceiptRow.channel) == bindparam("channel")),
        )
    )
    .order_by(col(ReceiptRow.at), col(ReceiptRow.id)),
    _ReceiptLine,
)


@lru_cache(maxsize=16)
def _page(*narrowed: str) -> Ask[_ShownRow]:
    conditions = (_NARROWED[name] for name in narrowed)
    newest = (each.desc() for each in _ORDER)
    return Ask(
        _FOLLOWUPS.where(keyset(*_ORDER, descending=True), *conditions).order_by(*newest).limit(bindparam("most")),
        _ShownRow,
    )


@lru_cache(maxsize=2)
def _one(*narrowed: str) -> Ask[_ShownRow]:
    conditions = (_NARROWED[name] for name in narrowed)
    return Ask(_FOLLOWUPS.where(col(FollowUp.id) == bindparam("followup"), *conditions), _ShownRow)


def listed(
    session: Session, *, state: str = "", person: str = "", trigger: str = "", before: Place = NEWEST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[FollowUpShown]:  # fmt: skip
    """The newest first, narrowed by state, person (a root) and trigger (a name)."""
    wanted = {name: value for name, value in (("state", state), ("person", person), ("trigger", trigger)) if value}
    held = accounts_of(reader)
    rows = _page(*wanted, *held).rows(session, most=limit, **wanted, **held, **after_place(before))
    return _shown(session, rows)


def place(session: Session, followup_id: str) -> Place:
    """Where it stands in the list."""
    row = session.get_one(FollowUp, followup_id)
    return row.created_at, row.id


def shown(session: Session, followup_id: str, reader: AccessScope = EVERYTHING) -> FollowUpShown:
    """Raises `NotFound`, also for one that goes through an account which the reader may not read."""
    held = accounts_of(reader)
    rows = _one(*held).rows(session, followup=followup_id, **held)
    if not rows:
        raise NotFound("There is no such follow-up.", code="no_such_followup")
    return _shown(session, rows)[0]


def detail(session: Session, followup_id: str, reader: AccessScope = EVERYTHING) -> FollowUpDetail:
    head = shown(session, followup_id, reader)
    row = session.get_one(FollowUp, followup_id, populate_existing=True)
    return FollowUpDetail(
        **{name: getattr(head, name) for name in FollowUpShown.__struct_fields__},
        attempts=_attempts(session, followup_id),
        receipts=_receipts(session, followup_id, head.channel, row.source_id or ""),
        prepared=_prepared(files.get_prepared(session, row.prepared, row.prepared_body)) if row.prepared else None,
        html=row.html,
        attachments=[FileShown(one.name, one.media_type, one.blob) for one in files.listed(session, followup_id)],
    )


def _shown(session: Session, rows: Sequence[_ShownRow]) -> list[FollowUpShown]:
    copied = {row.id: _ids.decode(row.copies) for row in rows}
    wanted = {identity for each in copied.values() for identity in each}
    known = handles_of(session, wanted) if wanted else {}
    return [_one_shown(row, [str(known[each]) for each in copied[row.id] if each in known]) for row in rows]


def _one_shown(row: _ShownRow, cc: list[str]) -> FollowUpShown:
    to = str(Handle(HandleType(row.type), row.value or "", row.issuer or "")) if row.type else "everybody"
    return FollowUpShown(
        id=row.id, person=row.root_id, state=row.state, class_=row.send_class, channel=row.channel,
        account=row.account, to=to, subject=row.subject, text=row.body, about=row.answers_id, made_by=row.made_by,
        decision=row.decision_id, trigger=row.trigger, needs_approval=bool(row.needs_approval),
        approved_by=row.approved_by, created_at=clock.to_text(row.created_at), due_at=clock.to_text(row.due_at),
        expires_at=clock.to_text(row.expires_at), sent_at=clock.to_text(row.sent_at), interaction=row.interaction_id,
        template=row.template, cc=cc, **fields(reason_texts.read(row.reason)),
    )  # fmt: skip


def _attempts(session: Session, followup_id: str) -> list[AttemptShown]:
    return [
        AttemptShown(row.number, clock.to_text(row.started_at), clock.to_text(row.finished_at), row.outcome, row.detail)
        for row in _ATTEMPTS.rows(session, followup=followup_id)
    ]


def _receipts(session: Session, followup_id: str, channel: str, source_id: str) -> list[ReceiptShown]:
    return [
        ReceiptShown(row.report, clock.to_text(row.at), bool(row.permanent), row.detail)
        for row in _RECEIPTS.rows(session, followup=followup_id, source=source_id, channel=channel)
    ]


def _prepared(prepared: Prepared) -> PreparedShown:
    return PreparedShown(prepared.media_type, prepared.source_id, len(prepared.body), _headers(prepared))


def _headers(prepared: Prepared) -> dict[str, str]:
    if prepared.media_type != "message/rfc822":
        return {}
    head = BytesHeaderParser(policy=default).parsebytes(prepared.body[:HEAD])
    return {name: str(head[name]) for name in SHOWN if head[name] is not None}

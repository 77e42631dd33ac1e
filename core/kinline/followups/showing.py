"""Follow-ups as people look at them: lists, and one with its attempts, its receipts and what was handed over."""

from collections.abc import Sequence
from email.parser import BytesHeaderParser
from email.policy import default
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, reason_texts
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import NotFound
from kinline.followups import files
from kinline.messages import Prepared
from kinline.reasons import Reasoned, fields
from kinline.store import sql

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
_SELECT = (
    "SELECT f.id, p.root_id, f.state, f.reason, f.send_class, f.channel, a.name, i.type, i.issuer, i.value, f.subject, f.body, "
    "f.answers_id, f.made_by, f.decision_id, t.name, f.needs_approval, f.approved_by, f.created_at, f.due_at, f.expires_at, "
    "f.sent_at, f.interaction_id, f.template, f.copies FROM followup f JOIN person p ON p.id = f.person_id JOIN account a ON a.id = f.account_id "
    "LEFT JOIN identity i ON i.id = f.identity_id LEFT JOIN trigger_rule t ON t.id = f.trigger_id WHERE "
)


def listed(
    session: Session, *, state: str = "", person: str = "", trigger: str = "", before: Place = NEWEST, limit: int = 50,
    reader: AccessScope = EVERYTHING,
) -> list[FollowUpShown]:  # fmt: skip
    """The newest first, narrowed by state, person (a root) and trigger (a name)."""
    wanted = [("f.state", state), ("p.root_id", person), ("t.name", trigger)]
    narrowed = "".join(f"AND {column} = {{p}} " for column, value in wanted if value)
    rows = _rows(
        session,
        f"(f.created_at, f.id) < ({{p}}, {{p}}) {narrowed}ORDER BY f.created_at DESC, f.id DESC LIMIT {{p}}",
        reader,
        *before,
        *(value for _, value in wanted if value),
        limit,
    )
    return _shown(session, rows)


def place(session: Session, followup_id: str) -> Place:
    """Where it stands in the list."""
    return sql.run(session, "SELECT created_at, id FROM followup WHERE id = {p}", followup_id)[0]


def shown(session: Session, followup_id: str, reader: AccessScope = EVERYTHING) -> FollowUpShown:
    """Raises `NotFound`, also for one that goes through an account which the reader may not read."""
    rows = _rows(session, "f.id = {p}", reader, followup_id)
    if not rows:
        raise NotFound("There is no such follow-up.", code="no_such_followup")
    return _shown(session, rows)[0]


def detail(session: Session, followup_id: str, reader: AccessScope = EVERYTHING) -> FollowUpDetail:
    head = shown(session, followup_id, reader)
    source, prepared, body, html = sql.run(
        session, "SELECT source_id, prepared, prepared_body, html FROM followup WHERE id = {p}", followup_id
    )[0]
    return FollowUpDetail(
        **{name: getattr(head, name) for name in FollowUpShown.__struct_fields__},
        attempts=_attempts(session, followup_id),
        receipts=_receipts(session, followup_id, head.channel, source or ""),
        prepared=_prepared(files.get_prepared(session, prepared, body)) if prepared else None,
        html=html,
        attachments=[FileShown(one.name, one.media_type, one.blob) for one in files.listed(session, followup_id)],
    )


def _rows(session: Session, narrowed: str, reader: AccessScope, *values: Any) -> list[tuple[Any, ...]]:
    if reader.accounts is None:
        return sql.run(session, _SELECT + narrowed, *values)
    return sql.select_in(session, f"{_SELECT}f.account_id {{in}} AND {narrowed}", reader.accounts, *values)


def _shown(session: Session, rows: Sequence[tuple[Any, ...]]) -> list[FollowUpShown]:
    copied = {row[0]: _ids.decode(row[-1]) for row in rows}
    wanted = sorted({identity for each in copied.values() for identity in each})
    statement = "SELECT id, type, issuer, value FROM identity WHERE id {in}"
    known = {row[0]: _handle(*row[1:]) for row in sql.select_in(session, statement, wanted)} if wanted else {}
    return [
        FollowUpShown(**_fields(row[:-1]), cc=[known[each] for each in copied[row[0]] if each in known]) for row in rows
    ]


def _handle(kind: str, issuer: str, value: str) -> str:
    return f"{kind}:{issuer + '/' if issuer else ''}{value}"


def _fields(row: tuple[Any, ...]) -> dict[str, Any]:
    (each, person, state, reason, send_class, channel, account, kind, issuer, value, subject, text, about, made_by,
     decision, trigger, needs, approved, created, due, expires, sent, interaction, template) = row  # fmt: skip
    return {
        "id": each, "person": person, "state": state, "class_": send_class, "channel": channel,
        "account": account, "to": _handle(kind, issuer, value) if kind else "everybody", "subject": subject, "text": text,
        "about": about, "made_by": made_by, "decision": decision, "trigger": trigger, "needs_approval": bool(needs),
        "approved_by": approved, "created_at": clock.to_text(created), "due_at": clock.to_text(due),
        "expires_at": clock.to_text(expires), "sent_at": clock.to_text(sent), "interaction": interaction,
        "template": template, **fields(reason_texts.read(reason)),
    }  # fmt: skip


def _attempts(session: Session, followup_id: str) -> list[AttemptShown]:
    rows = sql.run(
        session,
        "SELECT number, started_at, finished_at, outcome, detail FROM attempt WHERE followup_id = {p} ORDER BY number",
        followup_id,
    )
    return [
        AttemptShown(number, clock.to_text(started), clock.to_text(finished), outcome, said)
        for number, started, finished, outcome, said in rows
    ]


def _receipts(session: Session, followup_id: str, channel: str, source_id: str) -> list[ReceiptShown]:
    rows = sql.run(
        session,
        "SELECT at, report, permanent, detail FROM receipt WHERE followup_id = {p} OR (source_id = {p} AND channel = {p}) "
        "ORDER BY at, id",
        followup_id, source_id, channel,
    )  # fmt: skip
    return [ReceiptShown(report, clock.to_text(at), bool(permanent), said) for at, report, permanent, said in rows]


def _prepared(prepared: Prepared) -> PreparedShown:
    return PreparedShown(prepared.media_type, prepared.source_id, len(prepared.body), _headers(prepared))


def _headers(prepared: Prepared) -> dict[str, str]:
    if prepared.media_type != "message/rfc822":
        return {}
    head = BytesHeaderParser(policy=default).parsebytes(prepared.body[:HEAD])
    return {name: str(head[name]) for name in SHOWN if head[name] is not None}

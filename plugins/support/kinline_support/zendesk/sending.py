"""Answering in a Zendesk: a public comment, a private one, a state, a new ticket; and asking what became of it.

Sources: developer.zendesk.com, “Tickets” (Update Ticket, Create Ticket, Setting metadata), “Ticket Audits”, “Ticket Attachments” (Upload Files),
“Introduction” (Idempotency-Key, for creating tickets only). Every change carries our id in its audit's metadata
(``metadata.custom.kinline``), by which it is found again.
"""

import json
import time
from typing import Any
from urllib.parse import quote

from kinline import ChannelError, DeskChange, OutcomeUnknown, Outgoing, Prepared, Sent
from kinline_support import files
from kinline_support.calling import Client
from kinline_support.fields import Record, ident, record, rows
from kinline_support.settings import SupportSettings
from kinline_support.zendesk.connection import client
from kinline_support.zendesk.states import BACK

#: Zendesk's own limit of a comment.
LONGEST = 65_535
MARK = "kinline"
#: Of one file, in bytes (as others report it; Zendesk's own page was not seen to say so), and files of one comment; seconds for all uploads.
LARGEST, MOST_FILES, PATIENCE = 50_000_000, 20, 25.0
MOST_AUDITS = 20  #: pages of them


def check(outgoing: Outgoing) -> None:
    if len(outgoing.text) > LONGEST:
        raise ChannelError(f"A comment has at most {LONGEST} characters.", permanent=True, code="too_long")
    files.check(outgoing, largest=LARGEST, most=MOST_FILES)


def prepare(outgoing: Outgoing) -> Prepared:
    ticket = ident(outgoing.answered.get("facts", {}).get("ticket"))
    comment = {"body": outgoing.text, "public": True}
    changes: Record = {"comment": comment, "metadata": {MARK: outgoing.id}}
    if not ticket:
        changes |= {
            "subject": outgoing.subject or outgoing.text[:80], "requester_id": outgoing.to.value, "external_id": _name(outgoing.id)
        }  # fmt: skip
    body = {"id": outgoing.id, "ticket": ticket, "changes": changes, "files": files.told(outgoing)}
    subject = {"subject": outgoing.subject} if outgoing.subject else {}
    facts = {"via": "api", **({"ticket": ticket} if ticket else {}), **subject}
    return Prepared(body=json.dumps(body, ensure_ascii=False).encode(), media_type="application/json", facts=facts)


def send(prepared: Prepared, settings: SupportSettings) -> Sent:
    told = json.loads(prepared.body)
    desk, ticket, body = client(settings), told["ticket"], {"ticket": told["changes"]}
    if told.get("files"):
        told["changes"]["comment"]["uploads"] = _uploaded(desk, told["files"])
    if ticket:
        return _sent(desk.write("PUT", f"/api/v2/tickets/{quote(ticket)}.json", body))
    return _sent(desk.write("POST", "/api/v2/tickets.json", body, {"idempotency-key": told["id"]}))


def find_sent(prepared: Prepared, settings: SupportSettings) -> Sent | None:
    told = json.loads(prepared.body)
    desk = client(settings)
    ticket = told["ticket"] or _ticket_of(desk, told["id"])
    return _audited(desk, ticket, told["id"]) if ticket else None


def mirror(change: DeskChange, settings: SupportSettings) -> Sent:
    desk, path = client(settings), f"/api/v2/tickets/{quote(change.thread)}.json"
    if change.what == "note":
        note = {"comment": {"body": f"{change.by}: {change.text}" if change.by else change.text, "public": False}}
        return _sent(desk.write("PUT", path, {"ticket": {**note, "metadata": {MARK: change.id}}}))
    desk.write("PUT", path, {"ticket": {"status": BACK[change.state], "metadata": {MARK: change.id}}})
    return Sent(source_id="", detail=f"status {BACK[change.state]}")


def find_mirrored(change: DeskChange, settings: SupportSettings) -> Sent | None:
    return _audited(client(settings), change.thread, change.id)


def _uploaded(desk: Client, given: list[Record]) -> list[str]:
    """The tokens of the files. Nothing was said yet: whatever goes wrong here is tried again, and Zendesk throws a file
    away that no comment claims within an hour."""
    ends, tokens = time.monotonic() + PATIENCE, []
    for file in given:
        if time.monotonic() > ends:
            raise ChannelError("The desk takes the files too slowly.", code="slow_upload")
        path = f"/api/v2/uploads.json?filename={quote(str(file['filename']), safe='')}"
        try:
            answer = desk.post("POST", path, files.content_of(file), {"content-type": str(file["mime-type"])})
        except OutcomeUnknown as error:
            raise ChannelError(f"A file was not taken: {error.detail}", code=error.code) from error
        token = str(record(answer.get("upload")).get("token") or "")
        if not token:
            raise ChannelError("The desk gave no token for a file.", code="unreadable_answer")
        tokens.append(token)
    return tokens


def _name(followup: str) -> str:
    return f"kinline:{followup}"


def _sent(answer: Any) -> Sent:
    """The comment is an event of the audit that the answer shows. Without one nobody knows what was done."""
    comment = _comment(record(answer.get("audit")))
    if not comment:
        raise OutcomeUnknown("The desk did not say which comment it made.", code="unreadable_answer")
    ticket = ident(record(answer.get("ticket")).get("id"))
    return Sent(source_id=f"comment:{comment}", detail=f"ticket {ticket}" if ticket else "")


def _comment(audit: Record) -> str:
    return next(
        (ident(each.get("id")) for each in map(record, rows(audit.get("events"))) if each.get("type") == "Comment"), ""
    )


def _ticket_of(desk: Client, followup: str) -> str:
    found = record(desk.get(f"/api/v2/tickets.json?external_id={quote(_name(followup))}"))
    return next((ident(each.get("id")) for each in map(record, rows(found.get("tickets")))), "")


def _audited(desk: Client, ticket: str, mark: str) -> Sent | None:
    """The comment of the audit that carries our mark, the newest audits first. None: surely not there."""
    path = f"/api/v2/tickets/{quote(ticket)}/audits.json?sort_order=desc&per_page=100"
    for _ in range(MOST_AUDITS):
        found = record(desk.get(path))
        for audit in map(record, rows(found.get("audits"))):
            if record(record(audit.get("metadata")).get("custom")).get(MARK) == mark and _comment(audit):
                return Sent(source_id=f"comment:{_comment(audit)}", detail=f"ticket {ticket}")
        path = str(found.get("next_page") or "")
        if not path.startswith(desk.base):
            return None
    raise OutcomeUnknown("The ticket has too many changes to look through.", code="not_found_yet")

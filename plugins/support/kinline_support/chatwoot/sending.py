"""Answering in a Chatwoot: a message, a private one, a state; and asking what became of it.

Sources: the API's swagger (“Create New Message”, “Toggle Status”, “Create New Conversation”), ``message_builder.rb``.
There is no idempotency key: our id travels in ``content_attributes`` and is looked for before anything is repeated.
"""

import json
from typing import Any
from urllib.parse import quote

from kinline import ChannelError, DeskChange, OutcomeUnknown, Outgoing, Prepared, Sent, http
from kinline_support import files
from kinline_support.calling import Client
from kinline_support.chatwoot.connection import client
from kinline_support.chatwoot.reading import BACK, MARK
from kinline_support.fields import Record, ident, record, rows, text
from kinline_support.settings import SupportSettings

#: Chatwoot's own limit of a message.
LONGEST = 150_000
MOST_PAGES = 50
#: Of one file, in bytes (``MAXIMUM_FILE_UPLOAD_SIZE``, unless the desk sets another), and files of one message.
LARGEST, MOST_FILES = 40_000_000, 15


def check(outgoing: Outgoing) -> None:
    if len(outgoing.text) > LONGEST:
        raise ChannelError(f"A message has at most {LONGEST} characters.", permanent=True, code="too_long")
    files.check(outgoing, largest=LARGEST, most=MOST_FILES)
    if not outgoing.answered.get("facts", {}).get("ticket") and not outgoing.to.value.startswith("contact:"):
        raise ChannelError("This is no contact of the desk.", permanent=True, code="no_contact")


def prepare(outgoing: Outgoing) -> Prepared:
    number = ident(outgoing.answered.get("facts", {}).get("ticket"))
    message = _message(outgoing.id, outgoing.text, private=False, automatic=outgoing.automatic)
    body = {
        "id": outgoing.id,
        "ticket": number,
        "contact": outgoing.to.value.removeprefix("contact:"),
        "message": message,
        "files": files.told(outgoing),
    }
    facts = {"ticket": number} if number else {}
    return Prepared(body=json.dumps(body, ensure_ascii=False).encode(), media_type="application/json", facts=facts)


def send(prepared: Prepared, settings: SupportSettings) -> Sent:
    told, desk = json.loads(prepared.body), client(settings)
    number = told["ticket"] or _last_of(desk, told["contact"])
    if not number:
        raise ChannelError(
            "They have no conversation there that could be gone on with.", permanent=True, code="no_conversation"
        )
    path = f"/conversations/{quote(number)}/messages"
    if not told.get("files"):
        return _sent(desk.write("POST", path, told["message"]))
    body, kind = _form(told["message"], told["files"])
    return _sent(desk.post("POST", path, body, {"content-type": kind}))


def _form(message: Record, given: list[Record]) -> tuple[bytes, str]:
    """A message with files goes as a form; what is inside ``content_attributes`` is named as Rails names it."""
    fields = {name: str(value) for name, value in message.items() if name not in ("private", "content_attributes")}
    fields |= {f"content_attributes[{name}]": str(value) for name, value in message["content_attributes"].items()}
    sent = [
        ("attachments[]", (str(each["filename"]), files.content_of(each), str(each["mime-type"]))) for each in given
    ]
    return http.multipart(fields, sent)


def find_sent(prepared: Prepared, settings: SupportSettings) -> Sent | None:
    told, desk = json.loads(prepared.body), client(settings)
    number = told["ticket"] or _last_of(desk, told["contact"])
    return _marked(desk, number, told["id"], told["message"]["content"]) if number else None


def mirror(change: DeskChange, settings: SupportSettings) -> Sent:
    desk, path = client(settings), f"/conversations/{quote(change.thread)}"
    if change.what == "note":
        return _sent(desk.write("POST", f"{path}/messages", _message(change.id, _note(change), private=True)))
    desk.write("POST", f"{path}/toggle_status", {"status": BACK[change.state]})
    return Sent(source_id="", detail=f"status {BACK[change.state]}")


def find_mirrored(change: DeskChange, settings: SupportSettings) -> Sent | None:
    return _marked(client(settings), change.thread, change.id, _note(change))


def _note(change: DeskChange) -> str:
    return f"{change.by}: {change.text}" if change.by else change.text


def _message(mark: str, content: str, *, private: bool, automatic: bool = False) -> Record:
    attributes = {MARK: mark, **({f"{MARK}_automatic": True} if automatic else {})}
    return {
        "content": content, "message_type": "outgoing", "private": private, "content_type": "text", "echo_id": mark,
        "content_attributes": attributes,
    }  # fmt: skip


def _sent(answer: Any) -> Sent:
    key = ident(answer.get("id"))
    if not key:
        raise OutcomeUnknown("The desk did not say which message it made.", code="unreadable_answer")
    return Sent(source_id=f"message:{key}", detail=f"conversation {ident(answer.get('conversation_id'))}")


def _last_of(desk: Client, contact: str) -> str:
    """The conversation with a contact that moved last: Chatwoot opens none by itself without an inbox of theirs."""
    found = [record(row) for row in rows(record(desk.get(f"/contacts/{quote(contact)}/conversations")).get("payload"))]
    return max(((str(row.get("last_activity_at") or ""), ident(row.get("id"))) for row in found), default=("", ""))[1]


def _marked(desk: Client, number: str, mark: str, content: str) -> Sent | None:
    """The message that carries our mark. An old Chatwoot drops the mark: then the same words make it doubtful."""
    before, doubtful = "", False
    for _ in range(MOST_PAGES):
        found = record(desk.get(f"/conversations/{quote(number)}/messages{before}"))
        page = [record(row) for row in rows(found.get("payload"))]
        for said in page:
            attributes = record(said.get("content_attributes"))
            if attributes.get(MARK) == mark:
                return Sent(source_id=f"message:{ident(said.get('id'))}", detail=f"conversation {number}")
            doubtful = doubtful or (MARK not in attributes and text(said.get("content")) == text(content))
        if not page:
            break
        before = f"?before={min(int(ident(said.get('id')) or 0) for said in page)}"
    if doubtful:
        raise OutcomeUnknown("A message there has the same words; look whether it is ours.", code="not_found_yet")
    return None

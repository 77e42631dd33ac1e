"""A stand-in for Chatwoot: conversations, messages, contacts, events by webhook.

Written from Chatwoot's swagger (“Conversations List”, “Get messages”, “Create New Message”, “Toggle Status”), “How to use
webhooks”, and its ``message_finder.rb``, ``conversation_finder.rb`` and ``message_builder.rb``. 401 for a wrong token, 404
for what is not there, 422 for a message without content. People at it act by its methods.
"""

import hmac
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import quote

import multipart

from kinline import clock
from kinline.pretend import FakeAnswer, FakeCall, Route
from kinline_support.pretending import PretendDesk

Row = dict[str, Any]
PER_PAGE, LATEST, AFTER = 25, 20, 100
TYPES = ("incoming", "outgoing", "activity", "template")


class PretendChatwoot(PretendDesk):
    """Account 7 with an inbox of mail. ``page``: conversations a page."""

    account = "7"

    def __init__(self, *, page: int = PER_PAGE) -> None:
        super().__init__()
        self.page = page
        self.contacts = {
            71: {"id": 71, "name": "Ann Archer", "email": "ann@example.org", "phone_number": None, "type": "contact"},
            72: {"id": 72, "name": "Ben Baker", "email": None, "phone_number": "+4930123456", "type": "contact"},
        }
        self.agent = {"id": 3, "name": "Cleo Clark", "email": "cleo@example.org", "type": "user"}
        self.talks: dict[int, Row] = {}
        self.messages: dict[int, list[Row]] = {}
        self.attached: dict[str, bytes] = {}
        self._next = 50_000

    def settings_for(self, url: str) -> Row:
        if not self.talks:
            self.person_asks("The kettle leaks", "It leaks since Monday.", ago=120)
        return {
            "provider": "chatwoot", "desk": url, "account": self.account, "token": self.token, "webhook_secret": self.secret,
        }  # fmt: skip

    def person_asks(self, subject: str, text: str, *, ago: int = 0, files: dict[str, bytes] | None = None) -> str:
        with self.lock:
            number = max(self.talks, default=500) + 1
            at = time.time() - ago
            self.talks[number] = {
                "id": number, "uuid": f"0000-{number}", "account_id": 7, "inbox_id": 1, "status": "open", "priority": None,
                "labels": [], "custom_attributes": {}, "additional_attributes": {"mail_subject": subject}, "can_reply": True,
                "created_at": int(at), "timestamp": int(at), "last_activity_at": int(at), "updated_at": at,
                "meta": {"sender": self.contacts[71], "assignee": None, "channel": "Channel::Email", "hmac_verified": False},
            }  # fmt: skip
            self.messages[number] = []
            self.tell({"event": "conversation_created", **self._shown(number)})
            self.says(number, "incoming", text, ago=ago, files=files)
            return str(number)

    def person_says(self, key: str, text: str) -> None:
        self.says(int(key), "incoming", text)

    def agent_says(self, key: str, text: str, *, public: bool = True, ago: int = 0) -> None:
        self.says(int(key), "outgoing", text, private=not public, ago=ago)

    def agent_puts(self, key: str, state: str) -> None:
        self.puts(int(key), state)

    def said(self, key: str) -> list[tuple[str, bool]]:
        spoken = [each for each in self.messages[int(key)] if TYPES[each["message_type"]] != "activity"]
        return [(each["content"], not each["private"]) for each in spoken]

    def standing(self, key: str) -> str:
        return str(self.talks[int(key)]["status"])

    def says(
        self, number: int, sort: str, text: str, *, private: bool = False, ago: int = 0, attributes: Row | None = None,
        files: dict[str, bytes] | None = None,
    ) -> Row:  # fmt: skip
        """A message. What a contact writes opens a conversation that was resolved or snoozed."""
        with self.lock:
            self._next += 3
            at = time.time() - ago
            sender = self.contacts[71] if sort == "incoming" else None if sort == "activity" else self.agent
            said: Row = {
                "id": self._next, "content": text, "account_id": 7, "inbox_id": 1, "conversation_id": number,
                "message_type": TYPES.index(sort), "content_type": "text", "private": private, "status": "sent",
                "content_attributes": attributes or {}, "source_id": None, "created_at": int(at), "sender": sender,
            }  # fmt: skip
            if files:
                said["attachments"] = [self._attach(*each) for each in files.items()]
            self.messages[number].append(said)
            talk = self.talks[number]
            talk |= {"last_activity_at": int(at), "timestamp": int(at)}
            self.tell(self._event("message_created", said))
            if sort == "incoming" and talk["status"] in ("resolved", "snoozed"):
                self.puts(number, "open")
            return said

    def puts(self, number: int, status: str) -> None:
        with self.lock:
            talk = self.talks[number]
            if talk["status"] == status:
                return
            before, talk["status"], talk["updated_at"] = talk["status"], status, time.time()
            change = [{"status": {"previous_value": before, "current_value": status}}]
            self.says(number, "activity", f"Conversation was marked {status}")
            self.tell({"event": "conversation_status_changed", "changed_attributes": change, **self._shown(number)})

    def routes(self) -> Sequence[Route]:
        home = rf"/api/v1/accounts/{self.account}"
        talk = home + r"/conversations/([0-9]+)"
        return [
            ("GET", home + "/conversations", self._guard(self._list)),
            ("GET", talk + "/messages", self._guard(self._page)),
            ("POST", talk + "/messages", self._guard(self._create)),
            ("POST", talk + "/toggle_status", self._guard(self._toggle)),
            ("GET", home + r"/contacts/([0-9]+)/conversations", self._guard(self._of_contact)),
            ("GET", r"/rails/active_storage/blobs/([a-z0-9]+)/[^/]+", self._file),
        ]

    def signed(self, body: bytes) -> dict[str, str]:
        stamp = str(clock.now() // clock.SECOND)
        signature = hmac.digest(self.secret.encode(), stamp.encode() + b"." + body, sha256).hex()
        return {
            "x-chatwoot-signature": f"sha256={signature}",
            "x-chatwoot-timestamp": stamp,
            "x-chatwoot-delivery": stamp,
        }

    def _guard(self, act: Callable[[FakeCall], FakeAnswer]) -> Callable[[FakeCall], FakeAnswer]:
        return lambda asked: self.guarded(
            lambda: asked.headers.get("api_access_token") == self.token, lambda: act(asked)
        )

    def _list(self, asked: FakeCall) -> FakeAnswer:
        order = sorted(self.talks, key=lambda number: (self.talks[number]["last_activity_at"], number), reverse=True)
        page = int(asked.one("page", "1"))
        part = order[(page - 1) * self.page : page * self.page]
        meta = {"mine_count": 0, "unassigned_count": len(order), "assigned_count": 0, "all_count": len(order)}
        shown = [{**self.talks[number], "messages": self.messages[number][-1:]} for number in part]
        return FakeAnswer({"data": {"meta": meta, "payload": shown}})

    def _page(self, asked: FakeCall) -> FakeAnswer:
        """``after``: the oldest hundred behind it; ``before`` and nothing: the newest twenty."""
        number = int(asked.groups[0])
        if number not in self.talks:
            return FakeAnswer({"error": "Resource could not be found"}, 404)
        rows = self.messages[number]
        if asked.one("after"):
            found = [each for each in rows if each["id"] > int(asked.one("after"))][:AFTER]
        else:
            before = int(asked.one("before") or 2**62)
            found = [each for each in rows if each["id"] < before][-LATEST:]
        return FakeAnswer({"meta": {"contact": self.contacts[71]}, "payload": found})

    def _create(self, asked: FakeCall) -> FakeAnswer:
        number, (given, files) = int(asked.groups[0]), _given(asked)
        if number not in self.talks:
            return FakeAnswer({"error": "Resource could not be found"}, 404)
        if len(files) > 15:
            return FakeAnswer({"error": "Validation failed: Attachments exceeded maximum allowed"}, 422)
        if not given.get("content") and not files:
            return FakeAnswer({"error": "Validation failed: Content can't be blank"}, 422)
        said = self.says(
            number, given.get("message_type", "outgoing"), given["content"], private=bool(given.get("private")),
            attributes=given.get("content_attributes"), files=files,
        )  # fmt: skip
        return FakeAnswer({**said, "echo_id": given.get("echo_id")})

    def _toggle(self, asked: FakeCall) -> FakeAnswer:
        number, status = int(asked.groups[0]), asked.json().get("status")
        if status not in ("open", "resolved", "pending", "snoozed"):
            return FakeAnswer({"error": f"'{status}' is not a valid status"}, 422)
        self.puts(number, status)
        return FakeAnswer(
            {"meta": {}, "payload": {"success": True, "current_status": status, "conversation_id": number}}
        )

    def _of_contact(self, asked: FakeCall) -> FakeAnswer:
        return FakeAnswer(
            {"payload": [each for each in self.talks.values() if each["meta"]["sender"]["id"] == int(asked.groups[0])]}
        )

    def _file(self, asked: FakeCall) -> FakeAnswer:
        content = self.attached.get(asked.groups[0])
        return (
            FakeAnswer(content, headers={"content-type": "application/octet-stream"})
            if content is not None
            else FakeAnswer(b"", 404)
        )

    def _attach(self, name: str, content: bytes) -> Row:
        token = sha256(name.encode() + content).hexdigest()[:20]
        self.attached[token] = content
        url = f"{self.url}/rails/active_storage/blobs/{token}/{quote(name)}"
        return {"id": len(self.attached), "file_type": "file", "data_url": url, "file_size": len(content)}

    def _shown(self, number: int) -> Row:
        return {**self.talks[number], "messages": self.messages[number][-1:], "meta": dict(self.talks[number]["meta"])}

    def _event(self, name: str, said: Row) -> Row:
        """As webhooks say a message: words for numbers, texts for times, and what is around it."""
        at = datetime.fromtimestamp(said["created_at"], UTC)
        talk = {key: each for key, each in self._shown(said["conversation_id"]).items() if key != "messages"}
        return {
            **{key: each for key, each in said.items() if key not in ("conversation_id", "inbox_id", "account_id")},
            "event": name, "message_type": TYPES[said["message_type"]], "created_at": at.isoformat().replace("+00:00", "Z"),
            "conversation": talk, "inbox": {"id": 1, "name": "Mail"}, "account": {"id": 7, "name": "Hub"},
        }  # fmt: skip


def _given(asked: FakeCall) -> tuple[Row, dict[str, bytes]]:
    """JSON; or a form with files, whose names in brackets are what Rails makes an object of."""
    kind = asked.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return asked.json(), {}
    told: Row = {"content_attributes": {}}
    files = {}
    for part in multipart.MultipartParser(BytesIO(asked.body), kind.partition("boundary=")[2]):
        if part.name == "attachments[]":
            files[part.filename] = part.raw
        elif part.name.startswith("content_attributes["):
            told["content_attributes"][part.name[19:-1]] = part.value
        else:
            told[part.name] = part.value
    return told, files

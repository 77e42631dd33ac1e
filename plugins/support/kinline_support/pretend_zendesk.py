"""A stand-in for Zendesk: tickets, comments, audits, the incremental export, events by webhook.

Written from developer.zendesk.com: “Tickets”, “Ticket Comments”, “Ticket Audits”, “Incremental Exports”, “Rate limits”,
“Introduction” (idempotency), “Verifying webhook authenticity”, “Ticket events”. People at it act by its methods.
"""

import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from kinline import clock
from kinline.pretend import FakeAnswer, FakeCall, Route
from kinline_support.pretending import PretendDesk, now_text

Row = dict[str, Any]
ANN, BEN, CLEO = 20978392, 20978393, 235323
USER = "cleo@example.org"


class PretendZendesk(PretendDesk):
    """``settles``: seconds before a change shows in the export. ``exports``: how many calls of it a minute."""

    def __init__(self, *, settles: int = 60, exports: int | None = 10, page: int = 100) -> None:
        super().__init__()
        self.settles, self.exports, self.page = settles, exports, page
        self.users = {
            ANN: {"id": ANN, "name": "Ann Archer", "email": "ann@example.org", "role": "end-user", "verified": True},
            BEN: {"id": BEN, "name": "Ben Baker", "email": "ben@example.org", "role": "end-user"},
            CLEO: {"id": CLEO, "name": "Cleo Clark", "email": USER, "role": "agent"},
        }
        self.tickets: dict[int, Row] = {}
        self.comments: dict[int, list[Row]] = {}
        self.audits: dict[int, list[Row]] = {}
        self.attached: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}  #: by token, what no comment has claimed yet
        self._keys: dict[str, FakeAnswer] = {}
        self._changes: dict[int, int] = {}  #: of each ticket, the place of its latest change among all changes
        self._next, self._exported = 1_400_000_000_000_000, list[float]()

    def settings_for(self, url: str) -> Row:
        if not self.tickets:
            self.opens(ANN, "The kettle leaks", "It leaks since Monday.", ago=120)
        return {
            "provider": "zendesk", "desk": url, "user": USER, "token": self.token, "webhook_secret": self.secret
        }  # fmt: skip

    # What people do there

    def person_asks(self, subject: str, text: str, *, ago: int = 0, files: dict[str, bytes] | None = None) -> str:
        return str(self.opens(ANN, subject, text, ago=ago, files=files))

    def person_says(self, key: str, text: str) -> None:
        self.says(int(key), ANN, text)

    def agent_says(self, key: str, text: str, *, public: bool = True, ago: int = 0) -> None:
        self.says(int(key), CLEO, text, public=public, ago=ago)

    def agent_puts(self, key: str, state: str) -> None:
        self.puts(int(key), status=state)

    def said(self, key: str) -> list[tuple[str, bool]]:
        return [(each["body"], each["public"]) for each in self.comments[int(key)]]

    def standing(self, key: str) -> str:
        return str(self.tickets[int(key)]["status"])

    def opens(self, who: int, subject: str, text: str, *, ago: int = 0, files: dict[str, bytes] | None = None) -> int:
        """Somebody opens a ticket, so many seconds ago."""
        number = max(self.tickets, default=100) + 1
        at = _text(int(time.time()) - ago)
        self.tickets[number] = {
            "id": number, "subject": subject, "description": text, "status": "new", "priority": None, "type": None,
            "requester_id": who, "submitter_id": who, "assignee_id": None, "external_id": None, "tags": [],
            "created_at": at, "updated_at": at, "url": f"{self.url}/api/v2/tickets/{number}.json", "is_public": True,
        }  # fmt: skip
        self.comments[number], self.audits[number] = [], []
        self.tell(self._event(number, "created", {}, at))
        self.says(number, who, text, ago=ago, files=files)
        return number

    def says(
        self, number: int, who: int, text: str, *, public: bool = True, ago: int = 0, mark: Row | None = None,
        channel: str = "web", files: dict[str, bytes] | None = None,
    ) -> Row:  # fmt: skip
        """Somebody comments. Gives the audit."""
        with self.lock:
            at = _text(int(time.time()) - ago)
            comment = {
                "id": self._id(), "type": "Comment", "author_id": who, "body": text, "plain_body": text,
                "html_body": f"<div><p>{text}</p></div>", "public": public, "created_at": at,
                "via": {"channel": channel}, "attachments": [self._attach(*each) for each in (files or {}).items()],
            }  # fmt: skip
            audit = {
                "id": self._id(), "ticket_id": number, "author_id": who, "created_at": at, "events": [comment],
                "metadata": {"system": {}, "custom": mark or {}}, "via": {"channel": channel},
            }  # fmt: skip
            comment["audit_id"] = audit["id"]
            self.comments[number].append(comment)
            self.audits[number].append(audit)
            self._touch(number, at)
            self.tell(self._event(number, "comment_added", {"comment": self._told(comment)}, at))
            if who != CLEO and self.tickets[number]["status"] in ("pending", "hold", "solved"):
                self.puts(number, status="open")
            return audit

    def puts(self, number: int, **changes: Any) -> None:
        """Somebody changes the ticket: status, priority, assignee."""
        with self.lock:
            before = dict(self.tickets[number])
            self.tickets[number] |= changes
            self._touch(number, now_text())
            for name, value in changes.items():
                change = {"status": "status_changed", "priority": "priority_changed"}.get(
                    name, "agent_assignment_changed"
                )
                said = {"previous": _upper(before[name]), "current": _upper(value)}
                self.tell(self._event(number, change, said, now_text()))

    # What it answers

    def routes(self) -> Sequence[Route]:
        number = r"/api/v2/tickets/([0-9]+)"
        return [
            ("GET", r"/api/v2/users/me\.json", self._guard(self._me)),
            ("GET", r"/api/v2/tickets/count\.json", self._guard(self._count)),
            ("GET", r"/api/v2/incremental/tickets/cursor\.json", self._guard(self._export)),
            ("GET", r"/api/v2/tickets\.json", self._guard(self._list)),
            ("POST", r"/api/v2/tickets\.json", self._guard(self._create)),
            ("GET", number + r"/comments\.json", self._guard(self._list_comments)),
            ("GET", number + r"/audits\.json", self._guard(self._list_audits)),
            ("PUT", number + r"\.json", self._guard(self._update)),
            ("POST", r"/api/v2/uploads\.json", self._guard(self._upload)),
            ("GET", r"/attachments/token/([a-z0-9]+)/", self._file),
        ]

    def signed(self, body: bytes) -> dict[str, str]:
        stamp = str(clock.to_text(clock.now()))
        signature = b64encode(hmac.digest(self.secret.encode(), stamp.encode() + body, sha256)).decode()
        return {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}

    def _guard(self, act: Callable[[FakeCall], FakeAnswer]) -> Callable[[FakeCall], FakeAnswer]:
        proof = "Basic " + b64encode(f"{USER}/token:{self.token}".encode()).decode()
        return lambda asked: self.guarded(lambda: asked.headers.get("authorization") == proof, lambda: act(asked))

    def _me(self, asked: FakeCall) -> FakeAnswer:
        return FakeAnswer({"user": self.users[CLEO]})

    def _count(self, asked: FakeCall) -> FakeAnswer:
        return FakeAnswer({"count": {"value": len(self.tickets), "refreshed_at": now_text()}})

    def _export(self, asked: FakeCall) -> FakeAnswer:
        """In the order of change, from a time or from a cursor on; at the end the cursor stands where it was."""
        wait = self.limited(self._exported, self.exports)
        if wait is not None:
            return FakeAnswer(
                {"error": "Number of allowed incremental ticket export API requests per minute exceeded"},
                429,
                {"retry-after": str(wait)},
            )
        since, begins = _cursor(asked)
        ends = int(time.time()) - self.settles
        order = sorted((change, key) for key, change in self._changes.items())
        settled = [
            (change, key) for change, key in order if begins <= _seconds(self.tickets[key]["updated_at"]) <= ends
        ]
        fresh = [(change, key) for change, key in settled if change > since]
        page = fresh[: min(int(asked.one("per_page", "100")), self.page)]
        cursor = b64encode(f"{page[-1][0] if page else since}||0".encode()).decode()
        rows = [self.tickets[key] for _, key in page]
        told: Row = {"tickets": rows, "after_cursor": cursor, "end_of_stream": len(page) == len(fresh),
                     "after_url": f"{self.url}/api/v2/incremental/tickets/cursor.json?cursor={quote(cursor)}"}  # fmt: skip
        if "users" in asked.one("include"):
            told["users"] = [self.users[key] for key in sorted({row["requester_id"] for row in rows})]
        return FakeAnswer(told, headers={"x-rate-limit": "700", "x-rate-limit-remaining": "699"})

    def _list(self, asked: FakeCall) -> FakeAnswer:
        rows = sorted(self.tickets.values(), key=lambda row: (row["updated_at"], row["id"]), reverse=True)
        wanted = asked.one("external_id")
        found = [row for row in rows if not wanted or row["external_id"] == wanted]
        return FakeAnswer(
            {"tickets": found[: int(asked.one("per_page", "100"))], "next_page": None, "count": len(found)}
        )

    def _list_comments(self, asked: FakeCall) -> FakeAnswer:
        return self._paged(asked, "comments", self.comments)

    def _list_audits(self, asked: FakeCall) -> FakeAnswer:
        return self._paged(asked, "audits", self.audits)

    def _paged(self, asked: FakeCall, name: str, of: dict[int, list[Row]]) -> FakeAnswer:
        number = int(asked.groups[0])
        if number not in of:
            return FakeAnswer({"error": "RecordNotFound", "description": "Not found"}, 404)
        rows = list(reversed(of[number])) if asked.one("sort_order") == "desc" else of[number]
        size, page = min(int(asked.one("per_page", "100")), self.page), int(asked.one("page", "1"))
        part = rows[(page - 1) * size : page * size]
        more = (
            f"{self.url}{asked.path}?per_page={size}&sort_order={asked.one('sort_order')}&page={page + 1}&include=users"
        )
        authors = sorted({row["author_id"] for row in part})
        beside = {"users": [self.users[key] for key in authors if key in self.users]}
        return FakeAnswer(
            {name: part, "next_page": more if page * size < len(rows) else None, "count": len(rows), **beside}
        )

    def _create(self, asked: FakeCall) -> FakeAnswer:
        """With an Idempotency-Key the same request gets the first answer, and another body 400."""
        key, given = asked.headers.get("idempotency-key", ""), asked.json().get("ticket", {})
        if key in self._keys:
            return FakeAnswer(self._keys[key].body, self._keys[key].status, {"x-idempotency-lookup": "hit"})
        number = max(self.tickets, default=100) + 1
        at = now_text()
        self.tickets[number] = {
            "id": number, "subject": given.get("subject"), "status": "open", "priority": None, "assignee_id": None,
            "requester_id": int(given["requester_id"]), "submitter_id": CLEO, "external_id": given.get("external_id"),
            "created_at": at, "updated_at": at, "description": given["comment"]["body"],
        }  # fmt: skip
        self.comments[number], self.audits[number] = [], []
        told = FakeAnswer(self._changed(number, given), 201, {"x-idempotency-lookup": "miss"})
        if key:
            self._keys[key] = told
        return told

    def _update(self, asked: FakeCall) -> FakeAnswer:
        number, given = int(asked.groups[0]), asked.json().get("ticket", {})
        row = self.tickets.get(number)
        if row is None or row["status"] == "deleted":
            return FakeAnswer({"error": "RecordNotFound", "description": "Not found"}, 404)
        if row["status"] == "closed":
            details = {"status": [{"description": "Status: closed prevents ticket update"}]}
            return FakeAnswer(
                {"error": "RecordInvalid", "description": "Record validation errors", "details": details}, 422
            )
        return FakeAnswer(self._changed(number, given))

    def _changed(self, number: int, given: Row) -> Row:
        audit: Row = {
            "id": self._id(),
            "ticket_id": number,
            "events": [],
            "metadata": {"custom": given.get("metadata", {})},
        }
        if comment := given.get("comment"):
            claimed = [self.uploads.pop(token) for token in comment.get("uploads", ()) if token in self.uploads]
            audit = self.says(
                number,
                CLEO,
                comment["body"],
                public=comment.get("public", True),
                mark=given.get("metadata"),
                channel="api",
                files=dict(claimed),
            )
        changes = {
            name: given[name]
            for name in ("status", "priority")
            if name in given and given[name] != self.tickets[number][name]
        }
        if changes:
            self.puts(number, **changes)
        return {"ticket": self.tickets[number], "audit": audit}

    def _upload(self, asked: FakeCall) -> FakeAnswer:
        """“Upload Files”: the file name in the query, the content as it is, and a token back."""
        name = asked.one("filename")
        if not name:
            return FakeAnswer({"error": "RecordInvalid", "description": "filename is missing"}, 400)
        token = f"upload{self._id()}"
        self.uploads[token] = (name, asked.body)
        return FakeAnswer({"upload": {"token": token, "attachment": {"file_name": name, "size": len(asked.body)}}}, 201)

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
        url = f"{self.url}/attachments/token/{token}/?name={quote(name)}"
        return {
            "id": self._id(),
            "file_name": name,
            "content_type": "text/plain",
            "content_url": url,
            "size": len(content),
        }

    def _event(self, number: int, change: str, said: Row, at: str) -> Row:
        row = self.tickets[number]
        detail = {
            name: _string(row.get(name)) for name in ("id", "subject", "requester_id", "assignee_id", "external_id")
        }
        detail |= {"status": _upper(row["status"]), "priority": _upper(row.get("priority")), "updated_at": at}
        return {
            "account_id": 1, "id": f"event-{self._id()}", "subject": f"zen:ticket:{number}", "time": _precise(at),
            "type": f"zen:event-type:ticket.{change}", "zendesk_event_version": "2022-11-06", "detail": detail, "event": said,
        }  # fmt: skip

    def _told(self, comment: Row) -> Row:
        user = self.users[comment["author_id"]]
        author = {"id": str(user["id"]), "name": user["name"], "is_staff": user["role"] != "end-user"}
        return {"id": str(comment["id"]), "body": comment["body"], "is_public": comment["public"], "author": author}

    def _touch(self, number: int, at: str) -> None:
        self.tickets[number]["updated_at"] = at
        self._changes[number] = max(self._changes.values(), default=0) + 1

    def _id(self) -> int:
        self._next += 7
        return self._next


def _cursor(asked: FakeCall) -> tuple[int, int]:
    """After which change, and from which time on."""
    if asked.one("cursor"):
        return int(b64decode(asked.one("cursor")).decode().partition("||")[0]), 0
    return 0, int(asked.one("start_time", "0"))


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _text(seconds: int) -> str:
    return str(clock.to_text(seconds * clock.SECOND))


def _precise(at: str) -> str:
    """The very moment, where it is this second; events have nine digits."""
    now = str(clock.to_text(clock.now() // clock.SECOND * clock.SECOND))
    fraction = f"{clock.now() % clock.SECOND:06}789" if at == now else "000000001"
    return at.replace("Z", f".{fraction}Z")


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else _string(value)


def _string(value: Any) -> Any:
    return None if value is None else str(value)


__all__ = ["ANN", "BEN", "CLEO", "PretendZendesk"]

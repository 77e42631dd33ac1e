"""A stand-in for Zammad: tickets, articles, attachments, the search, webhooks of a trigger.

Written from docs.zammad.org (“Introduction”, “Tickets”, “Articles”, “States”) and admin-docs.zammad.org (“Webhook”).
401 for a wrong token, 404 and 422 with ``error`` and ``error_human``; ``pending reminder`` needs a ``pending_time``. The
search understands what the hub asks. People at it act by its methods.
"""

import hmac
import re
import time
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha1, sha256
from typing import Any

from kinline.pretend import FakeAnswer, FakeCall, Route
from kinline_support.pretending import PretendDesk

Row = dict[str, Any]
ANN, BEN, CLEO = 71, 72, 3
STATES = {"new": 1, "open": 2, "pending reminder": 3, "closed": 4, "merged": 5, "pending close": 7}
PAGE = 50


class PretendZammad(PretendDesk):
    """``page``: the most rows of a page."""

    def __init__(self, *, page: int = PAGE) -> None:
        super().__init__()
        self.page = page
        self.users = {
            ANN: {
                "id": ANN,
                "firstname": "Ann",
                "lastname": "Archer",
                "email": "ann@example.org",
                "roles": ["Customer"],
            },
            BEN: {
                "id": BEN,
                "firstname": "Ben",
                "lastname": "Baker",
                "email": "ben@example.org",
                "roles": ["Customer"],
            },
            CLEO: {
                "id": CLEO,
                "firstname": "Cleo",
                "lastname": "Clark",
                "email": "cleo@example.org",
                "roles": ["Agent"],
            },
        }
        self.tickets: dict[int, Row] = {}
        self.articles: dict[int, list[Row]] = {}
        self.numbers: dict[str, str] = {}  #: of each ticket, by its id, what people call it
        self.attached: dict[tuple[int, int], bytes] = {}
        self._next = 9000

    def settings_for(self, url: str) -> Row:
        if not self.tickets:
            self.person_asks("The kettle leaks", "It leaks since Monday.", ago=120)
        return {"provider": "zammad", "desk": url, "token": self.token, "webhook_secret": self.secret}

    def person_asks(self, subject: str, text: str, *, ago: int = 0, files: dict[str, bytes] | None = None) -> str:
        with self.lock:
            number = self._opens(ANN, subject, ago)
            self.says(number, ANN, text, ago=ago, files=files, sort="email")
            return str(number)

    def person_says(self, key: str, text: str) -> None:
        self.says(int(key), ANN, text, sort="email")

    def agent_says(self, key: str, text: str, *, public: bool = True, ago: int = 0) -> None:
        self.says(int(key), CLEO, f"<p>{text}</p>", internal=not public, ago=ago, html=True)

    def agent_puts(self, key: str, state: str) -> None:
        self.puts(int(key), {"state": state})

    def said(self, key: str) -> list[tuple[str, bool]]:
        return [(re.sub("<[^>]+>", "", each["body"]), not each["internal"]) for each in self.articles[int(key)]]

    def standing(self, key: str) -> str:
        return str(self.tickets[int(key)]["state"])

    def says(
        self, number: int, who: int, text: str, *, internal: bool = False, ago: int = 0, sort: str = "note", html: bool = False,
        marks: Row | None = None, files: dict[str, bytes] | None = None,
    ) -> Row:  # fmt: skip
        """An article. What a customer writes opens a ticket that was closed or pending."""
        with self.lock:
            self._next += 1
            user, at = self.users[who], _text(time.time() - ago)
            said: Row = {
                "id": self._next, "ticket_id": number, "type": sort, "sender": "Customer" if who != CLEO else "Agent",
                "from": f"{user['firstname']} {user['lastname']} <{user['email']}>", "to": "help@desk.example", "cc": "",
                "subject": self.tickets[number]["title"], "body": text, "content_type": "text/html" if html else "text/plain",
                "internal": internal, "created_by_id": who, "created_by": user["email"], "origin_by_id": None,
                "preferences": marks or {}, "created_at": at, "updated_at": at, "attachments": [],
            }  # fmt: skip
            for name, content in (files or {}).items():
                file = len(self.attached) + 1
                self.attached[self._next, file] = content
                said["attachments"].append(
                    {
                        "id": file,
                        "filename": name,
                        "size": str(len(content)),
                        "preferences": {"Mime-Type": "text/plain"},
                    }
                )
            self.articles[number].append(said)
            if who != CLEO and self.tickets[number]["state"] in ("closed", "pending reminder", "pending close"):
                self.tickets[number] |= {"state": "open", "state_id": 2}
            self.tickets[number]["updated_at"] = at
            self._tell(number, said)
            return said

    def puts(self, number: int, changes: Row) -> None:
        with self.lock:
            self.tickets[number] |= {**changes, "state_id": STATES[changes["state"]], "updated_at": _text(time.time())}
            self._tell(number, {})

    def routes(self) -> Sequence[Route]:
        ticket = r"/api/v1/tickets/([0-9]+)"
        return [
            ("GET", r"/api/v1/users/me", self._guard(lambda asked: FakeAnswer(self.users[CLEO]))),
            ("GET", r"/api/v1/tickets/search", self._guard(self._search)),
            ("GET", r"/api/v1/tickets", self._guard(self._list)),
            ("POST", r"/api/v1/tickets", self._guard(self._create)),
            ("PUT", ticket, self._guard(self._update)),
            ("GET", r"/api/v1/ticket_articles/by_ticket/([0-9]+)", self._guard(self._by_ticket)),
            ("POST", r"/api/v1/ticket_articles", self._guard(self._add)),
            ("GET", r"/api/v1/ticket_attachment/([0-9]+)/([0-9]+)/([0-9]+)", self._guard(self._file)),
        ]

    def signed(self, body: bytes) -> dict[str, str]:
        signature = hmac.digest(self.secret.encode(), body, sha1).hex()
        delivery = sha256(body).hexdigest()[:20]
        return {"x-hub-signature": f"sha1={signature}", "x-zammad-trigger": "hub", "x-zammad-delivery": delivery}

    def _guard(self, act: Callable[[FakeCall], FakeAnswer]) -> Callable[[FakeCall], FakeAnswer]:
        proof = f"Token token={self.token}"
        return lambda asked: self.guarded(lambda: asked.headers.get("authorization") == proof, lambda: act(asked))

    def _search(self, asked: FakeCall) -> FakeAnswer:
        query = asked.one("query")
        since = re.fullmatch(r"updated_at:\[(\S+) TO \*\]", query)
        customer = re.fullmatch(r"customer_id:([0-9]+)", query)
        rows = sorted(self.tickets.values(), key=lambda row: (row["updated_at"], row["id"]))
        found = [
            row for row in rows
            if (since and row["updated_at"] >= since[1].replace("Z", ".000Z")) or (customer and row["customer_id"] == int(customer[1]))
        ]  # fmt: skip
        return self._part(asked, list(reversed(found)) if asked.one("order_by") == "desc" else found)

    def _list(self, asked: FakeCall) -> FakeAnswer:
        return self._part(asked, [self.tickets[key] for key in sorted(self.tickets)])

    def _part(self, asked: FakeCall, rows: list[Row]) -> FakeAnswer:
        size, page = min(int(asked.one("per_page", "50")), self.page), int(asked.one("page", "1"))
        return FakeAnswer(rows[(page - 1) * size : page * size])

    def _by_ticket(self, asked: FakeCall) -> FakeAnswer:
        found = self.articles.get(int(asked.groups[0]))
        return _missing() if found is None else FakeAnswer(found)

    def _create(self, asked: FakeCall) -> FakeAnswer:
        given = asked.json()
        if not given.get("group") or not given.get("article", {}).get("body"):
            return FakeAnswer({"error": "Group can't be blank", "error_human": "Group can't be blank"}, 422)
        number = self._opens(int(given["customer_id"]), given.get("title") or "", 0)
        self._article(number, given["article"])
        return FakeAnswer(self.tickets[number], 201)

    def _add(self, asked: FakeCall) -> FakeAnswer:
        given = asked.json()
        if int(given.get("ticket_id") or 0) not in self.tickets:
            return _missing()
        if not given.get("body"):
            return FakeAnswer({"error": 'Need at least article: { body: "some text" }'}, 422)
        if any(not {"mime-type", "filename", "data"} <= set(each) for each in given.get("attachments", ())):
            return FakeAnswer({"error": "Attachment needs 'mime-type' param for attachment with index '0'"}, 422)
        return FakeAnswer(self._article(int(given["ticket_id"]), given), 201)

    def _article(self, number: int, given: Row) -> Row:
        files = {each["filename"]: b64decode(each["data"], validate=True) for each in given.get("attachments", ())}
        return self.says(
            number, CLEO, given["body"], internal=bool(given.get("internal")), sort=given.get("type", "note"),
            marks=given.get("preferences"), files=files,
        )  # fmt: skip

    def _update(self, asked: FakeCall) -> FakeAnswer:
        number, given = int(asked.groups[0]), asked.json()
        if number not in self.tickets:
            return _missing()
        if given.get("state") not in STATES:
            return FakeAnswer({"error": "No lookup value found for 'state'"}, 422)
        if given["state"].startswith("pending") and not given.get("pending_time"):
            return FakeAnswer({"error": "Missing required value for field 'pending_time'!"}, 422)
        self.puts(number, given)
        return FakeAnswer(self.tickets[number])

    def _file(self, asked: FakeCall) -> FakeAnswer:
        content = self.attached.get((int(asked.groups[1]), int(asked.groups[2])))
        return (
            _missing() if content is None else FakeAnswer(content, headers={"content-type": "application/octet-stream"})
        )

    def _opens(self, who: int, title: str, ago: int) -> int:
        number = max(self.tickets, default=200) + 1
        at = _text(time.time() - ago)
        self.numbers[str(number)] = f"71{number:03}"
        self.tickets[number] = {
            "id": number, "number": self.numbers[str(number)], "title": title, "state": "new", "state_id": 1, "priority": "2 normal",
            "group": "Users", "customer_id": who, "customer": self.users[who]["email"], "owner_id": 1, "owner": "-",
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        self.articles[number] = []
        return number

    def _tell(self, number: int, said: Row) -> None:
        """What a trigger sends: people as objects."""
        ticket = dict(self.tickets[number])
        article = {**said, "created_by": self.users[said["created_by_id"]]} if said else {}
        self.tell({"ticket": {**ticket, "customer": self.users[ticket["customer_id"]]}, "article": article})


def _missing() -> FakeAnswer:
    return FakeAnswer({"error": "Not found", "error_human": "The record could not be found."}, 404)


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

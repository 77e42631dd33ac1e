"""A Zendesk that is looked at over its API: what changed since, its past, its newest comments.

Sources: developer.zendesk.com, “Incremental Exports” (cursor based; ten calls a minute; the last minute is left out),
“Ticket Comments”, “Rate limits”. A ticket whose record changed is brought with its comments, one body a ticket, and the
cursor moves when the page is through: after a crash a page comes twice, and is known.
"""

import json
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from kinline import Connection, Estimate, Fetched, Source, clock
from kinline_support.calling import Client
from kinline_support.fields import Record, ident, moment, record, rows, size
from kinline_support.files import Bag
from kinline_support.settings import SupportSettings, base, host

#: Seconds before the account's first look from which on tickets are brought; comments that far back too.
OVERLAP = 600
PAGE = 100
MOST_PAGES = 200  #: of the comments of one ticket; Zendesk takes 5,000 comments
#: Seconds between two calls of the export while the past is brought in: half of what Zendesk allows.
BETWEEN = 12.0


def client(settings: SupportSettings) -> Client:
    """Zendesk, “Security and authentication”: Basic, the agent's address with ``/token`` and the token."""
    proof = b64encode(f"{settings.user}/token:{settings.token}".encode()).decode()
    return Client(base(settings), {"authorization": f"Basic {proof}", "accept": "application/json"})


class ZendeskConnection(Connection):
    def __init__(self, settings: SupportSettings) -> None:
        self._settings, self._client = settings, client(settings)

    def about(self) -> str:
        me = record(self._client.get("/api/v2/users/me.json").get("user"))
        return f"{host(self._settings)} as {me.get('name')} ({me.get('role')}), {self._count()} tickets."

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        since = int(clock.now() / clock.SECOND) - OVERLAP
        if not cursor:
            yield from self._page(f"start_time={since}", since)
            return
        after, _, looked = cursor.rpartition("|")
        yield from self._page(f"cursor={quote(after)}", int(looked) - OVERLAP if looked.isdigit() else since)

    def history(self, cursor: str) -> Iterator[Fetched]:
        """All tickets with all their comments, as the export brings them."""
        query, last = (f"cursor={quote(cursor)}" if cursor else "start_time=1"), False
        while not last:
            began = time.monotonic()
            found, told = self._export(query)
            yield from self._tickets(found, told, since=0)
            after, last = str(found.get("after_cursor") or ""), found.get("end_of_stream") is True
            yield Fetched(cursor=after, limits=told)
            query, last = f"cursor={quote(after)}", last or not after
            if not last:
                time.sleep(max(0.0, BETWEEN - (time.monotonic() - began)))

    def estimate(self) -> Estimate:
        return Estimate(
            items=self._count(), note="Tickets; about three hundred a minute, a call for each and one a page."
        )

    def recent(self, count: int) -> Sequence[str]:
        """The newest comments of the tickets that changed last; those of the last minutes are on their way."""
        found = self._client.get(f"/api/v2/tickets.json?sort_by=updated_at&sort_order=desc&per_page={min(count, 10)}")
        settled = clock.to_datetime(clock.now() - 3 * clock.MINUTE)
        tickets = [
            row
            for row in map(record, rows(found.get("tickets")))
            if (moment(row.get("updated_at")) or settled) < settled
        ]
        newest = (self._comments(ident(row.get("id")), newest_only=True)[:1] for row in tickets)
        return [f"comment:{ident(comment.get('id'))}" for found in newest for comment in found]

    def _count(self) -> int | None:
        count = record(self._client.get("/api/v2/tickets/count.json").get("count"))
        return size(count.get("value"))

    def _page(self, query: str, since: int) -> Iterator[Fetched]:
        found, told = self._export(query)
        yield from self._tickets(found, told, since)
        after = str(found.get("after_cursor") or "")
        if after:
            yield Fetched(cursor=f"{after}|{int(clock.now() / clock.SECOND)}", limits=told)

    def _export(self, query: str) -> tuple[Record, dict[str, Any]]:
        found, told = self._client.page(
            f"/api/v2/incremental/tickets/cursor.json?{query}&per_page={PAGE}&include=users"
        )
        return record(found), told

    def _tickets(self, found: Record, told: dict[str, Any], since: int) -> Iterator[Fetched]:
        users = {ident(row.get("id")): row for row in map(record, rows(found.get("users")))}
        for ticket in map(record, rows(found.get("tickets"))):
            if ident(ticket.get("id")):
                yield Fetched(body=self._body(ticket, users, since), source=Source(name="tickets"), limits=told)

    def _body(self, ticket: Record, users: dict[str, Record], since: int) -> bytes:
        """A document as exports have it: the ticket, its comments since then, and whoever wrote them."""
        gone = ticket.get("status") == "deleted"
        people = {ident(ticket.get(name)) for name in ("requester_id", "submitter_id", "assignee_id")}
        beside: dict[str, Record] = {key: users[key] for key in people if key in users}
        comments = [] if gone else self._comments(ident(ticket.get("id")), since=since, users=beside)
        document = {"tickets": [ticket], "comments": comments, "users": list(beside.values())}
        return json.dumps(document, ensure_ascii=False).encode()

    def _comments(
        self, ticket: str, *, since: int = 0, users: dict[str, Record] | None = None, newest_only: bool = False
    ) -> list[Record]:
        """The newest first, as far back as ``since``, with their files."""
        path = f"/api/v2/tickets/{ticket}/comments.json?sort_order=desc&per_page={1 if newest_only else PAGE}&include=users"
        kept: list[Record] = []
        bag = Bag(self._client.file)
        for _ in range(1 if newest_only else MOST_PAGES):
            found = record(self._client.get(path))
            if users is not None:
                users |= {ident(user.get("id")): user for user in map(record, rows(found.get("users")))}
            page = [record(each) for each in rows(found.get("comments"))]
            fresh = [each for each in page if not _older(each, since)]
            kept += [self._with_files({"ticket_id": ticket, **each}, bag) for each in fresh]
            path = str(found.get("next_page") or "")
            if not path.startswith(self._client.base) or len(fresh) < len(page):
                break
        return kept

    def _with_files(self, comment: Record, bag: Bag) -> Record:
        files = [record(each) for each in rows(comment.get("attachments"))]
        if not files or not self._settings.files:
            return comment
        brought = [bag.fetch(each, each.get("content_url"), size(each.get("size"))) for each in files]
        return {**comment, "attachments": brought}


def _older(comment: Record, since: int) -> bool:
    at = moment(comment.get("created_at"))
    return at is not None and at.timestamp() < since

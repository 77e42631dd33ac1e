"""A Zammad that is looked at over its API: tickets by the time of their last change, each with its articles.

Sources: docs.zammad.org, “Introduction” (token, ``expand``, pages), “Tickets” (search with ``sort_by``), “Articles”. The
search with a field needs Elasticsearch, as Zammad recommends it; it lags by a moment, so looks overlap and what was brought
already is known by its time of change.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from kinline import Connection, Estimate, Fetched, Source, clock
from kinline_support.calling import Client
from kinline_support.fields import Record, ident, line, record, rows
from kinline_support.files import Bag
from kinline_support.settings import SupportSettings, base, host
from kinline_support.zammad.reading import when

#: Seconds by which looks overlap, and that the first look goes back.
OVERLAP = 300
PAGE, MOST_PAGES, MOST_SEEN = 50, 200, 500


def client(settings: SupportSettings) -> Client:
    return Client(base(settings), {"authorization": f"Token token={settings.token}", "accept": "application/json"})


class ZammadConnection(Connection):
    def __init__(self, settings: SupportSettings) -> None:
        self._settings, self._client = settings, client(settings)

    def about(self) -> str:
        me = record(self._client.get("/api/v1/users/me"))
        self._search(datetime.fromisoformat("2100-01-01T00:00:00+00:00"), 1, "asc")
        return f"Zammad {host(self._settings)} as {line(me.get('firstname'))} {line(me.get('lastname'))}."

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        """``cursor``: when we looked, and which tickets of the last minutes we have, with their time of change."""
        known = _cursor(cursor)
        now = clock.now() // clock.SECOND
        since = clock.to_datetime((int(known.get("at") or now) - OVERLAP) * clock.SECOND)
        seen: dict[str, str] = {str(key): str(at) for key, at in record(known.get("seen")).items()}
        fresh: dict[str, str] = {}
        for ticket in self._changed(since):
            key, changed = ident(ticket.get("id")), str(ticket.get("updated_at"))
            fresh[key] = changed
            if seen.get(key) != changed:
                yield self._body(ticket, since)
        kept = dict(sorted(fresh.items(), key=lambda each: each[1])[-MOST_SEEN:])
        yield Fetched(cursor=json.dumps({"at": now, "seen": kept}))

    def history(self, cursor: str) -> Iterator[Fetched]:
        """All tickets by number with all their articles, page by page."""
        page = int(cursor) if cursor.isdigit() else 1
        while True:
            found = self._client.get(f"/api/v1/tickets?expand=true&page={page}&per_page={PAGE}")
            tickets = [record(row) for row in rows(found)]
            for ticket in tickets:
                yield self._body(ticket, None)
            if not tickets:
                return
            page += 1
            yield Fetched(cursor=str(page))

    def estimate(self) -> Estimate:
        return Estimate(note="Zammad does not say how many tickets there are; a call for each, and one for fifty.")

    def recent(self, count: int) -> Sequence[str]:
        """The newest articles of the tickets that changed last, but for those of the last minutes."""
        settled = clock.to_datetime(clock.now() - 2 * clock.MINUTE)
        long_ago = clock.to_datetime(0)
        tickets = self._search(long_ago, 1, "desc")[: min(count, 10)]
        found = [
            self._articles(ident(each.get("id")))[-1:]
            for each in tickets
            if (when(each.get("updated_at")) or settled) < settled
        ]
        return [f"article:{ident(said.get('id'))}" for page in found for said in page]

    def _changed(self, since: datetime) -> Iterator[Record]:
        for page in range(1, MOST_PAGES):
            found = self._search(since, page, "asc")
            yield from found
            if not found:  # a desk may give fewer a page than asked for
                return

    def _search(self, since: datetime, page: int, order: str) -> list[Record]:
        query = quote(f"updated_at:[{since.strftime('%Y-%m-%dT%H:%M:%SZ')} TO *]")
        path = f"/api/v1/tickets/search?query={query}&sort_by=updated_at&order_by={order}&expand=true&page={page}&per_page={PAGE}"
        return [record(row) for row in rows(self._client.get(path))]

    def _articles(self, ticket: str) -> list[Record]:
        return [
            record(row) for row in rows(self._client.get(f"/api/v1/ticket_articles/by_ticket/{ticket}?expand=true"))
        ]

    def _body(self, ticket: Record, since: datetime | None) -> Fetched:
        bag = Bag(self._client.file)
        said = [each for each in self._articles(ident(ticket.get("id"))) if since is None or not _older(each, since)]
        articles = [self._with_files(ticket, each, bag) for each in said]
        body: dict[str, Any] = {"ticket": ticket, "articles": articles}
        return Fetched(body=json.dumps(body, ensure_ascii=False).encode(), source=Source(name="ticket"))

    def _with_files(self, ticket: Record, said: Record, bag: Bag) -> Record:
        found = [record(each) for each in rows(said.get("attachments"))]
        if not found or not self._settings.files:
            return said
        where = f"{self._client.base}/api/v1/ticket_attachment/{ident(ticket.get('id'))}/{ident(said.get('id'))}"
        sizes = (int(each["size"]) if str(each.get("size", "")).isdigit() else 0 for each in found)
        brought = [
            bag.fetch(each, f"{where}/{ident(each.get('id'))}", size) for each, size in zip(found, sizes, strict=True)
        ]
        return {**said, "attachments": brought}


def _cursor(cursor: str) -> Record:
    try:
        return record(json.loads(cursor)) if cursor else {}
    except ValueError:
        return {}


def _older(said: Record, since: datetime) -> bool:
    at = when(said.get("updated_at")) or when(said.get("created_at"))
    return at is not None and at < since

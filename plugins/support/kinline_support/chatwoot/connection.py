"""A Chatwoot that is looked at over its API.

Conversations come in the order of their last activity, 25 a page; of each that moved since, the messages after the
newest that we know (message numbers grow over the whole installation), 100 at a time. Sources: the API's swagger
(“Conversations List”, “Get messages”), ``conversation_finder.rb``, ``message_finder.rb``.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from kinline import Connection, Estimate, Fetched, Source, clock
from kinline_support.calling import Client
from kinline_support.chatwoot.reading import TYPES, when
from kinline_support.fields import Record, ident, record, rows, size
from kinline_support.files import Bag
from kinline_support.settings import SupportSettings, base, instance

#: Seconds before the account's first look from which on messages are brought; and by which looks overlap.
OVERLAP = 300
MOST_PAGES = 400


def client(settings: SupportSettings) -> Client:
    """Chatwoot, “Introduction to APIs”: the access token of a user."""
    where = f"{base(settings)}/api/v1/accounts/{settings.account.strip()}"
    return Client(where, {"api_access_token": settings.token, "accept": "application/json"})


class ChatwootConnection(Connection):
    def __init__(self, settings: SupportSettings) -> None:
        self._settings, self._client = settings, client(settings)

    def about(self) -> str:
        _, meta = self._list(1)
        return f"Chatwoot {instance(self._settings)} with {size(meta.get('all_count'))} conversations."

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        """``cursor``: the newest message we know, and when we looked."""
        newest, _, looked = cursor.partition("|")
        now = int(clock.now() / clock.SECOND)
        since = int(looked) - OVERLAP if looked.isdigit() else now - OVERLAP
        after = int(newest) if newest.isdigit() else 0
        highest = after
        for talk in self._moved(since):
            messages = [each for each in self._messages(ident(talk.get("id")), after) if _at(each) >= since]
            highest = max([highest, *(_number(each) for each in messages)])
            yield self._body(talk, messages)
        yield Fetched(cursor=f"{highest}|{now}")

    def history(self, cursor: str) -> Iterator[Fetched]:
        """All conversations with all their messages, page by page from the one that moved last."""
        page = int(cursor) if cursor.isdigit() else 1
        while page <= MOST_PAGES * 25:
            talks, _ = self._list(page)
            for talk in talks:
                yield self._body(talk, self._messages(ident(talk.get("id")), 0))
            if not talks:
                return
            page += 1
            yield Fetched(cursor=str(page))

    def estimate(self) -> Estimate:
        _, meta = self._list(1)
        return Estimate(items=size(meta.get("all_count")), note="Conversations; two calls or more for each.")

    def recent(self, count: int) -> Sequence[str]:
        """The last message of each conversation that moved last, but for those of this minute."""
        talks, _ = self._list(1)
        settled = clock.now() / clock.SECOND - 60
        newest = [record(rows(talk.get("messages"))[-1]) for talk in talks if rows(talk.get("messages"))]
        said = [
            each
            for each in newest
            if 0 < _at(each) < settled and TYPES.get(str(each.get("message_type"))) != "activity"
        ]
        return [f"message:{ident(each.get('id'))}" for each in said[:count]]

    def _moved(self, since: int) -> Iterator[Record]:
        for page in range(1, MOST_PAGES):
            talks, _ = self._list(page)
            moved = [talk for talk in talks if _activity(talk) >= since]
            yield from moved
            if len(moved) < len(talks) or not talks:
                return

    def _list(self, page: int) -> tuple[list[Record], Record]:
        found = record(
            self._client.get(f"/conversations?status=all&assignee_type=all&sort_by=last_activity_at_desc&page={page}")
        )
        data = record(found.get("data"))
        return [record(row) for row in rows(data.get("payload"))], record(data.get("meta"))

    def _messages(self, number: str, after: int) -> list[Record]:
        """With ``after`` the API gives the oldest hundred behind it; 0 begins before the first."""
        kept: list[Record] = []
        bag = Bag(self._client.file)
        for _ in range(MOST_PAGES):
            page = [
                record(row)
                for row in rows(
                    record(self._client.get(f"/conversations/{number}/messages?after={after}")).get("payload")
                )
            ]
            kept += [self._with_files(each, bag) for each in page]
            last = max((_number(each) for each in page), default=after)
            if last <= after or len(page) < 100:
                break
            after = last
        return kept

    def _with_files(self, said: Record, bag: Bag) -> Record:
        found = [record(each) for each in rows(said.get("attachments"))]
        if not found or not self._settings.files:
            return said
        brought = [bag.fetch(each, each.get("data_url"), size(each.get("file_size"))) for each in found]
        return {**said, "attachments": brought}

    def _body(self, talk: Record, messages: list[Record]) -> Fetched:
        body: dict[str, Any] = {"conversation": {**talk, "messages": []}, "messages": messages}
        return Fetched(body=json.dumps(body, ensure_ascii=False).encode(), source=Source(name="conversation"))


def _number(said: Record) -> int:
    key = ident(said.get("id"))
    return int(key) if key.isdigit() else 0


def _at(said: Record) -> float:
    at = when(said.get("created_at"))
    return at.timestamp() if at else 2.0**40


def _activity(talk: Record) -> float:
    at = when(talk.get("last_activity_at")) or when(talk.get("timestamp"))
    return at.timestamp() if at else 2.0**40

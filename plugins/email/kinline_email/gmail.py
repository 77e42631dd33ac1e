"""A mailbox at Google over the Gmail API, where IMAP and SMTP are closed.

Partial synchronisation by history ids, which end after some days with 404; then once more from the day of connecting
(https://developers.google.com/workspace/gmail/api/guides/sync). Each mail raw, in base64url.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from kinline import ChannelError, Estimate, Fetched, Prepared, Sent, clock, http
from kinline_email import kept
from kinline_email.mail_api import ApiMailbox, number, objects
from kinline_email.settings import EmailSettings

PAGE = 100
_NO_MAIL = frozenset({"DRAFT", "CHAT", "SPAM", "TRASH"})
_LIMITS = (b"rateLimitExceeded", b"userRateLimitExceeded", b"quotaExceeded", b"RATE_LIMIT_EXCEEDED")
_ME = "/users/me"


class Place(msgspec.Struct):
    """``history``: the id of the last change that was read. ``since``: when the account was connected, in seconds."""

    since: int
    history: str

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class GmailMailbox(ApiMailbox):
    provider = "google"
    title = "The Gmail API"

    def __init__(self, settings: EmailSettings) -> None:
        super().__init__(settings)
        self._since = 0

    def is_rate_limit(self, answer: http.HttpAnswer) -> bool:
        return answer.status == 403 and any(word in answer.body for word in _LIMITS)

    def about(self) -> str:
        told = self.json(f"{_ME}/profile")
        return f"The mailbox {told.get('emailAddress')} at Google with {told.get('messagesTotal')} mails."

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        if not cursor:
            place = Place(clock.now() // clock.SECOND, self._now())
            self._since = place.since
            yield Fetched(cursor=place.text())
            return
        place = _place(cursor)
        self._since = place.since
        try:
            yield from self._changes(place)
        except _Forgotten:
            yield from self._once_more(place)

    def _changes(self, place: Place) -> Iterator[Fetched]:
        token, seen = "", set[str]()
        while True:
            page = self._history_page(place.history, token)
            for change in objects(page, "history"):
                for added in objects(change, "messagesAdded"):
                    id = _id(added.get("message"))
                    if id and id not in seen:
                        seen.add(id)
                        yield from self._mail(id)
            token = str(page.get("nextPageToken", ""))
            if not token:
                place.history = str(page.get("historyId", place.history))
                yield Fetched(cursor=place.text())
                return

    def _history_page(self, start: str, token: str) -> Any:
        path = f"{_ME}/history?startHistoryId={quote(start)}&historyTypes=messageAdded&maxResults={PAGE}"
        answer = self.call("GET", path + (f"&pageToken={quote(token)}" if token else ""))
        if answer.status == 404:
            raise _Forgotten
        return self.object(self.checked(answer).body)

    def _once_more(self, place: Place) -> Iterator[Fetched]:
        """From the day of connecting; what is here already is a duplicate."""
        place.history = self._now()  # before the list: what comes meanwhile is a change after it
        ids = [id for page in self._pages(f"&q=after:{place.since}") for id in page[0]]
        for id in reversed(ids):
            yield from self._mail(id)
        yield Fetched(cursor=place.text())

    def history(self, cursor: str) -> Iterator[Fetched]:
        if cursor == "done":
            return
        for ids, following in self._pages("", cursor):
            for piece in filter(None, map(self._piece, ids)):
                yield Fetched(body=piece.body, source=kept.past(piece))
            yield Fetched(cursor=following or "done")

    def _pages(self, more: str, token: str = "") -> Iterator[tuple[list[str], str]]:
        while True:
            path = f"{_ME}/messages?maxResults={PAGE}{more}"
            page = self.json(path + (f"&pageToken={quote(token)}" if token else ""))
            token = str(page.get("nextPageToken", ""))
            yield [_id(each) for each in objects(page, "messages")], token
            if not token:
                return

    def _mail(self, id: str) -> Iterator[Fetched]:
        if piece := self._piece(id):
            yield Fetched(body=piece.body, source=piece.source)

    def _piece(self, id: str) -> kept.Piece | None:
        where = f"The mail {id[:100]} at Gmail"
        found = self.whole(f"{_ME}/messages/{quote(id, safe='')}?format=raw", where)
        if not isinstance(found, bytes):
            return found
        if not found:
            return None
        told = self.object(found)
        try:
            labels = set(told.get("labelIds", []))
            raw = base64.urlsafe_b64decode(str(told["raw"]) + "==")
        except (KeyError, TypeError, ValueError) as error:
            return kept.lost(where, f"it came without its content ({type(error).__name__})")
        return None if labels & _NO_MAIL else kept.mail(raw, sent="SENT" in labels)

    def estimate(self) -> Estimate:
        total = number(self.json(f"{_ME}/profile"), "messagesTotal")
        return Estimate(items=total, cost=0, note="Spam, the bin and drafts are left out.")

    def recent(self, count: int) -> Sequence[str]:
        found = self.json(f"{_ME}/messages?maxResults={count}&q=after:{self._since}")
        ids = [_id(each) for each in objects(found, "messages")[:count]]
        self._named = {id: self._named[id] for id in ids if id in self._named}
        return [found for id in ids if (found := self._name(id))]

    def _name(self, id: str) -> str:
        if id not in self._named:
            piece = self._piece(id)
            self._named[id] = kept.source_id(piece, self.settings) if piece else ""
        return self._named[id]

    def _now(self) -> str:
        found = str(self.json(f"{_ME}/profile").get("historyId") or "")
        if not found:
            raise ChannelError("The Gmail API tells no historyId.", code="no_answer")
        return found

    @classmethod
    def send(cls, prepared: Prepared, settings: EmailSettings, deadline: float) -> Sent:
        mailbox = cls(settings)
        raw = base64.urlsafe_b64encode(prepared.body).decode()
        answer = mailbox.call(
            "POST", f"{_ME}/messages/send", headers={"content-type": "application/json"},
            content=msgspec.json.encode({"raw": raw}), deadline=deadline,
        )  # fmt: skip
        mailbox.handed_over(answer)
        return Sent(source_id=prepared.source_id, detail="accepted")


def _id(message: Any) -> str:
    return str(message.get("id") or "") if isinstance(message, dict) else ""


class _Forgotten(Exception):
    """The provider keeps no changes that are so old."""


def _place(cursor: str) -> Place:
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.DecodeError as error:
        raise ChannelError(f"The cursor of this mailbox cannot be read: {error}", code="bad_cursor") from error

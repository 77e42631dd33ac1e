"""A mailbox at Microsoft 365 over Microsoft Graph, where IMAP and SMTP are closed.

Delta queries, one for each folder (https://learn.microsoft.com/graph/delta-query-messages), each mail as MIME
(https://learn.microsoft.com/graph/outlook-get-mime-message), sending as MIME
(https://learn.microsoft.com/graph/outlook-send-mime-message). A shared mailbox is named by its address.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from kinline import ChannelError, Estimate, Fetched, Prepared, Sent, clock
from kinline_email import kept
from kinline_email.mail_api import ApiMailbox, number, objects
from kinline_email.settings import EmailSettings

INBOX, SENT = "inbox", "sentitems"  #: well-known names, the same in every language
PAGE = 50
_FIELDS = "$select=receivedDateTime,isDraft"
#: Ids that stay when a mail is moved, and pages of a useful size.
_PREFER = {"prefer": f'IdType="ImmutableId", odata.maxpagesize={PAGE}'}


class Place(msgspec.Struct):
    """Where to go on: a link of the provider for each folder. ``since``: when the account was connected."""

    since: str
    folders: dict[str, str] = {}

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class GraphMailbox(ApiMailbox):
    provider = "microsoft"
    title = "Microsoft Graph"

    def __init__(self, settings: EmailSettings) -> None:
        super().__init__(settings)
        self.me = f"/users/{quote(settings.address)}" if settings.address else "/me"
        self._since = ""

    def about(self) -> str:
        there = ", ".join(f"{name} ({self._count(name)})" for name in (INBOX, SENT))
        return f"The mailbox {self.settings.address or 'of who authorised us'} at Microsoft 365 with {there}."

    def fetch(self, cursor: str) -> Iterator[Fetched]:
        place = _place(cursor)
        self._since = place.since
        for folder in (INBOX, SENT):
            link = place.folders.get(folder) or self._begin(folder, place.since)
            while link:
                page = self._page(link, folder, place.since)
                yield from self._bodies(page, folder)
                following = page.get("@odata.nextLink", "")
                place.folders[folder] = str(following or page.get("@odata.deltaLink", ""))
                yield Fetched(cursor=place.text())
                link = str(following)

    def _begin(self, folder: str, since: str) -> str:
        """Only what is new: what is changed or moved away is no mail."""
        return f"{self.me}/mailFolders/{folder}/messages/delta?{_FIELDS}&changeType=created&$filter=receivedDateTime+ge+{since}"

    def _page(self, link: str, folder: str, since: str) -> Any:
        answer = self.call("GET", link, headers=_PREFER)
        if answer.status == 410 or (answer.status in (400, 404) and b"syncState" in answer.body):
            # The provider forgot where we were: once more from the day of connecting; what is here is a duplicate.
            return self.json(self._begin(folder, since), headers=_PREFER)
        self.checked(answer)
        return self.object(answer.body)

    def _bodies(self, page: Any, folder: str, *, past: bool = False) -> Iterator[Fetched]:
        listed = [each for each in objects(page, "value") if "@removed" not in each]
        listed.sort(key=lambda each: str(each.get("receivedDateTime", "")))
        for each in listed:
            if not each.get("isDraft") and (piece := self._mail(str(each.get("id")), folder)):
                yield Fetched(body=piece.body, source=kept.past(piece) if past else piece.source)

    def _mail(self, id: str, folder: str) -> kept.Piece | None:
        found = self.whole(f"{self.me}/messages/{quote(id, safe='')}/$value", f"The mail {id[:100]} at {self.title}")
        if isinstance(found, bytes):
            return kept.mail(found, sent=folder == SENT) if found else None
        return found

    def history(self, cursor: str) -> Iterator[Fetched]:
        place = _place(cursor)
        for folder in (INBOX, SENT):
            link = place.folders.get(folder) or f"{self._listing(folder)}&$top={PAGE}"
            while link != "done":
                page = self.json(link, headers=_PREFER)
                page["value"] = objects(page, "value")[::-1]
                yield from self._bodies(page, folder, past=True)
                link = place.folders[folder] = str(page.get("@odata.nextLink", "") or "done")
                yield Fetched(cursor=place.text())

    def _listing(self, folder: str) -> str:
        return f"{self.me}/mailFolders/{folder}/messages?{_FIELDS}&$orderby=receivedDateTime+desc"

    def estimate(self) -> Estimate:
        return Estimate(items=self._count(INBOX) + self._count(SENT), cost=0, note="The inbox and what was sent.")

    def recent(self, count: int) -> Sequence[str]:
        newest: list[tuple[str, str, str]] = []
        for folder in (INBOX, SENT):
            link = f"{self._listing(folder)}&$top={count}&$filter=receivedDateTime+ge+{self._since}"
            for each in objects(self.json(link, headers=_PREFER), "value"):
                if not each.get("isDraft"):
                    newest.append((str(each.get("receivedDateTime")), str(each.get("id")), folder))
        newest = sorted(newest, reverse=True)[:count]
        self._named = {id: self._named[id] for _, id, _ in newest if id in self._named}
        return [found for _, id, folder in newest if (found := self._name(id, folder))]

    def _name(self, id: str, folder: str) -> str:
        if id not in self._named:
            piece = self._mail(id, folder)
            self._named[id] = kept.source_id(piece, self.settings) if piece else ""
        return self._named[id]

    def _count(self, folder: str) -> int:
        return number(self.json(f"{self.me}/mailFolders/{folder}"), "totalItemCount")

    @classmethod
    def send(cls, prepared: Prepared, settings: EmailSettings, deadline: float) -> Sent:
        """The prepared bytes as they are. The provider keeps a copy among what was sent."""
        mailbox = cls(settings)
        answer = mailbox.call(
            "POST", f"{mailbox.me}/sendMail", headers={"content-type": "text/plain"},
            content=base64.b64encode(prepared.body), deadline=deadline,
        )  # fmt: skip
        mailbox.handed_over(answer)
        return Sent(source_id=prepared.source_id, detail=answer.headers.get("request-id", "accepted")[:200])


def _place(cursor: str) -> Place:
    if not cursor:
        now = datetime.fromtimestamp(clock.now() // clock.SECOND, UTC)
        return Place(since=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.DecodeError as error:
        raise ChannelError(f"The cursor of this mailbox cannot be read: {error}", code="bad_cursor") from error

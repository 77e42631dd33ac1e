"""A stand-in for the Gmail API: history that is forgotten, lists in pages, raw mails, sending, rate limits."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from kinline.pretend import FakeAnswer, FakeCall, Route
from kinline_email.pretend_mail import Mail, PretendMail

_ME = "/gmail/v1/users/me"


class PretendGmail(PretendMail):
    """A mail's history id is its number. History before ``forgotten`` is gone. ``page``: entries of a page."""

    page = 2
    forgotten = 0

    def settings_for(self, url: str) -> dict[str, Any]:
        return {**self.oauth_settings(url), "provider": "google", "api_url": f"{url}/gmail/v1"}

    def routes(self) -> Sequence[Route]:
        return [
            *self.oauth_routes(),
            ("GET", f"{_ME}/profile", self._known(self.profile)),
            ("GET", f"{_ME}/history", self._known(self.changes)),
            ("GET", f"{_ME}/messages", self._known(self.listed)),
            ("GET", f"{_ME}/messages/([^/]+)", self._known(self.one)),
            ("POST", f"{_ME}/messages/send", self._known(self.send)),
        ]

    def _known(self, act: Any) -> Any:
        def checked(asked: FakeCall) -> FakeAnswer:
            if not self.authorised(asked):
                return error(401, "authError", "Invalid Credentials")
            told: FakeAnswer = act(asked)
            return told

        return checked

    def profile(self, asked: FakeCall) -> FakeAnswer:
        count = len(self.mails)
        return FakeAnswer({"emailAddress": self.address, "messagesTotal": count, "historyId": str(1000 + count)})

    def changes(self, asked: FakeCall) -> FakeAnswer:
        start = int(asked.one("startHistoryId")) - 1000
        if start < self.forgotten:
            return error(404, "notFound", "Requested entity was not found.")
        at = int(asked.one("pageToken") or start)
        page = self.mails[at : at + self.page]
        told: dict[str, Any] = {"historyId": str(1000 + len(self.mails))}
        if page:
            told["history"] = [
                {"id": str(1001 + at + number), "messagesAdded": [{"message": {"id": mail.id, "labelIds": _labels(mail)}}]}
                for number, mail in enumerate(page)
            ]  # fmt: skip
            told["history"].append(told["history"][0])  # the same change is told twice now and then
        if at + self.page < len(self.mails):
            told["nextPageToken"] = str(at + self.page)
        return FakeAnswer(told)

    def listed(self, asked: FakeCall) -> FakeAnswer:
        after = int(asked.one("q").removeprefix("after:") or 0)
        found = [mail for mail in reversed(self.mails) if mail.at >= after]
        at, most = int(asked.one("pageToken") or 0), min(self.page, int(asked.one("maxResults", "100")))
        told: dict[str, Any] = {"resultSizeEstimate": len(found)}
        if found[at : at + most]:
            told["messages"] = [{"id": mail.id, "threadId": mail.id} for mail in found[at : at + most]]
        if at + most < len(found):
            told["nextPageToken"] = str(at + most)
        return FakeAnswer(told)

    def one(self, asked: FakeCall) -> FakeAnswer:
        mail = self.find(asked.groups[0].replace("%2F", "/"))
        if mail is None:
            return error(404, "notFound", "Requested entity was not found.")
        raw = base64.urlsafe_b64encode(mail.raw).rstrip(b"=").decode()
        return FakeAnswer({"id": mail.id, "labelIds": _labels(mail), "raw": raw})

    def send(self, asked: FakeCall) -> FakeAnswer:
        try:
            raw = base64.urlsafe_b64decode(asked.json()["raw"])
        except (binascii.Error, KeyError, ValueError):
            return error(400, "invalidArgument", "'raw' RFC822 payload message string is required")
        self.sent.append(raw)
        return FakeAnswer({"id": self.add(raw, sent=True), "labelIds": ["SENT"]})


def _labels(mail: Mail) -> list[str]:
    return ["DRAFT"] if mail.draft else ["SENT"] if mail.sent else ["INBOX", "UNREAD"]


def error(status: int, reason: str, message: str) -> FakeAnswer:
    """As Google's APIs word a refusal."""
    detail = {
        "code": status,
        "message": message,
        "errors": [{"domain": "global", "reason": reason, "message": message}],
    }
    return FakeAnswer({"error": detail}, status)

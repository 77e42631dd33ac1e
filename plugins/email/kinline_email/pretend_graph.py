"""A stand-in for Microsoft Graph's mail: delta queries with pages and tokens that end, MIME, sending, folders."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kinline.pretend import FakeAnswer, FakeCall, Route
from kinline_email.pretend_mail import Mail, PretendMail

_USER = r"/v1\.0/(?:me|users/[^/]+)"


class PretendGraph(PretendMail):
    """``page``: mails of a page. ``forget``: all delta tokens end."""

    page = 3

    def __init__(self) -> None:
        super().__init__()
        self._era = 0

    def settings_for(self, url: str) -> dict[str, Any]:
        return {**self.oauth_settings(url), "provider": "microsoft", "api_url": f"{url}/v1.0"}

    def forget(self) -> None:
        self._era += 1

    def routes(self) -> Sequence[Route]:
        return [
            *self.oauth_routes(),
            ("GET", f"{_USER}/mailFolders/([a-z]+)/messages/delta", self._known(self.delta)),
            ("GET", f"{_USER}/mailFolders/([a-z]+)/messages", self._known(self.listed)),
            ("GET", f"{_USER}/mailFolders/([a-z]+)", self._known(self.folder)),
            ("GET", rf"{_USER}/messages/([^/]+)/\$value", self._known(self.mime)),
            ("POST", f"{_USER}/sendMail", self._known(self.send)),
        ]

    def _known(self, act: Any) -> Any:
        def checked(asked: FakeCall) -> FakeAnswer:
            if not self.authorised(asked):
                return _error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
            told: FakeAnswer = act(asked)
            return told

        return checked

    def delta(self, asked: FakeCall) -> FakeAnswer:
        era, start = asked.one("$skiptoken") or asked.one("$deltatoken") or f"{self._era}.0", 0
        era, _, at = era.partition(".")
        if int(era) != self._era:
            return _error(410, "syncStateNotFound", "The sync state is not found.")
        start = int(at)
        found = [mail for mail in self._in(asked.groups[0])[start:] if _iso(mail) >= _since(asked)]
        page, rest = found[: self.page], found[self.page :]
        end = start + len(self._in(asked.groups[0])[start:]) if not rest else self._in(asked.groups[0]).index(rest[0])
        link = f"{self.url}{asked.path}?{'$skiptoken' if rest else '$deltatoken'}={self._era}.{end}"
        return FakeAnswer(
            {"value": [_shown(mail) for mail in page], f"@odata.{'nextLink' if rest else 'deltaLink'}": link}
        )

    def listed(self, asked: FakeCall) -> FakeAnswer:
        start, top = int(asked.one("$skip", "0")), min(int(asked.one("$top", "10")), self.page)
        found = [mail for mail in reversed(self._in(asked.groups[0])) if _iso(mail) >= _since(asked)]
        more = {}
        if len(found) > start + top:
            more = {"@odata.nextLink": f"{self.url}{asked.path}?$skip={start + top}&$top={top}"}
        return FakeAnswer({"value": [_shown(mail) for mail in found[start : start + top]], **more})

    def folder(self, asked: FakeCall) -> FakeAnswer:
        return FakeAnswer({"id": asked.groups[0], "totalItemCount": len(self._in(asked.groups[0]))})

    def mime(self, asked: FakeCall) -> FakeAnswer:
        mail = self.find(asked.groups[0].replace("%2F", "/"))
        if mail is None:
            return _error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return FakeAnswer(mail.raw, headers={"content-type": "text/plain"})

    def send(self, asked: FakeCall) -> FakeAnswer:
        try:
            raw = base64.b64decode(asked.body, validate=True)
        except binascii.Error:
            return _error(400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.")
        self.sent.append(raw)
        self.add(raw, sent=True)
        return FakeAnswer(status=202)

    def _in(self, folder: str) -> list[Mail]:
        return [mail for mail in self.mails if mail.sent == (folder == "sentitems")]


def _since(asked: FakeCall) -> str:
    return asked.one("$filter").rpartition(" ")[2]


def _iso(mail: Mail) -> str:
    return datetime.fromtimestamp(mail.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(mail: Mail) -> dict[str, Any]:
    return {"id": mail.id, "receivedDateTime": _iso(mail), "isDraft": mail.draft}


def _error(status: int, code: str, message: str) -> FakeAnswer:
    return FakeAnswer({"error": {"code": code, "message": message}}, status)

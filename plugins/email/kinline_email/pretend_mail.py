"""What both stand-ins for mail providers are made of: mails, and an OAuth server (RFC 6749, 7009) that issues,
refreshes once for each refresh token, and revokes."""

import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec

from kinline.pretend import FakeAnswer, FakeCall, PretendServer, Route


class Mail(msgspec.Struct):
    """A mail at the provider."""

    id: str
    raw: bytes
    sent: bool = False
    draft: bool = False
    at: float = 0


class PretendMail(PretendServer):
    """``mails`` oldest first; ``sent`` are the raw mails that it was given to send."""

    address = "help@shop.example"
    lifetime = 3600

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Mail] = []
        self.sent: list[bytes] = []
        self.access: set[str] = set()
        self.refresh: set[str] = set()
        self._codes: set[str] = set()

    def add(self, raw: bytes, *, sent: bool = False, draft: bool = False, at: float = 0) -> str:
        """A mail came in, or was sent or begun by somebody else."""
        with self.lock:
            mail = Mail(f"m{len(self.mails) + 1}/{secrets.token_hex(4)}", raw, sent, draft, at or time.time())
            self.mails.append(mail)
        return mail.id

    def find(self, id: str) -> Mail | None:
        return next((mail for mail in self.mails if mail.id == id), None)

    def tokens(self) -> dict[str, Any]:
        """A new pair, as after a consent."""
        access, refresh = secrets.token_hex(8), secrets.token_hex(8)
        self.access.add(access)
        self.refresh.add(refresh)
        return {
            "token_type": "Bearer", "access_token": access, "refresh_token": refresh, "expires_in": self.lifetime
        }  # fmt: skip

    def revoke(self) -> None:
        """The person takes the consent back: no token is worth anything."""
        self.access.clear()
        self.refresh.clear()

    def authorised(self, asked: FakeCall) -> bool:
        return asked.headers.get("authorization", "").removeprefix("Bearer ") in self.access

    def oauth_routes(self) -> list[Route]:
        return [
            ("GET", "/oauth/authorize", self.consent),
            ("POST", "/oauth/token", self.token),
            ("POST", "/oauth/revoke", self.revocation),
        ]

    def consent(self, asked: FakeCall) -> FakeAnswer:
        """Somebody says yes at once."""
        code = secrets.token_hex(8)
        self._codes.add(code)
        back = urlencode({"code": code, "state": asked.one("state")})
        return FakeAnswer(status=302, headers={"location": f"{asked.one('redirect_uri')}?{back}"})

    def token(self, asked: FakeCall) -> FakeAnswer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        known = self.refresh if form.get("grant_type") == "refresh_token" else self._codes
        given = form.get("refresh_token") or form.get("code") or ""
        if given not in known:
            return FakeAnswer(
                {"error": "invalid_grant", "error_description": "It was used, revoked or never issued."}, 400
            )
        known.discard(given)
        return FakeAnswer(self.tokens())

    def revocation(self, asked: FakeCall) -> FakeAnswer:
        self.revoke()
        return FakeAnswer()

    def oauth_settings(self, url: str) -> dict[str, Any]:
        found = self.tokens()
        return {
            "address": self.address, "over": "api", "oauth_url": f"{url}/oauth", "client_id": "pretended",
            "client_secret": "pretended", "access_token": found["access_token"], "refresh_token": found["refresh_token"],
            "token_expires_at": int(time.time()) + self.lifetime, "poll_every": 5,
        }  # fmt: skip

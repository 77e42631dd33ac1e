"""The stand-in's consent: authorisation code with PKCE (RFC 7636), refresh tokens that hold once, revocation.

As docs.x.com, "OAuth 2.0 Authorization Code Flow with PKCE", has it: a code holds for 30 seconds, an access token for
two hours, a refresh token is given with ``offline.access`` only, a confidential client proves itself by HTTP Basic.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

import msgspec

from kinline.pretend import FakeAnswer, FakeCall
from kinline_twitter.fields import seconds

CODE_HOLDS, TOKEN_HOLDS = 30, 7200
EVERYTHING = frozenset(
    ("tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "offline.access", "like.read", "follows.read")
)


class Grant(msgspec.Struct, frozen=True):
    """What somebody said yes to."""

    user: str
    scopes: frozenset[str]
    until: float
    challenge: str = ""
    redirect: str = ""


class Consents:
    """Who gave the app which rights. Tokens are kept by their text."""

    def __init__(self, client: str, secret: str, now: Callable[[], float] = seconds) -> None:
        self.client, self.secret, self.now = client, secret, now
        self.codes: dict[str, Grant] = {}
        self.tokens: dict[str, Grant] = {}
        self.refreshing: dict[str, Grant] = {}

    def give(self, user: str, scopes: frozenset[str] = EVERYTHING) -> tuple[str, str]:
        """An access token and a refresh token, as if somebody had said yes."""
        access, refresh = f"at-{secrets.token_urlsafe(24)}", f"rt-{secrets.token_urlsafe(24)}"
        self.tokens[access] = Grant(user, scopes, self.now() + TOKEN_HOLDS)
        if "offline.access" in scopes:
            self.refreshing[refresh] = self.tokens[access]
        return access, refresh if "offline.access" in scopes else ""

    def scopes_of(self, token: str) -> frozenset[str] | None:
        found = self.tokens.get(token)
        return found.scopes if found and found.until > self.now() else None

    def user_of(self, token: str) -> str:
        return self.tokens[token].user if token in self.tokens else ""

    def end(self) -> None:
        """The person took the consent back at x.com/settings/connected_apps."""
        self.tokens.clear()
        self.refreshing.clear()

    def authorise(self, asked: FakeCall, user: str) -> FakeAnswer:
        """The page on which somebody says yes; here they always do, unless ``deny`` is asked for."""
        back = asked.one("redirect_uri")
        if asked.one("client_id") != self.client or not back or asked.one("response_type") != "code":
            return FakeAnswer(b"Something went wrong: the app is not known.", 400, {"content-type": "text/plain"})
        if asked.one("code_challenge_method") not in ("S256", "plain") or not asked.one("code_challenge"):
            return FakeAnswer(b"Something went wrong: no code_challenge.", 400, {"content-type": "text/plain"})
        state = {"state": asked.one("state")}
        if "deny" in asked.query:
            return _back(back, {"error": "access_denied", **state})
        code = secrets.token_urlsafe(24)
        self.codes[code] = Grant(
            user, frozenset(asked.one("scope").split()), self.now() + CODE_HOLDS, asked.one("code_challenge"), back
        )
        return _back(back, {"code": code, **state})

    def token(self, asked: FakeCall) -> FakeAnswer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode("utf-8", "replace")).items()}
        if not self._proved(asked, form):
            return _no(401, "unauthorized_client", "Missing valid authorization header")
        if form.get("grant_type") == "authorization_code":
            grant = self.codes.pop(form.get("code", ""), None)
            if grant is None or grant.until < self.now() or grant.redirect != form.get("redirect_uri"):
                return _no(400, "invalid_request", "Value passed for the authorization code was invalid.")
            if _challenge(form.get("code_verifier", "")) != grant.challenge:
                return _no(
                    400, "invalid_request", "Value passed for the code verifier did not match the code challenge."
                )
        else:
            grant = self.refreshing.pop(form.get("refresh_token", ""), None)
            if form.get("grant_type") != "refresh_token" or grant is None:
                return _no(400, "invalid_request", "Value passed for the token was invalid.")
        return self._told(grant)

    def revoke(self, asked: FakeCall) -> FakeAnswer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode("utf-8", "replace")).items()}
        if not self._proved(asked, form):
            return _no(401, "unauthorized_client", "Missing valid authorization header")
        for kept in (self.tokens, self.refreshing):
            kept.pop(form.get("token", ""), None)
        return FakeAnswer({"revoked": True})

    def _told(self, grant: Grant) -> FakeAnswer:
        access, refresh = self.give(grant.user, grant.scopes)
        told = {
            "token_type": "bearer", "expires_in": TOKEN_HOLDS, "access_token": access, "scope": " ".join(sorted(grant.scopes))
        }  # fmt: skip
        return FakeAnswer(told | ({"refresh_token": refresh} if refresh else {}))

    def _proved(self, asked: FakeCall, form: dict[str, str]) -> bool:
        if not self.secret:
            return form.get("client_id") == self.client
        right = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
        return asked.headers.get("authorization", "") == f"Basic {right}"


def _back(where: str, query: dict[str, str]) -> FakeAnswer:
    return FakeAnswer(b"", 302, {"location": f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"})


def _no(status: int, word: str, said: str) -> FakeAnswer:
    return FakeAnswer({"error": word, "error_description": said}, status)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

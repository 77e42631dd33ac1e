"""Authorising an account at its provider: RFC 6749 (authorisation code), RFC 7636 (PKCE), refresh, revocation.

No state is stored: the ``state`` parameter is signed, names the account and ends after fifteen minutes, and the PKCE
verifier is derived from it with the hub's secret. The tokens become settings of the account, sealed.
"""

import base64
import json
from hashlib import sha256
from urllib.parse import urlencode

import msgspec
from sqlmodel import Session

from kinline import clock, http, ids
from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.errors import ChannelError, Invalid, OutcomeUnknown
from kinline.messages import OAuth
from kinline.secret import Secret
from kinline.store.models import Account

#: Microseconds that a person has to say yes at the provider.
PATIENCE = 15 * clock.MINUTE
USE = "oauth-state"
CALLBACK = "/v1/oauth/callback"  #: below the hub's public address


class Tokens(msgspec.Struct, frozen=True):
    """What the provider gave (RFC 6749, section 5.1)."""

    access_token: str
    refresh_token: str = ""
    expires_in: float = 3600


def page(secret: Secret, account: Account, redirect: str) -> str:
    """The provider's page on which a person says yes, and which comes back to ``redirect``."""
    asked = _asked(account, secret)
    state = _state(secret, account.id)
    query = {
        "response_type": "code", "client_id": asked.client_id, "redirect_uri": redirect, "state": state,
        "scope": " ".join(asked.scopes), "code_challenge": _challenge(_verifier(secret, state)),
        "code_challenge_method": "S256", **asked.more,
    }  # fmt: skip
    return f"{asked.authorise_url}{'&' if '?' in asked.authorise_url else '?'}{urlencode(query)}"


def account_of(secret: Secret, state: str) -> str:
    """The account that this ``state`` was made for. Raises `Invalid` for a forged or an old one."""
    try:
        account, until, nonce, signature = state.split(".")
        signed = base64.urlsafe_b64decode(signature + "==")
        good = secret.verify(USE, f"{account}.{until}.{nonce}".encode(), signed) and int(until) > clock.now()
    except ValueError:
        good = False
    if not good:
        raise Invalid("This answer belongs to no authorisation that is under way. Start it again.", code="stale_state")
    return account


def exchange(secret: Secret, account: Account, state: str, code: str, redirect: str) -> Tokens:
    """Turn the code that came back into tokens. Network; no transaction."""
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect,
        "code_verifier": _verifier(secret, state),
    }  # fmt: skip
    return _token(_asked(account, secret), form)


def refresh(secret: Secret, account: Account, refresh_token: str) -> Tokens:
    """New tokens for old ones. ``not_authorised`` when the person or the provider took the consent back."""
    return _token(_asked(account, secret), {"grant_type": "refresh_token", "refresh_token": refresh_token})


def keep(session: Session, secret: Secret, account: Account, tokens: Tokens) -> None:
    """Put them into the account's settings, sealed. A provider that gives no new refresh token keeps the old one."""
    settings = connected.plain(account, secret)
    settings["access_token"] = tokens.access_token
    settings["token_expires_at"] = clock.now() // clock.SECOND + int(tokens.expires_in)
    if tokens.refresh_token:
        settings["refresh_token"] = tokens.refresh_token
    connected.configure(session, secret, account, settings)


def _asked(account: Account, secret: Secret) -> OAuth:
    asked = channels().get(account.channel).oauth(connected.settings_of(account, secret))
    if asked is None or not asked.client_id:
        raise Invalid(
            f"The account “{account.name}” is not set up to be authorised: give it a client_id first.",
            code="no_oauth", pointer="/settings/client_id",
        )  # fmt: skip
    return asked


def _state(secret: Secret, account_id: str) -> str:
    told = f"{account_id}.{clock.now() + PATIENCE}.{ids.new()}"
    return f"{told}.{_text(secret.sign(USE, told.encode()))}"


def _verifier(secret: Secret, state: str) -> str:
    return _text(secret.sign("oauth-pkce", state.encode()))


def _challenge(verifier: str) -> str:
    return _text(sha256(verifier.encode()).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _token(asked: OAuth, form: dict[str, str]) -> Tokens:
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    if asked.client_in_header:
        pair = f"{asked.client_id}:{asked.client_secret}".encode()
        headers["authorization"] = "Basic " + base64.b64encode(pair).decode()
    else:
        form |= {"client_id": asked.client_id}
        form |= {"client_secret": asked.client_secret} if asked.client_secret else {}
    answer = http.call("POST", asked.token_url, headers=headers, content=urlencode(form).encode(), trusted=True)
    if answer.ok:
        return _read(answer.body)
    raise _refusal(answer)


def _read(body: bytes) -> Tokens:
    try:
        return msgspec.json.decode(body, type=Tokens, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise OutcomeUnknown("The provider answered with no token.", code="no_answer") from None


def _refusal(answer: http.HttpAnswer) -> ChannelError:
    """RFC 6749, section 5.2: 400 and 401 with an error word mean no; anything else may pass."""
    try:
        told = json.loads(answer.body)
        word, said = str(told.get("error", ""))[:50], str(told.get("error_description", ""))[:200]
    except (ValueError, AttributeError, RecursionError):
        word, said = "", ""
    if answer.status in (400, 401) and word:
        return ChannelError(
            f"The provider does not authorise this account any more ({word}). Authorise it again. {said}".strip(),
            permanent=True, code="not_authorised",
        )  # fmt: skip
    return ChannelError(f"The provider's token address answered {answer.status}.", code="unreachable")

"""Proof that X sent a webhook call, and the answer to its challenge.

X signs the raw body with the app's consumer secret, and tests every webhook hourly with a GET that carries a
``crc_token`` (docs.x.com, "Securing webhooks"; the answer is due within three seconds).
"""

import base64
import hashlib
import hmac
import json

from kinline import Reply, Request, VerificationFailed
from kinline.errors import Malformed
from kinline_twitter.settings import TwitterSettings

HEADER = "x-twitter-webhooks-signature"
LONGEST_TOKEN = 1000  #: characters; X's own have about fifty


def verify(request: Request, settings: TwitterSettings) -> None:
    """Compare in constant time, as bytes, so that no header can make it stumble."""
    if not settings.consumer_secret:
        raise VerificationFailed("This account has no consumer_secret, so nobody can prove to be X.")
    given = request.headers.get(HEADER, "")
    if not given:
        raise VerificationFailed(f"The call has no {HEADER} header.")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), signature(request.body, settings).encode()):
        raise VerificationFailed(f"The {HEADER} does not fit the body.")


def handshake(request: Request, settings: TwitterSettings) -> Reply | None:
    """Answer the challenge. X calls with GET for nothing else, so a GET without a token is malformed."""
    if request.method.upper() != "GET":
        return None
    if not settings.consumer_secret:
        raise VerificationFailed("This account has no consumer_secret, so it cannot answer X's challenge.")
    answer = {"response_token": signature(_token(request), settings)}
    return Reply(body=json.dumps(answer).encode())


def _token(request: Request) -> bytes:
    token = request.query.get("crc_token", "")
    if not token:
        raise Malformed("The challenge has no crc_token.", code="crc_token_missing")
    if len(token) > LONGEST_TOKEN:
        raise Malformed(f"The crc_token is longer than {LONGEST_TOKEN} characters.", code="crc_token_too_long")
    try:
        raw = token.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed("The crc_token is not in UTF-8.", code="crc_token_not_utf8") from None
    if "\ufffd" in token:  # what a server leaves of bytes it could not decode
        raise Malformed("The crc_token is not in UTF-8.", code="crc_token_not_utf8")
    return raw


def signature(content: bytes, settings: TwitterSettings) -> str:
    """``sha256=`` and the base64 of HMAC-SHA256 under the consumer secret."""
    digest = hmac.new(settings.consumer_secret.encode(), content, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(digest).decode()

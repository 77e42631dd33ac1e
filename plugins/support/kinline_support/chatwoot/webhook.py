"""Chatwoot's webhooks: ``X-Chatwoot-Signature: sha256=`` and the HMAC-SHA256, in hex, of the time, a dot and the raw body.

Since 4.13; the secret stands beside the webhook in its settings. Older ones sign nothing, and are refused: update, or
rely on polling.
"""

import hmac
from hashlib import sha256

from kinline import Request, clock
from kinline_support import signing
from kinline_support.settings import SupportSettings

SIGNATURE, TIMESTAMP = "x-chatwoot-signature", "x-chatwoot-timestamp"


def verify(request: Request, settings: SupportSettings) -> None:
    """Prove that the desk sent these very bytes, just now. Raises `VerificationFailed`, with a code for each way."""
    secret = signing.secret_of(settings)
    given, stamp = signing.header(request, SIGNATURE), signing.header(request, TIMESTAMP)
    signed = stamp.encode("utf-8", "surrogateescape") + b"." + request.body
    signing.must_be(b"sha256=" + hmac.digest(secret, signed, sha256).hex().encode(), given)
    digits = stamp.isascii() and stamp.isdigit() and len(stamp) <= 11
    signing.must_be_now(int(stamp) * clock.SECOND if digits else None)

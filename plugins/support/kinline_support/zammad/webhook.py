"""Zammad's webhooks: ``X-Hub-Signature: sha1=`` and the HMAC-SHA1, in hex, of the raw body (admin-docs, “Webhook”).

No time is signed: a call that comes again, a year later too, is a duplicate by its ids, and nothing more.
"""

import hmac
from hashlib import sha1

from kinline import Request
from kinline_support import signing
from kinline_support.settings import SupportSettings

SIGNATURE = "x-hub-signature"


def verify(request: Request, settings: SupportSettings) -> None:
    """Prove that the desk sent these very bytes. Raises `VerificationFailed`, with a code for each way."""
    secret = signing.secret_of(settings)
    given = signing.header(request, SIGNATURE)
    signing.must_be(b"sha1=" + hmac.digest(secret, request.body, sha1).hex().encode(), given)

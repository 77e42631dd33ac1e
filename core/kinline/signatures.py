"""Standard Webhooks signatures (standardwebhooks.com, specification 1.0.0): who sent this call, and when.

Signed is ``id.timestamp.body`` with HMAC-SHA256 under a shared secret. A call may carry several signatures, so that
a secret can be changed without a gap, and a call that is older than five minutes is a replay.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from kinline import clock
from kinline.errors import Misconfigured, VerificationFailed

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
TOLERANCE = 5 * 60  #: seconds, in the past and in the future
MAX_SIGNATURES = 20
MAX_HEADER = 4_000

_ID = re.compile(r"[!-~]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def key(secret: str) -> bytes:
    """The bytes of a secret as people paste it: base64, with or without ``whsec_`` and padding.

    Raises `Misconfigured` where that is none.
    """
    text = secret.strip().removeprefix(PREFIX).rstrip("=")
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise Misconfigured("A webhook secret is base64, as in whsec_MfKQ9r8G…; this one is not.", code="bad_secret")
    return found


def headers(secrets: Iterable[str], id: str, at: int, body: bytes) -> dict[str, str]:
    """The fields that prove a call of ours, signed under each secret. ``at`` is in seconds since 1970."""
    if not _ID.fullmatch(id) or "." in id:
        raise ValueError("a webhook id is printable ASCII without a full stop")
    signed = " ".join(_signature(key(secret), id, str(at), body) for secret in secrets)
    return {ID: id, TIMESTAMP: str(at), SIGNATURE: signed}


def verify(secrets: Iterable[str], given: Mapping[str, str], body: bytes) -> str:
    """Prove that somebody with one of the secrets sent these very bytes just now. Returns the call's id.

    ``given`` has lower-case names. Raises `VerificationFailed`.
    """
    id, timestamp, signatures = (given.get(name, "")[:MAX_HEADER] for name in (ID, TIMESTAMP, SIGNATURE))
    if not (id and timestamp and signatures):
        raise VerificationFailed(f"The call has no {ID}, {TIMESTAMP} or {SIGNATURE}.", code="no_signature")
    if not _ID.fullmatch(id) or not _TIMESTAMP.fullmatch(timestamp):
        raise VerificationFailed(f"The {ID} or the {TIMESTAMP} is not well formed.", code="bad_signature")
    if abs(clock.now() // clock.SECOND - int(timestamp)) > TOLERANCE:
        raise VerificationFailed(f"The call was signed more than {TOLERANCE // 60} minutes ago or ahead.", code="stale")
    right = [_signature(key(secret), id, timestamp, body).encode() for secret in secrets]
    told = [one.encode("utf-8", "surrogateescape") for one in signatures.split(" ")[:MAX_SIGNATURES]]
    matches = sum(hmac.compare_digest(one, other) for one in right for other in told)  # all: no timing tells which
    if not matches:
        raise VerificationFailed("No signature is that of this secret.", code="wrong_signature")
    return id


def _signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, sha256)
    return "v1," + base64.b64encode(digest).decode()

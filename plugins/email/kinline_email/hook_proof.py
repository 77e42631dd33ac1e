"""Whether a call is from the provider: its signature over the raw bytes, or a secret that only it was told.

SendGrid signs with ECDSA (X-Twilio-Email-Event-Webhook-…), Mailgun with an HMAC over time and token, Postmark not at
all: there, and where SendGrid's signing is off, the secret stands in the address (``?secret=``) or is the password of
HTTP Basic. https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features,
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks,
https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

import base64
import binascii
import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kinline import Once, Request, VerificationFailed, clock
from kinline_email import hook_bodies
from kinline_email.settings import EmailSettings

OWN = "x-kinline-signature"
ECDSA, STAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"
#: Seconds that Mailgun's time may be away from ours: it tries a call again for eight hours.
TOLERANCE = 12 * 3600


def verify(request: Request, settings: EmailSettings) -> None:
    """Raises `VerificationFailed`. Nothing is believed that is not proved, and no branch lets an error pass."""
    match settings.webhook_from:
        case "sendgrid" if settings.sendgrid_key:
            good = _by_ecdsa(request, settings.sendgrid_key)
        case "sendgrid" | "postmark":
            good = _by_secret(request, settings.webhook_secret)
        case "mailgun":
            good = _by_mailgun(request, settings.webhook_secret)
        case _:
            good = _by_hmac(request, settings.webhook_secret)
    if not good:
        raise VerificationFailed("The call is not signed as this account's settings demand.")


def _needed(secret: str) -> bytes:
    if not secret:
        raise VerificationFailed("This mail account takes no calls: it has no webhook_secret.", code="no_secret")
    return secret.encode()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def _by_hmac(request: Request, secret: str) -> bool:
    expected = "sha256=" + hmac.new(_needed(secret), request.body, sha256).hexdigest()
    return _same(expected, request.headers.get(OWN, ""))


def _by_secret(request: Request, secret: str) -> bool:
    right = _needed(secret).decode()
    word, _, told = request.headers.get("authorization", "").partition(" ")
    if word.lower() == "basic":
        try:
            password = base64.b64decode(told, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return False
        return _same(right, password)
    return _same(right, request.query.get("secret", ""))


def _by_ecdsa(request: Request, key: str) -> bool:
    """The key is base64 of DER, without a PEM frame. Only P-256 is SendGrid's."""
    try:
        public = load_der_public_key(base64.b64decode(key, validate=True))
        signature = base64.b64decode(request.headers.get(ECDSA, ""), validate=True)
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            return False
        stamp = request.headers.get(STAMP, "").encode("ascii")
        public.verify(signature, stamp + request.body, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return bool(stamp)


def once(request: Request, settings: EmailSettings) -> Once | None:
    """Mailgun's token, which each call has its own of: one that was seen before proves nothing."""
    if settings.webhook_from != "mailgun":
        return None
    told = hook_bodies.mailgun_signature(request.body, request.headers.get("content-type", ""))
    return Once(token=told[1], until=int(told[0]) + TOLERANCE) if told else None


def _by_mailgun(request: Request, secret: str) -> bool:
    key = _needed(secret)
    told = hook_bodies.mailgun_signature(request.body, request.headers.get("content-type", ""))
    if told is None:
        return False
    stamp, token, signature = told
    expected = hmac.new(key, f"{stamp}{token}".encode("utf-8", "replace"), sha256).hexdigest()
    fresh = stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and abs(int(stamp) - clock.now() / 1e6) <= TOLERANCE
    return _same(expected, signature) and fresh and bool(token)

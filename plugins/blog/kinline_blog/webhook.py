"""Calls from the blog itself: who signed them, and what each event says.

Three senders are understood. Our own snippet (README): ``x-kinline-signature: sha256=`` and the HMAC-SHA256 (RFC 2104)
of the raw body in hex. The plugin WP Webhooks: ``x-wp-webhook-signature``, the same HMAC in base64. And the webhooks of
WordPress.com (after HookPress), a form that nobody signs: the secret stands in the address, ``?secret=…``.
"""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256

from kinline import Applied, Item, Normalised, Request, VerificationFailed
from kinline_blog import fields, rest
from kinline_blog.settings import BlogSettings

SIGNATURE, PLUGIN_SIGNATURE = "x-kinline-signature", "x-wp-webhook-signature"


def verify(request: Request, settings: BlogSettings) -> None:
    """Prove that somebody with the secret sent these very bytes. Raises `VerificationFailed`."""
    if not settings.webhook_secret:
        raise VerificationFailed("This account has no webhook_secret, so nobody may call it.", code="no_secret")
    mac, secret = hmac.digest(settings.webhook_secret.encode(), request.body, sha256), settings.webhook_secret.encode()
    given = {
        SIGNATURE: (request.headers.get(SIGNATURE, ""), f"sha256={mac.hex()}".encode()),
        PLUGIN_SIGNATURE: (request.headers.get(PLUGIN_SIGNATURE, ""), base64.b64encode(mac)),
        "secret": (request.query.get("secret", ""), secret),
    }
    tried = [(text.encode("utf-8", "surrogateescape"), right) for text, right in given.values() if text]
    if not tried:
        raise VerificationFailed("The call is not signed.", code="no_signature")
    if not all(hmac.compare_digest(right, text) for text, right in tried):
        raise VerificationFailed("The signature is not that of this blog's secret.", code="wrong_signature")


def normalise(item: Item, settings: BlogSettings) -> Sequence[Normalised]:
    """What an event says: all but a deletion tell the comment as it is now."""
    told = fields.record(item.body)
    subject, _, change = fields.line(told.get("event"), 80).partition(".")
    if subject != "comment":
        return [Applied(reason=f"event of a {subject}" if subject else "event without a name")]
    comment, site, at = fields.record(told.get("comment")), fields.text(told.get("site")), fields.moment(told.get("at"))
    if change == "deleted":
        return [rest.deletion(comment, settings, site=site, at=at)]
    return [rest.of_comment(comment, settings, site=site, changed_at=at, post=told.get("post"), me=told.get("me"))]

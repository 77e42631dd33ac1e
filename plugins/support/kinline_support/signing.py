"""What the makes share in proving a webhook call: the raw bytes, one secret, equal time for every comparison."""

import hmac

from kinline import Request, VerificationFailed, clock
from kinline_support.settings import SupportSettings

#: How far a signed time may lie from ours, either way. No desk names a window; Standard Webhooks has this one.
TOLERANCE = 5 * clock.MINUTE


def secret_of(settings: SupportSettings) -> bytes:
    if not settings.webhook_secret:
        raise VerificationFailed("This account has no webhook_secret, so nobody may call it.", code="no_secret")
    return settings.webhook_secret.encode()


def header(request: Request, name: str) -> str:
    """A header that must be there."""
    found = request.headers.get(name, "")
    if not found:
        raise VerificationFailed("The call is not signed.", code="no_signature")
    return found


def must_be(right: bytes, given: str) -> None:
    if not hmac.compare_digest(right, given.encode("utf-8", "surrogateescape")):
        raise VerificationFailed("The signature is not that of this desk's secret.", code="wrong_signature")


def must_be_now(at: int | None) -> None:
    """``at``: microseconds; None where what stands there is no time."""
    if at is None:
        raise VerificationFailed("The signed time is no time.", code="invalid_timestamp")
    if abs(clock.now() - at) > TOLERANCE:
        raise VerificationFailed(
            "The call was signed over five minutes from now; check the clocks.", code="stale_timestamp"
        )

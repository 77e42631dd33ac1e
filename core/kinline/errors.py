"""Every error the hub raises on purpose.

The tree::

    KinlineError
    ├── Invalid              422  the caller can mend it; carries code and pointer
    │   └── Malformed        400  not even readable
    ├── Unauthorized         401  no key, or not a valid one
    ├── Forbidden            403  a valid key without the scope
    ├── NotFound             404  nothing there, or nothing you may see
    ├── Conflict             409  it contradicts what is stored
    │   └── StalePrecondition 412 you looked at an older version
    ├── Gone                 410  it was there and was erased
    ├── TooLarge             413  over a stated limit
    ├── UnsupportedMedia     415  a body in a form this route does not take
    ├── RateLimited          429  come back after retry_after seconds
    ├── Unavailable          503  cannot promise it now; come back after retry_after seconds
    ├── Misconfigured        500  settings that cannot work; found at start, never per request
    ├── ChannelError              a channel could not do it; permanent says whether trying again can help
    │   ├── VerificationFailed 401 a delivery whose signature does not hold
    │   └── OutcomeUnknown         handed over, and no answer came back
    └── Unreadable                an item nobody can read; it is quarantined with this reason

Answers to HTTP callers are RFC 9457 problem+json with ``code`` (stable, for programs), ``detail``
(for a tired person) and ``pointer`` (RFC 6901, where in the body).
"""

from typing import Any, ClassVar


class KinlineError(Exception):
    """Base of all expected errors. ``status`` is the HTTP status of the answer."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, code: str = "", pointer: str = "", **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.pointer = pointer
        self.more = more


class Invalid(KinlineError):
    status = 422
    default_code = "invalid"


class Malformed(Invalid):
    status = 400
    default_code = "malformed"


class Unauthorized(KinlineError):
    status = 401
    default_code = "unauthorized"


class Forbidden(KinlineError):
    status = 403
    default_code = "forbidden"


class NotFound(KinlineError):
    status = 404
    default_code = "not_found"


class Conflict(KinlineError):
    status = 409
    default_code = "conflict"


class StalePrecondition(Conflict):
    status = 412
    default_code = "stale_precondition"


class Gone(KinlineError):
    status = 410
    default_code = "gone"


class TooLarge(KinlineError):
    status = 413
    default_code = "too_large"


class UnsupportedMedia(KinlineError):
    status = 415
    default_code = "unsupported_media_type"


class RateLimited(KinlineError):
    status = 429
    default_code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: float = 1, **more: Any) -> None:
        super().__init__(detail, **more)
        self.retry_after = retry_after


class Unavailable(KinlineError):
    status = 503
    default_code = "unavailable"

    def __init__(self, detail: str, *, retry_after: float = 1, **more: Any) -> None:
        super().__init__(detail, **more)
        self.retry_after = retry_after


class Misconfigured(KinlineError):
    default_code = "misconfigured"


class ChannelError(KinlineError):
    """A channel could not do what was asked.

    ``permanent``: trying again cannot help. ``retry_after``: seconds the other side asked us to wait.
    The channel decides; the worker only reads.
    """

    status = 502
    default_code = "channel_error"

    def __init__(self, detail: str, *, permanent: bool = False, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(detail, **more)
        self.permanent = permanent
        self.retry_after = retry_after


class VerificationFailed(ChannelError):
    status = 401
    default_code = "verification_failed"

    def __init__(self, detail: str, **more: Any) -> None:
        super().__init__(detail, permanent=True, **more)


class OutcomeUnknown(ChannelError):
    """The message was handed over and no answer came back: it may or may not have been sent."""

    default_code = "outcome_unknown"


class Unreadable(KinlineError):
    """An item that cannot be understood. ``code`` names the reason, ``detail`` says it in a sentence."""

    status = 422
    default_code = "unreadable"

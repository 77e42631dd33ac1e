"""ETags: which version of something a caller has, and an answer that need not be sent again."""

from hashlib import blake2b

from kinline_api.call import Call
from kinline_api.response import Answer


def version_of(body: bytes) -> str:
    """The ETag (RFC 9110 section 8.8.3) of these bytes."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def unless_known(call: Call, body: bytes) -> Answer:
    """The body with its ETag, or 304 when the caller has it already."""
    tag = version_of(body)
    headers = (("etag", tag), ("cache-control", "private, no-cache"))
    known = [each.strip().removeprefix("W/") for each in (call.header("If-None-Match") or "").split(",")]
    if tag in known or "*" in known:
        return Answer(b"", 304, headers=headers)
    return Answer(body, headers=headers)

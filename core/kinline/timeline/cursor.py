"""Page cursors: signed, so that an altered one, or one of another list, is refused."""

import base64
import binascii

import msgspec

from kinline.errors import Malformed
from kinline.secret import Secret

LONGEST = 1000


def write(secret: Secret, about: str, place: tuple[object, ...]) -> str:
    """A cursor to ``place`` in the list ``about`` (which list, of whom, with which filters)."""
    body = msgspec.json.encode(place)
    return (
        base64.urlsafe_b64encode(secret.sign("cursor", about.encode() + b"\0" + body)[:12] + body).decode().rstrip("=")
    )


def read(secret: Secret, about: str, text: str) -> list[object]:
    """The place a cursor points to. Raises `Malformed` with code ``invalid_cursor``."""
    try:
        if len(text) > LONGEST:
            raise ValueError
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[12:]
        if raw[:12] != secret.sign("cursor", about.encode() + b"\0" + body)[:12]:
            raise ValueError
        place: list[object] = msgspec.json.decode(body)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Malformed(
            "This cursor is not one of this list. Start again without a cursor.", code="invalid_cursor"
        ) from None
    return place

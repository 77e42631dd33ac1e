"""The way out for whom we write to: a signed address that stops messages with one call (RFC 8058).

The token names an identity and a purpose. Whoever has it may stop, and nothing else; looking at it changes nothing, for
scanners look at every link of a mail.
"""

import base64
import binascii
import re

import msgspec
from sqlmodel import Session

from kinline import ids
from kinline.errors import NotFound
from kinline.identity import consents, persons
from kinline.secret import Secret

USE = "stop-link"
PATH = "/v1/stop/"
#: The purposes that can be stopped, by the letter that names them in a token.
PURPOSES = {"m": "marketing"}
_TOKEN = re.compile(r"s1([a-z])_([a-z2-7]{26})_([a-z2-7]{26})")


class StopRequest(msgspec.Struct, frozen=True):
    """Who stops what."""

    identity: str
    purpose: str


def token(secret: Secret, identity: str, purpose: str) -> str:
    letter = next(letter for letter, name in PURPOSES.items() if name == purpose)
    named = f"s1{letter}_{_text(bytes.fromhex(identity))}"
    return f"{named}_{_text(secret.sign(USE, named.encode())[:16])}"


def read(secret: Secret, given: str) -> StopRequest:
    """Raises `NotFound` for what we never signed."""
    given = given.lower()
    found = _TOKEN.fullmatch(given)
    if found is None or found[1] not in PURPOSES:
        raise NotFound("This is no stop link of ours.", code="no_such_link")
    try:
        identity = base64.b32decode(found[2].upper() + "======").hex()
    except binascii.Error:
        raise NotFound("This is no stop link of ours.", code="no_such_link") from None
    if not ids.looks_like(identity) or token(secret, identity, PURPOSES[found[1]]) != given:
        raise NotFound("This is no stop link of ours.", code="no_such_link")
    return StopRequest(identity, PURPOSES[found[1]])


def stop(session: Session, wanted: StopRequest) -> None:
    """They do not want this any more, on any channel. Once it is committed nothing of it goes out to them.

    An identity that is gone (erased) is written to no more anyway.
    """
    if persons.is_known(session, wanted.identity):
        consents.state(session, wanted.identity, wanted.purpose, False, evidence={"said": "by their stop link"})


def _text(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()

"""Files that go out with messages: uploaded before, or small enough to stand in the message."""

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlmodel import Session

from kinline import blobs, markup
from kinline.errors import Invalid, Malformed
from kinline.followups import files
from kinline.followups.files import File
from kinline.store.models import FollowUp
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.route import post

Html = Annotated[str, Meta(max_length=markup.LONGEST)]


class AttachmentIn(Body, frozen=True):
    """A file: the ticket of an upload, or its content in base64."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    media_type: Annotated[str, Meta(max_length=100, pattern=r"^[a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+\Z")] = (
        "application/octet-stream"
    )
    file: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    content: str | UnsetType = UNSET


Attachments = Annotated[tuple[AttachmentIn, ...], Meta(max_length=files.MOST)]


class Uploaded(msgspec.Struct, frozen=True):
    """``file`` is the ticket that names it in the ``attachments`` of a message."""

    file: str
    size: int


@post("/v1/files", scope="desk", status=201, limit=files.LARGEST, takes="The bytes of the file.")
def upload_file(call: Call, body: bytes) -> Uploaded:
    """Upload a file to be sent with a message.

    What is uploaded twice is kept once. Small files can also stand in the message itself, in base64.
    """
    if not body:
        raise Malformed("The body is empty: send the bytes of the file.", code="empty_body")
    with call.write() as session:
        digest = blobs.put(session, body)
    return Uploaded(files.ticket(call.hub.secret, digest), len(body))


def kept_files(call: Call, session: Session, given: tuple[AttachmentIn, ...]) -> tuple[File, ...]:
    """The files of a message, kept. Raises `Invalid`."""
    return tuple(_kept(call, session, given))


def same_form(session: Session, known: FollowUp, html: str, given: tuple[File, ...]) -> bool:
    """Whether a repeated call asks for the same HTML and files."""
    return known.html == (markup.clean(html) if html else "") and files.listed(session, known.id) == list(given)


def _kept(call: Call, session: Session, given: tuple[AttachmentIn, ...]) -> Iterator[File]:
    for number, one in enumerate(given):
        here = f"/attachments/{number}"
        if (one.file is UNSET) == (one.content is UNSET):
            raise Invalid("A file has either a ticket (`file`) or its `content`.", code="invalid_file", pointer=here)
        if one.file is not UNSET:
            digest = files.redeem(call.hub.secret, one.file, f"{here}/file")
        else:
            digest = blobs.put(session, _decoded(str(one.content), f"{here}/content"))
        yield File(_plain(one.name, f"{here}/name"), one.media_type, digest)


def _decoded(text: str, pointer: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("This is no base64 (RFC 4648).", code="invalid_base64", pointer=pointer) from None


def _plain(name: str, pointer: str) -> str:
    """A name without a path and without control characters."""
    if any(ord(char) < 32 or char in "/\\\x7f\x85\u2028\u2029" for char in name):
        raise Invalid("A file's name has no path and no control characters.", code="invalid_name", pointer=pointer)
    return name

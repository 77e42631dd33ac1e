"""Attached files: fetched while a connection is open, bounded, and carried inside the body that is kept.

A desk's file addresses expire and are keys, so the file is brought at once or not at all; what was not brought is
named with its size, and says so.
"""

import time
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from urllib.parse import urlsplit

from kinline import Attachment, Outgoing
from kinline.errors import ChannelError
from kinline_support.fields import Record, line, size

#: Under this name a file's content stands in the body that is kept.
CONTENT = "kinline_content"
#: Bytes of one file, and of all files of one body.
LARGEST, LARGEST_TOGETHER = 20_000_000, 30_000_000
MOST = 50  #: files of one body
PATIENCE = 20.0  #: seconds for all files of one body: the account's lease is waiting

Get = Callable[[str, int], bytes]  #: an address and the most bytes, as the desk's client fetches it


class Bag:
    """How much one body may still carry."""

    def __init__(self, get: Get) -> None:
        self._get, self._left, self._files = get, LARGEST_TOGETHER, MOST
        self._ends = time.monotonic() + PATIENCE

    def fetch(self, file: Record, url: object, said: int) -> Record:
        """The file's record with its content, where it could be had and is not too large."""
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not self._files:
            return file
        if said > min(LARGEST, self._left) or time.monotonic() > self._ends:
            return file
        self._files -= 1
        try:
            content = self._get(url, min(LARGEST, self._left))
        except ChannelError as error:  # a file that is gone or too large keeps nobody's words back
            if error.code in ("unreachable", "rate_limited", "not_authorised"):
                raise
            return file
        self._left -= len(content)
        return {**file, CONTENT: b64encode(content).decode()}


def attachment(file: Record, *, name: object, media_type: object, note: str = "remote") -> Attachment:
    """As the hub keeps it: with its content, or with a note why it is not here."""
    content = _content(file.get(CONTENT))
    return Attachment(
        name=line(name),
        media_type=line(media_type) or "application/octet-stream",
        content=content,
        size=len(content) or size(file.get("size")),
        note="" if content else note,
    )


def check(outgoing: Outgoing, *, largest: int, most: int) -> None:
    """Whether the desk takes these files. Raises `ChannelError`."""
    if len(outgoing.attachments) > most:
        raise ChannelError(f"The desk takes {most} files with one answer.", permanent=True, code="too_many_files")
    for file in outgoing.attachments:
        if len(file.content) > largest:
            limit = f"{largest // 1_000_000} MB"
            raise ChannelError(
                f"The desk takes files of {limit}: “{file.name}” is larger.", permanent=True, code="too_large"
            )


def told(outgoing: Outgoing) -> list[Record]:
    """The files as they are kept in what is prepared; the names are those of Zammad's API."""
    return [
        {"filename": file.name, "data": b64encode(file.content).decode(), "mime-type": file.media_type}
        for file in outgoing.attachments
    ]


def content_of(file: Record) -> bytes:
    return b64decode(file["data"])


def _content(value: object) -> bytes:
    try:
        return b64decode(value, validate=True) if isinstance(value, str) else b""
    except (Error, ValueError):
        return b""

"""How far each folder was read, and which folders there are.

A cursor is JSON. Of each folder it knows UIDVALIDITY, the last UID that was kept and the first that counts. ``since``
is the day when the account was connected: a folder whose UIDs became void, or one that is new, is read again from
that day on. What is here already is then a duplicate, and what came in between is not lost.
"""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from kinline import ChannelError, clock

T = TypeVar("T")


class Mark(msgspec.Struct):
    """How far one folder was read. ``first``: the lowest UID that is ours to read. Below ``redo`` UIDs became void:
    of those only what came since the account was connected is read again."""

    validity: int
    last: int
    first: int = 1
    redo: int = 0


class Cursor(msgspec.Struct):
    """Of the live side. ``since`` is a day, as 2026-11-20."""

    since: str
    folders: dict[str, Mark] = {}

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class Past(msgspec.Struct):
    """Of the history: each folder's UIDVALIDITY and the UID below which all is still to come. 0: it is done."""

    folders: dict[str, tuple[int, int]] = {}

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


def read(text: str) -> Cursor:
    """The cursor, or a fresh one that starts today."""
    today = datetime.fromtimestamp(clock.now() // clock.SECOND, UTC).date().isoformat()
    return _decoded(text, Cursor) if text else Cursor(since=today)


def read_past(text: str) -> Past:
    return _decoded(text, Past) if text else Past()


def _decoded(text: str, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.DecodeError as error:
        raise ChannelError(f"The cursor of this mailbox cannot be read: {error}", code="bad_cursor") from error

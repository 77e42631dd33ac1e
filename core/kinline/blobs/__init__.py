"""Bytes kept once (docs/decisions/0007), in the database by default, behind this one interface.

`store` returns when the bytes are durable; only then may anything be acknowledged.
"""

import io
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import BinaryIO

import msgspec
from sqlalchemy import Text, bindparam, exists, select
from sqlmodel import Session

from kinline import clock
from kinline.errors import Conflict, Unavailable
from kinline.store import Store, sql
from kinline.store.ask import Ask, Change, Id, OneNumber, R, among
from kinline.store.models import Blob, BlobChunk, metadata

CHUNK = 256 * 1024
Piece = tuple[str, int, bytes]  #: hash, position, bytes
_CHUNKS = metadata.tables[str(BlobChunk.__tablename__)]
_BLOBS = metadata.tables[str(Blob.__tablename__)]


class _PieceRow(msgspec.Struct, frozen=True):
    piece: bytes


_KNOWN = Ask(select(_BLOBS.c.hash.label("id")).where(among(_BLOBS.c.hash, "hashes")), Id)
_SIZE = Ask(select(_BLOBS.c.size.label("number")).where(_BLOBS.c.hash == bindparam("hash")), OneNumber)
_WHOLE = Ask(select(_CHUNKS.c.piece).where(_CHUNKS.c.hash == bindparam("hash")).order_by(_CHUNKS.c.position), _PieceRow)
_CHUNK = Ask(
    select(_CHUNKS.c.piece).where(_CHUNKS.c.hash == bindparam("hash"), _CHUNKS.c.position == bindparam("position")),
    _PieceRow,
)
_DROP = Change(
    _CHUNKS.delete().where(
        _CHUNKS.c.hash == bindparam("hash"), ~exists().where(_BLOBS.c.hash == bindparam("hash", type_=Text()))
    )
)


def put(session: Session, content: bytes, media_type: str = "") -> str:
    """Keep small content inside the caller's transaction. Returns its hash."""
    return put_all(session, [(content, media_type)])[0]


def put_all(session: Session, contents: Iterable[tuple[bytes, str]]) -> list[str]:
    """Keep several, written in the order of their hashes so that no two processes wait in a circle."""
    hashed = [(sha256(content).hexdigest(), content, media_type) for content, media_type in contents]
    unique = {digest: (content, media_type) for digest, content, media_type in hashed}
    new = sorted(unique.keys() - {row.id for row in _KNOWN.rows(session, hashes=unique)})
    for pieces in _handfuls(_cut(digest, unique[digest][0]) for digest in new):
        _keep(session, pieces)
    sql.insert(session, _BLOBS, [(each, len(unique[each][0]), unique[each][1], clock.now()) for each in new])
    return [digest for digest, _, _ in hashed]


def store(hub: Store, content: BinaryIO, media_type: str = "") -> tuple[str, int]:
    """Keep content of any size, one short transaction a chunk, never more than a chunk in memory.

    Two passes: the first finds the hash, so ``content`` must seek. Returns hash and size. Raises `Conflict`
    when the content changed between the two, as a file that is still being written does.
    """
    digest, size = _digest(content)
    with hub.read() as session:
        if _SIZE.first(session, hash=digest):
            return digest, size
    again = sha256()
    for number, piece in enumerate(_pieces(content)):
        again.update(piece)
        with hub.write() as session:
            _keep(session, [(digest, number, piece)])
    with hub.write() as session:
        if again.hexdigest() == digest:
            sql.insert(session, _BLOBS, [(digest, size, media_type, clock.now())])
            return digest, size
        _DROP.run(session, hash=digest)
    raise Conflict("The content changed while it was read. Take it when it is complete.", code="content_changed")


def _keep(session: Session, pieces: list[Piece]) -> None:
    """A chunk that is there already was left by a run that did not come to its end: this one counts."""
    clause = "ON CONFLICT (hash, position) DO UPDATE SET piece = excluded.piece"
    sql.upsert(session, _CHUNKS, ("hash", "position", "piece"), pieces, clause)


def _cut(digest: str, content: bytes) -> Iterator[Piece]:
    for number, at in enumerate(range(0, len(content), CHUNK)):
        yield digest, number, content[at : at + CHUNK]


def _handfuls(blobs: Iterable[Iterable[Piece]]) -> Iterator[list[Piece]]:
    """Pieces to write at once: many small ones, and of large ones never more than a few in memory."""
    gathered: list[Piece] = []
    size = 0
    for piece in chain.from_iterable(blobs):
        gathered.append(piece)
        size += len(piece[2])
        if size >= 4 * CHUNK:
            yield gathered
            gathered, size = [], 0
    yield gathered


def read(session: Session, digest: str) -> bytes:
    return b"".join(bytes(row.piece) for row in _WHOLE.rows(session, hash=digest))


def open_blob(hub: Store, digest: str) -> BinaryIO:
    """A stream over a blob, reading chunk by chunk."""
    return io.BufferedReader(_BlobStream(hub, digest), CHUNK)


class _BlobStream(io.RawIOBase):
    def __init__(self, hub: Store, digest: str) -> None:
        self._hub, self._digest, self._next, self._rest = hub, digest, 0, b""
        self._left = self._ask(_SIZE).number

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # bytes-like in the stubs
        if not self._rest and self._left:
            self._rest = bytes(self._ask(_CHUNK, position=self._next).piece)
            self._next += 1
            self._left -= len(self._rest)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def _ask(self, statement: Ask[R], **values: int) -> R:
        with self._hub.read() as session:
            found = statement.first(session, hash=self._digest, **values)
        if found is None:  # half a file must never be taken for the whole
            raise Unavailable("The stored bytes are not complete.", code="blob_incomplete")
        return found


def _digest(content: BinaryIO) -> tuple[str, int]:
    digest, size = sha256(), 0
    for piece in _pieces(content):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(CHUNK):
        yield piece

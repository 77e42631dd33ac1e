"""Bytes kept once (docs/decisions/0007), in the database by default, behind this one interface.

`store` returns when the bytes are durable; only then may anything be acknowledged.
"""

import io
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import Any, BinaryIO

from sqlmodel import Session

from kinline import clock
from kinline.errors import Conflict, Unavailable
from kinline.store import Store, sql
from kinline.store.models import Blob, BlobChunk, metadata

CHUNK = 256 * 1024
Piece = tuple[str, int, bytes]  #: hash, position, bytes
_CHUNKS = metadata.tables[str(BlobChunk.__tablename__)]
_BLOBS = metadata.tables[str(Blob.__tablename__)]


def put(session: Session, content: bytes, media_type: str = "") -> str:
    """Keep small content inside the caller's transaction. Returns its hash."""
    return put_all(session, [(content, media_type)])[0]


def put_all(session: Session, contents: Iterable[tuple[bytes, str]]) -> list[str]:
    """Keep several, written in the order of their hashes so that no two processes wait in a circle."""
    hashed = [(sha256(content).hexdigest(), content, media_type) for content, media_type in contents]
    unique = {digest: (content, media_type) for digest, content, media_type in hashed}
    known = sql.select_in(session, "SELECT hash FROM blob WHERE hash {in}", unique)
    new = sorted(unique.keys() - {digest for (digest,) in known})
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
        if sql.run(session, "SELECT 1 FROM blob WHERE hash = {p}", digest):
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
        statement = "DELETE FROM blob_chunk WHERE hash = {p} AND NOT EXISTS (SELECT 1 FROM blob WHERE hash = {p})"
        sql.changed(session, statement, digest, digest)
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
    rows = sql.run(session, "SELECT piece FROM blob_chunk WHERE hash = {p} ORDER BY position", digest)
    return b"".join(bytes(piece) for (piece,) in rows)


def open_blob(hub: Store, digest: str) -> BinaryIO:
    """A stream over a blob, reading chunk by chunk."""
    return io.BufferedReader(_BlobStream(hub, digest), CHUNK)


class _BlobStream(io.RawIOBase):
    def __init__(self, hub: Store, digest: str) -> None:
        self._hub, self._digest, self._next, self._rest = hub, digest, 0, b""
        self._left = self._ask("SELECT size FROM blob WHERE hash = {p}", digest)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # bytes-like in the stubs
        if not self._rest and self._left:
            self._rest = bytes(
                self._ask("SELECT piece FROM blob_chunk WHERE hash = {p} AND position = {p}", self._digest, self._next)
            )
            self._next += 1
            self._left -= len(self._rest)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def _ask(self, statement: str, *values: Any) -> Any:
        with self._hub.read() as session:
            rows = sql.run(session, statement, *values)
        if not rows:  # half a file must never be taken for the whole
            raise Unavailable("The stored bytes are not complete.", code="blob_incomplete")
        return rows[0][0]


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

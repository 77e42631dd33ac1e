"""Bytes kept once (docs/decisions/0007): whole or not at all, of any size, in little memory."""

import gc
import io
import tracemalloc
from typing import Any

import pytest

from kinline import blobs
from kinline.accounts.connected import AccountRef
from kinline.errors import Conflict, Unavailable
from kinline.hub import Hub
from kinline.intake.ledger import ledger
from kinline.intake.receive import receive_file
from kinline.intake.understand import understand
from kinline.messages import Source
from kinline.store import sql
from kinline.words import Origin


class Growing(io.BytesIO):
    """A file that somebody is still writing."""

    def seek(self, *given: Any) -> int:
        self.write(b"more")
        return super().seek(*given)


def test_a_file_that_changes_while_it_is_read_is_not_taken(hub: Hub) -> None:
    with pytest.raises(Conflict):
        blobs.store(hub.store, Growing(b"x" * 1000))

    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM blob_chunk") == [(0,)]


def test_what_an_interrupted_run_left_does_not_spoil_the_next(hub: Hub) -> None:
    # Given a chunk under the hash of other content, left by a run that did not come to its end
    content = b"y" * 700_000
    digest, _ = blobs._digest(io.BytesIO(content))
    with hub.store.write() as session:
        blobs._keep(session, [(digest, 1, b"spoilt")])

    # When the content comes, whole
    blobs.store(hub.store, io.BytesIO(content))

    # Then it is what is read
    with blobs.open_blob(hub.store, digest) as raw:
        assert raw.read() == content


def test_half_a_blob_is_never_taken_for_the_whole(hub: Hub) -> None:
    digest, _ = blobs.store(hub.store, io.BytesIO(b"z" * 700_000))
    with hub.store.write() as session:
        sql.run(session, "DELETE FROM blob_chunk WHERE hash = {p} AND position = 2", digest)

    with blobs.open_blob(hub.store, digest) as raw, pytest.raises(Unavailable):
        raw.read()


#: Bytes of a line of the file below.
LINE = 16 * 1024


class Endless(io.RawIOBase):
    """A file of many short lines that exists nowhere."""

    def __init__(self, size: int) -> None:
        self.size, self.at = size, 0

    def seekable(self) -> bool:
        return True

    def seek(self, at: int, whence: int = 0) -> int:
        self.at = at
        return at

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        count = max(0, min(count, self.size - self.at))
        start, self.at = self.at, self.at + count
        line = b"nothing".ljust(LINE - 1) + b"\n"
        return (line * (count // LINE + 2))[start % LINE : start % LINE + count]


def test_memory_does_not_grow_with_the_file(hub: Hub, account: AccountRef, saboteur: Any) -> None:
    # Given files of 2 and of 50 MB, full of lines that say nothing
    saboteur.meaning["nothing"] = lambda word: []
    peaks = []
    gc.collect()
    gc.freeze()  # what other tests left makes the collector wait, and garbage is not what is measured
    usual = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # so does a server that ran in this process
    for size in (2, 50):
        tracemalloc.start()
        intake = receive_file(
            hub.store, account, Endless(size * 1024 * 1024), Source(name="long.txt"), origin=Origin.IMPORT  # type: ignore[arg-type]
        )  # fmt: skip
        understand(hub.store, hub.secret, intake)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    gc.unfreeze()
    gc.set_threshold(*usual)

    # Then the longer one takes about as much memory as the shorter
    assert peaks[1] < peaks[0] * 1.5 + 1_000_000
    with hub.store.read() as session:
        [found] = ledger(session)
    assert (found.received, found.applied) == (52 * 64, 52 * 64)

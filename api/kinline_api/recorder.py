"""From the event loop to the writer thread and back: a call waits here until what it brought is on disk.

The writer answers many calls after one commit; they wake the loop once, not each for itself.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Generic

from kinline.errors import Unavailable
from kinline.record.writer import LARGEST_BATCH, GroupWriter, Result, Unit, Work
from kinline.store import Store


class Recorder(Generic[Unit, Result]):
    """Hands units to a group writer. Made in the loop that waits."""

    def __init__(self, store: Store, work: Work[Unit, Result], *, largest: int = LARGEST_BATCH) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer: GroupWriter[Unit, Result] = GroupWriter(store, work, largest=largest)
        self._gathered: list[tuple[Unit, asyncio.Future[Result]]] = []
        self._written: deque[tuple[asyncio.Future[Result], Result | BaseException]] = deque()
        self._woken = False
        self._writer.start()

    async def record(self, unit: Unit) -> Result:
        """Returns when the unit is durable. Raises `Unavailable` at once when too much is waiting."""
        waiting: asyncio.Future[Result] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_soon(self._give)
        self._gathered.append((unit, waiting))
        return await waiting

    def stop(self) -> None:
        """Write what was accepted. Blocks; call it from another thread than the loop's."""
        self._writer.stop()

    def _give(self) -> None:
        """In the loop, after all calls that were ready: give the writer what they brought, at once. Given one by one,
        the first alone would be a batch, and the others would wait for its commit."""
        gathered, self._gathered = self._gathered, []
        for unit, waiting in gathered:
            try:
                self._writer.give(unit, partial(self._note, waiting))
            except Unavailable as error:
                if not waiting.done():
                    waiting.set_exception(error)

    def _note(self, waiting: "asyncio.Future[Result]", result: Result | BaseException) -> None:
        """In the writer thread: put the answer down, and wake the loop unless it is being woken already."""
        self._written.append((waiting, result))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        """In the loop. The flag goes down first, so an answer put down meanwhile is seen here or wakes anew."""
        self._woken = False
        while self._written:
            waiting, result = self._written.popleft()
            if waiting.done():  # its caller went away
                continue
            if isinstance(result, BaseException):
                waiting.set_exception(result)
            else:
                waiting.set_result(result)

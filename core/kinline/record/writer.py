"""Group commit: what many requests bring at once is written in one transaction, then everybody is answered.

A batch is what queued while the last commit ran; there is no waiting to gather one. A batch that fails is
cut in halves until the bad unit fails alone. The queue is bounded: when it is full the caller is told to
come back.
"""

import queue
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog
from sqlmodel import Session

from kinline.errors import Unavailable
from kinline.store import Store
from kinline.store.trouble import CLASHED

log = structlog.get_logger(__name__)
Unit = TypeVar("Unit")
Result = TypeVar("Result")
Work = Callable[[Session, Sequence[Unit]], list[Result]]
#: More units than this in one transaction hold the write lock too long.
LARGEST_BATCH = 200
CAPACITY = 5000
#: Python hands the interpreter to another thread after this long; its default of 5 ms makes the writer wait.
SWITCH = 0.0005
#: A batch that another process' transaction got into the way of is written again this often.
TRIES = 4


class GroupWriter(Generic[Unit, Result]):
    """One writer thread of a process. ``work`` turns units into results inside a transaction."""

    def __init__(self, store: Store, work: Work[Unit, Result], *, largest: int = LARGEST_BATCH) -> None:
        self._store, self._work, self._largest = store, work, largest
        self._queue: queue.SimpleQueue[tuple[Unit, Callable[[Result | BaseException], None]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._open = False
        self._door = threading.Lock()

    def start(self) -> None:
        sys.setswitchinterval(SWITCH)
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Write what was accepted, then stop."""
        with self._door:
            if not self._open:
                return
            self._open = False
            self._queue.put(None)
        self._thread.join()

    def give(self, unit: Unit, answer: Callable[[Result | BaseException], None]) -> None:
        """Have a unit written; ``answer`` is called from the writer thread once it is durable, or failed."""
        with self._door:  # nothing may slip in behind the last one, where nobody would write it
            if not self._open or self._queue.qsize() >= CAPACITY:
                raise Unavailable("Too much is waiting to be written. Come back in a second.", code="busy")
            self._queue.put((unit, answer))

    def submit(self, unit: Unit) -> "Future[Result]":
        """`give` for callers that wait in a thread of their own."""
        future: Future[Result] = Future()

        def answer(result: Result | BaseException) -> None:
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.give(unit, answer)
        return future

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            stop = False
            while len(batch) < self._largest and not self._queue.empty():
                entry = self._queue.get()
                if entry is None:
                    stop = True
                    break
                batch.append(entry)
            results = write_all(self._store, self._work, [unit for unit, _ in batch])
            for (_, answer), result in zip(batch, results, strict=True):
                _tell(answer, result)
            if stop:
                return


def _tell(answer: Callable[[Result | BaseException], None], result: Result | BaseException) -> None:
    """Whoever asked may have gone (cancelled, its loop closed): that must not stop the writer for the others."""
    try:
        answer(result)
    except Exception as error:
        log.warning("nobody waits for this answer any more", reason=f"{type(error).__name__}: {error}")


def write_all(
    store: Store, work: Callable[[Session, Sequence[Unit]], list[Result]], units: Sequence[Unit]
) -> list[Result | BaseException]:
    """Write units in one transaction; if that fails, in halves, so that a bad one fails alone."""
    try:
        return [*_written(store, work, units)]
    except Unavailable as error:  # the database is away, full or locked: nobody's own fault, and halves fail too
        return [error] * len(units)
    except Exception as error:
        if len(units) == 1:
            return [error]
    middle = len(units) // 2
    return write_all(store, work, units[:middle]) + write_all(store, work, units[middle:])


def _written(
    store: Store, work: Callable[[Session, Sequence[Unit]], list[Result]], units: Sequence[Unit]
) -> list[Result]:
    for tried in range(1, TRIES + 1):
        try:
            with store.write() as session:
                results = work(session, units)
        except Unavailable as error:
            if error.code != CLASHED or tried == TRIES:
                raise
        else:
            if len(results) != len(units):
                raise RuntimeError(f"{len(units)} units gave {len(results)} results")
            return results
    raise AssertionError  # not reached

"""Everybody gets a turn at writing, whoever else commits back to back (docs/decisions/0004)."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from kinline.store.fairlock import FairLock

pytestmark = pytest.mark.alone
SECONDS = 1.5
#: Seconds that a turn takes, about as long as a small commit.
TURN = 0.002


def in_a_child(work: Callable[[], int]) -> tuple[int, int]:
    """Run it in a process of its own; its id, and where its result can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, b"%d" % work())
        finally:
            os._exit(0)
    os.close(writing)
    return child, reading


def result_of(child: tuple[int, int]) -> int:
    with os.fdopen(child[1], "rb") as told:
        found = int(told.read())
    os.waitpid(child[0], 0)
    return found


def taking_turns(path: Path) -> Callable[[], int]:
    """Write back to back until the time is over, and count the turns."""
    lock, until = FairLock(str(path / "db")), time.monotonic() + SECONDS

    def work() -> int:
        count = 0
        while time.monotonic() < until:
            with lock():
                time.sleep(TURN)
                count += 1
        return count

    return work


def test_who_commits_back_to_back_does_not_starve_the_other(tmp_path: Path) -> None:
    children = [in_a_child(taking_turns(tmp_path)) for _ in range(2)]
    one, other = (result_of(child) for child in children)

    assert min(one, other) > 10
    assert min(one, other) >= 0.2 * (one + other), (one, other)


def test_threads_of_one_process_take_turns_too(tmp_path: Path) -> None:
    # Given six threads that want in again at once
    lock, counts, until = FairLock(str(tmp_path / "db")), [0] * 6, time.monotonic() + 1

    def work(number: int) -> None:
        while time.monotonic() < until:
            with lock():
                time.sleep(TURN)
                counts[number] += 1

    threads = [Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then none of them is left out
    assert min(counts) >= 0.05 * sum(counts) > 0, counts


def test_only_one_is_in_at_a_time(tmp_path: Path) -> None:
    lock, inside, most = FairLock(str(tmp_path / "db")), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock():
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_who_is_killed_lets_go(tmp_path: Path) -> None:
    # Given a process that is killed while it writes
    def hold() -> int:
        with FairLock(str(tmp_path / "db"))():
            (tmp_path / "held").touch()
            time.sleep(60)
        return 0

    child, reading = in_a_child(hold)
    deadline = time.monotonic() + 30
    while not (tmp_path / "held").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "held").exists()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)

    # Then the next one gets in
    with FairLock(str(tmp_path / "db"))():
        pass


def test_a_child_forked_in_the_middle_does_not_keep_the_lock(tmp_path: Path) -> None:
    # Given a process that starts a child while it writes, as a pool of workers may
    lock = FairLock(str(tmp_path / "db"))
    with lock():
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)

    # Then it can write again while the child lives
    entered = Thread(target=lambda: lock().__enter__(), daemon=True)
    entered.start()
    entered.join(5)
    waits = entered.is_alive()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not waits, "the child kept the lock"

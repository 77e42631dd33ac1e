"""Never lost: what was acknowledged is there once, whenever the process dies.

The oracle stands outside: the ids that a child process told us before it was killed.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinline import clock
from kinline.hub import Hub
from kinline.store import Store, sql
from kinline.store.models import Account
from kinline.testing.laws import people_are_whole, the_ledger_adds_up

POSTING = Path(__file__).with_name("posting.py")
#: Kills for each database: few in `make test`, many in `make chaos`.
LONG = os.environ.get("KINLINE_TEST_CHAOS") == "long"
ROUNDS = int(os.environ.get("KINLINE_TEST_ROUNDS", "200" if LONG else "10"))
SEED = int(os.environ.get("KINLINE_TEST_SEED", "1"))


class Poster:
    """A process whose children post until they are killed."""

    def __init__(self, url: str, *before: str) -> None:
        command = (*before, sys.executable, str(POSTING), url)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, name: str, *, threads: int, count: int = 0) -> int:
        """Start a child; returns its process id once it is about to post."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {threads} {count}\n")
        self.process.stdin.flush()
        return int(self.line().removeprefix("pid "))

    def told(self) -> list[str]:
        """The ids the child told until its end."""
        ids = []
        while (line := self.line()) != "end":
            ids.append(line.removeprefix("id "))
        return ids

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


@pytest.fixture
def database(hub: Hub, database_url: str) -> str:
    with hub.store.write() as session:
        session.add(Account(id="1" * 32, channel="email", name="inbox", created_at=clock.now()))
    return database_url


@pytest.fixture
def poster(database: str) -> Iterator[Poster]:
    made = Poster(database)
    yield made
    made.close()


def kill_after(poster: Poster, name: str, seconds: float) -> list[str]:
    """The ids a child told until it was killed; from the first one on it had ``seconds``."""
    child = poster.begin(name, threads=8)
    first = poster.line().removeprefix("id ")
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return [first, *poster.told()]


def recorded(store: Store) -> dict[str, int]:
    """How often each source id stands in the database."""
    with store.read() as session:
        return dict(sql.run(session, "SELECT source_id, count(*) FROM interaction GROUP BY source_id"))


@pytest.mark.chaos
@pytest.mark.timeout(30 + 5 * ROUNDS)
def test_what_was_acknowledged_survives_a_kill_at_any_moment(hub: Hub, poster: Poster) -> None:
    dice, told = random.Random(SEED), set[str]()

    # When a process that posts from eight threads is killed at random moments, again and again
    for number in range(ROUNDS):
        told |= set(kill_after(poster, f"r{number}", dice.uniform(0.0, 0.3)))

        # Then every id it told is there once, and the books are right
        found = recorded(hub.store)
        assert not [each for each in told if found.get(each) != 1], f"lost or doubled in round {number}, seed {SEED}"
        the_ledger_adds_up(hub.store)
    people_are_whole(hub.store)
    with hub.store.read() as session:
        [counts] = sql.run(
            session,
            "SELECT (SELECT count(*) FROM interaction), (SELECT count(*) FROM copy), (SELECT count(*) FROM participant)",
        )
    assert len(set(counts)) == 1
    assert counts[0] >= len(told) >= ROUNDS


@pytest.mark.chaos
def test_two_processes_do_not_spoil_each_other_when_one_is_killed(hub: Hub, database: str, poster: Poster) -> None:
    # When one of two posting processes is killed in the middle
    other = Poster(database)
    other.begin("calm", threads=4, count=25)
    killed = kill_after(poster, "killed", 0.2)
    told = other.told()
    other.close()

    # Then the other one finishes its work, and everything told is there
    assert len(told) == 100
    found = recorded(hub.store)
    assert not [each for each in [*killed, *told] if found.get(each) != 1]
    the_ledger_adds_up(hub.store)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_acknowledgement_comes_after_a_sync_to_disk(database: str, tmp_path: Path) -> None:
    """On SQLite, where syncing is our process' doing; PostgreSQL's settings are read back instead."""
    if (
        shutil.which("strace") is None
        or subprocess.run(("strace", "true"), capture_output=True, check=False).returncode
    ):
        pytest.skip("strace cannot run here: install it, and allow ptrace")

    # When thirty things are posted, one after the other
    trace = tmp_path / "trace"
    poster = Poster(database, "strace", "-f", "-e", "trace=fsync,fdatasync,write", "-o", str(trace))
    poster.begin("traced", threads=1, count=30)
    assert len(poster.told()) == 30
    poster.close()

    # Then since the acknowledgement before, each one had a sync of the write-ahead log
    assert unsynced(trace.read_text()) == 0


def unsynced(trace: str) -> int:
    """How many acknowledgements had no finished sync since the one before."""
    count, synced = 0, False
    for line in trace.splitlines():
        if re.search(r"(fsync|fdatasync)(\(| resumed>).*= 0", line):
            synced = True
        elif 'write(1, "id ' in line:
            count, synced = count + (not synced), False
    return count

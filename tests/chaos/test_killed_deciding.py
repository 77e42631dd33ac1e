"""Decided once: whoever is killed while recording and deciding, the same decisions stand at the end.

Real processes, killed with SIGKILL at random moments; after each the next one goes on where the last one was, and
brings the day that was not over once more.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kinline.hub import Hub
from kinline.settings import Settings
from kinline.store import sql
from kinline.testing.laws import empty
from shop import FIRST, Shop, decisions, made_up
from test_killed_writers import LONG, SEED

SHARED = Path(__file__).parents[1] / "shared"
KEEPING = Path(__file__).with_name("shop_keeping.py")
ROUNDS = int(os.environ.get("KINLINE_TEST_ROUNDS", "40" if LONG else "3"))
CUSTOMERS, DAYS = (60, 400) if LONG else (6, 200)


class Keeper:
    """The process whose children live through the year."""

    def __init__(self, url: str, home: Path) -> None:
        command = [sys.executable, str(KEEPING), url, str(home), str(SEED), str(CUSTOMERS), str(DAYS)]
        environment = os.environ | {"PYTHONPATH": str(SHARED)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def go_on(self, day: int, seconds: float | None) -> tuple[int, bool]:
        """Let a child go on from this day, and kill it so long after its first word; the day to go on from, and whether it came to the end."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{day}\n")
        self.process.stdin.flush()
        child = int(self._line().removeprefix("pid "))
        if seconds is not None:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        done = False
        while (line := self._line()) != "end":
            assert line, "the process of the shop is gone"
            done = done or line == "done"
            day = int(line.removeprefix("day ")) + 1 if line.startswith("day ") else day
        return day, done

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def keeper(hub: Hub, database_url: str, settings: Settings) -> Iterator[Keeper]:
    made = Keeper(database_url, settings.home)
    yield made
    made.process.communicate(timeout=60)


@pytest.mark.chaos
@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_the_same_is_decided_whoever_is_killed_meanwhile(hub: Hub, keeper: Keeper) -> None:
    # Given what is decided in a year in which nobody is killed
    Shop(hub).live(made_up(SEED, CUSTOMERS, DAYS), FIRST + timedelta(DAYS))
    expected = decisions(hub)
    empty(hub.store)

    # When the same year is lived through by processes that are killed at random moments
    dice, day, kills = random.Random(SEED), 0, 0
    for _ in range(ROUNDS):
        day, done = keeper.go_on(day, dice.uniform(0.05, 0.4))
        kills += not done
    day, done = keeper.go_on(day, None)

    # Then the same was decided, each once, and nothing is left to do
    assert done
    assert kills, "hardly anybody was killed in the middle"
    assert decisions(hub) == expected
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM job") == [(0,)]
        assert (
            sql.run(
                session, "SELECT person_id, trigger_id, once_key FROM decision GROUP BY 1, 2, 3 HAVING count(*) > 1"
            )
            == []
        )

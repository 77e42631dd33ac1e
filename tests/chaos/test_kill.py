"""The whole hub under ``kill -9``: API and worker die at random moments, over real HTTP.

The oracle stands outside: what was acknowledged to clients. Short here; ``make chaos`` runs many rounds.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from hub_clients import Clients, resend
from hub_processes import Processes, free_port
from kinline import clock, handlers
from kinline.accounts import connected, keys
from kinline.catalogue.trigger_store import install_shipped
from kinline.hub import Hub
from kinline.store import sql
from kinline.testing.hubs import SECRET, missing
from kinline.testing.laws import people_are_whole, the_ledger_adds_up

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("KINLINE_TEST_ROUNDS", "4"))
SEED = int(os.environ.get("KINLINE_TEST_SEED", "0")) or random.SystemRandom().randrange(10**6)
REDIS = os.environ.get("KINLINE_TEST_REDIS", "redis://127.0.0.1:6379").rstrip("/") + "/14"


@dataclass(frozen=True)
class Furnished:
    """A hub with the shipped life cycle, an account, a key and, for production mode, an empty Redis."""

    hub: Hub
    key: str
    redis: str

    @property
    def production(self) -> bool:
        return bool(self.redis)

    def processes(self, broken: str = "") -> Processes:
        return Processes(self.hub.settings, SECRET, redis=self.redis, broken=broken)


@pytest.fixture
def furnished(hub: Hub, tmp_path: Path) -> Iterator[Furnished]:
    redis = REDIS if hub.store.dialect == "postgresql" else ""
    with hub.store.write() as session:
        install_shipped(session)
        connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})
        key = keys.create(session, "chaos", ("admin",))
    if redis:
        flush(redis)
    yield Furnished(hub, key, redis)
    if redis:
        flush(redis)


def flush(redis: str) -> None:
    client = Redis.from_url(redis, socket_connect_timeout=3)
    try:
        client.flushdb()
    except RedisError as error:
        missing("Redis", f"start one, or name it in KINLINE_TEST_REDIS ({error})")
    finally:
        client.close()


def storm(furnished: Furnished, rounds: int, broken: str = "", *, workers: int = 1) -> Clients:
    """Post from many clients while processes are killed and started again; returns the clients, who know."""
    dice = random.Random(SEED)
    ports = [free_port() for _ in range(2 if furnished.production else 1)]
    clients = Clients(ports, furnished.key, SEED)
    with furnished.processes(broken) as processes:
        apis = {port: processes.api(port) for port in ports}
        crew = [processes.worker() for _ in range(workers)]
        clients.start()
        try:
            for _ in range(rounds):
                time.sleep(dice.uniform(0.05, 0.8))
                if crew and dice.random() < 0.5:
                    crew[0] = _again(processes, crew[0])
                port = dice.choice(ports)
                processes.kill(apis[port])
                apis[port] = processes.api(port)
        finally:
            clients.stop()
            for pid in [*apis.values(), *crew]:
                processes.kill(pid)
    return clients


def _again(processes: Processes, pid: int) -> int:
    processes.kill(pid)
    return processes.worker()


def check(furnished: Furnished, clients: Clients) -> None:
    """Nothing acknowledged is lost, nothing is there twice, the books are right, resending changes nothing."""
    store = furnished.hub.store
    with store.read() as session:
        found = dict(sql.run(session, "SELECT source_id, count(*) FROM interaction GROUP BY source_id"))
    lost = sorted(clients.acknowledged - found.keys())
    assert not lost, f"acknowledged and lost: {len(lost)}, as {lost[:3]}; seed {SEED}"
    assert not [each for each, count in found.items() if count != 1], f"stored twice; seed {SEED}"
    assert not clients.refused, f"answers that no client should get: {clients.refused[:3]}; seed {SEED}"
    the_ledger_adds_up(store)
    people_are_whole(store)


@pytest.mark.timeout(120 + 5 * ROUNDS)
def test_nothing_acknowledged_is_lost_when_processes_are_killed(furnished: Furnished) -> None:
    # When six clients post while API and worker are killed at random moments
    clients = storm(furnished, ROUNDS)

    # Then all that was acknowledged is there, once
    check(furnished, clients)
    print(f"\n{furnished.hub.store.dialect}: {ROUNDS} rounds, seed {SEED}: {len(clients.acknowledged)} acknowledged, "
          f"0 lost, {clients.unanswered} unanswered and posted again")  # fmt: skip
    assert len(clients.acknowledged) > 20 * ROUNDS

    # And sending it all again adds nothing
    everything = sorted(clients.acknowledged)
    with furnished.processes() as processes:
        port = free_port()
        processes.api(port)
        before = rows(furnished)
        states = resend(port, furnished.key, everything)
    assert rows(furnished) == before
    assert set(states) == {"duplicate"}

    # And what killed workers left behind gets done, once
    finish(furnished.hub)
    with furnished.hub.store.read() as session:
        moves = sql.run(session, "SELECT count(*), count(DISTINCT person_id) FROM stage WHERE stage = 'prospect'")
    assert moves[0][0] == moves[0][1] > 0, "a first contact is made once"


def finish(hub: Hub) -> None:
    """Do all jobs that are due. Those that a dead worker holds come back when its lease has run out."""
    deadline = time.monotonic() + 30
    while True:
        handlers.drain(hub)
        with hub.store.read() as session:
            left = sql.run(
                session, "SELECT actor, state, error FROM job WHERE state <> 'pending' OR run_at < {p}", clock.now()
            )
        if not left:
            return
        assert time.monotonic() < deadline, f"jobs that nobody finished: {left[:3]}; seed {SEED}"
        time.sleep(0.2)


def rows(furnished: Furnished) -> int:
    with furnished.hub.store.read() as session:
        [(count,)] = sql.run(session, "SELECT count(*) FROM interaction")
    return int(count)


@pytest.mark.timeout(120)
def test_a_hub_that_acknowledges_before_it_commits_is_found_out(furnished: Furnished) -> None:
    clients = storm(furnished, 3, "acknowledges before commit", workers=0)

    with pytest.raises(AssertionError, match="acknowledged and lost"):
        check(furnished, clients)

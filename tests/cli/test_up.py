"""``kinline up``: the whole hub with one command, and all of it gone when it is gone."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cli.conftest import Kinline

from kinline.testing import hubs
from kinline_cli.endings import Ending

#: Seconds that starting may take on a busy machine.
PATIENCE = 120


class Up:
    """A running ``kinline up``, as a program starts it."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KINLINE_")}
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kinline_cli", "up", "--port", "0", "--json", *arguments],
            env={**clean, "KINLINE_HOME": str(home), **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.kill()
            raise AssertionError(self.process.communicate()[1])
        self.told = json.loads(line)

    def __enter__(self) -> "Up":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.end()

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.told["address"] + path)
        request.add_header("Authorization", f"Bearer {self.told['key']}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def workers(self) -> list[int]:
        """The process ids of its children, from the system."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in listed.stdout.split()]

    def end(self, number: int = signal.SIGTERM) -> str:
        """Stop it, and return what it said to people."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE)[1]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def up(home: Path) -> Iterator[Up]:
    with Up(home) as running:
        yield running


def gone(pid: int) -> bool:
    """Whether that process has ended, within our patience."""
    for _ in range(PATIENCE * 10):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_one_command_and_there_is_a_story_to_look_at(up: Up) -> None:
    # Then the hub is ready, and what it shows first works with the key that it shows
    assert up.get("/health/ready")["status"] == "ready"
    person = up.told["person"]
    entries = up.get(f"/v1/people/{person}/timeline")["entries"]
    assert {line.get("channel") for line in entries} >= {"email", "twitter", "blog", "support"}

    # And the key is kept for its owner only
    assert (up.home / "key").read_text().strip() == up.told["key"]
    assert stat.S_IMODE((up.home / "key").stat().st_mode) == 0o600

    # When it is asked to stop
    [worker] = up.workers()
    said = up.end(signal.SIGINT)

    # Then both processes end well
    assert up.process.returncode == Ending.OK
    assert said.endswith("Stopped.\n")
    assert gone(worker)
    assert "Traceback" not in said


def test_the_second_start_tells_nothing_twice_and_keeps_the_key(up: Up) -> None:
    before = up.get(f"/v1/people/{up.told['person']}/timeline")
    up.end()

    with Up(up.home) as again:
        assert again.told["key"] == up.told["key"]
        assert again.get(f"/v1/people/{up.told['person']}/timeline") == before


def test_why_explains_what_the_story_ends_with(up: Up, cli_at_home: Kinline) -> None:
    ended = cli_at_home("why", up.told["decision"])

    assert ended.code == 0
    assert "fired for Ann" in ended.out


@pytest.fixture
def cli_at_home(home: Path, bare: Kinline, monkeypatch: pytest.MonkeyPatch) -> Kinline:
    monkeypatch.setenv("KINLINE_HOME", str(home))
    return bare


@pytest.mark.alone
def test_a_worker_that_dies_is_started_again(home: Path) -> None:
    with Up(home, "--empty") as up:
        [worker] = up.workers()

        os.kill(worker, signal.SIGKILL)
        assert gone(worker)

        deadline = time.monotonic() + PATIENCE
        while not (now := up.workers()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(now) == 1
        assert now != [worker]
        assert "started again" in up.end()


def test_a_worker_does_not_outlive_a_parent_that_is_killed(home: Path) -> None:
    with Up(home, "--empty") as up:
        [worker] = up.workers()

        up.end(signal.SIGKILL)

        assert gone(worker)


def test_empty_means_empty(home: Path) -> None:
    with Up(home, "--empty") as up:
        assert up.told["person"] == ""
        assert up.get("/v1/people")["people"] == []


def test_no_story_is_told_into_a_hub_that_has_a_life(home: Path, cli_at_home: Kinline, mails: Path) -> None:
    cli_at_home("import", "email", mails)

    with Up(home):
        assert [line["account"] for line in cli_at_home("ledger", "--json").json] == ["email"]


def test_a_port_that_is_taken_is_said_with_the_cure(bare: Kinline) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = bare("up", "--port", port)

    assert ended.code == Ending.MISCONFIGURED
    assert f"Port {port} is taken" in ended.err
    assert "--port" in ended.err


@pytest.fixture
def database() -> Iterator[str]:
    """A PostgreSQL database with nothing in it."""
    if hubs.postgresql():
        hubs.missing("PostgreSQL", "start one, or name it in KINLINE_TEST_POSTGRESQL")
    name = f"kinline_up_{os.getpid()}"
    with psycopg.connect(hubs.SERVER, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield hubs.address(name)
    with psycopg.connect(hubs.SERVER, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_it_works_on_a_postgresql_of_ours(home: Path, database: str) -> None:
    with Up(home, "--empty", KINLINE_DATABASE_URL=database) as up:
        assert up.get("/health/ready")["checks"]["database"] == "ok"
    assert not list(home.glob("*.db"))

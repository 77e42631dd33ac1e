"""Every way in which handing over can break, on real connections, ends as docs/delivery.md says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import fault_channels
from faulty import HTTP_FAULTS, SMTP_FAULTS, Faulty, FaultyHttp, FaultySmtp
from kinline import clock, handlers, ids
from kinline.accounts import connected
from kinline.clock import DAY, HOUR, SECOND
from kinline.contract.plugins import channels
from kinline.followups.plan import Draft, plan
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import persons
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import InteractionFactory, RecordingFactory
from kinline.testing.hubs import SECRET
from kinline.words import HandleType, SendClass

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")
READERS = {
    "email": Handle(HandleType.EMAIL, "ann@example.org"),
    "press": Handle(HandleType.EMAIL, "ann@example.org"),
    "twitter": Handle(HandleType.X_ID, "200"),
}
GOOD = {"press": b'{"id": 7}', "twitter": b'{"data": {"dm_event_id": "1234567890123456789"}}', "email": b""}
FAULTS = {"email": SMTP_FAULTS, "press": HTTP_FAULTS, "twitter": HTTP_FAULTS}
CELLS = [(channel, fault) for channel, faults in FAULTS.items() for fault in faults]
DEADLINE = 0.8


def promised(channel: str) -> dict[str, tuple[str, str]]:
    """The table of the page: by fault, the state while the worker lives, and when it was killed there."""
    part = PAGE.partition("## Posts")[0 if channel == "email" else 2]
    return {
        fault: (alive, killed) for fault, alive, killed in re.findall(r"^\| ([^|]+) \| (\w+) \| (\w+) \|$", part, re.M)
    }


class World:
    """A hub that really sends, to a server that fails once; its clock runs from now."""

    def __init__(self, hub: Hub, server: Faulty, channel: str, fault: str) -> None:
        self.hub, self.server, self.later = hub, server, 0
        with hub.store.write() as session:
            account = connected.connect(session, hub.secret, channel, "way out", settings(channel, server.port, fault))
            what = InteractionFactory.build(author=READERS[channel], occurred_at=None)
            record_batch(session, [RecordingFactory.build(account=account, what=what)])
            person = persons.find(session, str(READERS[channel]))
            self.followup = ids.new()
            draft = Draft(id=self.followup, person_id=person, send_class=SendClass.HUMAN, text="Hello", made_by="Cleo")
            assert plan(hub, session, draft) == ""
        self._started = clock.now()

    def __call__(self) -> int:
        return self._started + self.later

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.hub.store.write() as session:
            return sql.run(session, statement, *values)

    def state(self) -> str:
        return str(self.sql("SELECT state FROM followup")[0][0])

    def a_day_passes(self) -> None:
        """Everything that is due within a day is done, hour by hour, with a server that behaves."""
        self.server.reopen()
        if self.server.fault == "TLS fails":
            self.sql(
                "UPDATE account SET settings = replace(replace(settings, 'https:', 'http:'), '\"tls\"', '\"none\"')"
            )
        for _ in range(23):
            self.later += HOUR
            handlers.drain(self.hub)


def settings(channel: str, port: int, fault: str) -> dict[str, Any]:
    tls = fault == "TLS fails"
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    every: dict[str, dict[str, Any]] = {
        "email": {
            "address": "help@shop.example",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "tls" if tls else "none",
        },
        "press": {"url": url},
        "twitter": {"user_id": "100", "access_token": "token", "api_base": url},
    }
    return every[channel]


def server_for(channel: str, fault: str, *, hold: bool = False) -> Faulty:
    return FaultySmtp(fault, hold=hold) if channel == "email" else FaultyHttp(fault, GOOD[channel], hold=hold)


@pytest.fixture(autouse=True)
def the_channels(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels().loaded, "press", fault_channels.Press())
    monkeypatch.setattr(hub.settings, "outbound", "live")
    for name in READERS:
        monkeypatch.setattr(type(channels().loaded[name]), "deadline", DEADLINE)


@pytest.mark.parametrize("channel", FAULTS)
def test_the_page_names_every_fault_and_no_other(channel: str, database_url: str) -> None:
    assert tuple(promised(channel)) == FAULTS[channel]


@pytest.mark.parametrize(("channel", "fault"), CELLS, ids=lambda each: str(each))
def test_while_the_worker_lives(hub: Hub, channel: str, fault: str) -> None:
    expected = promised(channel)[fault][0]
    with server_for(channel, fault) as server:
        world = World(hub, server, channel, fault)
        with clock.frozen(world):
            # When the way out breaks
            handlers.drain(hub)

            # Then the state is the one that is promised
            assert world.state() == expected, world.sql("SELECT reason FROM followup")
            if fault.startswith("429"):
                [(due,)] = world.sql("SELECT due_at FROM followup")
                assert due >= world() + 40 * SECOND

            # And after a day it went out exactly where that is sure to be no second time
            world.a_day_passes()
            assert world.state() == {"pending": "sent"}.get(expected, expected)
            assert server.taken == {"pending": 1, "sent": 1, "failed": 0}.get(expected, server.taken)
            assert server.taken <= 1


class Senders:
    """Processes that send, to be killed."""

    def __init__(self, hub: Hub) -> None:
        self._environment = {
            "KINLINE_HOME": str(hub.settings.home), "KINLINE_DATABASE_URL": hub.settings.database,
            "KINLINE_SECRET": SECRET, "KINLINE_OUTBOUND": "live",
        }  # fmt: skip

    def order(self, zygote: "subprocess.Popen[str]", followup: str, *, dies: bool) -> int:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        zygote.stdin.write(json.dumps({"environment": self._environment, "followup": followup, "dies": dies}) + "\n")
        zygote.stdin.flush()
        return int(zygote.stdout.readline())


@pytest.fixture(scope="module")
def zygote() -> Iterator["subprocess.Popen[str]"]:
    script = Path(__file__).parents[1] / "chaos" / "sender_zygote.py"
    process = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    process.wait(10)


@pytest.mark.alone
@pytest.mark.parametrize(("channel", "fault"), CELLS, ids=lambda each: str(each))
def test_when_the_worker_is_killed_there(hub: Hub, zygote: "subprocess.Popen[str]", channel: str, fault: str) -> None:
    with server_for(channel, fault, hold=True) as server:
        # Given a worker that is killed at the very point of the fault
        world = World(hub, server, channel, fault)
        dies = fault == "connection refused"
        pid = Senders(hub).order(zygote, world.followup, dies=dies)
        if not dies:
            assert server.reached.wait(20), "the sender never came to this point"
            os.kill(pid, signal.SIGKILL)
        gone(pid)
        assert world.state() == "sending"
        server.go.set()

        # When its lease is over and another worker looks
        world.sql("UPDATE followup SET lease_until = 1")
        with clock.frozen(world):
            handlers.drain(hub)

            # Then nobody knows, and nobody sends again
            assert world.state() == promised(channel)[fault][1]
            world.a_day_passes()
            assert (world.state(), server.taken <= 1) == ("unknown", True)
            [(reason, attempts)] = world.sql("SELECT reason, attempts FROM followup")
            assert (reason, attempts) == ("its sender stopped while sending", 1)
    assert world() - world._started >= 23 * HOUR < DAY


def gone(pid: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.01)
            continue
        return
    raise AssertionError("the sender lives on")

"""The command line as a program: run inside this process, with a hub of its own, on both databases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kinline.settings import Settings
from kinline.testing.hubs import SECRET
from kinline_cli.endings import run
from kinline_cli.root import kinline

ANN = """From: Ann <ann@example.org>
To: help@kinline.example
Subject: Where is my parcel?
Date: Sat, 01 Mar 2025 10:00:00 +0000
Message-ID: <{number}@example.org>

It should have been here on Friday.
"""


class Ended(NamedTuple):
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Kinline = Callable[..., Ended]


@pytest.fixture
def cli(settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Kinline:
    """``cli("ledger", "--json")`` runs ``kinline ledger --json`` on a fresh hub."""
    monkeypatch.setenv("KINLINE_HOME", str(settings.home))
    monkeypatch.setenv("KINLINE_DATABASE_URL", settings.database)
    monkeypatch.setenv("KINLINE_SECRET", SECRET)
    return _runner(capfd)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Kinline:
    """The same on a bare machine: nothing set but where home is, and nothing there yet."""
    monkeypatch.setenv("KINLINE_HOME", str(tmp_path / "home"))
    for name in ("KINLINE_DATABASE_URL", "KINLINE_SECRET", "KINLINE_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return _runner(capfd)


def _runner(capfd: pytest.CaptureFixture[str]) -> Kinline:
    def cli(*arguments: object) -> Ended:
        capfd.readouterr()
        code = run(kinline, [str(each) for each in arguments])
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return cli


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    """A folder with two mails of Ann's and one file that is none."""
    folder = tmp_path / "mails"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.eml").write_text(ANN.format(number=number))
    (folder / "picture.gif").write_bytes(b"GIF89a" + bytes(range(256)))
    return folder

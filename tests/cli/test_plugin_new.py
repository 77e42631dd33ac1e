"""``kinline plugin new`` writes a channel that works as it stands: installed, it passes the conformance suite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Kinline


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )


def test_a_new_channel_installs_is_found_and_passes_the_suite(bare: Kinline, tmp_path: Path) -> None:
    # When somebody starts a channel
    told = bare("plugin", "new", "carrier_pigeon", "--into", tmp_path, "--title", "Carrier pigeon", "--json").json
    folder = Path(told["folder"])

    # Then it is a package that pip can build and install
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--no-index"]
    if run(sys.executable, "-m", "pip", "--version", cwd=folder).returncode:  # an environment that uv made
        pip = ["uv", "pip", "install", "--offline", "--python", sys.executable]
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--target")
    installed = run(*pip, *options, target, folder, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr

    # And its own tests are green
    tested = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, PYTHONPATH=str(target))
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout

    # And the hub finds it beside its own channels
    listed = run(sys.executable, "-m", "kinline_cli", "plugin", "list", "--json", cwd=tmp_path, PYTHONPATH=str(target))
    assert '"name":"carrier_pigeon","title":"Carrier pigeon"' in listed.stdout
    assert listed.stderr == ""


def test_every_template_is_written_and_no_word_is_left_open(bare: Kinline, tmp_path: Path) -> None:
    files = bare("plugin", "new", "pager", "--into", tmp_path, "--json").json["files"]

    texts = {name: (tmp_path / "kinline-pager" / name).read_text() for name in files}

    assert sorted(files) == [
        ".gitignore", "README.md", "kinline_pager/__init__.py", "kinline_pager/channel.py", "pyproject.toml",
        "samples/two-messages.json", "samples/two-messages.json.expected", "test_channel.py",
    ]  # fmt: skip
    assert [name for name, text in texts.items() if "@" in text.replace("@hookimpl", "").replace("@example", "")] == []


@pytest.mark.parametrize("name", ["Pager", "2fast", "a-b", "", "../up", "a" * 41, "ñ"])
def test_what_can_be_no_channels_name_is_refused(bare: Kinline, tmp_path: Path, name: str) -> None:
    ended = bare("plugin", "new", "--into", tmp_path, "--", name)

    assert ended.code == 1
    assert "is no channel name" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_overwritten(bare: Kinline, tmp_path: Path) -> None:
    (tmp_path / "kinline-pager").mkdir()

    assert bare("plugin", "new", "pager", "--into", tmp_path).code == 1
    assert list((tmp_path / "kinline-pager").iterdir()) == []


def test_the_name_of_a_channel_that_is_installed_is_taken(bare: Kinline, tmp_path: Path) -> None:
    ended = bare("plugin", "new", "email", "--into", tmp_path)

    assert ended.code == 1
    assert "There is a channel “email” already" in ended.err


def test_a_new_condition_passes_its_suite(bare: Kinline, tmp_path: Path) -> None:
    folder = Path(bare("plugin", "new", "night_owl", "--condition", "--into", tmp_path, "--json").json["folder"])

    tested = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, PYTHONPATH=str(folder))

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout


def test_a_word_that_ships_is_no_name_of_a_condition(bare: Kinline, tmp_path: Path) -> None:
    ended = bare("plugin", "new", "silence", "--condition", "--into", tmp_path)

    assert (ended.code, "There is a condition “silence” already" in ended.err) == (1, True)

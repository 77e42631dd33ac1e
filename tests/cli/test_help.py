"""What the command line says about itself."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import click
import pytest
from tests.cli.conftest import Kinline

from kinline_cli.endings import Ending
from kinline_cli.lazy import LazyGroup
from kinline_cli.root import COMMANDS, kinline


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and group, by the words one types."""
    assert isinstance(kinline, LazyGroup)
    for name in COMMANDS:
        command = kinline.load(name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", each) for below, each in command.commands.items())


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL)
def test_every_command_says_in_a_sentence_what_it_does(words: str) -> None:
    first = (ALL[words].help or "").strip().split("\n")[0]

    assert first.endswith("."), first
    assert first[0].isupper()


@pytest.mark.parametrize("words", ALL)
def test_every_option_is_explained_in_a_sentence(words: str) -> None:
    for parameter in ALL[words].params:
        if isinstance(parameter, click.Option):
            assert (parameter.help or "").endswith("."), f"{words} {parameter.opts}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    assert (ALL[name].help or "").strip().split("\n")[0] == COMMANDS[name][1]


@pytest.mark.parametrize("words", [words for words, each in ALL.items() if not isinstance(each, click.Group)])
def test_whatever_tells_something_tells_it_to_programs_too(words: str) -> None:
    if words in ("api", "smtp", "worker"):  # they say nothing: they run
        return
    assert any("--json" in parameter.opts for parameter in ALL[words].params), words


def test_the_exit_codes_are_told(bare: Kinline) -> None:
    said = " ".join(bare("--help").out.split())

    for code in Ending:
        if code is not Ending.INTERRUPTED:
            assert f"{int(code)} " in said.partition("Exit codes")[2]


@pytest.mark.alone
def test_help_loads_no_store_and_comes_at_once() -> None:
    """What it guards against is loading the store, which takes ten times what Python and the library for commands do."""

    def once(*arguments: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - began

    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, kinline_cli.root; print([m for m in ('sqlmodel', 'kinline') if m in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert loaded.stdout == "[]\n"
    # Beside what Python and the library for commands take by themselves: a busy machine makes both slow
    pairs = [(once("-m", "kinline_cli", "--help"), once("-c", "import rich_click")) for _ in range(3)]
    assert statistics.median(ours / bare for ours, bare in pairs) < 4.0


def test_a_word_that_is_no_command_is_a_usage_error(bare: Kinline) -> None:
    ended = bare("upp")

    assert ended.code == Ending.USAGE
    assert "upp" in ended.err

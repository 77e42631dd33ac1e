"""Scorers are found like channels, beside them, and a broken one is left out alone."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from kinline import Scorer, hookimpl
from kinline.contract.plugins import load
from parrot import Parrot
from saboteur import Saboteur


class Old(Parrot):
    contract = 0


class Shouted(Parrot):
    name = "SHOUT"


class Nameless(Scorer):
    def score(self, writings: Any) -> Any:
        return []


@pytest.fixture
def plugin() -> Iterator[Any]:
    """Makes an entry point of a plugin whose hooks give these."""
    made = []

    def make(name: str, **hooks: Any) -> EntryPoint:
        module = ModuleType(f"plugin_{name}")
        for hook, given in hooks.items():
            setattr(module, hook, hookimpl(_named(hook, given)))
        sys.modules[module.__name__] = module
        made.append(module.__name__)
        return EntryPoint(name, module.__name__, "kinline")

    yield make
    for name in made:
        del sys.modules[name]


def _named(hook: str, given: Any) -> Any:
    def give() -> Any:
        return given

    give.__name__ = hook
    return give


def test_a_plugin_gives_a_channel_a_scorer_or_both(plugin: Any) -> None:
    alone, both = plugin("a", kinline_scorer=Parrot), plugin("b", kinline_channel=Saboteur)
    found = load([alone, both])

    assert (set(found.scorers), set(found.loaded), found.failed) == ({"parrot"}, {"saboteur"}, [])
    together = load([plugin("c", kinline_scorer=Parrot, kinline_channel=Saboteur)])
    assert (set(together.scorers), set(together.loaded)) == ({"parrot"}, {"saboteur"})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Old, "contract 0"),
        (Shouted, "no scorer name"),
        (Nameless, "does not say its name, gives"),
        (Saboteur, "one subclass of kinline.Scorer"),
        (Parrot({}), "one subclass of kinline.Scorer"),
        ("parrot", "one subclass of kinline.Scorer"),
    ],
)
def test_a_scorer_that_is_none_is_left_out_with_its_reason(plugin: Any, given: Any, reason: str) -> None:
    found = load([plugin("bad", kinline_scorer=given), plugin("good", kinline_channel=Saboteur)])

    assert (set(found.scorers), set(found.loaded)) == (set(), {"saboteur"})
    [failed] = found.failed
    assert (failed.plugin, reason in failed.reason) == ("bad", True), failed.reason


def test_the_second_scorer_of_a_name_is_left_out_whole(plugin: Any) -> None:
    found = load([plugin("a", kinline_scorer=Parrot), plugin("b", kinline_scorer=Parrot, kinline_channel=Saboteur)])

    assert (set(found.scorers), set(found.loaded)) == ({"parrot"}, set())
    assert "taken by another plugin" in found.failed[0].reason

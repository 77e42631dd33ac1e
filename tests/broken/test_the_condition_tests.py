"""Conditions of plugins are trusted where they must not be, and their tests must see it."""

from typing import Any

import pytest

from breaking import checks_of, fails
from kinline.contract.plugins import channels
from kinline.triggers.conditions import plugin

CHECKS = checks_of("core/test_condition_plugins.py")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels().conditions, "burst", CHECKS.Burst)


def test_a_moment_that_is_not_checked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "sound_moment", lambda moment, known: moment)

    fails(CHECKS.test_one_that_fails_says_nothing_also_in_a_denial, CHECKS.HOSTILE["an object to read"], monkeypatch)


def test_a_failure_that_is_taken_for_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Any, sight: Any) -> list[Any]:
        return []

    monkeypatch.setattr(plugin.PluginCondition, "_asked", nothing)

    fails(CHECKS.test_one_that_fails_says_nothing_also_in_a_denial, CHECKS.HOSTILE["raises"], monkeypatch)

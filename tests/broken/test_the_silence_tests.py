"""Silences of ours, broken on purpose: their tests must see it."""

from typing import Any

import pytest

from breaking import checks_of, fails
from kinline.clock import HOUR
from kinline.hub import Hub
from kinline.triggers.conditions import peer, silence
from kinline.triggers.conditions.waited import Asks
from kinline.waiting.touched import Touched

CHECKS = checks_of("core/test_silence_of_ours.py")


BROKEN: list[tuple[Any, str, Any, str]] = [
    (Asks, "ended_at", lambda self, seen: None, "test_what_is_not_known_yet_ends_nothing"),
    (Asks, "pauses", lambda self, seen: [], "test_pauses_are_not_counted_and_while_one_lasts_nothing_is_due"),
    (Asks, "opens", lambda self, seen: True, "test_who_did_not_ask_us_directly_is_owed_nothing"),
]


@pytest.mark.parametrize(("where", "what", "broken", "test"), BROKEN, ids=[each[1] for each in BROKEN])
def test_a_silence_that_does_not_follow_how_they_wait_is_seen(
    monkeypatch: pytest.MonkeyPatch, where: Any, what: str, broken: Any, test: str
) -> None:
    monkeypatch.setattr(where, what, broken)

    fails(getattr(CHECKS, test))


def test_a_run_that_never_begins_anew_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends when it fires only where it is 1,000 hours over."""
    real = silence.SilenceCondition._until

    def long_after(self: Any, run: Any, at: int, *more: Any) -> Any:
        return real(self, run, at - 1000 * HOUR, *more)

    monkeypatch.setattr(silence.SilenceCondition, "_until", long_after)
    fails(checks_of("core/test_triggers_decide.py").test_who_writes_three_times_waits_since_the_first)


def test_an_answer_by_a_peer_that_needs_its_direction_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_helps", lambda seen: seen.direction == "among" and seen.role in peer._NAMED)

    fails(checks_of("core/test_triggers_sequence.py").test_a_peer_helps_whatever_the_direction_of_the_words)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_closing_and_a_dismissal_that_no_trigger_hears_of_are_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Touched, "_ended_else", lambda self, before, after: [])
    CHECKS.watch(hub)

    fails(CHECKS.test_what_is_closed_while_time_goes_on_says_so_at_once, hub)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_dismissal_taken_back_that_no_trigger_hears_of_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Touched, "_ended_else", lambda self, before, after: [])
    CHECKS.watch(hub)

    fails(CHECKS.test_what_is_dismissed_when_it_should_have_fired_fires_when_that_is_taken_back, hub)

"""Explanations broken on purpose: a reason nobody translated, a clock in the wrong zone, a decision shown to strangers."""

from typing import Any

import pytest

from breaking import checks_of, fails
from kinline import reason_texts, reasons
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import EVERYTHING
from kinline.followups import plan, weighing
from kinline.hub import Hub
from kinline.why import context, wait_list, wording
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_reason_without_its_line_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [pair for pair in reason_texts._PATTERNS if pair[1] != "marketing_refused"]
    monkeypatch.setattr(reason_texts, "_PATTERNS", kept)
    reason_texts._found.cache_clear()
    module = checks_of("core/test_reasons.py")

    fails(
        module.test_every_reason_that_is_written_down_is_told_in_both_languages, "guards.py", "they refused marketing"
    )
    reason_texts._found.cache_clear()


def test_words_of_people_that_are_translated_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger called "business" is not called "comercial" in Spanish."""
    real: Any = reasons._said
    ours = {"business": "comercial", "away": "ausente"}
    monkeypatch.setattr(reasons, "_said", lambda value, language: ours.get(value) or real(value, language))
    module = checks_of("core/test_reasons.py")

    for name in ours:
        fails(module.test_a_name_that_is_a_word_of_the_language_comes_through, name)


@on_sqlite
def test_times_of_another_clock_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = wording.paragraph
    monkeypatch.setattr(wording, "paragraph", lambda told, language, zone: real(told, language))
    module = checks_of("core/test_why_beside.py")

    fails(module.test_times_are_those_of_the_readers_clock, hub, inbox, time, "es", "America/New_York")


@on_sqlite
def test_decisions_shown_to_who_may_not_read_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = context._shown
    monkeypatch.setattr(context, "_shown", lambda session, rows, cause, reader: real(session, rows, cause, EVERYTHING))
    module = checks_of("core/test_why_beside.py")

    fails(module.test_others_see_no_decisions_about_what_they_may_not_read, hub, inbox, time)


@on_sqlite
def test_waits_shown_to_who_may_not_read_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = wait_list._shown
    monkeypatch.setattr(wait_list, "_shown", lambda session, root, rows, reader: real(session, root, rows, EVERYTHING))
    module = checks_of("core/test_why_beside.py")

    fails(module.test_waits_follow_a_merge_and_stay_hidden_from_who_may_not_read, hub, inbox, time)


@on_sqlite
def test_ways_that_are_guessed_afterwards_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written down when it was planned, or nobody can tell any more: without that there is nothing to show."""
    monkeypatch.setattr(plan, "weighed", lambda *given, **more: None)
    module = checks_of("core/test_why_beside.py")
    assert weighing.read(None) == []

    fails(module.test_the_ways_that_were_not_taken_are_told_as_they_were, hub, inbox, time)

"""Working time, organisations and habits, broken one by one: the tests of each must see it."""

from collections.abc import Iterator
from typing import Any

import pytest

from breaking import checks_of, fails
from kinline.accounts.connected import AccountRef
from kinline.catalogue import calendar_use
from kinline.decide import waits
from kinline.history import organisations
from kinline.hub import Hub
from kinline.identity.persons import FOREVER
from kinline.triggers.conditions.habit import Habit, HabitCondition
from kinline.triggers.conditions.silence import SilenceCondition
from kinline.triggers.rhythm import Rhythm

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
silences, together, habits = (
    checks_of(f"core/test_triggers_{name}.py") for name in ("working_time", "organisations", "habits")
)
deciding = checks_of("core/test_deciding_in_time.py")


def test_a_clock_that_runs_at_night_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SilenceCondition, "_due", lambda silence, history, start: start + silence.length)

    fails(silences.test_we_owe_an_answer_within_two_hours_of_work, "2026-03-06T15:30", "2026-03-09T09:30")
    law = silences.test_between_start_and_due_lies_exactly_the_working_time_that_was_asked_for
    fails(law.hypothesis.inner_test, silences.OFFICE, silences.at("2026-03-06T15:30"), 120, "us")


def test_a_missing_calendar_that_counts_as_always_open_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = SilenceCondition._due

    def lenient(silence: SilenceCondition, history: Any, start: int) -> int:
        found = real(silence, history, start)
        return start + silence.length if found is None else found

    monkeypatch.setattr(SilenceCondition, "_due", lenient)

    fails(silences.test_a_calendar_that_is_not_there_is_never_due_and_says_so)


def test_an_organisation_that_is_decided_by_everybody_of_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def everybodys(silence: SilenceCondition, history: Any, now: int) -> Iterator[Any]:
        for each in history.organisations:
            for run in silence._walk(each.seen, history):
                run.organisation = each
                yield run

    monkeypatch.setattr(SilenceCondition, "_all", everybodys)

    fails(together.test_an_organisation_is_quiet_when_nobody_of_it_did_anything_and_the_last_is_addressed)


def test_a_silence_that_asks_only_the_one_who_opened_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(silence: SilenceCondition, history: Any, now: int) -> Iterator[Any]:
        for each in history.organisations:
            for run in silence._walk(history.seen, history):
                run.organisation = each
                yield run

    monkeypatch.setattr(SilenceCondition, "_all", alone)

    fails(together.test_a_colleague_s_word_breaks_the_silence)
    law = together.test_it_is_decided_as_of_one_person_and_by_one_member_alone
    fails(law.hypothesis.inner_test, [("a", 0, False), ("b", 1, False)], together.QUIET)


def test_a_rhythm_that_takes_each_word_for_an_occasion_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Habit.__init__
    monkeypatch.setattr(Habit, "__init__", lambda habit, apart: real(habit, 1))

    fails(habits.test_what_comes_together_is_one_occasion)


def test_a_rhythm_that_forgets_people_in_general_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Rhythm.usual
    monkeypatch.setattr(Rhythm, "usual", lambda rhythm, everybody=None, weight=0: real(rhythm))

    fails(habits.test_what_is_usual_among_people_in_general_steadies_a_few_gaps)


def test_patience_that_shrinks_with_the_factor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Rhythm.unusual
    monkeypatch.setattr(Rhythm, "unusual", lambda rhythm, factor, *more: real(rhythm, 1 / factor, *more))

    fails(habits.test_more_patience_never_fires_sooner_or_more_often.hypothesis.inner_test, [7.0] * 3, 1.0, 1.0)


def test_a_rhythm_made_of_what_comes_later_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = HabitCondition._walk

    def knowing(condition: HabitCondition, history: Any) -> Iterator[Any]:
        whole = condition.rhythm(history)
        for clock in real(condition, history):
            clock.due = clock.last.at + round(whole.unusual(condition.written.factor))
            yield clock

    monkeypatch.setattr(HabitCondition, "_walk", knowing)

    law = habits.test_every_lapse_fires_once_and_what_comes_later_takes_none_back
    fails(law.hypothesis.inner_test, [7.0, 7.0, 7.0, 20.0, 300.0])


@on_sqlite
def test_waits_that_keep_the_time_of_an_old_calendar_are_seen(
    hub: Hub, inbox: AccountRef, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_use, "count_anew", lambda session, users: 0)

    fails(deciding.test_another_calendar_gives_what_waits_another_time, hub, inbox, time)


@on_sqlite
def test_a_calendar_that_vanishes_without_a_word_is_seen(
    hub: Hub, inbox: AccountRef, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "_keep_for_later", lambda *given: None)

    test = deciding.test_a_calendar_that_vanishes_fires_nothing_says_so_and_goes_on_when_it_is_back
    fails(test, hub, inbox, time)


@on_sqlite
def test_memberships_without_dates_are_seen(
    hub: Hub, inbox: AccountRef, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = organisations._belonging
    monkeypatch.setattr(
        organisations, "_belonging", lambda *given: {each: [(-FOREVER, FOREVER)] for each in real(*given)}
    )
    acme = deciding.acme.__wrapped__(hub, inbox)

    fails(deciding.test_what_somebody_did_before_they_belonged_breaks_nothing, hub, inbox, time, acme)

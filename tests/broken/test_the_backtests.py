"""Back-tests and deciding, broken on purpose: their tests must see it."""

from typing import Any

import pytest

from breaking import checks_of, fails
from kinline import ids
from kinline.accounts.connected import AccountRef
from kinline.backtest import backtest, limits, replay_input
from kinline.catalogue import trigger_store
from kinline.decide import evaluations, person, rounds, ruling, verdicts
from kinline.hub import Hub
from kinline.triggers import History
from kinline.triggers.conditions.sequence import SequenceCondition
from kinline.triggers.conditions.silence import SilenceCondition
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_a_backtest_that_ignores_lateness_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = verdicts.rule
    monkeypatch.setattr(ruling, "rule", lambda who, fire, seen, now, **more: real(who, fire, seen, fire.at, **more))

    fails(checks_of("core/test_backtest.py").test_a_backtest_knows_what_came_late, hub, inbox, time)


@on_sqlite
def test_a_backtest_that_knows_everything_at_once_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = replay_input.past

    def all_knowing(*given: Any, **more: Any) -> replay_input.Past:
        found = real(*given, **more)
        return replay_input.Past(
            found.root, found.history, {one.id: one.at for one in found.history.seen}, found.by_hand
        )

    monkeypatch.setattr(backtest, "past", all_knowing)
    fails(checks_of("core/test_backtest_equals_live.py").test_a_back_test_says_what_was_decided_live, hub)


@on_sqlite
def test_a_backtest_without_limits_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest, "limits", lambda *given: [limits.FREE] * len(given[-1]))

    fails(checks_of("core/test_backtest.py").test_a_backtest_says_what_the_limits_would_have_done, hub, inbox, time)


@on_sqlite
def test_going_live_untried_is_seen(hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger_store, "_cleared", lambda *given: "")

    fails(checks_of("core/test_backtest.py").test_nothing_goes_live_untried, hub, inbox, time)


@on_sqlite
def test_deciding_without_once_keys_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody remembers what was decided, neither in the look nor in the transaction, and ids are fresh."""
    derived = ids.derived
    for where in (evaluations, person):
        monkeypatch.setattr(where, "used_keys", lambda session, people: {root: set() for root in people})
    monkeypatch.setattr(ids, "derived", lambda sort, *parts: ids.new() if sort == "decision" else derived(sort, *parts))
    deciding = checks_of("core/test_deciding.py")

    fails(deciding.test_it_is_decided_once_however_often_somebody_looks, hub, inbox, time)


def test_not_looking_again_at_a_late_break_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SilenceCondition, "interests", lambda silence: silence.after.interests())

    fails(checks_of("core/test_arrival_and_decisions.py").test_a_late_answer_that_ends_one_episode_arms_the_next)


def test_not_looking_at_a_late_first_step_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SequenceCondition, "interests", lambda sequence: sequence.steps[-1].interests())
    arrival = checks_of("core/test_arrival_and_decisions.py")

    with pytest.raises(ValueError, match="not enough values"):
        arrival.test_a_first_step_that_comes_late_completes_the_sequence()


@on_sqlite
def test_names_that_decide_who_comes_first_are_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fire after the other by the names of their triggers, each seeing what the one before moved."""

    def by_name(fires: Any) -> Any:
        return ([fire] for fire in sorted(fires, key=lambda fire: (fire[1].at, fire[0].name)))

    monkeypatch.setattr(rounds, "of_one_step", by_name)
    real = History.person_at
    monkeypatch.setattr(History, "person_at", lambda history, at, step=0: real(history, at))

    fails(checks_of("core/test_instants.py").test_renaming_all_triggers_changes_no_decision, hub)


@on_sqlite
def test_a_person_who_is_read_at_the_end_of_an_instant_is_seen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = History.person_at
    monkeypatch.setattr(History, "person_at", lambda history, at, step=0: real(history, at))

    fails(checks_of("core/test_instants.py").test_who_reads_the_person_as_they_were_when_it_happened, hub, "a")

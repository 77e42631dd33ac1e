"""Limits, waits and the index of triggers, broken on purpose: each test must see it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from breaking import checks_of, fails
from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store, trigger_waits
from kinline.decide import due, relevant_triggers, storms, waits
from kinline.followups import budget, guards
from kinline.hub import Hub
from kinline.triggers.conditions import combined
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = on_sqlite


def budgets(hub: Hub, inbox: AccountRef) -> Any:
    module = checks_of("core/test_budget.py")
    return module, module.Post(hub, inbox)


def test_a_budget_for_each_of_those_who_are_one_is_seen(
    hub: Hub, inbox: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, post = budgets(hub, inbox)
    monkeypatch.setattr(budget, "members", lambda session, root: [root])

    fails(module.test_those_who_are_one_have_one_budget, post)


def test_a_day_of_twenty_four_hours_only_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, post = budgets(hub, inbox)
    monkeypatch.setattr(budget, "midnight", lambda now, zone: now)

    fails(module.test_the_day_of_twenty_five_hours_is_one_day, post, time)


def test_a_week_without_end_is_seen(hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    module, post = budgets(hub, inbox)
    post.hub.settings.contact_budget_week = 1000

    fails(module.test_a_week_has_its_own_budget, post, time)


def test_a_budget_that_is_checked_before_the_claim_is_seen(
    hub: Hub, inbox: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others claim meanwhile does not count: the budget as it was when the messages were planned."""
    module, post = budgets(hub, inbox)
    automatic = tuple(guard for guard in guards._GUARDS[module.MARKETING] if guard is not budget.budget)
    monkeypatch.setitem(guards._GUARDS, module.MARKETING, automatic)

    fails(module.test_workers_that_claim_at_once_do_not_overspend, post)


def test_storms_of_decisions_that_pass_are_seen(hub: Hub, inbox: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    module = checks_of("api/test_waits_api.py")
    monkeypatch.setattr(storms, "within_limit", lambda hub, session, trigger, ruling, now, fired: ruling)
    with clock.frozen(module.NINE):
        world = module.World.__new__(module.World)
        world.hub, world.now, world.approval = hub, module.NINE, False

        fails(module.decision_storm, world)


def test_waits_that_are_lost_when_a_trigger_rests_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = checks_of("core/test_due.py")
    monkeypatch.setattr(trigger_store, "wake", lambda session, trigger: None)

    fails(module.test_what_falls_due_while_its_trigger_rests_is_met_once_and_not_again, hub, inbox, time)


def test_a_sweep_that_meets_a_resting_trigger_again_and_again_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = checks_of("core/test_due.py")
    monkeypatch.setattr(due, "_TO", "UPDATE wait SET reason = {p} WHERE id {in}")

    fails(module.test_what_falls_due_while_its_trigger_rests_is_met_once_and_not_again, hub, inbox, time)


def test_a_merge_that_closes_what_is_due_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = checks_of("core/test_due.py")
    keep = waits.keep
    monkeypatch.setattr(waits, "keep", lambda *given, fires: keep(*given))

    fails(module.test_a_merge_at_the_last_moment_takes_no_silence_away, hub, inbox, time)


@contextmanager
def worlds(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Callable[[bool], Any]]]:
    module = checks_of("core/test_concerned.py")
    yield module, module.asking.__wrapped__(monkeypatch)


def test_a_silence_whose_beginning_is_not_looked_for_is_seen(
    hub: Hub, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relevant_triggers, "_reach", lambda trigger: 0)
    with worlds(monkeypatch) as (module, asking):
        world = module.WORLDS["late news of what makes a silence theirs that was nobody's"]

        fails(module.same, hub, time, asking, *world)


def test_a_history_too_short_for_what_holds_is_seen(hub: Hub, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combined, "_memory", lambda part: 0)
    with worlds(monkeypatch) as (module, asking):
        world = module.WORLDS["a silence that holds since long before a move"]

        fails(module.same, hub, time, asking, *world)


def test_an_edit_of_a_text_that_ends_what_waits_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trigger_waits.discard
    monkeypatch.setattr(trigger_store, "discard", lambda session, trigger, but: real(session, trigger, but="another"))

    fails(checks_of("core/test_due.py").test_an_edit_that_leaves_the_condition_alone_keeps_what_waits, hub, inbox, time)

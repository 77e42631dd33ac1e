"""Experiments broken on purpose: what tells a lie about chance, or about how sure one may be, must be seen."""

import dataclasses
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from breaking import checks_of, fails
from kinline.accounts.connected import AccountRef
from kinline.experiments import assignment, intervals, results
from kinline.experiments.intervals import HitRate
from kinline.hub import Hub
from kinline.triggers import Trigger
from kinline.triggers.experiments import Experiment
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_an_interval_for_one_look_used_at_every_look_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def naive(one: HitRate, other: HitRate, alpha: float = 0.05) -> bool:
        low, high = intervals.newcombe(one, other)
        return low > 0 or high < 0

    monkeypatch.setattr(intervals, "settled", naive)
    module = checks_of("core/test_intervals.py")

    fails(module.test_looking_after_every_person_finds_nothing_where_nothing_is, 0.2, 5)


def test_one_number_for_both_choices_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variant drawn from the same number as the hold-out: who is nearly held out all get the first one."""

    def arm_of(experiment: Experiment, person: str) -> str:
        place = int.from_bytes(md5(f"{experiment.id}:{person}".encode()).digest()[:8], "big") / 2**64
        if place < experiment.held_out / 10_000:
            return "hold-out"
        names = list(experiment.arms)
        return names[int(place * len(names))]

    monkeypatch.setattr(Experiment, "arm_of", arm_of)
    module = checks_of("core/test_assignment.py")

    fails(module.test_a_hundred_thousand_persons_are_spread_as_the_odds_say, {"a": 1, "b": 1}, 1000)


def test_experiments_that_sort_people_alike_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[[Experiment, str], str] = Experiment.arm_of

    def alike(experiment: Experiment, person: str) -> str:
        return real(dataclasses.replace(experiment, id=""), person)

    monkeypatch.setattr(Experiment, "arm_of", alike)

    fails(checks_of("core/test_assignment.py").test_two_experiments_know_nothing_of_each_other)


@on_sqlite
def test_forgetting_who_was_given_what_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "given", lambda session, root, triggers: {})
    module = checks_of("core/test_experiments.py")

    fails(module.test_everybody_stays_where_they_are_whatever_the_odds_become, hub, inbox, time)


@on_sqlite
def test_counting_those_whose_time_is_not_over_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = results._arm
    monkeypatch.setattr(
        results, "_arm", lambda name, share, people, experiment, now: real(name, share, people, experiment, 2**62)
    )
    module = checks_of("core/test_experiments.py")

    fails(module.test_what_was_hoped_for_is_counted_when_the_time_is_over, hub, inbox, time)


@on_sqlite
def test_counting_what_came_too_late_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = results._look
    monkeypatch.setattr(
        results, "_look",
        lambda session, people, experiment, reader: real(
            session, people, dataclasses.replace(experiment, within=2 * experiment.within), reader
        ),
    )  # fmt: skip
    module = checks_of("core/test_experiments.py")

    fails(module.test_what_was_hoped_for_is_counted_when_the_time_is_over, hub, inbox, time)


@on_sqlite
def test_a_hold_out_that_is_written_to_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment.AssignedArm, "held_out", property(lambda arm: False))
    monkeypatch.setattr(Trigger, "acting", lambda trigger, arm: trigger)
    module = checks_of("core/test_experiments.py")

    fails(module.test_who_is_held_out_gets_nothing_and_the_decision_says_so, hub, inbox, time)

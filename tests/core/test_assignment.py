"""Who gets what is chance that anybody can compute again: even, for ever, and nothing to do with other experiments."""

import dataclasses
import hashlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinline.experiments.intervals import by_chance
from kinline.triggers import Trigger, read_trigger
from kinline.triggers.experiments import Experiment

PERSONS = [f"{number:032x}" for number in range(100_000)]
TEXT = """
name: {trigger}
about: Somebody wrote.
when: {{did: {{kind: message, direction: inbound}}}}
experiment:
  name: {name}
  {hold_out}
  variants: [{variants}]
  outcome: {{did: {{kind: order}}, within: 30d}}
"""


def trigger(weights: dict[str, int], hold_out: str = "10%", name: str = "tone", of: str = "ask") -> Trigger:
    variants = ", ".join(
        f"{{name: {variant}, weight: {weight}, do: [{{task: {{team: {variant}, title: Call}}}}]}}"
        for variant, weight in weights.items()
    )
    held = f"hold_out: {hold_out}" if hold_out else ""
    return read_trigger(TEXT.format(trigger=of, name=name, variants=variants, hold_out=held))


BASE = trigger({"a": 1, "b": 1}).experiment


def experiment(weights: dict[str, int], held_out: int = 1000, name: str = "tone", of: str = "ask") -> Experiment:
    assert BASE is not None
    return dataclasses.replace(BASE, id=f"{of}/{name}", held_out=held_out, arms=weights)


@pytest.mark.parametrize(("weights", "held_out"), [({"a": 1, "b": 1}, 1000), ({"a": 5, "b": 3, "c": 2}, 50)])
def test_a_hundred_thousand_persons_are_spread_as_the_odds_say(weights: dict[str, int], held_out: int) -> None:
    chosen = experiment(weights, held_out)

    counts = dict.fromkeys(chosen.odds, 0)
    for person in PERSONS:
        counts[chosen.arm_of(person)] += 1

    assert by_chance(list(counts.values()), list(chosen.odds.values())) > 0.001, counts


def test_two_experiments_know_nothing_of_each_other() -> None:
    # Given the same persons in another experiment of the trigger, and in one of another trigger
    one = experiment({"a": 1, "b": 1})
    for other in (experiment({"a": 1, "b": 1}, name="length"), experiment({"a": 1, "b": 1}, of="thank")):
        pairs = dict.fromkeys(product(one.odds, other.odds), 0)
        for person in PERSONS:
            pairs[one.arm_of(person), other.arm_of(person)] += 1

        # Then each pair of arms is as frequent as the two odds together say
        odds = [one.odds[first] * other.odds[second] for first, second in pairs]
        assert by_chance(list(pairs.values()), odds) > 0.001, pairs


@given(st.text(max_size=40))
def test_the_formula_is_the_one_that_is_written_down(person: str) -> None:
    number = int(hashlib.sha256(f"ask/tone:{person}".encode(errors="replace")).hexdigest(), 16)
    held_out = (number >> 192) / 2**64 < 0.10
    part = (number >> 128) % 2**64 / 2**64

    expected = "hold-out" if held_out else "a" if part < 0.25 else "b"

    assert experiment({"a": 1, "b": 3}).arm_of(person.encode(errors="replace").decode()) == expected


@given(st.uuids().map(lambda each: each.hex), st.integers(1, 9998), st.integers(1, 1000), st.integers(1, 1000))
def test_a_larger_hold_out_moves_nobody_between_variants(person: str, held: int, one: int, other: int) -> None:
    before, after = (experiment({"a": one, "b": other}, share).arm_of(person) for share in (held, held + 1))

    assert after in (before, "hold-out")


@given(st.uuids().map(lambda each: each.hex), st.integers(1, 1000), st.integers(1, 1000))
def test_a_heavier_variant_only_takes_from_the_others(person: str, one: int, other: int) -> None:
    before, after = (experiment({"a": weight, "b": other}).arm_of(person) for weight in (one, one + 1))

    assert after in (before, "a")


def test_without_variants_who_is_not_held_out_gets_what_there_is() -> None:
    text = TEXT.format(trigger="ask", name="tone", variants="", hold_out="hold_out: 50%")
    made = read_trigger(text + "do: [{task: {team: a, title: Call}}]\n")

    assert made.experiment is not None
    assert {made.experiment.arm_of(person) for person in PERSONS[:100]} == {"hold-out", "acted"}
    assert made.acting("acted") == made


def test_each_variant_does_its_own() -> None:
    made = trigger(dict.fromkeys((f"v{number}" for number in range(12)), 1))

    assert len(made.actions) == 12
    for name in ("v1", "v10", "v11"):
        assert [action.doing.team for action in made.acting(name).actions] == [name]  # type: ignore[union-attr]


def test_variants_that_are_only_compared_with_each_other_are_warned_about() -> None:
    [warning] = trigger({"a": 1, "b": 1}, hold_out="").warnings

    assert warning == "Without a `hold_out` its variants are compared with each other, and never with doing nothing."

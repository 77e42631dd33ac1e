"""An instant has steps, and names decide nothing: renaming all triggers, or writing them in another order, changes no decision.

What happened is step 0; what a trigger moves is one step later than what it moves it for; `who` reads the person as of the
event, at the fire's own step.
"""

from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.core.test_order_of_arrival import examples

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR, MINUTE
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity.persons import of_identity
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.testing.laws import empty
from kinline.words import Kind, Origin, Track, TriggerState
from settable import NINE, Time

SHOP = AccountRef("1" * 32, "email", "", "shop")
HALF = 30 * MINUTE
#: Each looks at what another moves, starts or stops, at the same moment. A name in braces is that of another.
TEXTS = {
    "marks": "when: {{did: {{kind: order}}}}\ndo: [{{tag: {{add: buyer}}}}, {{stage: {{track: business, to: customer}}}}]",
    "further": "when: {{did: {{kind: order, count: 2, within: 2d}}}}\ndo: [{{stage: {{track: business, to: loyal}}}}]",
    "nearer": "when: {{did: {{kind: [order, message]}}}}\nwho: \"business == 'none'\"\n"
    "do: [{{stage: {{track: business, to: prospect}}}}]",
    "known": "when: {{did: {{kind: order}}}}\nwho: \"'buyer' in tags\"\ndo: [{{task: {{team: a, title: A}}}}]",
    "unknown": "when: {{did: {{kind: order}}}}\nwho: \"!('buyer' in tags)\"\ndo: [{{task: {{team: a, title: A}}}}]",
    "came": "when: {{stage: {{track: business, to: [prospect, customer]}}}}\n"
    "do: [{{tag: {{add: came, remove: buyer}}}}, {{start: {{trigger: {welcome}}}}}]",
    "welcome": "when: {{did: {{kind: message, count: 2, within: 1d}}}}\nwho: \"business != 'none'\"\n"
    "do: [{{wait: 2h}}, {{task: {{team: a, title: W}}}}]\nlimits: {{once_per: 2d}}",
    "ends": "when: {{did: {{kind: message}}}}\ndo: [{{stop: {{trigger: {waits}}}}}, {{stop: {{trigger: {welcome}}}}}]",
    "waits": "when: {{silence: {{of: us, after: {{kind: message}}, for: 3h}}}}\ndo: [{{task: {{team: a, title: S}}}}]",
    "quiet": "when: {{silence: {{of: them, for: 1d}}}}\nwho: \"'came' in tags\"\n"
    "do: [{{tag: {{remove: came}}}}, {{stage: {{track: business, to: lapsing, if: \"business == 'customer'\"}}}}]",
}  # fmt: skip
DONE = st.tuples(
    st.integers(1, 60).map(lambda halves: halves * HALF),  # when: often several at one instant
    st.sampled_from([0, 0, 0, 0, 90 * MINUTE, DAY]),  # how late it came
    st.sampled_from([ANN, ANN, BEN]),
    st.sampled_from([Kind.ORDER, Kind.ORDER, Kind.MESSAGE]),
    st.sampled_from([Origin.LIVE, Origin.LIVE, Origin.IMPORT]),
)
LIVES = st.lists(DONE, min_size=2, max_size=10)


def decisions(hub: Hub, lived: list[Any], names: dict[str, str], order: list[str]) -> tuple[list[Any], ...]:
    """Live through it with these triggers, under these names, written in this order: all that was decided and moved."""
    empty(hub.store)
    time = Time()
    with clock.frozen(time):
        with hub.store.write() as session:
            session.add(Account(id=SHOP.id, channel="email", name=SHOP.name, created_at=NINE))
        for each in sorted(
            order, key=lambda each: "{" in TEXTS[each].replace("{{", "")
        ):  # what others name comes first
            put_live(hub, names[each], TEXTS[each].format(**names))
        coming = [
            (at + late, partial(arrives, hub, number, what))
            for number, what in enumerate(lived)
            for at, late, *_ in [what]
        ]
        for at, happens in sorted(coming, key=lambda each: each[0]):
            wait_until(hub, time, NINE + at)
            happens()
            handlers.drain(hub)
        wait_until(hub, time, NINE + 5 * DAY)
    return told(hub, {name: each for each, name in names.items()})


def put_live(hub: Hub, name: str, text: str) -> None:
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, f"name: {name}\nabout: A test.\n{text}\n", made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")


def told(hub: Hub, meant: dict[str, str]) -> tuple[list[Any], ...]:
    """By the trigger that is meant, whatever it is called. What another started has the id of that decision in its key."""
    asked = (
        "SELECT t.name, d.person_id, d.at, d.decided_at, d.verdict, "
        "CASE WHEN substr(d.once_key, 1, 8) = 'started:' THEN '' ELSE d.once_key END FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id",
        "SELECT made_by, person_id, stage, at, step FROM stage",
        "SELECT made_by, person_id, tag, present, at, step FROM tag",
        "SELECT t.name, w.person_id, w.episode, w.due_at, w.state FROM wait w JOIN trigger_rule t ON t.id = w.trigger_id",
        "SELECT t.name, s.person_id, s.due_at, s.state FROM step s JOIN trigger_rule t ON t.id = s.trigger_id",
        "SELECT title, person_id, created_at FROM task",
    )  # fmt: skip
    with hub.store.read() as session:
        return tuple(
            sorted((meant.get(row[0].removeprefix("trigger:"), row[0]), *row[1:]) for row in sql.run(session, each))
            for each in asked
        )


def arrives(hub: Hub, number: int, what: Any) -> None:
    at, _, author, kind, origin = what
    said = InteractionFactory.build(
        source_id=str(number), author=author, kind=kind, occurred_at=clock.to_datetime(NINE + at)
    )
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=SHOP, what=said, arrived_at=clock.now(), origin=origin)])


def wait_until(hub: Hub, time: Time, then: int) -> None:
    """Let time pass, stopping whenever something falls due."""
    while True:
        with hub.store.read() as session:
            [(due,)] = sql.run(
                session,
                "SELECT min(at) FROM (SELECT due_at AS at FROM wait WHERE state = 'armed' "
                "UNION ALL SELECT run_at FROM job WHERE state = 'pending') AS coming WHERE at < {p}",
                then,
            )
        if due is None:
            time.now = then
            return
        time.now = max(due, time.now)
        handlers.drain(hub)


def test_renaming_all_triggers_changes_no_decision(hub: Hub) -> None:
    # Given triggers as they are called, and in the order in which they were written
    plain, written = {each: each for each in TEXTS}, sorted(TEXTS)

    @settings(examples(hub, on_sqlite=15, on_postgresql=3), phases=[Phase.explicit, Phase.generate])
    @given(LIVES, st.integers(0, 2**16))
    def decided_the_same(lived: list[Any], seed: int) -> None:
        # When all get other names, which sort otherwise, and are written in another order
        dice = Random(seed)
        letters, shuffled = dice.sample("abcdefghijklmnopqrstuvwxyz", len(TEXTS)), dice.sample(written, len(written))
        others = {each: f"{letter}-{each}" for letter, each in zip(letters, written, strict=True)}

        # Then all is decided, moved, waited for and done as before
        before = decisions(hub, lived, plain, written)
        assert decisions(hub, lived, others, shuffled) == before

    decided_the_same()


@pytest.mark.parametrize("first", ["a", "z"])
def test_who_reads_the_person_as_they_were_when_it_happened(hub: Hub, first: str) -> None:
    # Given a trigger that marks who orders, and one for those who are marked
    time = Time()
    empty(hub.store)
    with clock.frozen(time):
        with hub.store.write() as session:
            session.add(Account(id=SHOP.id, channel="email", name=SHOP.name, created_at=NINE))
        put_live(hub, f"{first}-marks", "when: {did: {kind: order}}\ndo: [{tag: {add: buyer}}]")
        put_live(
            hub, "m-known", "when: {did: {kind: order}}\nwho: \"'buyer' in tags\"\ndo: [{task: {team: a, title: A}}]"
        )

        # When they order twice
        for number in range(2):
            time.now += HOUR
            arrives(hub, number, (time.now - NINE, 0, ANN, Kind.ORDER, Origin.LIVE))
            handlers.drain(hub)

    # Then they were known at the second, whatever the triggers are called
    with hub.store.read() as session:
        assert sql.run(session, "SELECT created_at FROM task") == [(time.now,)]


def test_on_one_track_and_step_the_furthest_stage_stands(hub: Hub) -> None:
    # Given three triggers that move who orders, each elsewhere, and one for whoever comes to where only one moves them
    empty(hub.store)
    with clock.frozen(Time()):
        with hub.store.write() as session:
            session.add(Account(id=SHOP.id, channel="email", name=SHOP.name, created_at=NINE))
        for name, stage in (("a", "loyal"), ("b", "prospect"), ("c", "customer")):
            put_live(hub, name, f"when: {{did: {{kind: order}}}}\ndo: [{{stage: {{track: business, to: {stage}}}}}]")
        for stage in ("prospect", "loyal"):
            put_live(
                hub,
                stage,
                f"when: {{stage: {{track: business, to: {stage}}}}}\ndo: [{{task: {{team: a, title: {stage}}}}}]",
            )

        arrives(hub, 0, (0, 0, ANN, Kind.ORDER, Origin.LIVE))
        handlers.drain(hub)

    # Then they are where it is furthest, and were nowhere else
    with hub.store.read() as session:
        assert load_history.stages(session, of_identity(session, ANN.id))[Track.BUSINESS] == "loyal"
        assert sql.run(session, "SELECT title FROM task") == [("loyal",)]
        assert sql.run(session, "SELECT DISTINCT step FROM stage") == [(1,)]


def test_what_follows_from_a_move_is_a_step_later(hub: Hub) -> None:
    # Given a chain of moves at one instant
    empty(hub.store)
    with clock.frozen(Time()):
        with hub.store.write() as session:
            session.add(Account(id=SHOP.id, channel="email", name=SHOP.name, created_at=NINE))
        put_live(hub, "one", "when: {did: {kind: order}}\ndo: [{stage: {track: business, to: lead}}]")
        put_live(
            hub, "two", "when: {stage: {track: business, to: lead}}\ndo: [{stage: {track: business, to: customer}}]"
        )
        put_live(
            hub,
            "three",
            "when: {stage: {track: business, to: customer}}\nwho: \"'new' in tags\"\ndo: [{tag: {add: three}}]",
        )
        put_live(hub, "four", "when: {stage: {track: business, to: lead}}\ndo: [{tag: {add: new}}]")

        arrives(hub, 0, (0, 0, ANN, Kind.ORDER, Origin.LIVE))
        handlers.drain(hub)

    # Then each stands a step after what it was moved for
    with hub.store.read() as session:
        assert sql.run(session, "SELECT stage, step FROM stage ORDER BY step") == [("lead", 1), ("customer", 2)]
        assert sql.run(session, "SELECT tag, step FROM tag ORDER BY step") == [("new", 2), ("three", 3)]

"""Asking only the triggers that news concern, and those that wait, decides what asking all of them decides."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.catalogue.trigger_store import Active
from kinline.clock import HOUR
from kinline.decide import evaluations, facts, relevant_triggers
from kinline.decide.relevant_triggers import Index
from kinline.errors import KinlineError
from kinline.hub import Hub
from kinline.identity import attributes, merges, persons
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.testing.laws import empty
from kinline.words import Kind, Track, TriggerState
from settable import NINE, Time

EXAMPLES = 8 * int(os.environ.get("KINLINE_TEST_ROUNDS", "1"))
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TASK = "do: [{task: {team: t, title: Look}}]\nlimits: {lateness: 3d}"
TAG = "do: [{tag: {add: seen}}]"
#: Each looks at something else, or depends on what another does.
CONDITIONS = [
    ("{did: {kind: comment}}", "", TASK),
    ("{did: {kind: order, channel: shop}}", "", TAG),
    ("{did: {kind: order, count: 2, within: 3d}}", "", TASK),
    ("{did: {kind: order}}", "", "do: [{stage: {track: business, to: customer}}]"),
    ("{silence: {of: us, after: {kind: message}, for: 2h}}", "", TASK),
    ("{silence: {of: them, after: {kind: message, direction: outbound}, for: 1d}}", "business == 'customer'", TASK),
    ("{silence: {of: anyone, after: {kind: order}, for: 5h, rearm: last}}", "", TAG),
    ("{sequence: {steps: [{kind: message}, {kind: order}], within: 2d}}", "", TASK),
    ("{all: [{did: {kind: order}}, {not: {did: {kind: message, count: 1}}}]}", "", TASK),
    ("{all: [{silence: {of: them, after: {kind: message}, for: 8h}}, {stage: {track: business, to: customer}}]}", "", TASK),
    ("{any: [{did: {kind: follow}}, {silence: {of: us, after: {kind: comment}, for: 12h}}]}", "'seen' in tags", TASK),
    ("{stage: {track: business, to: customer}}", "", TAG),
    ("{stage: {track: business, to: [customer, lead], for: 1d}}", "", TASK),
    ("{time: {attribute: renewal, before: 1d}}", "", TASK),
    ("{did: {kind: comment}}", "'seen' in tags", "do: [{task: {team: t, title: Look}}]\nlimits: {once_per: person}"),
]  # fmt: skip


def trigger(number: int, edition: int = 0) -> str:
    when, who, rest = CONDITIONS[number]
    asked = f'who: "{who}"\n' if who else ""
    return f"name: t{number}\nabout: Edition {edition}.\nwhen: {when}\n{asked}{rest}\n"


Step = tuple[str, Any]
PEOPLE = st.sampled_from([ANN, BEN])
DOINGS = st.tuples(
    PEOPLE, st.sampled_from(["message", "comment", "order", "follow", "outbound"]), st.sampled_from(["email", "shop"])
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("happens"), st.tuples(DOINGS, st.integers(0, 40))),
    st.tuples(st.just("happens"), st.tuples(DOINGS, st.just(0))),
    st.tuples(st.just("passes"), st.integers(1, 30)),
    st.tuples(st.just("passes"), st.integers(1, 30)),
    st.tuples(st.just("looks"), st.tuples(st.integers(0, len(CONDITIONS) - 1), st.sampled_from(["live", "paused"]))),
    st.tuples(st.just("edited"), st.tuples(st.integers(0, len(CONDITIONS) - 1), st.integers(1, 3))),
    st.tuples(st.just("moved"), st.tuples(PEOPLE, st.sampled_from(["lead", "customer", "prospect"]))),
    st.tuples(st.just("known"), st.tuples(PEOPLE, st.sampled_from(["2026-03-04", "2026-03-06", "soon"]))),
    st.tuples(st.sampled_from(["joined", "parted"]), st.none()),
)  # fmt: skip


class World:
    """A hub in which things happen."""

    def __init__(self, hub: Hub, time: Time, at_first: set[int]) -> None:
        self.hub, self.time, self.number = hub, time, 0
        empty(hub.store)
        time.now = NINE
        with hub.store.write() as session:
            self.accounts = {
                name: connected.connect(session, hub.secret, channel, name, {"address": f"{name}@hub.example"} if channel == "email" else {})
                for name, channel in (("email", "email"), ("shop", "support"))
            }  # fmt: skip
            for number in range(len(CONDITIONS)):
                trigger_store.save(session, trigger(number), made_by="Cleo", override="a test")
                if number in at_first:
                    trigger_store.set_state(session, f"t{number}", TriggerState.LIVE, override="a test")

    def run(self, steps: list[Step]) -> None:
        for word, about in steps:
            try:
                getattr(self, word)(about)
            except KinlineError:  # joined already, nobody there, in that state already
                continue
            handlers.drain(self.hub)

    def happens(self, given: Any) -> None:
        (who, doing, where), late = given
        self.number += 1
        at = clock.to_datetime(self.time.now) - timedelta(hours=late)
        what: dict[str, Any] = {"author": who, "occurred_at": at, "source_id": f"{where}-{self.number}"}
        what |= {"ours": True} if doing == "outbound" else {"kind": Kind(doing)}
        self._record(self.accounts[where], InteractionFactory.build(**what))

    def _record(self, account: AccountRef, what: Interaction) -> None:
        with self.hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=account, what=what, arrived_at=self.time.now)])

    def passes(self, hours: int) -> None:
        self.time.now += hours * HOUR

    def looks(self, given: Any) -> None:
        with self.hub.store.write() as session:
            trigger_store.set_state(session, f"t{given[0]}", TriggerState(given[1]), override="a test")

    def edited(self, given: Any) -> None:
        with self.hub.store.write() as session:
            trigger_store.save(session, trigger(*given), made_by="Cleo", override="a test")

    def moved(self, given: Any) -> None:
        with self.hub.store.write() as session:
            facts.move(session, persons.find(session, str(given[0])), Track.BUSINESS, given[1], by="Cleo")

    def known(self, given: Any) -> None:
        with self.hub.store.write() as session:
            persons.find(session, str(given[0]))
            attributes.state(session, given[0].id, "renewal", given[1], source="Cleo")

    def joined(self, _: None) -> None:
        with self.hub.store.write() as session:
            one, other = (persons.find(session, str(who)) for who in (ANN, BEN))
            merges.merge(session, one, other, evidence={}, made_by="Cleo")

    def parted(self, _: None) -> None:
        with self.hub.store.write() as session:
            rows = sql.run(session, "SELECT id FROM merge_log WHERE undone_at IS NULL")
            for (line,) in rows:
                merges.undo(session, line, made_by="Cleo")

    def decided(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that deciding wrote, but when."""
        asked = {
            "decisions": "SELECT trigger_id, version, once_key, verdict, reason, at, person_id FROM decision",
            "waits": "SELECT trigger_id, version, episode, due_at, state, reason, person_id FROM wait",
            "stages": "SELECT track, stage, at, person_id FROM stage WHERE decision_id IS NOT NULL",
            "tags": "SELECT tag, present, at, person_id FROM tag",
            "tasks": "SELECT decision_id, person_id FROM task",
        }
        with self.hub.store.read() as session:
            return {name: sorted(sql.run(session, statement)) for name, statement in asked.items()}


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], dict[str, int]]:
    """Switch between asking all triggers and asking those concerned, and count what was asked."""
    counts = {"asked": 0, "all": 0}

    def switch(everybody: bool) -> dict[str, int]:
        def asked(session: Any, index: Index, people: Any) -> dict[str, list[Active]]:
            every = dict.fromkeys(people, index.triggers)
            found = every if everybody else relevant_triggers.concerned(session, index, people)
            counts["asked"] += sum(len(triggers) for triggers in found.values())
            counts["all"] += sum(len(triggers) for triggers in every.values())
            return found

        monkeypatch.setattr(evaluations, "concerned", asked)
        return counts

    return switch


def same(hub: Hub, time: Time, asking: Callable[[bool], Any], at_first: set[int], steps: list[Step]) -> None:
    found = []
    for everybody in (True, False):
        asking(everybody)
        world = World(hub, time, at_first)
        world.run(steps)
        found.append(world.decided())
    for name, expected in found[0].items():
        assert found[1][name] == expected, name


@on_sqlite
def test_whom_news_concern_is_enough(hub: Hub, time: Time, asking: Callable[[bool], Any]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(st.sets(st.integers(0, len(CONDITIONS) - 1)), st.lists(STEPS, max_size=14))
    def law(at_first: set[int], steps: list[Step]) -> None:
        same(hub, time, asking, at_first, steps)

    law()


ALL = set(range(len(CONDITIONS)))
WORLDS: dict[str, tuple[set[int], list[Step]]] = {
    "a clock that started before its trigger looked": (
        ALL - {4}, [("happens", ((ANN, "message", "email"), 0)), ("looks", (4, "live")), ("happens", ((ANN, "follow", "email"), 0)), ("passes", 3)],
    ),
    "a move that brings others about": (
        ALL, [("happens", ((ANN, "message", "email"), 0)), ("happens", ((ANN, "order", "email"), 0)), ("passes", 9), ("passes", 30)],
    ),
    "joined while somebody waits": (
        ALL, [("happens", ((ANN, "message", "email"), 0)), ("happens", ((BEN, "comment", "shop"), 0)), ("joined", None), ("passes", 3), ("parted", None), ("passes", 30)],
    ),
    "late news of a silence that is over": (
        ALL, [("happens", ((ANN, "message", "email"), 0)), ("passes", 1), ("happens", ((ANN, "outbound", "email"), 0)), ("passes", 9), ("happens", ((ANN, "comment", "shop"), 10)), ("passes", 20)],
    ),
    "late news of what makes a silence theirs that was nobody's": (
        {6, 10}, [("happens", ((ANN, "comment", "email"), 7)), ("passes", 20), ("happens", ((ANN, "order", "email"), 21)), ("passes", 1)],
    ),
    "a silence that holds since long before a move": (
        {2, 9}, [("happens", ((ANN, "message", "email"), 0)), ("passes", 30), ("passes", 30), ("moved", (ANN, "customer"))],
    ),
    "paused, and going on": (
        ALL, [("happens", ((ANN, "message", "email"), 0)), ("looks", (4, "paused")), ("passes", 5), ("looks", (4, "live")), ("happens", ((ANN, "follow", "email"), 0))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_worlds_in_which_it_could_make_a_difference(
    hub: Hub, time: Time, asking: Callable[[bool], Any], name: str
) -> None:
    same(hub, time, asking, *WORLDS[name])


def test_only_what_news_concern_is_asked(hub: Hub, time: Time, asking: Callable[[bool], dict[str, int]]) -> None:
    # Given triggers that looked at nothing but orders and comments for a month
    counts, world = asking(False), World(hub, time, {0, 1, 2, 3, 8})
    # When somebody comments
    world.happens(((ANN, "comment", "email"), 0))
    handlers.drain(hub)

    # Then only the one that looks at comments was asked
    assert counts == {"asked": 1, "all": 5}

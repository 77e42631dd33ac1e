"""A set of persons is decided about as each of them would be alone, in any order, and in few statements."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.test_concerned import CONDITIONS, World
from tests.core.test_deciding import live, rows
from tests.core.test_order_of_arrival import examples

from costs import overheard
from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.clock import HOUR
from kinline.decide import person
from kinline.decide.person import JOB
from kinline.errors import KinlineError
from kinline.handles import Handle
from kinline.history import load_many
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.jobs import queue
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, CLEO, InteractionFactory, RecordingFactory
from kinline.words import HandleType, Kind
from settable import Time

DORA, EVE = (Handle(HandleType.EMAIL, f"{name}@example.org") for name in ("dora", "eve"))
PEOPLE = st.sampled_from([ANN, BEN, CLEO, DORA, EVE])
DOINGS = st.tuples(
    PEOPLE, st.sampled_from(["message", "comment", "order", "follow", "outbound"]), st.sampled_from(["email", "shop"])
)
HAPPENS = st.tuples(st.just("happens"), st.tuples(DOINGS, st.sampled_from([0, 0, 1, 9, 40])))
OTHERS = st.one_of(
    st.tuples(st.just("passes"), st.integers(1, 30)),
    st.tuples(st.just("moved"), st.tuples(PEOPLE, st.sampled_from(["lead", "customer", "prospect"]))),
    st.tuples(st.just("known"), st.tuples(PEOPLE, st.sampled_from(["2026-03-04", "2026-03-06"]))),
    st.tuples(st.just("looks"), st.tuples(st.integers(0, len(CONDITIONS) - 1), st.sampled_from(["live", "paused"]))),
    st.tuples(st.sampled_from(["joined", "parted"]), st.none()),
)
LIVES = st.lists(st.one_of(HAPPENS, HAPPENS, HAPPENS, OTHERS), min_size=3, max_size=25)
SHOP = """
name: orders
about: A test.
when: {did: {kind: order}}
do: [{task: {team: care, title: Look}}]
limits: {per_hour: 2}
"""
#: The claim and its commit, and the end of the job, come to these.
STATEMENTS = 26
Work = Callable[[Hub], None]


def in_sets(hub: Hub) -> None:
    handlers.drain(hub)


def one_by_one(hub: Hub, *, backwards: bool = False) -> None:
    """Take each person's job alone, then all other work, until nothing is left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(handlers.TOGETHER, JOB, 1)
        while jobs := planned(hub):
            for job in reversed(jobs) if backwards else jobs:
                handlers.work(hub, job)
        handlers.drain(hub)


def planned(hub: Hub) -> list[str]:
    """The jobs of deciding that are due, in the order in which they were planned."""
    handlers.plan_due(hub)
    with hub.store.read() as session:
        due = queue.due(session, 1000, wake_again_after=0, now=clock.now())
    return [job for job, actor in due if actor == JOB]


def lived(hub: Hub, time: Time, life: list[tuple[str, Any]], work: Work) -> dict[str, list[tuple[Any, ...]]]:
    """What was decided in a life in which work is done whenever time passes."""
    world = World(hub, time, set(range(len(CONDITIONS))))
    for word, about in [*life, ("passes", 30), ("passes", 30)]:
        if word == "passes":
            work(hub)
        try:
            getattr(world, word)(about)
        except KinlineError:  # joined already, nobody there, in that state already
            continue
    work(hub)
    return world.decided()


def test_a_set_of_many_decides_what_many_sets_of_one_decide(hub: Hub, time: Time) -> None:
    @examples(hub, on_sqlite=12, on_postgresql=3)
    @given(LIVES)
    def law(life: list[tuple[str, Any]]) -> None:
        together = lived(hub, time, life, in_sets)
        for work in (one_by_one, partial(one_by_one, backwards=True)):
            alone = lived(hub, time, life, work)
            for name, expected in alone.items():
                assert together[name] == expected, name

    law()


def crowd(count: int) -> Iterator[Handle]:
    return (Handle(HandleType.EMAIL, f"c{number}@crowd.example") for number in range(count))


def orders(hub: Hub, inbox: AccountRef, *people: Handle) -> None:
    """Each of them orders; nobody is decided about yet."""
    said = [
        InteractionFactory.build(author=who, kind=Kind.ORDER, source_id=f"order of {who} at {clock.now()}")
        for who in people
    ]
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in said])


def together(hub: Hub, *people: Handle) -> set[str]:
    """Decide about these at once, as whoever has claimed their jobs does. Returns those who are left."""
    with hub.store.write() as session:
        sql.run(session, "DELETE FROM job WHERE actor = {p}", JOB)
    return person.decide_together(hub, [(who.id, None) for who in people], also=lambda session, names: None)


def test_a_set_needs_as_many_statements_as_one_person(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the shipped life cycle, and thirty-two who ordered for the first time
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
    people = list(crowd(32))
    orders(hub, inbox, *people)

    # When they are decided about together
    heard = overheard(monkeypatch)
    left = together(hub, *people)
    monkeypatch.undo()

    # Then it took few statements, and all of them are customers
    assert left == set()
    assert len(heard) <= STATEMENTS, "\n".join(statement for statement, _ in heard)
    assert rows(hub, "SELECT count(*) FROM stage WHERE stage = 'customer'") == [(32,)]


def test_who_cannot_be_decided_about_fails_alone(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given ten who ordered, one of whom makes deciding fail
    live(hub, SHOP.replace("2", "100"))
    people = list(crowd(10))
    orders(hub, inbox, *people)
    real = person._evaluate

    def failing(each: Any, *more: Any) -> Any:
        if people[6].id in each.held.identities:
            raise ValueError("a bad one")
        return real(each, *more)

    monkeypatch.setattr(person, "_evaluate", failing)

    # When a worker takes their jobs together
    handlers.work(hub, planned(hub)[0])

    # Then the nine others were decided about, and its own job says what was wrong
    assert rows(hub, "SELECT count(*) FROM decision") == [(9,)]
    assert rows(hub, "SELECT key, error FROM job WHERE actor = 'person.decide'") == [
        (f"person.decide:{people[6].id}", "ValueError: a bad one")
    ]


def test_a_trigger_that_pauses_itself_is_not_asked_about_the_rest_of_the_set(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    # Given a trigger that may fire twice an hour, and seven who order at once
    live(hub, SHOP)
    orders(hub, inbox, *crowd(7))

    handlers.drain(hub)

    # Then it fired twice, was stopped at the third, and looked at nobody any more
    assert sorted(rows(hub, "SELECT verdict FROM decision")) == [("fired",), ("fired",), ("skipped",)]
    assert rows(hub, "SELECT state FROM trigger_rule") == [("paused",)]


@pytest.mark.parametrize("meanwhile", ["joined", "more news"])
def test_who_is_another_one_meanwhile_is_decided_about_alone(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    # Given Ann, Ben and Cleo, who ordered
    live(hub, SHOP.replace("per_hour: 2", "once_per: person"))
    orders(hub, inbox, ANN, BEN, CLEO)
    real = person._evaluated

    def evaluated(*given: Any) -> Any:
        """Between reading and writing Ann and Ben are joined, or both order once more."""
        monkeypatch.undo()
        if meanwhile == "joined":
            with hub.store.write() as session:
                one, other = (persons.find(session, str(who)) for who in (ANN, BEN))
                merges.merge(session, one, other, evidence={}, made_by="Cleo")
        else:
            time.now += HOUR
            orders(hub, inbox, ANN, BEN)
        return real(*given)

    monkeypatch.setattr(person, "_evaluated", evaluated)

    # When they are decided about together
    left = together(hub, ANN, BEN, CLEO)

    # Then only Cleo was; and when the others' turn comes, there is one decision for each person
    assert left == {ANN.id, BEN.id}
    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]
    for name in sorted(left):
        person.decide(hub, name, None)
    handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM decision") == [(2 if meanwhile == "joined" else 3,)]


def test_histories_that_are_too_long_together_are_read_alone(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a hub that holds two lines in memory at once, and three people with one line each
    live(hub, SHOP.replace("2", "100"))
    orders(hub, inbox, ANN, BEN, CLEO)
    monkeypatch.setattr(load_many, "LINES", 2)

    left = together(hub, ANN, BEN, CLEO)

    # Then two were decided about, and the third is left
    assert len(left) == 1
    assert rows(hub, "SELECT count(*) FROM decision") == [(2,)]

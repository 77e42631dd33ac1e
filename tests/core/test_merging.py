"""Merging and undoing: by edges alone, exact, in any order, at the same cost for everybody."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from kinline import clock
from kinline.accounts.connected import AccountRef
from kinline.errors import Conflict, Invalid, NotFound
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.record.batch import record_batch
from kinline.store import Store, sql
from kinline.store.models import Account
from kinline.testing.bulk import many_interactions
from kinline.testing.factories import ANN, BEN, CLEO, MORNING, InteractionFactory, RecordingFactory, minutes
from kinline.testing.laws import empty, people_are_whole, timelines
from kinline.timeline.reading import everything
from kinline.words import HandleType

INBOX = AccountRef("1" * 32, "email", "", "inbox")
PEOPLE = [
    ANN, BEN, CLEO,
    Handle(HandleType.EMAIL, "ann@home.example"),
    Handle(HandleType.PHONE, "+34911234567"),
    Handle(HandleType.URL, "https://cleo.example/blog"),
    Handle(HandleType.EXTERNAL, "42", "shop"),
]  # fmt: skip


def connect(store: Store) -> None:
    with store.write() as session:
        session.add(Account(id=INBOX.id, channel="email", name="inbox", created_at=clock.now()))


def writes(store: Store, who: Handle, number: int) -> None:
    what = InteractionFactory.build(source_id=f"m{number}", author=who, occurred_at=MORNING + minutes(number))
    with store.write() as session:
        record_batch(session, [RecordingFactory.build(account=INBOX, what=what)])


def person_of(store: Store, who: Handle) -> str:
    """The person this handle made when it was first met."""
    with store.read() as session:
        return persons.holder_of(session, who.id)


def merge(store: Store, one: str, other: str) -> str:
    with store.write() as session:
        return merges.merge(session, one, other, evidence={"why": "test"}, made_by="Cleo").id


def undo(store: Store, merge_id: str) -> None:
    with store.write() as session:
        merges.undo(session, merge_id, made_by="Cleo")


class World(RuleBasedStateMachine):
    """The real store against a dict: persons, edges between them, and what was said not to be the same."""

    store: Store
    merged = Bundle("merged")

    def __init__(self) -> None:
        super().__init__()
        empty(self.store)
        connect(self.store)
        self.said: dict[str, list[str]] = {}
        self.edges: dict[str, tuple[str, str]] = {}
        self.apart: set[tuple[str, str]] = set()
        self.number = 0
        for who in PEOPLE:
            self.hear(who)
        self.home = {person_of(self.store, who): who for who in PEOPLE}
        self.alone = timelines(self.store)

    def hear(self, who: Handle) -> None:
        writes(self.store, who, self.number)
        self.said.setdefault(str(who), []).append(f"m{self.number}")
        self.number += 1

    def group(self, person: str) -> set[str]:
        found, more = {person}, True
        while more:
            grown = found | {p for edge in self.edges.values() if found & set(edge) for p in edge}
            more, found = grown != found, grown
        return found

    def kept_apart(self, one: str, other: str) -> bool:
        left, right = self.group(one), self.group(other)
        return any((a in left and b in right) or (a in right and b in left) for a, b in self.apart)

    @rule(who=st.sampled_from(PEOPLE))
    def somebody_writes(self, who: Handle) -> None:
        self.hear(who)
        self.alone = {}

    @rule(target=merged, one=st.integers(0, len(PEOPLE) - 1), other=st.integers(0, len(PEOPLE) - 1))
    def somebody_merges(self, one: int, other: int) -> str:
        left, right = list(self.home)[one], list(self.home)[other]
        together = right in self.group(left)
        if together or self.kept_apart(left, right):
            with pytest.raises((Conflict, Invalid)):
                merge(self.store, left, right)
            return ""
        found = merge(self.store, left, right)
        self.edges[found] = (left, right)
        return found

    @rule(merge_id=merged)
    def somebody_undoes(self, merge_id: str) -> None:
        if merge_id not in self.edges:
            with pytest.raises((Conflict, NotFound)):
                undo(self.store, merge_id)
            return
        undo(self.store, merge_id)
        del self.edges[merge_id]

    @rule(one=st.integers(0, len(PEOPLE) - 1), other=st.integers(0, len(PEOPLE) - 1))
    def somebody_says_they_are_two(self, one: int, other: int) -> None:
        low, high = sorted((list(self.home)[one], list(self.home)[other]))
        with self.store.write() as session:
            if high in self.group(low):
                with pytest.raises(Conflict):
                    merges.keep_apart(session, low, high, made_by="Cleo")
                return
            merges.keep_apart(session, low, high, made_by="Cleo")
        self.apart.add((low, high))

    @precondition(lambda self: self.apart)
    @rule()
    def somebody_takes_that_back(self) -> None:
        low, high = min(self.apart)
        with self.store.write() as session:
            merges.let_join(session, low, high)
        self.apart.remove((low, high))

    @invariant()
    def everybody_is_whole(self) -> None:
        people_are_whole(self.store)

    @invariant()
    def a_timeline_is_the_union_of_what_its_people_said(self) -> None:
        shown = timelines(self.store)
        for person, who in self.home.items():
            group = self.group(person)
            count = sum(len(self.said[str(self.home[each])]) for each in group)
            assert len(shown[str(who)]) == len(set(shown[str(who)])) == count

    @invariant()
    def old_ids_answer_for_ever(self) -> None:
        with self.store.read() as session:
            roots = {person: persons.root_of(session, person) for person in self.home}
        for person in self.home:
            assert {roots[each] for each in self.group(person)} == {roots[person]}

    @invariant()
    def undone_is_as_it_was(self) -> None:
        if not self.edges and self.alone:
            assert timelines(self.store) == self.alone


@pytest.fixture
def world(hub: Hub) -> type[World]:
    return type("WorldOfThisHub", (World,), {"store": hub.store})


def test_random_merges_and_undoings_do_as_a_dict_does(hub: Hub, world: type[World]) -> None:
    examples, steps = (25, 20) if hub.store.dialect == "sqlite" else (5, 15)
    run_state_machine_as_test(
        world,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def people(hub: Hub) -> list[str]:
    """Four who wrote once each."""
    connect(hub.store)
    for number, who in enumerate(PEOPLE[:4]):
        writes(hub.store, who, number)
    return [person_of(hub.store, who) for who in PEOPLE[:4]]


def test_undoing_in_another_order_leaves_what_other_merges_hold(hub: Hub, people: list[str]) -> None:
    # Given three merges in a row
    before = timelines(hub.store)
    first, second, third = (merge(hub.store, people[n], people[n + 1]) for n in range(3))

    # When the middle one is undone
    undo(hub.store, second)

    # Then there are two pairs
    with hub.store.read() as session:
        roots = [persons.root_of(session, person) for person in people]
    assert roots[0] == roots[1] != roots[2] == roots[3]

    # And when the others are undone too, everything is as it was
    undo(hub.store, first)
    undo(hub.store, third)
    assert timelines(hub.store) == before


def test_what_came_in_between_goes_to_whoever_it_was_from(hub: Hub, people: list[str]) -> None:
    # Given Ann and Ben joined
    joined = merge(hub.store, people[0], people[1])

    # When Ben writes, and they are parted
    writes(hub.store, BEN, 100)
    undo(hub.store, joined)

    # Then it is Ben's, and Ann has what she had
    shown = timelines(hub.store)
    assert (len(shown["email:ann@example.org"]), len(shown["email:ben@example.org"])) == (1, 2)


def test_who_was_said_to_be_two_is_not_joined_through_a_third(hub: Hub, people: list[str]) -> None:
    # Given that Ann and Cleo are two, and Ann and Ben one
    with hub.store.write() as session:
        merges.keep_apart(session, people[0], people[2], made_by="Cleo")
    merge(hub.store, people[0], people[1])

    # When somebody joins Ben and Cleo, it is refused
    with pytest.raises(Conflict) as refused:
        merge(hub.store, people[1], people[2])
    assert refused.value.code == "not_the_same"


def test_a_merge_touches_as_many_rows_for_many_interactions_as_for_few(hub: Hub, people: list[str]) -> None:
    # Given Ben and Cleo, one with 100 and one with 20,000 interactions
    many_interactions(hub.store, BEN, 100)
    many_interactions(hub.store, CLEO, 20_000)

    # When each is joined with somebody, and that is undone
    few, many = Counted(hub.store), Counted(hub.store)
    with few as joined:
        joined.append(merge(hub.store, people[0], people[1]))
    with few:
        undo(hub.store, joined[0])
    with many as joined:
        joined.append(merge(hub.store, people[3], people[2]))
    with many:
        undo(hub.store, joined[0])

    # Then it took the same statements and changed the same number of rows
    assert few.statements == many.statements > 0
    assert few.rows == many.rows


class Counted:
    """How many statements ran and how many rows they changed, by the store's own executors."""

    def __init__(self, store: Store) -> None:
        self.store, self.statements, self.rows = store, 0, 0
        self._held: list[str] = []

    def __enter__(self) -> list[str]:
        self._real: dict[str, Any] = {name: getattr(sql, name) for name in ("run", "changed", "select_in")}
        for name, real in self._real.items():
            setattr(sql, name, self._counting(real))
        return self._held

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any) -> Any:
            found = real(*given)
            self.statements += 1
            self.rows += found if isinstance(found, int) else len(found)
            return found

        return counting

    def __exit__(self, *_: object) -> None:
        for name, real in self._real.items():
            setattr(sql, name, real)


def test_old_ids_show_the_same_timeline(hub: Hub, people: list[str]) -> None:
    merge(hub.store, people[0], people[1])

    with hub.store.read() as session:
        shown = [
            [entry.json() for entry in everything(session, persons.find(session, person))] for person in people[:2]
        ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 2

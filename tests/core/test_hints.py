"""Hints: a call that only names what there is to fetch. Fetched by a job, kept raw, understood without a network."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import MINUTE, SECOND
from kinline.contract.channel import Ability, AccountSettings
from kinline.contract.plugins import channels
from kinline.errors import ChannelError
from kinline.hub import Hub
from kinline.intake import completing
from kinline.intake.ledger import ledger
from kinline.intake.receive import receive
from kinline.intake.understand import replay
from kinline.messages import Fetched, Hint, Source
from kinline.store import sql
from kinline.testing.laws import the_ledger_adds_up
from saboteur import Saboteur

START = 1_800_000_000 * SECOND


class Pointer(Saboteur):
    """Its calls name lines that lie elsewhere; files hold the lines themselves."""

    name = "pointer"
    can: ClassVar[frozenset[Ability]] = frozenset({Ability.IMPORT, Ability.COMPLETE})

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Hint] = []
        self.answers: list[Callable[[], Any]] = []

    def completes(self, source: Source) -> bool:
        return source.name == "webhook"

    def complete(self, hint: Hint, settings: AccountSettings) -> Iterable[Fetched]:
        self.asked.append(hint)
        found: Iterable[Fetched] = self.answers.pop(0)()
        return found


@pytest.fixture
def pointer() -> Iterator[Pointer]:
    found = Pointer()
    channels().loaded["pointer"] = found
    yield found
    del channels().loaded["pointer"]


class World:
    def __init__(self, hub: Hub) -> None:
        self.hub, self.now = hub, START
        with hub.store.write() as session:
            self.account = connected.connect(session, hub.secret, "pointer", "pointer", {})

    def __call__(self) -> int:
        return self.now

    def called(self, body: bytes = b"look at one and two") -> str:
        with self.hub.store.write() as session:
            return receive(session, self.account, body, Source(name="webhook", headers={"from": "them"}))

    def work(self, after: int = 0) -> None:
        self.now += after
        handlers.drain(self.hub)

    def items(self) -> list[tuple[str, str]]:
        the_ledger_adds_up(self.hub.store)
        with self.hub.store.read() as session:
            return [
                (state, code)
                for state, code in sql.run(session, "SELECT state, code FROM item ORDER BY intake_id, position")
            ]


@pytest.fixture
def world(hub: Hub, pointer: Pointer) -> Iterator[World]:
    made = World(hub)
    with clock.frozen(made):
        yield made


def lines(*words: str) -> Callable[[], list[Fetched]]:
    return lambda: [Fetched(body=f"{word}\n".encode(), source=Source(name="fetched")) for word in words]


def fails(error: BaseException) -> Callable[[], Any]:
    def raises() -> Any:
        raise error

    return raises


def test_what_a_hint_names_is_fetched_kept_and_understood(world: World, pointer: Pointer) -> None:
    pointer.answers = [lines("one", "two")]
    world.called()
    world.work()

    # Then both lines are recorded, and the hint is accounted for
    assert sorted(world.items()) == [("applied", ""), ("recorded", ""), ("recorded", "")]
    [hint] = pointer.asked
    assert (hint.body, hint.source.headers) == (b"look at one and two", {"from": "them"})
    assert clock.from_datetime(hint.received_at) == START

    # And understanding it all again asks nobody
    with world.hub.store.read() as session:
        intakes = [intake for (intake,) in sql.run(session, "SELECT id FROM intake")]
    for intake in intakes:
        replay(world.hub.store, world.hub.secret, intake)
    assert len(pointer.asked) == 1


def test_several_hints_and_bodies_at_once_are_each_done_as_they_must(world: World, pointer: Pointer) -> None:
    pointer.answers = [lines("one"), lines("two"), lines("three")]
    with world.hub.store.write() as session:
        receive(session, world.account, b"plain\n", Source(name="other"))
    for _ in range(3):
        world.called()
    world.work()

    assert sorted(world.items()) == [("applied", "")] * 3 + [("recorded", "")] * 4


def test_a_hint_with_nothing_behind_it_is_understood_as_it_is(world: World, pointer: Pointer) -> None:
    pointer.answers = [list]
    world.called(b"hello\n")
    world.work()

    assert world.items() == [("recorded", "")]


def test_a_passing_trouble_is_tried_again_when_the_other_side_says(world: World, pointer: Pointer) -> None:
    pointer.answers = [fails(ChannelError("Slowly.", retry_after=600)), lines("one")]
    world.called()
    world.work()
    world.work(599 * SECOND)
    assert (len(pointer.asked), world.items()) == (1, [])

    world.work(SECOND)
    assert world.items() == [("applied", ""), ("recorded", "")]


def test_after_its_tries_a_hint_is_set_aside_with_the_reason(world: World, pointer: Pointer) -> None:
    pointer.answers = [fails(ChannelError("Nobody answers.", code="unreachable"))] * completing.TRIES
    world.called()
    for _ in range(completing.TRIES):
        world.work(60 * MINUTE)

    assert world.items() == [("quarantined", "unreachable")]
    assert not pointer.answers


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (fails(ChannelError("A private address.", permanent=True, code="address_not_allowed")), "address_not_allowed"),
        (fails(ZeroDivisionError("oops")), "channel_failed"),
        (fails(SystemExit(3)), "channel_failed"),
        (lambda: ["no body"], "channel_failed"),
        (lambda: 7, "channel_failed"),
        (lambda: [Fetched(body=b"again", source=Source(name="webhook"))], "channel_failed"),
    ],
)
def test_what_can_never_be_fetched_is_set_aside_at_once(
    world: World, pointer: Pointer, answer: Callable[[], Any], code: str
) -> None:
    pointer.answers = [answer]
    world.called()
    world.work()

    assert world.items() == [("quarantined", code)]
    with world.hub.store.read() as session:
        assert [line.holds for line in ledger(session)] == [True]


def test_a_hint_that_was_set_aside_can_be_fetched_again(world: World, pointer: Pointer) -> None:
    pointer.answers = [fails(ChannelError("No.", permanent=True, code="refused")), lines("one")]
    intake = world.called()
    world.work()
    assert world.items() == [("quarantined", "refused")]

    # When a person has it tried again, once
    assert [replay(world.hub.store, world.hub.secret, intake) for _ in range(2)] == [1, 0]
    world.work()

    assert world.items() == [("applied", ""), ("recorded", "")]


def test_who_gave_a_hint_may_know_what_became_of_it(world: World, pointer: Pointer) -> None:
    pointer.answers = [lines("one"), lines("broken"), fails(ChannelError("No.", permanent=True, code="refused")), list]
    intakes = [world.called(), world.called(), world.called(), world.called(b"hello\n")]

    def told() -> list[tuple[str, str]]:
        with world.hub.store.read() as session:
            found = [completing.became(session, world.account.id, intake) for intake in intakes]
        return [(each.state, each.code) for each in found if each]

    assert told() == [("waiting", "")] * 4
    world.work()
    assert told() == [("recorded", ""), ("refused", "torn"), ("refused", "refused"), ("recorded", "")]
    with world.hub.store.read() as session:
        assert completing.became(session, "0" * 32, intakes[0]) is None


def test_a_hint_that_two_workers_complete_is_kept_once(world: World, pointer: Pointer) -> None:
    # Given a second worker that comes to its end while the first still fetches
    intake = world.called()

    def meanwhile() -> list[Fetched]:
        assert completing.complete(world.hub.store, world.hub.secret, intake, attempts=2)
        return lines("one")()

    pointer.answers = [meanwhile, lines("one")]
    world.work()

    assert world.items() == [("applied", ""), ("recorded", "")]

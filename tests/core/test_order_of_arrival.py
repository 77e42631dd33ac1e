"""Late is fine: any order, any doubling, any batching gives the same timelines, byte for byte."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinline import clock
from kinline.accounts.connected import AccountRef, ref
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Deletion, Interaction, Party, Thread
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, CLEO, MORNING, InteractionFactory, RecordingFactory, minutes
from kinline.testing.laws import empty, people_are_whole, timelines
from kinline.words import Direction, HandleType, Kind, Role, Standing

DESK = AccountRef("1" * 32, "email", "", "desk")
SALES = AccountRef("2" * 32, "email", "", "sales")
ABROAD = AccountRef("3" * 32, "email", "abroad", "abroad")
ACCOUNTS = (DESK, SALES, ABROAD)
SHOUTING_ANN = Handle(HandleType.EMAIL, "ann@EXAMPLE.org")
SOURCES = st.sampled_from(["a", "b", "c", "d"])
KEYS = st.sampled_from(["a", "b", "c", "d", "phantom", "ghost"])
#: Few moments, so that many are equal; None where the source has none.
MOMENTS = st.sampled_from([None, MORNING, MORNING + minutes(1), MORNING + timedelta(microseconds=1)])

parties = st.lists(
    st.builds(
        Party,
        role=st.sampled_from(Role),
        handle=st.sampled_from([ANN, SHOUTING_ANN, BEN, CLEO, None]),
        name=st.sampled_from(["", "Ann Archer", "A. Archer"]),
        standing=st.sampled_from(Standing),
        ours=st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
interactions = st.builds(
    Interaction,
    source_id=SOURCES,
    kind=st.sampled_from([Kind.MESSAGE, Kind.COMMENT]),
    direction=st.sampled_from(Direction),
    parties=parties,
    occurred_at=MOMENTS,
    changed_at=MOMENTS,
    sequence=st.integers(0, 1),
    text=st.sampled_from(["yes", "no", "perhaps\x00"]),
    moderation=st.sampled_from(["", "spam"]),
    automatic=st.sampled_from(["", "list"]),
    answers=st.one_of(st.just(""), SOURCES),
    thread=st.one_of(
        st.none(),
        st.builds(Thread, key=KEYS, parent=st.one_of(st.just(""), KEYS), ancestors=st.lists(KEYS, max_size=2).map(tuple)),
    ),
)  # fmt: skip
deletions = st.builds(Deletion, source_id=SOURCES, occurred_at=MOMENTS)
recordings = st.builds(
    lambda account, what: RecordingFactory.build(account=account, what=what),
    st.sampled_from(ACCOUNTS),
    st.one_of(interactions, interactions, deletions),
)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[list[Recording]], list[list[Recording]]]:
    """The same things twice: in two orders, with doubles, in batches of any size."""
    world = draw(st.lists(recordings, min_size=1, max_size=9))
    return draw(_in_batches(world)), draw(_in_batches(world))


@st.composite
def _in_batches(draw: st.DrawFn, world: list[Recording]) -> list[list[Recording]]:
    doubles = draw(st.lists(st.sampled_from(world), max_size=3))
    order = draw(st.permutations(world + doubles))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=3)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def connect(hub: Hub) -> None:
    with hub.store.write() as session:
        for account in ACCOUNTS:
            row = Account(
                id=account.id, channel="email", name=account.name, instance=account.instance, created_at=clock.now()
            )
            assert ref(row) == account
            session.add(row)


def after(hub: Hub, batches: list[list[Recording]]) -> dict[str, list[bytes]]:
    """All timelines after these batches arrived in an empty hub."""
    empty(hub.store)
    connect(hub)
    for batch in batches:
        with hub.store.write() as session:
            record_batch(session, batch)
    people_are_whole(hub.store)
    return timelines(hub.store)


def examples(hub: Hub, on_sqlite: int, on_postgresql: int) -> settings:
    count = on_sqlite if hub.store.dialect == "sqlite" else on_postgresql
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def test_any_order_gives_the_same_timelines(hub: Hub) -> None:
    @examples(hub, on_sqlite=120, on_postgresql=25)
    @given(arrivals())
    def the_same_both_times(both: tuple[list[list[Recording]], list[list[Recording]]]) -> None:
        first, second = both
        assert after(hub, first) == after(hub, second)

    the_same_both_times()


def message(source: str, **more: object) -> Interaction:
    return InteractionFactory.build(source_id=source, **more)


def thread(source: str, key: str, *above: str) -> Interaction:
    return message(source, thread=Thread(key=key, parent=above[0] if above else "", ancestors=tuple(above[1:])))


#: Worlds in which some order once made a difference, or well might.
WORLDS: dict[str, list[Interaction | Deletion]] = {
    "an edit that moves to another minute": [
        message("a", text="one", occurred_at=MORNING, changed_at=MORNING),
        message("a", text="two", occurred_at=MORNING + minutes(5), changed_at=MORNING + minutes(1)),
    ],
    "an edit that turns a comment into a message, and its direction": [
        message("a", kind=Kind.COMMENT, direction=Direction.AMONG, changed_at=MORNING),
        message("a", kind=Kind.MESSAGE, direction=Direction.INBOUND, changed_at=MORNING + minutes(1)),
    ],
    "back to what was said first": [
        message("a", text="spam?", changed_at=MORNING),
        message("a", text="fine", changed_at=MORNING + minutes(1)),
        message("a", text="spam?", changed_at=MORNING + minutes(2)),
    ],
    "versions without any time of change": [message("a", text=text) for text in ("one", "two", "three")],
    "a version that lost its participant": [
        message("a", author=ANN, changed_at=MORNING),
        message("a", author=BEN, changed_at=MORNING + minutes(1)),
    ],
    "the same said, proved and not": [message("a"), message("a", claimed=True)],
    "one line in two roles": [
        message("a", parties=(Party(role=Role.MENTIONED, handle=ANN), Party(role=Role.RECIPIENT, handle=ANN)))
    ],
    "deleted at the beginning of 1970": [message("a"), Deletion(source_id="a", occurred_at=clock.EPOCH)],
    "deleted twice": [
        message("a"),
        Deletion(source_id="a", occurred_at=MORNING),
        Deletion(source_id="a", occurred_at=MORNING + minutes(1)),
        Deletion(source_id="a"),
    ],
    "deleted, and done again": [
        message("a", text="followed", changed_at=MORNING),
        Deletion(source_id="a", occurred_at=MORNING + minutes(1)),
        message("a", text="followed again", changed_at=MORNING + minutes(2)),
    ],
    "a thread in a circle": [thread("a", "z", "y"), thread("b", "y", "z"), thread("c", "b", "y")],
    "a late ancestor": [thread("a", "m", "n"), thread("b", "n", "a"), thread("c", "k", "n"), thread("d", "a", "b")],
    "a thread known only in a later version": [
        message("a", text="one", changed_at=MORNING),
        message("a", text="two", changed_at=MORNING + minutes(1), thread=Thread(key="a", parent="b")),
        thread("b", "b"),
    ],
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_orders_that_once_made_a_difference(hub: Hub, world: list[Interaction | Deletion]) -> None:
    # Given the same things, by two accounts
    things = [RecordingFactory.build(account=DESK, what=what) for what in world]
    things += [RecordingFactory.build(account=SALES, what=world[-1])]

    # When they come forwards one by one, backwards one by one, and all at once
    forwards = after(hub, [[each] for each in things])
    backwards = after(hub, [[each] for each in reversed(things)])
    at_once = after(hub, [things])
    turned = after(hub, [things[1:], things[:1], things])

    # Then it makes no difference
    assert forwards == backwards
    assert forwards == at_once
    assert forwards == turned

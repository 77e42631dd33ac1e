"""What a back-test says afterwards is what was decided live, row by row: also where news came late, or twice.

Lives of two people are made up, no two things in the same microsecond; the hub lives through them moment by moment, at arrivals and at due times. A back-test
knows at each step what had arrived by then.
"""

from functools import partial
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.core.test_order_of_arrival import examples
from tests.core.test_replay import row_of, rows_of

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.backtest.backtest import backtest
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR, MINUTE
from kinline.decide import facts
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity.persons import of_identity
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.testing.laws import empty
from kinline.triggers import read_trigger
from kinline.words import Kind, Track, TriggerState
from settable import NINE, Time

SHOP = AccountRef("1" * 32, "email", "", "shop")
#: They depend on each other's tags and stages, and on names: `answered-late` looks before `order-marks`, `wait` after.
TEXTS = [
    "name: answered-late\nabout: A\nwhen: {did: {kind: order}}\nwho: \"'buyer' in tags\"\ndo: [{task: {team: a, title: A}}]",
    "name: order-marks\nabout: B\nwhen: {did: {kind: order}}\ndo: [{tag: {add: buyer}}, {stage: {track: business, to: customer}}]",
    "name: wait\nabout: C\nwhen: {silence: {of: us, after: {kind: message, direction: inbound}, for: 3h}}\n"
    "do: [{task: {team: a, title: C}}]\nlimits: {once_per: 2d, lateness: 1h}",
    "name: welcome\nabout: D\nwhen: {did: {kind: order}}\nwho: \"business == 'prospect' || !('buyer' in tags)\"\n"
    "do: [{tag: {add: welcomed}}, {task: {team: a, title: D}}]\nlimits: {lateness: 2h}",
    "name: quiet\nabout: E\nwhen: {silence: {of: them, for: 1d}}\nwho: \"'buyer' in tags\"\n"
    "do: [{tag: {remove: buyer}}, {stage: {track: business, to: lapsing, if: \"'welcomed' in tags\"}}]",
    "name: thrice\nabout: F\nwhen: {did: {kind: [message, order], count: 3, within: 12h}}\ndo: [{task: {team: a, title: F}}]",
    "name: wrote-then-bought\nabout: G\nwhen: {sequence: {steps: [{kind: message}, {kind: order}], within: 6h}}\n"
    "do: [{task: {team: a, title: G}}]\nlimits: {once_per: person}",
    "name: lapsing-for-a-while\nabout: H\nwhen: {stage: {track: business, to: [lapsing, lead], for: 10h}}\n"
    "do: [{task: {team: a, title: H}}]",
]  # fmt: skip
HALF = 30 * MINUTE
DONE = st.tuples(
    st.integers(1, 150).map(lambda halves: halves * HALF),  # when
    st.sampled_from([0, 0, 0, 0, HALF, 90 * MINUTE, 5 * HOUR, DAY]),  # how late it came
    st.sampled_from([ANN, ANN, BEN]),
    st.sampled_from([(Kind.MESSAGE, False), (Kind.MESSAGE, True), (Kind.ORDER, False), (Kind.ORDER, False)]),
)
BY_HAND = st.tuples(st.integers(1, 150).map(lambda halves: halves * HALF + 1), st.sampled_from(["lead", "none"]))
LIVES = st.tuples(st.lists(DONE, min_size=2, max_size=12), st.lists(BY_HAND, max_size=1))
Done = tuple[int, int, Any, tuple[Kind, bool]]
Life = tuple[list[Done], list[tuple[int, str]]]


def test_a_back_test_says_what_was_decided_live(hub: Hub) -> None:
    @settings(examples(hub, on_sqlite=20, on_postgresql=4), phases=[Phase.explicit, Phase.generate])
    @given(LIVES, st.booleans())
    def the_same(life: Life, twice: bool) -> None:
        live(hub, life, twice=twice)
        decided = rows_of(hub)
        with clock.frozen(NINE + 10 * DAY):
            for text in TEXTS:
                trigger = read_trigger(text)
                result = backtest(hub, trigger, since=NINE)
                assert [row_of(hit) for hit in result.hits] == decided[trigger.name], trigger.name

    the_same()


def live(hub: Hub, life: Life, *, twice: bool) -> None:
    """Live through it in an empty hub: what happened arrives, is perhaps told twice, and silences fall due in between."""
    empty(hub.store)
    time, (done, by_hand) = Time(), life
    coming = [
        (at + late + number, partial(arrives, hub, number, what))
        for number, what in enumerate(done)
        for at, late, *_ in [what]
    ]
    coming += [(at + 500, partial(moves, hub, to)) for at, to in by_hand]
    with clock.frozen(time):
        with hub.store.write() as session:
            session.add(Account(id=SHOP.id, channel="email", name=SHOP.name, created_at=NINE))
            for text in TEXTS:
                row, _ = trigger_store.save(session, text, made_by="Cleo")
                trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        for at, happens in sorted(coming, key=lambda each: each[0]):
            wait_until(hub, time, NINE + at)
            for _ in range(2 if twice else 1):
                happens()
            handlers.drain(hub)
        wait_until(hub, time, NINE + 10 * DAY)


def arrives(hub: Hub, number: int, what: Done) -> None:
    at, _, author, (kind, ours) = what
    said = InteractionFactory.build(
        source_id=str(number),
        author=author,
        kind=kind,
        ours=ours,
        occurred_at=clock.to_datetime(NINE + at + number),
    )
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=SHOP, what=said, arrived_at=clock.now())])


def moves(hub: Hub, to: str) -> None:
    """Somebody moves Ann by hand, where there is an Ann and she is somewhere else."""
    with hub.store.write() as session:
        if not sql.run(session, "SELECT 1 FROM identity WHERE id = {p}", ANN.id):
            return
        ann = of_identity(session, ANN.id)
        if load_history.stages(session, ann)[Track.BUSINESS] != to:
            facts.move(session, ann, Track.BUSINESS, to, by="Cleo")


def wait_until(hub: Hub, time: Time, then: int) -> None:
    """Let time pass, stopping whenever a silence falls due."""
    while True:
        with hub.store.read() as session:
            [(due,)] = sql.run(session, "SELECT min(due_at) FROM wait WHERE state = 'armed' AND due_at < {p}", then)
        if due is None:
            time.now = then
            return
        time.now = max(due, time.now)
        handlers.drain(hub)

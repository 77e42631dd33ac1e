"""The law of going live: a back-test over some time says, decision for decision, what a trigger decides that goes live at its
beginning upon the base that is there, and lives on.

Bases have stages, merges and answers, and came live, by import or by API as history. What happens then comes in time or late.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.core.test_backtest_equals_live import BY_HAND, DONE, HALF, SHOP, TEXTS, Done, arrives, moves, wait_until
from tests.core.test_judged_threads import JUDGED, Play, moment, read
from tests.core.test_order_of_arrival import examples
from tests.core.test_replay import needs_cdnow, row_of, rows_of

from kinline import clock, handlers
from kinline.backtest.backtest import backtest
from kinline.catalogue import trigger_store
from kinline.clock import DAY, MINUTE
from kinline.errors import KinlineError
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.store.models import Account
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.testing.laws import empty
from kinline.triggers import read_trigger
from kinline.words import Origin, TriggerState
from settable import NINE, Time
from shop import TRIGGERS, Shop, cdnow, noon, recording

#: Long silences, so that the base matters; and those of `test_backtest_equals_live`, which depend on each other.
LONG = [
    "name: away\nabout: I\nwhen: {silence: {of: them, for: 3d}}\nwho: \"business != 'lead'\"\ndo: [{task: {team: a, title: I}}]\n"
    "limits: {once_per: 4d, lateness: 2h}",
    "name: unheard\nabout: J\nwhen: {silence: {of: us, for: 50h}}\ndo: [{task: {team: a, title: J}}]",
    "name: stays\nabout: K\nwhen: {stage: {track: business, to: [lead, none, lapsing], for: 2d}}\ndo: [{task: {team: a, title: K}}]",
    "name: habit\nabout: L\nwhen: {broken_habit: {of: {kind: [message, order]}, least: 2, apart: 1h}}\ndo: [{tag: {add: away}}]",
    "name: first\nabout: M\nwhen: {any: [{did: {kind: order, count: 1}}, {silence: {of: anyone, for: 2d}}]}\n"
    "do: [{task: {team: a, title: M}}]\nlimits: {once_per: person}",
]
BASE = st.lists(DONE, min_size=2, max_size=8)
THEN = st.tuples(st.lists(DONE, max_size=6), st.lists(BY_HAND, max_size=1))
#: The base is of the four days before.
T = NINE + 4 * DAY


@pytest.mark.parametrize("origin", [Origin.LIVE, Origin.IMPORT])
def test_a_back_test_says_what_is_decided_after_going_live_on_a_base(hub: Hub, origin: Origin) -> None:
    @settings(examples(hub, on_sqlite=12, on_postgresql=2), phases=[Phase.explicit, Phase.generate])
    @given(BASE, st.booleans(), st.booleans(), THEN)
    def the_same(base: list[Done], joined: bool, lead: bool, then: tuple[list[Done], list[tuple[int, str]]]) -> None:
        time = Time()
        empty(hub.store)
        with clock.frozen(time):
            # Given a base of some days, with a merge, a stage and answers
            load(hub, time, base, origin, joined=joined, lead=lead)

            # When all triggers go live upon it, look at everybody who is there, and live on
            time.now = T
            put_all_live(hub)
            handlers.drain(hub)
            live_on(hub, time, *then, number=len(base))
            decided = rows_of(hub)

            # Then a back-test over that time says the same, row by row
            for text in (*TEXTS, *LONG):
                trigger = read_trigger(text)
                result = backtest(hub, trigger, since=T)
                told = [row for row in decided[trigger.name] if row[0] >= T]
                assert [row_of(hit) for hit in result.hits] == told, trigger.name

    the_same()


def load(hub: Hub, time: Time, base: list[Done], origin: Origin, *, joined: bool, lead: bool) -> None:
    """The base: as it happened, or all at once as what was imported."""
    with hub.store.write() as session:
        session.add(Account(id=SHOP.id, channel="email", name=SHOP.name, created_at=NINE))
    if origin is Origin.LIVE:
        for number, what in sorted(enumerate(base), key=lambda each: each[1][0] + each[1][1]):
            time.now = max(time.now, NINE + what[0] + number + min(what[1], 10 * HALF))
            arrives(hub, number, what)
    else:
        time.now = T - MINUTE
        said = [
            InteractionFactory.build(
                source_id=str(number),
                author=author,
                kind=kind,
                ours=ours,
                occurred_at=clock.to_datetime(NINE + at + number),
            )
            for number, (at, _, author, (kind, ours)) in enumerate(base)
        ]
        with hub.store.write() as session:
            record_batch(
                session,
                [
                    RecordingFactory.build(account=SHOP, what=each, arrived_at=clock.now(), origin=origin)
                    for each in said
                ],
            )
    time.now = max(time.now, T - 30)
    if lead:
        moves(hub, "lead")
    if joined:
        join(hub)
    handlers.drain(hub)


def join(hub: Hub) -> None:
    """Ann and Ben are found to be one, where both are known."""
    with hub.store.write() as session:
        try:
            pair = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        except KinlineError:
            return
        merges.merge(session, *pair, evidence={"by": "phone"}, made_by="Cleo")


def put_all_live(hub: Hub) -> None:
    with hub.store.write() as session:
        for text in (*TEXTS, *LONG):
            row, _ = trigger_store.save(session, text, made_by="Cleo")
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")


def live_on(hub: Hub, time: Time, done: list[Done], by_hand: list[tuple[int, str]], *, number: int) -> None:
    """What happens after that comes as it comes; silences fall due in between."""
    shift = T - NINE
    coming: list[tuple[int, Any]] = []
    for place, (at, late, author, kind) in enumerate(done, number):
        coming.append((shift + at + late + place, partial(arrives, hub, place, (shift + at, late, author, kind))))
    coming += [(shift + at + 500, partial(moves, hub, to)) for at, to in by_hand]
    for at, happens in sorted(coming, key=lambda each: each[0]):
        wait_until(hub, time, NINE + at)
        happens()
        handlers.drain(hub)
    wait_until(hub, time, T + 12 * DAY)


def test_the_base_is_that_of_a_hub(hub: Hub) -> None:
    """The law is about something: on one base, going live arms somebody, and they are noticed."""
    time = Time()
    empty(hub.store)
    with clock.frozen(time):
        base: list[Any] = [(6 * DAY // 2, 0, ANN, ("order", False))]
        load(hub, time, base, Origin.IMPORT, joined=False, lead=False)
        time.now = T
        put_all_live(hub)
        handlers.drain(hub)
        live_on(hub, time, [], [], number=1)
        with hub.store.read() as session:
            fired = sql.run(
                session,
                "SELECT t.name FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE d.verdict = 'fired' ORDER BY 1",
            )
    assert ("away",) in fired


#: When the triggers go live upon CDNOW's customers, and how many of them, spread over all.
BEGINS, LIVES = date(1997, 10, 1), timedelta(90)
SOME = {"sqlite": 150, "postgresql": 25}


@needs_cdnow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("origin", [Origin.LIVE, Origin.IMPORT])
def test_going_live_upon_cdnows_customers_is_what_its_back_test_says(hub: Hub, origin: Origin) -> None:
    # Given CDNOW's orders of nine months, as they came or brought in as history
    orders = [order for order in cdnow(SOME[hub.store.dialect]) if order.day <= BEGINS + LIVES]
    shop = Shop(hub, triggers=(), life_cycle=False)
    base = [order for order in orders if order.day < BEGINS]
    if origin is Origin.LIVE:
        for day in sorted({order.day for order in base}):
            shop.day(day, [order for order in base if order.day == day])
    else:
        with clock.frozen(noon(BEGINS) - HALF), hub.store.write() as session:
            told = [msgspec.structs.replace(recording(shop.account, order), origin=origin) for order in base]
            record_batch(session, told)

    # When the triggers go live, and ninety days are lived on
    with clock.frozen(noon(BEGINS) - 1):
        handlers.drain(hub)
        with hub.store.write() as session:
            for text in TRIGGERS:
                row, _ = trigger_store.save(session, text, made_by="Cleo")
                trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        handlers.drain(hub)
    for number in range(LIVES.days + 1):
        day = BEGINS + timedelta(number)
        shop.day(day, [order for order in orders if order.day == day])

    # Then lapses and returns are, decision for decision, those of a back-test over that time
    decided = rows_of(hub)
    with clock.frozen(noon(BEGINS + LIVES)):
        for text in TRIGGERS:
            trigger = read_trigger(text)
            found = [row_of(hit) for hit in backtest(hub, trigger, since=noon(BEGINS) - 1).hits]
            assert found == [row for row in decided[trigger.name] if row[0] >= noon(BEGINS) - 1], trigger.name
            assert found


SUPPORT = [
    "name: silent\nabout: N\nwhen: {silence: {of: us, for: 2h}}\ndo: [{task: {team: a, title: N}}]",
    "name: a-day\nabout: O\nwhen: {silence: {of: us, for: 1d}}\ndo: [{tag: {add: forgotten}}, {task: {team: a, title: O}}]",
    "name: helped\nabout: P\nwhen: {answered_by_peer: {}}\ndo: [{tag: {add: helped}}]",
    "name: gone\nabout: Q\nwhen: {silence: {of: them, for: 1d}}\nwho: \"!('helped' in tags)\"\ndo: [{task: {team: a, title: Q}}]\n"
    "limits: {once_per: conversation}",
]


@pytest.mark.parametrize("medium", ["mail", "ticket", "x", "blog"])
def test_going_live_in_the_middle_of_support_threads_is_what_a_back_test_says(hub: Hub, medium: str) -> None:
    # Given ten threads of people, peers and answers of ours, of which the first half was lived through
    threads = [
        Play(hub, told, f"{path.stem}-") for path in JUDGED if (told := read(path))["medium"] == medium and not _deletes(told)
    ]  # fmt: skip
    lines = sorted(
        ((clock.from_datetime(moment(line)), number, place) for number, each in enumerate(threads) for place, line in enumerate(each.lines))
    )  # fmt: skip
    half, time = len(lines) // 2, Time()
    with clock.frozen(time):
        for at, number, place in lines[:half]:
            time.now = at
            threads[number].say(threads[number].lines[place])
        handlers.drain(hub)

        # When the triggers go live, and the other half is lived on, with what falls due in between
        time.now = begins = lines[half][0] - 1
        with hub.store.write() as session:
            for text in SUPPORT:
                row, _ = trigger_store.save(session, text, made_by="Cleo")
                trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        handlers.drain(hub)
        for at, number, place in lines[half:]:
            wait_until(hub, time, at)
            threads[number].say(threads[number].lines[place])
            handlers.drain(hub)
        wait_until(hub, time, lines[-1][0] + 90 * DAY)

        # Then a back-test over that time says the same, row by row
        decided = rows_of(hub)
        for text in SUPPORT:
            trigger = read_trigger(text)
            found = [row_of(hit) for hit in backtest(hub, trigger, since=begins).hits]
            assert found == [row for row in decided[trigger.name] if row[0] >= begins], trigger.name
        assert decided["gone"]


def _deletes(told: Mapping[str, Any]) -> bool:
    """What was said before a deletion is what a back-test cannot know."""
    return any(line.get("event") == "deleted" for line in told["lines"])

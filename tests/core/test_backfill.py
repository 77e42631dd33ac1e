"""Going live on an existing base: nobody who is there already is forgotten, and nobody is surprised."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.catalogue import backfills, trigger_store
from kinline.catalogue.backfills import Backfill
from kinline.clock import DAY, HOUR
from kinline.decide import backfill, facts
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import attributes, merges, persons
from kinline.jobs import queue
from kinline.messages import Interaction
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.triggers import read_trigger
from kinline.words import HandleType, Kind, Origin, Track, TriggerState
from settable import NINE, Time

QUIET = """
name: quiet
about: A customer ordered, and did not order again for thirty days.
when: {silence: {of: them, after: {kind: order}, broken_by: {kind: order}, for: 30d}}
do: [{task: {team: care, title: "Ask how it went"}}]
limits: {lateness: 2d}
"""


def put_live(hub: Hub, text: str = QUIET, state: TriggerState = TriggerState.LIVE) -> str:
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, text, made_by="Cleo", override="a test")
        trigger_store.set_state(session, row.name, state, override="a test")
        return row.id


def person(number: int) -> Handle:
    return Handle(HandleType.EMAIL, f"person{number}@example.org")


def ordered(number: int, days_ago: float, **more: Any) -> Interaction:
    at = clock.to_datetime(NINE) - timedelta(days=days_ago)
    given = {
        "kind": Kind.ORDER,
        "author": person(number),
        "occurred_at": at,
        "source_id": f"{number}-{days_ago}",
        **more,
    }
    return InteractionFactory.build(**given)


def there(hub: Hub, inbox: AccountRef, *what: Interaction, origin: Origin = Origin.LIVE) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each, origin=origin) for each in what])
    handlers.drain(hub)


def rows(hub: Hub, statement: str) -> list[tuple[Any, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement)


def told(hub: Hub, trigger: str, text: str = QUIET) -> Backfill:
    with hub.store.read() as session:
        found = backfills.found(session, trigger, read_trigger(text).condition_id)
    assert found is not None
    return found


def later(hub: Hub, time: Time, days: float) -> None:
    time.now = NINE + round(days * DAY)
    handlers.drain(hub)


@pytest.mark.parametrize("origin", [Origin.LIVE, Origin.IMPORT])
def test_whoever_is_in_that_state_is_armed_and_noticed_when_it_is_due(
    hub: Hub, inbox: AccountRef, time: Time, origin: Origin
) -> None:
    # Given three who ordered ten, twenty and forty days ago, one who only wrote, and a trigger that goes live now
    there(hub, inbox, ordered(0, 10), ordered(1, 20), ordered(2, 40), origin=origin)
    there(hub, inbox, InteractionFactory.build(author=person(3)), origin=origin)
    trigger = put_live(hub)
    handlers.drain(hub)

    # Then two wait, and for one it was due before
    found = told(hub, trigger)
    assert (found.state, found.evaluated, found.total) == ("done", 4, 4)
    assert (found.armed, found.overdue, found.caught_up) == (2, 1, 0)
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]

    # And each is noticed on their day, though they never did anything more
    later(hub, time, 10)
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]
    later(hub, time, 20)
    assert rows(hub, "SELECT count(*) FROM task") == [(2,)]
    assert rows(hub, "SELECT DISTINCT state, reason FROM wait") == [("closed", "fired")]


def test_what_was_due_shortly_before_is_acted_on_where_the_trigger_says_so(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    # Given some for whom it was due one, three and ten days ago, and one who ordered again since
    text = QUIET.replace("lateness: 2d", "lateness: 1h, per_hour: 2, existing: {fire_within: 7d}")
    there(hub, inbox, ordered(0, 31), ordered(1, 33), ordered(2, 40), ordered(3, 32), ordered(3, 1))
    trigger = put_live(hub, text)
    handlers.drain(hub)

    # Then those of the last seven days are acted for, no faster than the trigger may, and nobody else
    assert told(hub, trigger).overdue == 3
    assert told(hub, trigger).caught_up == 2
    later(hub, time, 0.5 / 24)
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]
    later(hub, time, 2 / 24)
    assert rows(hub, "SELECT count(*) FROM task") == [(2,)]
    later(hub, time, 5)
    assert rows(hub, "SELECT count(*) FROM task") == [(2,)]


def test_news_in_the_middle_are_decided_as_ever(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a base of five of whom two were looked at when somebody orders
    monkeypatch.setattr(backfill, "AT_ONCE", 2)
    there(hub, inbox, *[ordered(number, 10) for number in range(5)])
    trigger = put_live(hub)
    backfill.take(hub, trigger)
    there(hub, inbox, *[ordered(number, 0) for number in range(6)])
    for _ in backfill.run(hub, trigger):
        pass

    # Then everybody waits once, since their last order
    assert rows(hub, "SELECT count(*), count(DISTINCT person_id) FROM wait WHERE state = 'armed' AND due_at > 0") == [
        (6, 6)
    ]
    later(hub, time, 21)
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]
    later(hub, time, 30)
    assert rows(hub, "SELECT count(*) FROM task") == [(6,)]


def test_it_goes_on_where_it_stopped_and_two_at_once_do_each_page_once(
    hub: Hub, inbox: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a page that was looked at, and its writer killed
    monkeypatch.setattr(backfill, "AT_ONCE", 2)
    there(hub, inbox, *[ordered(number, 10) for number in range(5)])
    trigger = put_live(hub)
    assert backfill.take(hub, trigger) == 2
    real = backfills.move

    def killed(*given: Any, **more: Any) -> bool:
        real(*given, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(backfills, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        backfill.take(hub, trigger)
    monkeypatch.setattr(backfills, "move", real)
    assert told(hub, trigger).evaluated == 2

    # When another looks at the same page meanwhile
    def twice(*given: Any, **more: Any) -> bool:
        monkeypatch.setattr(backfills, "move", real)
        return real(*given, **more) and not real(*given, **more)

    monkeypatch.setattr(backfills, "move", twice)
    handlers.drain(hub)

    # Then all are looked at once
    assert (told(hub, trigger).evaluated, told(hub, trigger).state) == (5, "done")
    assert rows(hub, "SELECT count(*) FROM wait WHERE state = 'armed'") == [(5,)]


def test_other_work_comes_first(hub: Hub, inbox: AccountRef, time: Time) -> None:
    there(hub, inbox, ordered(0, 10))
    trigger = put_live(hub)
    with hub.store.write() as session:
        queue.plan(session, "person.decide", [("nobody", 0)], run_at=NINE - HOUR)

    assert backfill.take(hub, trigger) == 0
    assert told(hub, trigger).evaluated == 0
    handlers.drain(hub)
    later(hub, time, 0.01)
    assert told(hub, trigger).state == "done"


def test_another_condition_begins_anew_and_the_same_does_not(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger that went through everybody
    there(hub, inbox, ordered(0, 10))
    trigger = put_live(hub)
    handlers.drain(hub)

    # When its words are edited, and then its condition
    with hub.store.write() as session:
        trigger_store.save(session, QUIET.replace("Ask how", "See how"), made_by="Cleo", override="a test")
    assert rows(hub, "SELECT count(*) FROM backfill") == [(1,)]
    other = QUIET.replace("30d", "40d")
    with hub.store.write() as session:
        trigger_store.save(session, other, made_by="Cleo", override="a test")
    handlers.drain(hub)

    # Then what waits, waits for the new one
    assert told(hub, trigger, other).armed == 1
    assert rows(hub, "SELECT due_at FROM wait WHERE state = 'armed'") == [(NINE + 30 * DAY,)]


def test_who_was_decided_about_is_not_looked_at_again(hub: Hub, inbox: AccountRef, time: Time) -> None:
    text = QUIET.replace("lateness: 2d", "once_per: person, existing: {fire_within: 7d}")
    put_live(hub, text)
    there(hub, inbox, ordered(0, 29))
    later(hub, time, 1)
    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]

    with hub.store.write() as session:
        trigger_store.set_state(session, "quiet", TriggerState.PAUSED)
        trigger_store.set_state(session, "quiet", TriggerState.LIVE, override="a test")
    later(hub, time, 2)
    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]


def test_persons_who_were_joined_are_one(hub: Hub, inbox: AccountRef, time: Time) -> None:
    there(hub, inbox, ordered(0, 10, author=ANN), ordered(1, 5, author=BEN))
    with hub.store.write() as session:
        pair = persons.find(session, str(ANN)), persons.find(session, str(BEN))
        merges.merge(session, *pair, evidence={}, made_by="Cleo")
    handlers.drain(hub)
    trigger = put_live(hub)
    handlers.drain(hub)

    assert (told(hub, trigger).total, told(hub, trigger).armed) == (1, 1)
    assert rows(hub, "SELECT due_at FROM wait") == [(NINE + 25 * DAY,)]


def _lead(hub: Hub) -> None:
    with hub.store.write() as session:
        facts.move(session, persons.find(session, str(person(0))), Track.BUSINESS, "lead", by="Cleo")


def _renewal(hub: Hub) -> None:
    with hub.store.write() as session:
        attributes.state(session, person(0).id, "renewal", "2026-05-10", source="shop")


@pytest.mark.parametrize(
    ("when", "happens"),
    [
        ("{stage: {track: business, to: lead, for: 30d}}", _lead),
        ("{time: {attribute: renewal, before: 7d}}", _renewal),
        ("{silence: {of: us, for: 3d}}", lambda hub: None),
        ("{broken_habit: {least: 2, factor: 1.5}}", lambda hub: None),
        ("{any: [{silence: {of: anyone, for: 9d}}, {did: {kind: review}}]}", lambda hub: None),
    ],
    ids=lambda each: each[1:8] if isinstance(each, str) else "",
)
def test_every_state_is_armed(hub: Hub, inbox: AccountRef, when: str, happens: Callable[[Hub], None]) -> None:
    # Given somebody in that state, and somebody who is in none
    writes = [
        InteractionFactory.build(author=person(0), source_id=f"w{n}", occurred_at=clock.to_datetime(NINE - n * DAY))
        for n in range(3)
    ]
    there(
        hub,
        inbox,
        *writes,
        InteractionFactory.build(author=person(1), kind=Kind.PAGE_VIEW, occurred_at=clock.to_datetime(NINE - 20 * DAY)),
    )
    happens(hub)
    handlers.drain(hub)

    text = f"name: quiet\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: a, title: b}}}}]\n"
    trigger = put_live(hub, text)
    handlers.drain(hub)

    assert (told(hub, trigger, text).armed, rows(hub, "SELECT count(*) FROM wait WHERE state = 'armed'")) == (1, [(1,)])


def test_a_trigger_on_what_merely_happens_has_nothing_to_look_for(hub: Hub, inbox: AccountRef) -> None:
    there(hub, inbox, ordered(0, 10))
    text = "name: orders\nabout: A test.\nwhen: {did: {kind: order}}\ndo: [{task: {team: a, title: b}}]\n"

    trigger = put_live(hub, text)

    assert (told(hub, trigger, text).state, told(hub, trigger, text).total) == ("done", 0)

"""Back-testing says before what a trigger would do, by the function that does it."""

from datetime import date

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.backtest import picture
from kinline.backtest.backtest import UNKNOWN, Result, backtest, keep
from kinline.catalogue import backtest_runs, trigger_store
from kinline.clock import DAY, HOUR
from kinline.errors import Conflict
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory
from kinline.triggers import read_trigger
from kinline.words import Kind, Origin, TriggerState, Verdict
from settable import NINE, Time

WATCH = """
name: watch
about: Nobody of us answered within an hour.
when: {silence: {of: us, after: {kind: message, direction: inbound}, for: 1h}}
do: [{task: {team: support, title: Answer}}]
"""


def test_a_backtest_finds_what_the_live_run_decides(hub: Hub) -> None:
    # Given Ann and Ben, who wrote and got no answer, and Ann, who wrote again the day after
    with clock.frozen(NINE), hub.store.write() as session:
        inbox = connected.connect(session, hub.secret, "email", "inbox", {})
        row, _ = trigger_store.save(session, WATCH, made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
    times = [(ANN, 0), (BEN, HOUR), (ANN, DAY)]
    for author, after in times:
        with clock.frozen(NINE + after):
            what = InteractionFactory.build(author=author, occurred_at=clock.to_datetime(NINE + after))
            with hub.store.write() as session:
                record_batch(session, [RecordingFactory.build(account=inbox, what=what)])
            handlers.drain(hub)
    with clock.frozen(NINE + HOUR):
        handlers.drain(hub)
    with clock.frozen(NINE + 2 * HOUR):
        handlers.drain(hub)
    with clock.frozen(NINE + 2 * DAY):
        handlers.drain(hub)
        result = backtest(hub, read_trigger(WATCH), since=NINE)

    # Then both name the same persons at the same times
    with hub.store.read() as session:
        decided = sql.run(session, "SELECT person_id, at FROM decision ORDER BY at, person_id")
    assert [(hit.person, hit.at) for hit in result.hits] == decided
    assert result.persons == 2
    assert sum(result.days().values()) == len(decided) > 0


def test_a_backtest_writes_nothing(hub: Hub) -> None:
    with hub.store.write() as session:
        inbox = connected.connect(session, hub.secret, "email", "inbox", {})
        record_batch(session, [RecordingFactory.build(account=inbox)])

    assert backtest(hub, read_trigger(WATCH), since=NINE - DAY).hits

    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM decision") == [(0,)]
        assert sql.run(session, "SELECT count(*) FROM task") == [(0,)]


THANK = """
name: thank
about: Somebody ordered.
when: {did: {kind: order}}
do: [{message: {class: marketing, text: Thank you}}]
limits: {lateness: 1h}
"""
MARK = "name: mark\nabout: An order.\nwhen: {did: {kind: order}}\ndo: [{tag: {add: buyer}}]"


def ordered(hub: Hub, time: Time, inbox: AccountRef, at: int, *, late: int = 0, origin: Origin = Origin.LIVE) -> None:
    time.now = at + late
    what = InteractionFactory.build(kind=Kind.ORDER, occurred_at=clock.to_datetime(at))
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=what, origin=origin, arrived_at=time.now)])
    handlers.drain(hub)


def tried(hub: Hub, text: str = THANK, since: int = NINE - DAY) -> Result:
    return backtest(hub, read_trigger(text), since=since)


def test_a_backtest_says_what_the_limits_would_have_done(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, who orders twice in a morning, at night, and the day after that; a budget of two messages a day
    hub.settings.contact_budget = 2
    for at in (NINE, NINE + HOUR, NINE + 14 * HOUR, NINE + 3 * DAY):
        ordered(hub, time, inbox, at)
    with hub.store.write() as session:  # and two messages of others on that last day
        person = sql.run(session, "SELECT id FROM person")[0][0]
        for number in range(2):
            sql.run(
                session,
                "INSERT INTO followup (id, person_id, identity_id, account_id, channel, send_class, automatic, subject, body, html, "
                "made_by, state, reason, due_at, expires_at, created_at, needs_approval, attempts, sent_at) VALUES "
                "({p}, {p}, 'i', {p}, 'email', 'service', 1, '', '', '', 'x', 'sent', '', 0, 0, 0, 0, 0, {p})",
                f"f{number}", person, inbox.id, NINE + 3 * DAY - HOUR,
            )  # fmt: skip

    result = tried(hub)

    # Then the first goes, the second is too soon after it, the third waits for the morning and is too soon, and the
    # last one is over the budget
    assert [hit.held.partition(":")[0] for hit in result.hits] == [
        "", "this trigger wrote to them within 24 hours", "this trigger wrote to them within 24 hours",
        "they had 2 automatic messages in 24 hours, over all channels",
    ]  # fmt: skip
    assert [hit.waits_until for hit in result.hits] == [None, None, NINE + 23 * HOUR, None]
    assert (result.fired, result.skipped, result.held) == (4, 0, 3)


def test_a_backtest_knows_what_came_late(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an order that reached us at once, one two hours late, and one that was imported
    ordered(hub, time, inbox, NINE)
    ordered(hub, time, inbox, NINE + DAY, late=2 * HOUR)
    ordered(hub, time, inbox, NINE + 2 * DAY, late=30 * DAY, origin=Origin.IMPORT)

    hits = tried(hub).hits

    # Then the late one starts nothing, as it would have live; the imported one is taken as if it had come at its time
    assert [(hit.verdict, hit.imported) for hit in hits] == [
        (Verdict.FIRED, False), (Verdict.SKIPPED, False), (Verdict.FIRED, True),
    ]  # fmt: skip
    assert hits[1].reason.startswith("late")
    assert hits[1].decided_at == NINE + DAY + 2 * HOUR


def test_a_backtest_says_how_much_of_its_time_nobody_knew_of_then(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given orders of which one reached us a month late
    ordered(hub, time, inbox, NINE)
    ordered(hub, time, inbox, NINE + DAY, late=30 * DAY)

    then = backtest(hub, read_trigger(THANK), since=NINE - DAY, until=NINE + 2 * DAY)
    now = backtest(hub, read_trigger(THANK), since=NINE - DAY)

    assert (len(then.hits), len(now.hits)) == (1, 2)
    assert (
        then.unknown[0] == "interactions of that time that reached us only after its end (1): nobody knew of them then"
    )
    assert now.late == 1
    assert now.unknown[0].startswith("interactions that it could only see late (1)")
    assert now.unknown[1:] == UNKNOWN


def test_a_backtest_tells_which_other_triggers_are_near(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        trigger_store.save(session, MARK, made_by="Cleo")
        trigger_store.set_state(session, "mark", TriggerState.LIVE, override="a test")
    ordered(hub, time, inbox, NINE)
    ordered(hub, time, inbox, NINE + HOUR)

    assert tried(hub).overlap == {"mark": 2}


def test_a_trigger_in_shadow_is_compared_with_its_backtest(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger in shadow, with one order before that and two since
    ordered(hub, time, inbox, NINE)
    with hub.store.write() as session:
        trigger_store.save(session, THANK, made_by="Cleo")
        time.now = NINE + HOUR
        trigger_store.set_state(session, "thank", TriggerState.SHADOW)
    ordered(hub, time, inbox, NINE + DAY)
    ordered(hub, time, inbox, NINE + 2 * DAY)

    compared = tried(hub).compared

    # Then both say the same over the time of the shadow
    assert compared is not None
    assert (compared.since, compared.both, compared.only_decided, compared.only_backtest) == (NINE + HOUR, 2, 0, 0)


def test_nothing_goes_live_untried(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a draft: it cannot go live
    with hub.store.write() as session:
        trigger_store.save(session, THANK, made_by="Cleo")
        with pytest.raises(Conflict) as refused:
            trigger_store.set_state(session, "thank", TriggerState.LIVE)
        assert refused.value.code == "needs_backtest"

    # When it is tried out, it can
    result = tried(hub)
    with hub.store.write() as session:
        keep(session, THANK, result, made_by="Cleo")
        assert trigger_store.set_state(session, "thank", TriggerState.LIVE).state_reason == ""

    # And its next version, which goes live at once, needs the same, before it is saved, or a reason
    changed = THANK.replace("1h", "2h")
    with hub.store.write() as session, pytest.raises(Conflict):
        trigger_store.save(session, changed, made_by="Cleo")
    with hub.store.write() as session:
        keep(session, changed, tried(hub, changed), made_by="Cleo")
        assert trigger_store.save(session, changed, made_by="Cleo")[0].version == 2
        assert [run.version for run in backtest_runs.listed(session, trigger_store.id_of("thank"))] == [2, 1]


def test_a_reason_to_do_without_is_kept_with_the_version(hub: Hub, time: Time) -> None:
    with hub.store.write() as session:
        trigger_store.save(session, THANK, made_by="Cleo")
        live = trigger_store.set_state(
            session, "thank", TriggerState.LIVE, reason="go", override="there is no history yet"
        )
        assert live.state_reason == "go; live without a back-test: there is no history yet"
        trigger_store.set_state(session, "thank", TriggerState.PAUSED)
        again = trigger_store.set_state(session, "thank", TriggerState.LIVE)  # the same version: it was said
        assert "there is no history yet" in again.state_reason


def test_the_shipped_life_cycle_says_why_it_needs_no_backtest(hub: Hub) -> None:
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
        reasons = {row.state_reason for row in trigger_store.every(session)}
    assert reasons == {"live without a back-test: it ships with the hub, and reaches nobody"}


def test_a_picture_has_every_hit_in_bars_that_fit() -> None:
    days = {"2026-01-01": 3, "2026-02-14": 1, "2027-12-31": 2}
    since, until = clock.from_datetime(MORNING), clock.from_datetime(MORNING) + 365 * DAY

    bars = picture.bars(days, {"2026-02-14": 1}, since, until)

    assert bars[0].day == date(2026, 1, 1)
    assert len(bars) <= picture.MOST
    assert (sum(bar.fired for bar in bars), sum(bar.held for bar in bars)) == (6, 1)
    drawn = picture.svg("a <b>", bars)
    assert "a &lt;b&gt;: 6 times, 1 of them held back" in drawn
    assert drawn.count("<g>") == len([bar for bar in bars if bar.fired])
    assert picture.lines(bars)[0].startswith("2026-01-01  ")
    assert picture.lines([]) == []

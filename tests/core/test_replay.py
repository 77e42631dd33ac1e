"""A shop's year lived through by the hub, day by day under a virtual clock, and counted again by others.

With CDNOW's orders (where the corpora lie beside the repository) the customers' recency, frequency and age are known
from the literature (Fader, Hardie and Lee 2005), and pandas counts lapses and returns from the raw file. A part of the
customers here; all 2,357 by ``make replay``.
"""

import csv
import os
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import msgspec
import pandas as pd
import pytest

from kinline import clock
from kinline.backtest.backtest import Hit, backtest
from kinline.clock import DAY
from kinline.hub import Hub
from kinline.identity.persons import members
from kinline.store import sql
from kinline.timeline.reading import everything
from kinline.triggers import read_trigger
from kinline.triggers.shipped import shipped_texts
from shop import CALIBRATED, CDNOW, FIRST, LAPSE_DAYS, LAST, TRIGGERS, Order, Shop, cdnow, made_up, noon, person_of

#: How many of CDNOW's customers, spread over all.
SOME = {"sqlite": 200, "postgresql": 40}
ALL = os.environ.get("KINLINE_TEST_REPLAY") == "all"
needs_cdnow = pytest.mark.skipif(not CDNOW.is_dir(), reason="no ../shared/corpora beside the repository")


def counted(orders: list[Order], last: date = LAST) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lapses and returns, (customer, day) each, counted by pandas."""
    frame = pd.DataFrame([(each.customer, pd.Timestamp(each.day)) for each in orders], columns=["customer", "day"])
    return lapses_and_returns(frame, last)


def lapses_and_returns(frame: pd.DataFrame, last: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    lapse, end = pd.Timedelta(days=LAPSE_DAYS), pd.Timestamp(last)
    frame = frame.drop_duplicates().sort_values(["customer", "day"])
    of_each = frame.groupby("customer")["day"]
    returns = frame[of_each.diff() > lapse]
    nexts = of_each.shift(-1)
    lapsed = frame[((nexts - frame["day"]) > lapse) | (nexts.isna() & (frame["day"] + lapse <= end))]
    return lapsed.assign(day=lapsed["day"] + lapse), returns


def decided(hub: Hub, trigger: str) -> list[tuple[str, int]]:
    """(person, at) of what a trigger fired."""
    statement = (
        "SELECT d.person_id, d.at FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id "
        "WHERE t.name = {p} AND d.verdict = 'fired' ORDER BY d.person_id, d.at"
    )
    with hub.store.read() as session:
        return sql.run(session, statement, trigger)


def as_decided(hub: Hub, frame: pd.DataFrame) -> list[tuple[str, int]]:
    return sorted((person_of(hub, who), noon(day.date())) for who, day in zip(frame.customer, frame.day, strict=True))


def summary(hub: Hub, person: str) -> tuple[int, float, float]:
    """Frequency (further days with an order), recency and age in weeks, out of the timeline, as of the calibration."""
    with hub.store.read() as session:
        shown = [entry.shown for entry in everything(session, members(session, person)[0])]
    days = {date.fromisoformat(each["at"][:10]) for each in shown if each.get("kind") == "order"}
    then = sorted(day for day in days if day <= CALIBRATED)
    return (
        len(then) - 1,
        round((then[-1] - then[0]).days / 7, 2),
        round((CALIBRATED - then[0]).days / 7, 2),
    )


@needs_cdnow
@pytest.mark.timeout(1200)
def test_cdnow_lived_through_day_by_day_is_as_others_count_it(hub: Hub) -> None:
    # Given the orders of CDNOW, arriving on their days
    orders = cdnow(None if ALL else SOME[hub.store.dialect])
    customers = sorted({order.customer for order in orders})
    Shop(hub).live(orders)
    assert len(customers) == 2357 or not ALL

    # Then each customer's frequency, recency and age are those of the published summary
    with (CDNOW / "cdnow_customers_summary.csv").open() as published:
        known = {int(each["ID"]): each for each in csv.DictReader(published)}
    for customer in customers:
        each = known[int(customer)]
        expected = (int(each["frequency"]), float(each["recency"]), float(each["T"]))
        assert summary(hub, person_of(hub, customer)) == expected, customer

    # And every lapse and every return was noticed exactly once, as pandas counts them in the raw file
    raw = pd.read_csv(CDNOW / "CDNOW_sample.txt", sep=r"\s+", header=None, dtype=str, usecols=[1, 2])
    raw.columns = pd.Index(["customer", "day"])
    raw = raw[raw.customer.isin(customers)].assign(day=pd.to_datetime(raw.day, format="%Y%m%d"))
    lapsed, returned = lapses_and_returns(raw, LAST)
    assert decided(hub, "lapse") == as_decided(hub, lapsed)
    assert decided(hub, "back") == as_decided(hub, returned)
    assert len(lapsed) > len(returned) > 10

    # And a back-test over that time says row by row what was decided
    back_tests_equal_live(hub, LAST)


def test_a_made_up_year_is_noticed_exactly(hub: Hub) -> None:
    # Given customers who also order on the very day on which they would have lapsed, and twice on one day
    orders, last = made_up(seed=7, customers=12, days=300), FIRST + timedelta(300)
    Shop(hub).live(orders, last)

    lapsed, returned = counted(orders, last)
    assert decided(hub, "lapse") == as_decided(hub, lapsed)
    assert decided(hub, "back") == as_decided(hub, returned)
    back_tests_equal_live(hub, last)


def back_tests_equal_live(hub: Hub, last: date) -> None:
    """For every trigger: who, episode, when, verdict, why, and which interactions counted."""
    live = rows_of(hub)
    with clock.frozen(noon(last)):
        for text in (*TRIGGERS, *shipped_texts().values()):
            trigger = read_trigger(text)
            result = backtest(hub, trigger, since=noon(FIRST) - DAY)
            assert [row_of(hit) for hit in result.hits] == live[trigger.name], trigger.name
            compared = result.compared
            assert compared is not None
            assert (compared.both, compared.only_decided, compared.only_backtest) == (len(result.hits), 0, 0)


def row_of(hit: Hit) -> tuple[Any, ...]:
    return (hit.at, hit.person, hit.once, hit.episode, hit.verdict, hit.decided_at, list(hit.interactions))


def rows_of(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    """By trigger, every decision that was made, as `row_of` tells one."""
    statement = (
        "SELECT t.name, d.at, d.person_id, d.once_key, d.verdict, d.decided_at, d.evidence FROM decision d "
        "JOIN trigger_rule t ON t.id = d.trigger_id ORDER BY d.at, d.person_id, d.once_key"
    )
    found = defaultdict[str, list[tuple[Any, ...]]](list)
    with hub.store.read() as session:
        for name, at, person, once, verdict, decided_at, raw in sql.run(session, statement):
            told = msgspec.json.decode(raw)
            found[name].append((at, person, once, told["episode"], verdict, decided_at, told["interactions"]))
    return found

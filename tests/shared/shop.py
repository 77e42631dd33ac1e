"""A shop's year in a hub: orders that arrive live, day by day, under a clock that the test sets.

The orders are those of CDNOW's public sample (Fader and Hardie), where the corpora lie beside the repository, or made
by a seeded generator. Days are UTC; everything of a day happens and arrives at noon, and then the hub catches up.
"""

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity.persons import of_identity
from kinline.messages import Interaction, Party
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import sql
from kinline.words import Direction, HandleType, Kind, Role, Standing, TriggerState

CORPORA = Path(os.environ.get("KINLINE_TEST_CORPORA") or Path(__file__).parents[2].parent / "shared" / "corpora")
CDNOW = CORPORA / "ev-cdnow-dev" / "lifetimes"
FIRST, CALIBRATED, LAST = date(1997, 1, 1), date(1997, 9, 30), date(1998, 6, 30)
LAPSE_DAYS = 90
LAPSE = f"""
name: lapse
about: Somebody ordered, and did not order again for ninety days.
when: {{silence: {{of: them, after: {{kind: order}}, broken_by: {{kind: order}}, for: {LAPSE_DAYS}d}}}}
do: [{{tag: {{add: lapsed}}}}]
"""
BACK = """
name: back
about: Somebody who had lapsed ordered again.
when: {did: {kind: order}}
who: "'lapsed' in tags"
do: [{tag: {remove: lapsed}}, {task: {team: care, title: Say welcome}}]
limits: {once_per: 1d}
"""
TRIGGERS = (LAPSE, BACK)


class Order(NamedTuple):
    """One line: who bought on which day. ``number`` tells the lines apart."""

    number: int
    customer: str
    day: date


def cdnow(customers: int | None = None) -> list[Order]:
    """CDNOW's orders, of all its customers or of as many spread evenly over them."""
    lines = [line.split() for line in (CDNOW / "CDNOW_sample.txt").read_text().splitlines()]
    orders = [Order(number, line[1], date.fromisoformat(line[2])) for number, line in enumerate(lines)]
    known = sorted({order.customer for order in orders})
    chosen = set(known if customers is None else known[:: max(1, len(known) // customers)][:customers])
    return [order for order in orders if order.customer in chosen]


def made_up(seed: int, customers: int, days: int = 400) -> list[Order]:
    """Orders of customers who come in bursts and stay away for months, also exactly as long as a lapse takes."""
    dice, orders = random.Random(seed), list[Order]()
    for number in range(customers):
        day = dice.randrange(days // 3)
        while day < days:
            orders += [Order(0, f"c{number:04}", FIRST + timedelta(day))] * dice.choice([1, 1, 1, 2])
            day += dice.choice([1, 5, 20, 40, 89, LAPSE_DAYS, 91, 130, 200])
    return [order._replace(number=number) for number, order in enumerate(sorted(orders, key=lambda each: each.day))]


def noon(day: date) -> int:
    return clock.from_datetime(datetime.combine(day, time(12), UTC))


def who(customer: str) -> Handle:
    return Handle(HandleType.EXTERNAL, customer, "shop")


class Shop:
    """The hub with its shop, its triggers live, and the clock at the first day."""

    def __init__(self, hub: Hub, triggers: Iterable[str] = TRIGGERS, *, life_cycle: bool = True) -> None:
        self.hub = hub
        with clock.frozen(noon(FIRST - timedelta(1))), hub.store.write() as session:
            if life_cycle:
                trigger_store.install_shipped(session)
            for text in triggers:
                row, _ = trigger_store.save(session, text, made_by="Cleo")
                trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
            self.account = connected.ensure(session, hub.secret, "email", "shop")

    def day(self, day: date, orders: Sequence[Order], dice: random.Random | None = None) -> None:
        """What was ordered arrives, and the hub catches up with the day. With ``dice``: in any order, and twice."""
        with clock.frozen(noon(day)):
            for batch in [orders] if dice is None else _shuffled(orders, dice):
                self.deliver(batch)
            handlers.drain(self.hub)

    def deliver(self, orders: Sequence[Order]) -> None:
        if orders:
            with self.hub.store.write() as session:
                record_batch(session, [recording(self.account, order) for order in orders])

    def live(self, orders: Iterable[Order], last: date = LAST, dice: random.Random | None = None) -> None:
        """Every day from the first to the last."""
        for day, those in days(orders, last):
            self.day(day, those, dice)


def days(orders: Iterable[Order], last: date = LAST) -> Iterator[tuple[date, list[Order]]]:
    """Every day from the first to the last, with what was ordered on it."""
    by_day = {day: list(those) for day, those in groupby(sorted(orders, key=_day), key=_day)}
    return ((day, by_day.get(day, [])) for day in (FIRST + timedelta(n) for n in range((last - FIRST).days + 1)))


def _shuffled(orders: Sequence[Order], dice: random.Random) -> list[list[Order]]:
    """Each twice, in any order, in batches of any size."""
    mixed = [*orders, *orders]
    dice.shuffle(mixed)
    cuts = sorted(dice.randrange(len(mixed) + 1) for _ in range(2))
    return [mixed[: cuts[0]], mixed[cuts[0] : cuts[1]], mixed[cuts[1] :]]


def recording(account: AccountRef, order: Order) -> Recording:
    at = datetime.combine(order.day, time(12), UTC)
    what = Interaction(
        source_id=f"order-{order.number}", kind=Kind.ORDER, direction=Direction.INBOUND, occurred_at=at,
        sequence=order.number, text="An order",
        parties=(Party(role=Role.AUTHOR, handle=who(order.customer), standing=Standing.VERIFIED),),
    )  # fmt: skip
    return Recording(account=account, what=what, arrived_at=clock.now())


Row = tuple[Any, ...]
_DECISIONS = (
    "SELECT t.name, d.person_id, d.once_key, d.at, d.verdict FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id "
    "ORDER BY t.name, d.at, d.person_id, d.once_key"
)


def decisions(hub: Hub) -> list[Row]:
    """(trigger, person, once-key, at, verdict) of every decision."""
    with hub.store.read() as session:
        return sql.run(session, _DECISIONS)


def person_of(hub: Hub, customer: str) -> str:
    with hub.store.read() as session:
        return of_identity(session, who(customer).id)


def _day(order: Order) -> date:
    return order.day

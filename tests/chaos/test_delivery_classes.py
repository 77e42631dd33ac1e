"""Each delivery class as it is promised, with senders killed at random and a provider that hangs up.

Everybody who writes to us is thanked; each letter reaches us three times. Four workers are killed one after the
other, at random moments. The oracle is the provider: it wrote down what it did.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

import couriers
from couriers import Provider
from hub_processes import Processes
from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.catalogue import trigger_store
from kinline.contract.plugins import channels
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Interaction, Party
from kinline.record.batch import record_batch
from kinline.record.recording import Recording
from kinline.store import sql
from kinline.testing.hubs import SECRET
from kinline.words import Delivery, Direction, HandleType, Kind, Role, Standing, TriggerState
from test_kill_sending import REDIS, THANKS, flush

pytestmark = pytest.mark.chaos
ROUNDS = int(os.environ.get("KINLINE_TEST_ROUNDS", "4"))
LONG = ROUNDS > 10
SEED = int(os.environ.get("KINLINE_TEST_SEED", "0")) or random.SystemRandom().randrange(10**6)
WORKERS, PEOPLE = 4, 10
#: In a normal run each class once; the long run has each on both databases.
SHORT = [("postgresql", Delivery.ONCE)]
RUNS = [(database, delivery) for database in ("sqlite", "postgresql") for delivery in Delivery] if LONG else SHORT


@dataclass
class Town:
    """A hub that thanks everybody, over one courier."""

    hub: Hub
    account: AccountRef
    provider: Provider
    redis: str
    written: int = 0
    kills: int = 0

    def processes(self, broken: str = "") -> Processes:
        return Processes(
            self.hub.settings, SECRET, redis=self.redis, broken=broken, outbound="live", quiet_from="0",
            quiet_until="0", storm_limit="1000000",
        )  # fmt: skip

    def people_write(self, dice: random.Random) -> None:
        """Some people write, and each letter reaches us three times, in any order."""
        now = clock.now()
        letters = [self._letter(number, now) for number in range(self.written, self.written + PEOPLE)] * 3
        dice.shuffle(letters)
        for part in (letters[:PEOPLE], letters[PEOPLE:]):
            with self.hub.store.write() as session:
                record_batch(session, part)
        self.written += PEOPLE

    def _letter(self, number: int, now: int) -> Recording:
        author = Handle(HandleType.EMAIL, f"person{number}@people{number}.example")
        what = Interaction(
            source_id=f"letter-{number}", kind=Kind.MESSAGE, direction=Direction.INBOUND, subject="A question",
            occurred_at=clock.to_datetime(now), text="Where is my parcel?",
            parties=(Party(role=Role.AUTHOR, handle=author, name="Ann Archer", standing=Standing.VERIFIED),),
        )  # fmt: skip
        return Recording(account=self.account, what=what, arrived_at=now)

    def states(self) -> dict[str, str]:
        """The state of each follow-up."""
        with self.hub.store.read() as session:
            return dict(sql.run(session, "SELECT id, state FROM followup"))


@pytest.fixture
def town(hub: Hub, delivery: Delivery) -> Iterator[Town]:
    couriers.register()
    redis = REDIS if hub.store.dialect == "postgresql" else ""
    provider = Provider(SEED)
    with ExitStack() as stack:
        if redis:
            flush(redis)
            stack.callback(flush, redis)
        url = stack.enter_context(provider.serving())
        with hub.store.write() as session:
            account = connected.connect(session, hub.secret, f"courier_{delivery}", "courier", {"url": url})
            row, _ = trigger_store.save(session, THANKS, made_by="Cleo")
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        yield Town(hub, account, provider, redis)
    for each in Delivery:
        del channels().loaded[f"courier_{each}"]


def storm(town: Town, rounds: int, broken: str = "") -> None:
    """Kill a worker in each round, half of them just when a message was handed over, and let the last ones finish."""
    dice = random.Random(SEED)
    with town.processes(broken) as processes:
        crew = [processes.worker() for _ in range(WORKERS)]
        for number in range(rounds):
            town.people_write(dice)
            town.provider.handed.clear()
            if dice.random() < 0.5:
                town.provider.handed.wait(10)
            else:
                time.sleep(dice.uniform(0.05, 0.3))
            victim = number % WORKERS
            processes.kill(crew[victim])
            town.kills += 1
            crew[victim] = processes.worker()
        wait_until_all_is_said(town)


def wait_until_all_is_said(town: Town) -> None:
    """Until each person has a follow-up and none is on its way."""
    deadline = time.monotonic() + 120 + town.written / 10
    counted: Counter[str] = Counter()
    while time.monotonic() < deadline:
        counted = Counter(town.states().values())
        if counted.total() == town.written and not counted["pending"] and not counted["sending"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"of {town.written}: {dict(counted)}; seed {SEED}")


def check(town: Town, delivery: Delivery) -> Counter[str]:
    """What the provider did is what the class promises, and what the hub says of it is true."""
    states, effects = town.states(), town.provider.effects
    counted = Counter(states.values())
    assert len(states) == town.written, f"decided {len(states)} of {town.written}; seed {SEED}"
    assert all(len(ids) == 1 for ids in town.provider.recipients.values()), "two messages to one person"
    assert effects.keys() <= states.keys()
    doubled = sum(count > 1 for count in effects.values())
    if delivery is Delivery.AT_LEAST_ONCE:
        assert sum(count - 1 for count in effects.values()) <= town.kills * 4 + town.provider.hung_up
    else:
        assert doubled == 0, f"{doubled} doubled; seed {SEED}"
    missing = states.keys() - effects.keys()
    if delivery is Delivery.AT_MOST_ONCE:
        assert {states[each] for each in missing} <= {"unknown", "failed"}, f"said to be sent; seed {SEED}"
    else:
        assert not missing, f"{len(missing)} missing; seed {SEED}"
        assert set(counted) == {"sent"}
    return counted


@pytest.mark.timeout(900 + 10 * ROUNDS)
@pytest.mark.parametrize(("database_url", "delivery"), RUNS, indirect=["database_url"])
def test_each_class_is_as_promised(town: Town, delivery: Delivery) -> None:
    storm(town, ROUNDS)

    counted, effects = check(town, delivery), town.provider.effects
    doubled = sum(count - 1 for count in effects.values())
    print(f"\n{delivery} on {town.hub.store.dialect}: {town.kills} kills, {town.provider.hung_up} hang-ups, seed {SEED}: "
          f"{town.written} triggers delivered three times, {len(effects)} effects, {doubled} doubled, "
          f"{town.written - len(effects)} missing; {dict(counted)}")  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.long  # test_kill_sending.py has its like
@pytest.mark.parametrize(("database_url", "delivery"), [("sqlite", Delivery.AT_MOST_ONCE)], indirect=["database_url"])
def test_a_hub_that_resends_at_most_once_is_found_out(town: Town, delivery: Delivery) -> None:
    town.provider._slowest, town.provider._hangs_up = 0.5, 0.5
    storm(town, 3, broken="sends again when the lease runs out")

    with pytest.raises(AssertionError, match="doubled"):
        check(town, delivery)

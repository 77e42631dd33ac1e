"""Going live over everybody: how long it takes, how much memory, and what it costs whoever posts meanwhile.

Each person wrote once; a third of them are in the middle of the silence that the trigger waits for. A process of its own looks
at all of them, as a worker does.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from hubs import Bench, fresh
from kinline import clock
from kinline.catalogue import trigger_store
from kinline.clock import HOUR, MINUTE
from kinline.intake.typed import TypedPost, record_posts
from kinline.record.recording import Recording
from kinline.testing.bulk import many_people
from kinline.testing.factories import InteractionFactory
from kinline.words import TriggerState
from measure import Figure, middle

#: A post takes at most twice as long meanwhile.
DEARER = 2.0
POSTS = 100
QUIET = """
name: quiet
about: Nothing was heard for so long.
when: {{silence: {{of: them, for: {hours}h}}}}
do: [{{task: {{team: care, title: Ask}}}}]
"""
WORKER = """
import json, os, resource, time
from kinline import clock
from kinline.decide import backfill_step
from kinline.hub import Hub
from kinline.settings import Settings
hub = Hub.open(Settings())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
with clock.frozen(int(os.environ["BENCH_NOW"])):
    looked = sum(backfill_step.run(hub, os.environ["BENCH_TRIGGER"]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([looked, time.perf_counter() - began, before / 1024, after / 1024]))
"""


def measure(database: str, *, people: int) -> Iterator[Figure]:
    now = 1_600_000_000_000_000 + people * MINUTE + 240 * HOUR  # ten days after the last one wrote
    with fresh(database, triggers=False) as bench:
        many_people(bench.hub.store, people)
        with clock.frozen(now):
            alone = _posts(bench, "alone", POSTS)
            trigger = _live(bench, 240 + people // 180)
            looked, seconds, before, after, meanwhile = _look(bench, trigger, now)
        armed = bench.count("SELECT count(*) FROM wait WHERE state = 'armed'")
        if looked < people or not people / 4 < armed < people / 2:
            raise AssertionError(f"{looked} looked at, {armed} armed, of {people}")
        checked = f"{looked:,} looked at, {armed:,} armed"
        yield Figure(f"going live over {people:,} persons", database, seconds, "s", checked=checked)
        yield Figure("persons a second", database, looked / seconds, "/s", checked=checked)
        yield Figure("memory it takes more", database, after - before, "MB", note=f"{after:.0f} MB in all")
        yield Figure(
            "a post meanwhile", database, middle(meanwhile) * 1000, "ms", middle(meanwhile) / middle(alone),
            f"{middle(alone) * 1000:.3g} ms alone", DEARER, more_is_better=False, checked=f"{len(meanwhile)} posts",
        )  # fmt: skip


def _live(bench: Bench, hours: int) -> str:
    with bench.hub.store.write() as session:
        row, _ = trigger_store.save(session, QUIET.format(hours=hours), made_by="bench")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a measurement")
        return row.id


def _look(bench: Bench, trigger: str, now: int) -> tuple[int, float, float, float, list[float]]:
    """Let a worker look at everybody, and post meanwhile."""
    env = os.environ | bench.environment() | {"BENCH_NOW": str(now), "BENCH_TRIGGER": trigger}
    worker = subprocess.Popen([sys.executable, "-c", WORKER], env=env, stdout=subprocess.PIPE, text=True)  # noqa: S603
    meanwhile = list[float]()
    while worker.poll() is None:
        meanwhile += _posts(bench, f"meanwhile-{len(meanwhile)}", 5)
        time.sleep(0.05)
    told = worker.communicate()[0]
    looked, seconds, before, after = json.loads(told)
    return looked, seconds, before, after, meanwhile


def _posts(bench: Bench, name: str, count: int) -> list[float]:
    """The seconds that each of so many posts took, one by one."""
    spent = list[float]()
    for number in range(count):
        what = InteractionFactory.build(source_id=f"{name}-{number}", occurred_at=clock.to_datetime(clock.now()))
        began = time.perf_counter()
        with bench.hub.store.write() as session:
            record_posts(session, [TypedPost((Recording(account=bench.account, what=what, arrived_at=clock.now()),))])
        spent.append(time.perf_counter() - began)
    return spent

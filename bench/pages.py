"""The newest page of a timeline over HTTP, at ten thousand and at a million interactions, and against a bare route."""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import msgspec

from hubs import Bench, fresh
from kinline.handles import Handle
from kinline.identity.meeting import meet
from kinline.identity.parties import Who
from kinline.messages import Party
from kinline.testing.bulk import many_lives
from kinline.words import HandleType, Role, Standing
from load import Load, wrk
from measure import Figure, interleaved, middle, percentile
from servers import serving

#: The targets (RESULTS.md).
GROWTH, OF_BARE = 2.0, 0.25
EACH = 200  #: interactions of an ordinary person
START = 1_700_000_000_000_000
#: Closed loops: one client for latencies, as many as the targets were set with for rates.
ONE, MANY = 1, 32
READS = 9
DOC = (
    '{"parties":[{"role":"author","handle":"email:x@customers.example"}],"subject":"A question","text":"'
    + "word " * 25
    + '"}'
)


def fill(bench: Bench, handles: Sequence[Handle], counts: Sequence[int]) -> None:
    """Give each of these people so many interactions, evenly over time, as recording would have left them."""
    with bench.hub.store.write() as session:
        party = [Party(role=Role.AUTHOR, handle=handle, standing=Standing.VERIFIED) for handle in handles]
        meet(session, [(Who(one, handle, handle.id), 0) for one, handle in zip(party, handles, strict=True)])
    many_lives(bench.hub.store, bench.account.id, list(zip(handles, counts, strict=True)), start=START, doc=DOC)
    settled = "PRAGMA wal_checkpoint(TRUNCATE)" if bench.hub.store.dialect == "sqlite" else "VACUUM ANALYZE"
    with bench.hub.store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(settled)


def measure(database: str, *, large: int, hot: int, seconds: float, rounds: int) -> Iterator[Figure]:
    """Warm: every page was read once before. Both stores are served at once and asked in turn."""
    with ExitStack() as stack:
        hubs = {
            name: stack.enter_context(_served(database, total, hot))
            for name, total in (("small", 10_000), ("large", large))
        }
        yield _undisturbed(database, hubs, large)
        yield from _growth(database, hubs, large, seconds, rounds)
        yield from _of_bare(database, hubs["small"], seconds, rounds)


class Served(msgspec.Struct, frozen=True):
    """A hub that answers, how many interactions it has, and the paths to ask it for, by what they are."""

    url: str
    key: str
    stored: int
    paths: dict[str, list[str]]

    def asked(self, what: str, seconds: float, connections: int) -> Load:
        return _load(self.url, self.paths[what], seconds, connections, self.key)


@contextmanager
def _served(database: str, total: int, hot: int) -> Iterator[Served]:
    with fresh(database, triggers=False) as bench:
        hottest = min(hot, total // 20)
        people = [Handle(HandleType.EMAIL, f"p{n}@customers.example") for n in range((total - hottest) // EACH)]
        busy = Handle(HandleType.EMAIL, "busy@customers.example")
        fill(bench, [busy, *people], [hottest, *[EACH] * len(people)])
        stored = [bench.count(f"SELECT count(*) FROM {table}") for table in ("interaction", "participant", "copy")]
        if stored != [len(people) * EACH + hottest] * 3:
            raise AssertionError(f"{stored} stored")
        with serving("hub", bench.environment()) as hub:
            yield Served(hub.url, bench.key, stored[0], _paths(hub.url, bench.key, people, busy))


def _paths(url: str, key: str, people: list[Handle], busy: Handle) -> dict[str, list[str]]:
    """What is asked for; each was read once, and had fifty lines."""
    sample = random.Random(3).sample(people, min(300, len(people)))  # noqa: S311 - repeatable
    hot = f"/v1/people/{busy}/timeline"
    found = {
        "the newest page": [f"/v1/people/{handle}/timeline" for handle in sample],
        "the newest page of a busy person": [hot],
        "a filtered page": [f"{hot}?channel=email&kind=message"],
        "a page far back": [],
    }
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        path = hot
        for _ in range(9):
            path = f"{hot}?cursor={client.get(path).raise_for_status().json()['next']}"
        found["a page far back"].append(path)
        for each in found.values():
            for path in each:
                if len(client.get(path).raise_for_status().json()["entries"]) != 50:
                    raise AssertionError(f"another page: {path}")
    return found


def _undisturbed(database: str, hubs: dict[str, Served], large: int) -> Figure:
    """The p99 over people of the quickest of some reads each: what a page costs, without what else the machine did."""
    found: dict[str, float] = {}
    for name, hub in hubs.items():
        with httpx.Client(base_url=hub.url, headers={"Authorization": f"Bearer {hub.key}"}) as client:
            paths = hub.paths["the newest page"]
            best = [min(_milliseconds(client, path) for _ in range(READS)) for path in paths]
            found[name] = percentile(best, 0.99)
    return Figure(
        f"p99 over people of the quickest of {READS} newest pages, {large:,} interactions", database, found["large"],
        "ms", found["large"] / found["small"], f"{found['small']:.2f} ms at {hubs['small'].stored:,}", GROWTH,
        more_is_better=False, checked=f"{hubs['large'].stored:,} stored",
    )  # fmt: skip


def _milliseconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - began) * 1000


def _growth(database: str, hubs: dict[str, Served], large: int, seconds: float, rounds: int) -> Iterator[Figure]:
    small = hubs["small"].stored
    for what in hubs["large"].paths:
        loads: dict[str, list[Load]] = {name: [] for name in hubs}

        def one(name: str, what: str = what, loads: dict[str, list[Load]] = loads) -> float:
            loads[name].append(hubs[name].asked(what, seconds, ONE))
            return loads[name][-1].p99

        found = interleaved(rounds, {name: lambda name=name: one(name) for name in hubs})  # type: ignore[misc]
        ratios = [many / few for few, many in zip(found["small"], found["large"], strict=True)]
        p50 = {name: middle([load.p50 for load in loads[name]]) for name in hubs}
        yield Figure(
            f"p99 of {what}, {large:,} interactions", database, middle(found["large"]), "ms", middle(ratios),
            f"{middle(found['small']):.2f} ms at {small:,}", GROWTH, more_is_better=False, rounds=ratios,
            checked=f"{hubs['large'].stored:,} stored, every answer 200",
            note=f"one client over HTTP; p50 {p50['large']:.2f} and {p50['small']:.2f} ms",
        )  # fmt: skip


def _of_bare(database: str, hub: Served, seconds: float, rounds: int) -> Iterator[Figure]:
    """The route with key, person and page, against a bare route that has the same rows in memory."""
    path = hub.paths["the newest page of a busy person"][0]
    with tempfile.NamedTemporaryFile() as kept:
        body = httpx.get(hub.url + path, headers={"Authorization": f"Bearer {hub.key}"}).raise_for_status().content
        Path(kept.name).write_bytes(body)
        with serving("page", {"BENCH_PAGE": kept.name}) as bare:
            if httpx.get(f"{bare.url}/page").content != body:
                raise AssertionError("another answer")
            for connections in (ONE, MANY):
                found = interleaved(
                    rounds,
                    {
                        "hub": lambda: hub.asked("the newest page of a busy person", seconds, connections).rate,  # noqa: B023
                        "bare": lambda: _load(bare.url, ["/page"], seconds, connections, hub.key).rate,  # noqa: B023
                    },
                )
                ratios = [mine / theirs for mine, theirs in zip(found["hub"], found["bare"], strict=True)]
                yield Figure(
                    f"timeline route, of a bare route with the same rows, {connections} at once", database,
                    middle(found["hub"]), "/s", middle(ratios), f"{middle(found['bare']):.0f}/s", OF_BARE,
                    checked="the same bytes", rounds=ratios, note=f"{len(body) / 1000:.0f} kB",
                )  # fmt: skip


def _load(url: str, paths: list[str], seconds: float, connections: int, key: str) -> Load:
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("\n".join(paths) + "\n")
        listed.flush()
        load = wrk(url, "reading.lua", seconds, connections, key=key, paths=listed.name)
    if load.refused or not load.acknowledged:
        raise AssertionError(f"{load.acknowledged} answered, {load.refused} refused: {paths[0]}")
    return load

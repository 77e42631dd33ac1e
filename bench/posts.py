"""Durable single posts: the whole path of the hub against a bare route, and against a session for each request."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from hubs import Bench, empty, fresh
from load import Load, wrk
from measure import Figure, interleaved, middle
from servers import serving

CONNECTIONS = 64
#: The targets (RESULTS.md): of the bare route, and over the baseline.
OF_BARE, OVER_SQLMODEL = 0.5, 5.0


def measure(database: str, *, seconds: float, rounds: int) -> Iterator[Figure]:
    """Posts a second of the three servers, in turns. Counts rows against acknowledgements."""
    loads: dict[str, list[Load]] = {"bare": [], "hub": [], "sqlmodel": []}
    with fresh(database) as bench, _servers(database, bench) as urls:

        def one(name: str) -> float:
            run = uuid.uuid4().hex[:8]
            loads[name].append(wrk(urls[name], "posting.lua", seconds, CONNECTIONS, key=bench.key, run=run))
            return loads[name][-1].rate

        for name in loads:
            wrk(urls[name], "posting.lua", 1, CONNECTIONS, key=bench.key, run=f"warm-{name}")
        before = bench.count("SELECT count(*) FROM interaction")
        found = interleaved(rounds, {name: lambda name=name: one(name) for name in loads})  # type: ignore[misc]
        rows = bench.count("SELECT count(*) FROM interaction") - before
        yield from _figures(database, found, _checked(loads["hub"], rows, rounds), loads["hub"])


@contextmanager
def _servers(database: str, bench: Bench) -> Iterator[dict[str, str]]:
    with (
        empty(database, bench.home / "baseline") as other,
        serving("bare", {}) as bare,
        serving("hub", bench.environment()) as hub,
        serving("sqlmodel", {"BENCH_DATABASE": other}) as sqlmodel,
    ):
        yield {"bare": bare.url, "hub": hub.url, "sqlmodel": sqlmodel.url}


def _checked(loads: list[Load], rows: int, rounds: int) -> str:
    """Every acknowledged post is a row. What was in flight when wrk hung up may be one too."""
    acknowledged = sum(load.acknowledged for load in loads)
    refused = sum(load.refused for load in loads)
    if refused or not acknowledged <= rows <= acknowledged + rounds * CONNECTIONS:
        raise AssertionError(f"{acknowledged} acknowledged, {refused} refused, {rows} rows")
    return f"{acknowledged} acknowledged, {rows} rows ({rows - acknowledged} in flight at hang-up)"


def _figures(database: str, found: dict[str, list[float]], checked: str, loads: list[Load]) -> Iterator[Figure]:
    bare, hub, sqlmodel = (middle(found[name]) for name in ("bare", "hub", "sqlmodel"))
    ratios = [mine / theirs for mine, theirs in zip(found["hub"], found["bare"], strict=True)]
    p99 = middle([load.p99 for load in loads])
    note = (
        f"{CONNECTIONS} connections, p50 {middle([load.p50 for load in loads]):.1f} ms, p99 {p99:.0f} ms at saturation"
    )
    yield Figure(
        "durable posts, of a bare route", database, hub, "/s", middle(ratios), f"{bare:.0f}/s", OF_BARE,
        checked=checked, note=note, rounds=ratios,
    )  # fmt: skip
    over = [mine / theirs for mine, theirs in zip(found["hub"], found["sqlmodel"], strict=True)]
    yield Figure(
        "durable posts, over a session per request", database, hub, "/s", middle(over), f"{sqlmodel:.0f}/s",
        OVER_SQLMODEL, rounds=over,
    )  # fmt: skip

"""The API after a million events: what one process holds in memory, and that each event it acknowledged is a row."""

import uuid
from collections.abc import Iterator

import httpx
import msgspec

from hubs import Bench, fresh
from load import wrk
from measure import Figure
from servers import Server, serving

#: The targets (RESULTS.md), in MB: at rest after a million; while it takes batches of 5000 (2.8 MB each).
AT_REST, AT_MOST = 150.0, 200.0
CONNECTIONS, SECONDS, BATCH = 64, 20.0, 5000
PEOPLE = 200_000  #: more than any cache keeps


def measure(database: str, *, single: int, batched: int) -> Iterator[Figure]:
    """Post so many one by one, then as many again in batches, and read one person's page in between."""
    with fresh(database) as bench, serving("hub", bench.environment()) as hub:
        began = hub.memory
        posted, in_flight = _one_by_one(bench, hub, single)
        after_single, peak_single = hub.memory, hub.peak
        sent = _in_batches(bench, hub, batched)
        after, peak = hub.memory, hub.peak
        rows = bench.count("SELECT count(*) FROM interaction")
    acknowledged = posted + sent
    if not acknowledged <= rows <= acknowledged + in_flight:
        raise AssertionError(f"{acknowledged} acknowledged, {rows} rows")
    checked = f"{acknowledged:,} acknowledged, {rows:,} rows ({rows - acknowledged} in flight at hang-up)"
    yield Figure(
        f"memory of the API after {posted:,} single events", database, after_single, "MB", None,
        f"{began:.0f} MB at its start", AT_REST, more_is_better=False, checked=checked,
        note=f"{peak_single:.0f} MB at most; {PEOPLE:,} people",
    )  # fmt: skip
    yield Figure(
        f"memory of the API after {sent:,} more in batches of {BATCH}", database, after, "MB", None,
        f"{began:.0f} MB at its start", AT_REST, more_is_better=False, checked=checked,
    )  # fmt: skip
    yield Figure(
        f"most memory of the API, batches of {BATCH}", database, peak, "MB", None, "", AT_MOST, more_is_better=False
    )


def _one_by_one(bench: Bench, hub: Server, wanted: int) -> tuple[int, int]:
    """How many were acknowledged, and how many more may be rows because wrk hung up before the answer."""
    acknowledged = rounds = 0
    while acknowledged < wanted:
        run = uuid.uuid4().hex[:8]
        load = wrk(hub.url, "posting.lua", SECONDS, CONNECTIONS, key=bench.key, run=run, people=str(PEOPLE))
        if load.refused:
            raise AssertionError(f"{load.refused} refused")
        acknowledged, rounds = acknowledged + load.acknowledged, rounds + 1
    return acknowledged, rounds * CONNECTIONS


def _in_batches(bench: Bench, hub: Server, wanted: int) -> int:
    acknowledged = 0
    with httpx.Client(base_url=hub.url, headers={"Authorization": f"Bearer {bench.key}"}, timeout=120) as client:
        while acknowledged < wanted:
            body = msgspec.json.encode({"interactions": [_event(acknowledged + n) for n in range(BATCH)]})
            answer = client.post(
                "/v1/interactions/batch", content=body, headers={"Content-Type": "application/json"}
            ).raise_for_status()
            stored = sum(line["status"] == 201 for line in answer.json()["results"])
            if stored != BATCH:
                raise AssertionError(f"{stored} of {BATCH} stored: {answer.text[:300]}")
            acknowledged += stored
    return acknowledged


def _event(number: int) -> dict[str, object]:
    return {
        "account": "inbox", "source_id": f"batch-{number}", "kind": "message", "direction": "inbound",
        "occurred_at": f"2026-03-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z", "subject": "A question",
        "text": "Where is my parcel? It should have been here on Monday. " * 5,
        "parties": [{
            "role": "author", "handle": f"email:person{number * 7919 % PEOPLE}@example.org", "name": "Ann Archer",
            "standing": "verified",
        }],
    }  # fmt: skip

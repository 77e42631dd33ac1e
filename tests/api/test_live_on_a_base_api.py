"""The law of going live, over HTTP: the base comes over the API, triggers go live there, and the back-test is a job."""

import random
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient
from tests.core.test_backtest_equals_live import TEXTS, wait_until
from tests.core.test_live_on_a_base import LONG

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import DAY, MINUTE, SECOND
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.triggers import read_trigger
from kinline_api.app import Application
from kinline_api.typed import InteractionIn, recording_of
from settable import Time
from trying import tried

Door = TestClient[Application]
PEOPLE = [f"email:person{number}@example.org" for number in range(8)]
SAID = [("message", "inbound"), ("message", "outbound"), ("order", "inbound"), ("order", "inbound")]
NAMES = [read_trigger(text).name for text in (*TEXTS, *LONG)]


def interaction(number: int, who: str, said: tuple[str, str], at: int) -> dict[str, Any]:
    """What one of them did, or one of us wrote to them."""
    kind, direction = said
    us = {"role": "author", "handle": "email:help@shop.example", "ours": True, "standing": "verified"}
    them = {"role": "recipient" if direction == "outbound" else "author", "handle": who, "standing": "verified"}
    return {
        "account": "inbox", "source_id": f"made-{number}", "kind": kind, "direction": direction,
        "occurred_at": clock.to_text(at), "text": "A word.", "parties": [us, them] if direction == "outbound" else [them],
    }  # fmt: skip


def happens(hub: Hub, told: dict[str, Any]) -> None:
    """It happens now, by the test's clock."""
    with hub.store.write() as session:
        account = connected.ref(connected.named(session, "inbox"))
        given = msgspec.convert(told, InteractionIn, strict=False)
        record_batch(session, [recording_of(given, account, clock.now(), hub.settings.phone_region)])
    handlers.drain(hub)


def row_of_hit(hit: dict[str, Any]) -> tuple[Any, ...]:
    return (hit["at"], hit["person"], hit["verdict"], hit["decided_at"], hit["episode"], hit["interactions"])


def decided(door: Door, name: str, since: int) -> list[tuple[Any, ...]]:
    """What that trigger decided since then, as `row_of_hit` tells it."""
    listed, cursor = list[dict[str, Any]](), ""
    while cursor is not None:
        page = door.get(f"/v1/decisions?trigger={name}&limit=100&cursor={cursor}").json()
        listed, cursor = listed + page["decisions"], page["next"]
    told = [door.get(f"/v1/decisions/{each['id']}").json() for each in listed]
    return [
        (
            each["at"],
            each["person"],
            each["verdict"],
            each["decided_at"],
            each["evidence"]["episode"],
            each["evidence"]["interactions"],
        )
        for each in told
        if each["at"] >= clock.to_text(since)
    ]


@pytest.mark.parametrize("history", [True, False], ids=["as history", "as it happened"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_back_test_says_what_is_decided_after_going_live_on_a_base(
    door: Door, hub: Hub, seed: int, history: bool
) -> None:
    # Given a base of forty days that came over the API, with a merge and a stage
    chance, began = random.Random(seed), clock.now() // SECOND * SECOND - 40 * DAY
    for number in range(60):
        told = interaction(number, chance.choice(PEOPLE), chance.choice(SAID), began + chance.randrange(40 * DAY))
        door.post("/v1/interactions", json=told | {"history": history}).raise_for_status()
    joined = {"with": PEOPLE[1], "reason": "they told us on the telephone"}
    door.post(f"/v1/people/{PEOPLE[0]}/merge", json=joined).raise_for_status()
    door.post(f"/v1/people/{PEOPLE[2]}/stages", json={"track": "business", "stage": "lead"}).raise_for_status()
    handlers.drain(hub)

    # When all triggers go live upon it, and thirty days are lived on
    time = Time()
    since = time.now = clock.now() + MINUTE
    with clock.frozen(time):
        for text in (*TEXTS, *LONG):
            door.post("/v1/triggers", json={"source": text}).raise_for_status()
            state = {"state": "live", "override": "a test"}
            door.post(f"/v1/triggers/{read_trigger(text).name}/state", json=state).raise_for_status()
        handlers.drain(hub)
        assert {door.get(f"/v1/triggers/{name}/backfill").json()["state"] for name in NAMES} == {"done"}
        for number, at in enumerate(sorted(chance.randrange(30 * DAY) for _ in range(30)), 60):
            wait_until(hub, time, since + at)
            happens(hub, interaction(number, chance.choice(PEOPLE), chance.choice(SAID), since + at))
        wait_until(hub, time, since + 30 * DAY)

        # Then a back-test over that time, asked for as a job, says the same, row by row
        found = 0
        for name in NAMES:
            told = tried(door, hub, name, since=clock.to_text(since), limit=1000)["hits"]
            assert sorted(map(row_of_hit, told)) == sorted(decided(door, name, since)), name
            found += len(told)
    assert found > 30

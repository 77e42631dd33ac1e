"""Desks call the hub: signed, over the real door, twice and in any order; and the stand-in that people may try."""

import random
import threading
from collections.abc import Iterator

import pytest

from kinline import clock, handlers
from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline.pretend import until
from kinline.store import sql
from kinline_api.server import Server, server
from kinline_support.channel import PRETENDERS
from kinline_support.pretending import PretendDesk

from .conftest import Bridge, Tie


@pytest.fixture
def address(live: Hub) -> Iterator[str]:
    """The address of a server of this hub."""
    ready = threading.Event()
    door: Server = server(live, host="127.0.0.1", port=0, on_ready=lambda address: ready.set())
    thread = threading.Thread(target=door.run)
    thread.start()
    assert ready.wait(10)
    yield door.address
    door.should_exit = True
    thread.join(15)
    assert not thread.is_alive()


@pytest.fixture(params=sorted(PRETENDERS))
def bridge(request: pytest.FixtureRequest, tie: Tie, address: str) -> Bridge:
    """A desk whose webhook goes to the hub."""
    made = tie(PRETENDERS[request.param]())
    made.desk.listener = f"{address}/v1/channels/{made.account}/webhook"
    return made


def test_what_happens_there_is_here_by_webhook_alone(bridge: Bridge) -> None:
    key = bridge.desk.person_asks("Parcel", "Where is my parcel?")
    bridge.desk.agent_says(key, "We look into it.")
    bridge.desk.agent_says(key, "She sounds upset.", public=False)

    statuses = bridge.desk.deliver(twice=True, shuffled=random.Random(3))
    handlers.drain(bridge.hub)

    assert {status // 100 for status in statuses} == {2}
    assert sorted(bridge.said(key)) == [
        ("message", "inbound", "Where is my parcel?"),
        ("message", "outbound", "We look into it."),
        ("note", "outbound", "She sounds upset."),
    ]
    bridge.holds()


def test_the_same_events_signed_anew_make_nothing(bridge: Bridge) -> None:
    key = bridge.desk.person_asks("Parcel", "Where is my parcel?")
    events = list(bridge.desk.waiting)
    bridge.desk.deliver()
    handlers.drain(bridge.hub)
    before = bridge.count("interaction")

    bridge.desk.waiting = events
    statuses = bridge.desk.deliver()
    handlers.drain(bridge.hub)

    assert {status // 100 for status in statuses} == {2}
    assert bridge.count("interaction") == before
    assert len(bridge.said(key)) == 1


def test_a_call_that_was_signed_long_ago_is_401_where_the_time_is_signed(bridge: Bridge) -> None:
    body = b'{"event": "message_created"}'
    with clock.frozen(clock.now() - 365 * clock.DAY):
        signed = bridge.desk.signed(body)

    assert bridge.desk.post(body, signed) == (202 if "x-hub-signature" in signed else 401)


def test_a_forged_call_is_401_and_leaves_nothing(bridge: Bridge) -> None:
    before = bridge.count("intake")

    for headers in ({}, dict.fromkeys(bridge.desk.signed(b"{}"), "sha256=AAAA"), bridge.desk.signed(b"other bytes")):
        assert bridge.desk.post(b'{"event": "message_created"}', headers) == 401

    assert bridge.count("intake") == before


def test_a_signed_call_that_nobody_can_read_is_kept_and_the_desk_goes_on(bridge: Bridge) -> None:
    for body in (b"hello", b"", b'{"hello": "world"}', b"[[[[", b"\xff"):
        assert bridge.desk.post(body) // 100 == 2
    handlers.drain(bridge.hub)

    with bridge.hub.store.read() as session:
        rows = sql.run(session, "SELECT state, count(*) FROM item GROUP BY state")
    assert rows == [("quarantined", 5)]
    bridge.holds()


def test_the_stand_in_that_people_may_try_works_by_itself(tie: Tie) -> None:
    found = channels().get("support").pretend()
    assert isinstance(found, PretendDesk)
    bridge = tie(found)

    bridge.look()
    [key] = [str(each) for each in found.tickets]  # type: ignore[attr-defined]
    followup = bridge.replies(key, "We are on our way.")

    assert bridge.followup(followup)[0] == "sent"
    assert found.said(key)[-1] == ("We are on our way.", True)
    assert until(lambda: bridge.health().error is None, 1)

"""A token that a provider puts into one call alone proves that call and no other."""

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.hub import Hub
from kinline.intake.once import receive_once
from kinline.messages import Once, Source
from kinline.store import sql
from kinline_api.app import Application

Door = TestClient[Application]
KEY = "a signing key"
HALF_A_DAY = 12 * 3600 * clock.SECOND
Call = Callable[..., Any]


@pytest.fixture
def call(hub: Hub, door: Door) -> Call:
    """Mailgun calls, with a token and what it says."""
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "m", {"webhook_from": "mailgun", "webhook_secret": KEY})
        connected.connect(session, hub.secret, "email", "n", {"webhook_from": "mailgun", "webhook_secret": KEY})

    def calls(token: str, event: str, *, stamp: int = 0, account: str = "m", form: bool = False) -> Any:
        told = str(stamp or clock.now() // clock.SECOND)
        signed = hmac.new(KEY.encode(), f"{told}{token}".encode(), sha256).hexdigest()
        proof = {"timestamp": told, "token": token, "signature": signed}
        if form:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            return door.post(
                f"/v1/channels/{account}/webhook", content=urlencode({**proof, "x": event}), headers=headers
            )
        body = json.dumps({"signature": proof, "event-data": {"event": event, "id": event}}).encode()
        return door.post(f"/v1/channels/{account}/webhook", content=body, headers={"content-type": "application/json"})

    return calls


def bodies(hub: Hub) -> int:
    with hub.store.read() as session:
        return int(sql.run(session, "SELECT count(*) FROM intake")[0][0])


def test_a_token_is_spent_with_its_first_body(hub: Hub, call: Call) -> None:
    first = call("a-token", "opened")

    # The same again, another event, another shape, another time: answered alike, and kept nowhere
    again = [call("a-token", "opened"), call("a-token", "complained"), call("a-token", "x", form=True)]
    again.append(call("a-token", "failed", stamp=clock.now() // clock.SECOND - 60))
    assert {(each.status_code, each.text) for each in again} == {(first.status_code, first.text)}
    assert first.status_code in (200, 202)
    assert bodies(hub) == 1

    # Another token, and another account, are other calls
    assert call("b-token", "opened").json() != first.json()
    assert call("a-token", "opened", account="n").json() != first.json()
    assert bodies(hub) == 3
    handlers.drain(hub)


def test_a_call_that_is_not_proved_spends_nothing(hub: Hub, call: Call, door: Door) -> None:
    forged = {"signature": {"timestamp": "1", "token": "a-token", "signature": "00"}, "event-data": {}}
    assert door.post("/v1/channels/m/webhook", json=forged).status_code == 401

    assert call("a-token", "opened").status_code in (200, 202)
    assert bodies(hub) == 1


def test_tokens_are_forgotten_when_their_time_would_not_be_believed_any_more(hub: Hub, call: Call) -> None:
    call("a-token", "opened")
    later = clock.now() + HALF_A_DAY + 60 * clock.SECOND
    with clock.frozen(later), hub.store.write() as session:
        at = connected.ref(connected.named(session, "m"))
        receive_once(session, [(at, b"", Source(), Once(token="b-token", until=later / clock.SECOND + 60))])

    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM seen_token") == [(1,)]


def test_of_several_in_one_transaction_the_first_counts(hub: Hub, call: Call) -> None:
    once = Once(token="t", until=clock.now() / clock.SECOND + 60)
    with hub.store.write() as session:
        at = connected.ref(connected.named(session, "m"))
        made = receive_once(session, [
            (at, b"1", Source(), once), (at, b"2", Source(), None), (at, b"3", Source(), once), (at, b"4", Source(), None)
        ])  # fmt: skip

    assert made[0] == made[2]
    assert len(set(made)) == 3
    assert bodies(hub) == 3

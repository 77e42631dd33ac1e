"""Live accounts through the door: health, test, poll, history, consent."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from boxes import Box
from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.errors import ChannelError
from kinline.hub import Hub
from kinline.live import state
from kinline_api.app import Application

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]


@pytest.fixture
def box(hub: Hub) -> Iterator[Box]:
    found = Box()
    channels().loaded["box"] = found
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "box", "the-box", {}, teams=("north",))
    yield found
    del channels().loaded["box"]


def test_health_says_how_an_account_is(hub: Hub, door: Door, box: Box) -> None:
    found = door.get("/v1/accounts/the-box/health").json()

    assert (found["verdict"], found["says"], found["in_sync"]) == ("new", "Nothing has come in yet.", None)


def test_a_test_says_what_the_provider_said(door: Door, box: Box) -> None:
    assert door.post("/v1/accounts/the-box/test").json() == {"says": "A box with 0 lines"}
    refused = door.post("/v1/accounts/inbox/test")
    assert refused.status_code in (422, 502)
    assert refused.json()["code"]


def test_a_provider_that_refuses_is_quoted(door: Door, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Any) -> Any:
        raise ChannelError("The password is wrong.", permanent=True, code="not_authorised")

    monkeypatch.setattr(box, "connect", refuse)

    answer = door.post("/v1/accounts/the-box/test")

    assert (answer.status_code, answer.json()["code"]) == (502, "not_authorised")
    assert answer.json()["detail"] == "The password is wrong."


def test_a_poll_wakes_an_account_that_rests(hub: Hub, door: Door, box: Box) -> None:
    with hub.store.write() as session:
        account = connected.named(session, "the-box").id
        state.claim(session, account, "me", 60)
        state.failed(session, account, "me", ChannelError("Away."))

    assert door.get("/v1/accounts/the-box/health").json()["verdict"] == "failing"
    answer = door.post("/v1/accounts/the-box/poll")

    assert (answer.status_code, answer.json()["next_try_at"]) == (202, None)


def test_the_past_is_estimated_begun_and_stopped(door: Door, box: Box) -> None:
    box.box.old = ["a", "b"]
    url = "/v1/accounts/the-box/history"

    assert door.get(url).json()["expected"] == {"items": 2, "cost": 0}
    begun = door.post(url, json={})
    assert (begun.status_code, begun.json()["history"]["state"]) == (202, "running")
    assert door.post(url, json={}).status_code == 409
    assert door.delete(url).json()["history"]["state"] == "stopped"
    assert door.delete(url).status_code == 409
    assert door.get("/v1/accounts/inbox/history").status_code in (422, 502)


def test_consent_needs_a_public_address_and_a_state_of_ours(door: Door, box: Box) -> None:
    assert door.post("/v1/accounts/the-box/authorisation").json()["code"] == "no_public_url"
    back = door.get("/v1/oauth/callback?state=forged&code=x", headers={"Authorization": ""})
    assert (back.status_code, back.json()["code"]) == (422, "stale_state")


def test_an_account_of_another_team_is_not_there(door: Door, box: Box, key: Key) -> None:
    south = key("channels", teams=("south",))

    for method, path in [
        ("GET", "health"),
        ("POST", "test"),
        ("POST", "poll"),
        ("GET", "history"),
        ("DELETE", "history"),
    ]:
        answer = door.request(method, f"/v1/accounts/the-box/{path}", headers=south)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_account")

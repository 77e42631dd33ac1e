"""X calling us: the challenge, signatures, events of several accounts, twice, out of order, a year later."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from kinline import clock
from kinline_api.app import Application, create_app
from kinline_api.server import Server, server
from kinline_twitter.pretend import PretendX
from kinline_twitter.pretend_hooks import SIGNATURE

from .conftest import Company

Door = TestClient[Application]
PATH = "/v1/channels/our X/webhook"


@pytest.fixture
def door(company: Company) -> Iterator[Door]:
    with TestClient(create_app(company.hub), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def running(company: Company) -> Iterator[str]:
    """The address of a server of this hub."""
    ready = threading.Event()
    found: Server = server(company.hub, host="127.0.0.1", port=0, on_ready=lambda address: ready.set())
    thread = threading.Thread(target=found.run)
    thread.start()
    assert ready.wait(10)
    yield found.address
    found.should_exit = True
    thread.join(15)


def delivers(door: Door, x: PretendX, bodies: list[bytes]) -> list[int]:
    headers = {"content-type": "application/json"}
    return [
        door.post(PATH, content=body, headers={**headers, SIGNATURE: x.hooks.signed(body)}).status_code
        for body in bodies
    ]


def taken(x: PretendX) -> list[bytes]:
    """What X has to tell, for us; each event goes to the account that it is about."""
    found, x.hooks.pending = x.hooks.pending, []
    return [body for body in found if json.loads(body)["data"]["filter"]["user_id"] == x.us]


@pytest.mark.alone
def test_w10_the_challenge_is_answered_in_time_with_the_database_away(
    company: Company, door: Door, x: PretendX, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an account that the door has met, and a database that has gone
    assert door.get(PATH, params={"crc_token": "first"}).status_code == 200

    def gone(*_: Any) -> Any:
        raise OperationalError("connect", {}, sqlite3.OperationalError("unable to open database file"))

    monkeypatch.setattr(Engine, "connect", gone)
    door.app.app_state.accounts.forget()

    # When X asks, and sends something
    began = time.monotonic()
    answer = door.get(PATH, params={"crc_token": "a challenge"})
    took = time.monotonic() - began
    [sent] = delivers(door, x, [b"{}"])

    # Then the challenge is answered within a second, and the delivery has to come again
    assert answer.json() == {"response_token": x.hooks.signed(b"a challenge")}
    assert took < 1
    assert sent == 503


@pytest.mark.parametrize(
    "query", ["", "?crc_token=", "?crc_token=" + "x" * 10_000, "?crc_token=a&crc_token=b", "?crc_token=%ff"]
)
def test_w10_a_challenge_that_is_none_is_refused(door: Door, query: str) -> None:
    assert door.get(f"{PATH}{query}").status_code == 400


def test_w1_to_w3_and_w9_only_what_x_signed_over_the_raw_bytes_is_kept(
    company: Company, door: Door, x: PretendX
) -> None:
    body = '{"for_user_id": "2244001100", "text": "ñ \\u00f1"}'.encode()
    right = x.hooks.signed(body)
    wrong = [
        "",
        "sha256=AAAA",
        "sha256=%%%%",
        "ñ",
        right[:-1],
        right.replace("sha256", "sha1"),
        x.hooks.signed(body + b" "),
    ]

    for given in wrong:
        answer = door.post(PATH, content=body, headers={SIGNATURE.encode(): given.encode()} if given else None)
        assert answer.status_code == 401
    assert company.sql("SELECT count(*) FROM intake") == [(0,)]
    assert door.post(PATH, content=body, headers={SIGNATURE: right}).status_code == 200


def test_w6_a_year_later_and_by_another_road_it_is_still_the_same(company: Company, door: Door, x: PretendX) -> None:
    # Given a mention and a message that X tells by webhook
    x.world.post(x.ann, "Which grind, @exampleroasters?")
    x.world.message(x.ben, x.us, "Where is my parcel?")
    events = taken(x)
    assert delivers(door, x, events) == [200, 200]
    company.works()
    shown = company.says()
    assert sorted(shown) == ["Where is my parcel?", "Which grind, @exampleroasters?"]

    # When they come again in a year, in the other order, and the timelines bring them too
    with clock.frozen(clock.now() + 365 * clock.DAY):
        assert delivers(door, x, events[::-1]) == [200, 200]
        company.works()
    company.looks()

    # Then there is nothing new, and nothing looks edited
    assert company.says() == shown
    assert company.sql("SELECT revised, count(*) FROM interaction GROUP BY revised") == [(0, 2)]


def test_w21_deletions_and_edits_may_come_before_what_they_are_about(company: Company, door: Door, x: PretendX) -> None:
    # Given a post of ours that is edited, and one that is deleted
    first = x.world.post(x.us, "Fresh bens")
    x.world.edit(first, "Fresh beans")
    x.world.delete(x.world.post(x.us, "Oh no"))
    events = taken(x)
    assert len(events) == 4

    # When the events come in the wrong order
    assert set(delivers(door, x, events[::-1])) == {200}
    company.works()

    # Then all is as if they had come in the right one, also when they come once more
    assert company.says() == ["Fresh beans"]
    delivers(door, x, events)
    company.works()
    assert company.says() == ["Fresh beans"]
    assert company.sql("SELECT count(*) FROM interaction") == [(2,)]


def test_events_of_several_accounts_over_one_webhook_know_whose_they_are(
    company: Company, door: Door, x: PretendX
) -> None:
    # Given another account of ours at the same app
    cafe = x.world.person("examplecafe", "Example Café")
    x.world.message(x.ben, x.us, "To the roasters")
    x.world.message(x.ben, cafe, "To the café")
    old = json.dumps({
        "for_user_id": cafe,
        "favorite_events": [{
            "id": "1", "timestamp_ms": "1784927565236", "user": {"id_str": x.ann},
            "favorited_status": {"id_str": "77", "user": {"id_str": cafe}},
        }],
    }).encode()  # fmt: skip
    events, x.hooks.pending = [*x.hooks.pending, old], []

    delivers(door, x, [one for one in events if b"dm.sent" not in one])
    company.works()

    assert company.sql("SELECT DISTINCT direction FROM interaction") == [("inbound",)]
    assert company.sql("SELECT count(*) FROM interaction") == [(3,)]


@pytest.mark.parametrize(
    ("body", "recorded", "quarantined"),
    [
        (b"hello=world", 0, 1),
        (b"", 0, 1),
        (b'{"action": "opened"}', 0, 1),
        (b'{"data": {"event_type": "wave.hello", "filter": {"user_id": "5"}, "payload": {}}}', 1, 0),
        (b'{"data": {"event_type": "post.create", "filter": {"user_id": "5"}, "payload": {"text": "x", "author_id": "5"}}}', 0, 1),
        (b'{"data": {"event_type": "dm.received", "payload": {"direct_message_events": "none"}}}', 0, 0),
        (b'{"data": {"event_type": "like.create", "filter": 7, "payload": {"liked_tweet_id": 1.5e18}}}', 0, 0),
        (b'{"data": {"event_type": "follow.follow", "payload": {"source": {"data": {"id": "1"}}, "target": []}}}', 1, 0),
    ],
)  # fmt: skip
def test_w16_whatever_is_signed_is_accepted_and_what_is_nonsense_is_put_aside(
    company: Company, door: Door, x: PretendX, body: bytes, recorded: int, quarantined: int
) -> None:
    assert delivers(door, x, [body]) == [200]
    company.works()

    assert company.sql("SELECT count(*) FROM interaction") == [(recorded,)]
    assert company.sql("SELECT count(*) FROM item WHERE state = 'quarantined'") == [(quarantined,)]


def test_w17_one_broken_event_among_128_keeps_nobody_back(company: Company, door: Door, x: PretendX) -> None:
    user = {"id_str": x.ann, "screen_name": "ann_example"}
    posts = [{"id_str": str(10**18 + n), "text": f"n {n}", "truncated": False, "user": user} for n in range(128)]
    del posts[56]["user"]

    assert delivers(door, x, [json.dumps({"for_user_id": x.us, "tweet_create_events": posts}).encode()]) == [200]
    company.works()

    assert company.sql("SELECT count(*) FROM interaction") == [(127,)]
    assert company.sql("SELECT count(*) FROM item WHERE state = 'quarantined'") == [(1,)]


def test_w18_50_megabytes_are_refused_before_they_are_read(company: Company, door: Door, x: PretendX) -> None:
    body = b" " * 50_000_000

    assert delivers(door, x, [body]) == [413]
    assert company.sql("SELECT count(*) FROM intake") == [(0,)]


def test_w20_and_w22_odd_times_and_long_ids_are_kept_as_they_are(company: Company, door: Door, x: PretendX) -> None:
    posts = [
        {"id": 9007199254740993, "text": "a", "truncated": False, "user": {"id": 18014398509481985}, "created_at": at}
        | ({"id": 9007199254740993 + number} if number else {})
        for number, at in enumerate(["Wed Aug 27 13:08:45 +0000 1969", "Wed Aug 27 13:08:45 +0000 2099", None])
    ]

    delivers(door, x, [json.dumps({"for_user_id": x.us, "tweet_create_events": posts}).encode()])
    company.works()

    rows = company.sql("SELECT source_id, occurred_at IS NOT NULL FROM interaction ORDER BY source_id")
    assert [source for source, _ in rows] == [f"tweet:{9007199254740993 + number}" for number in range(3)]


def test_w23_a_paused_account_answers_as_an_unknown_one(company: Company, door: Door, x: PretendX) -> None:
    company.sql("UPDATE account SET state = 'paused'")
    door.app.app_state.accounts.forget()

    paused, unknown = (
        door.get(PATH, params={"crc_token": "a"}),
        door.get("/v1/channels/nobody/webhook", params={"crc_token": "a"}),
    )

    assert (paused.status_code, unknown.status_code) == (404, 404)
    assert paused.json()["code"] == unknown.json()["code"]


def test_x_registers_our_webhook_by_its_own_challenge(company: Company, running: str, x: PretendX) -> None:
    """The whole way over HTTP: X checks our answer when the webhook is registered, then delivers twice."""
    url = f"{running}/v1/channels/our%20X/webhook"
    assert x.hooks.challenged(url)
    x.world.post(x.ann, "Hello, @exampleroasters")

    assert x.hooks.deliver(url, taken(x) * 2) == [200, 200]
    company.works()

    assert company.says() == ["Hello, @exampleroasters"]

"""Recording through the door: once, for ever, and answered only when it is on disk."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from kinline.accounts import connected
from kinline.hub import Hub
from kinline.store import sql
from kinline.words import Origin
from kinline_api.app import Application

Door = TestClient[Application]
Message = Callable[..., dict[str, Any]]


def count(hub: Hub, table: str) -> int:
    with hub.store.read() as session:
        return int(sql.run(session, f"SELECT count(*) FROM {table}")[0][0])


def test_a_message_is_recorded_and_stands_on_anns_timeline(door: Door, message: Message) -> None:
    # When Ann's message is posted
    answer = door.post("/v1/interactions", json=message())

    # Then it is recorded, and her timeline shows it
    assert (answer.status_code, answer.json()["state"]) == (201, "recorded")
    [line] = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    assert (line["id"], line["text"], line["standing"]) == (answer.json()["id"], "Where is my parcel?", "verified")


def test_the_same_again_is_a_duplicate(door: Door, message: Message) -> None:
    first, again = door.post("/v1/interactions", json=message()), door.post("/v1/interactions", json=message())

    assert (again.status_code, again.json()) == (200, {"id": first.json()["id"], "state": "duplicate"})


def test_other_content_under_a_known_source_id_is_a_conflict(hub: Hub, door: Door, message: Message) -> None:
    # Given a message
    door.post("/v1/interactions", json=message())

    # When something else is posted under its source id
    answer = door.post("/v1/interactions", json=message(text="Where is my money?"))

    # Then that is refused, and the message stands
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    [line] = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    assert line["text"] == "Where is my parcel?"


def test_an_edit_says_when_it_was_changed_and_becomes_another_version(door: Door, message: Message) -> None:
    # Given a message
    recorded = door.post("/v1/interactions", json=message()).json()["id"]

    # When it is posted again, changed later
    answer = door.post("/v1/interactions", json=message(text="Found it!", changed_at="2026-03-02T10:00:00Z"))

    # Then it shows the edit, and keeps both versions
    assert (answer.status_code, answer.json()["revised"]) == (201, True)
    shown = door.get(f"/v1/interactions/{recorded}").json()
    assert (shown["text"], shown["edited"]) == ("Found it!", True)
    assert "Found it!" in [each["content"]["text"] for each in shown["revisions"]]


def test_everything_a_caller_may_say_is_kept(door: Door, message: Message) -> None:
    # Given an interaction with every field
    ben = {"role": "recipient", "handle": {"type": "external", "issuer": "shop", "value": "42"}, "name": "Ben"}
    us = {"role": "mentioned", "name": "Support", "ours": True}
    said = message(
        subject="Parcel", url="https://shop.example/1", language="en", facts={"stars": 5, "tags": ["a"]}, sequence=3,
        thread={"key": "t1", "parent": "t0", "ancestors": ["t-1"]}, answers="earlier", about="something",
        automatic="auto-reply", moderation="pending", parties=[*message()["parties"], ben, us],
    )  # fmt: skip

    # When it is recorded
    recorded = door.post("/v1/interactions", json=said).json()["id"]

    # Then all of it is shown
    shown = door.get(f"/v1/interactions/{recorded}").json()
    same = ("subject", "url", "language", "facts", "about", "answers", "automatic", "moderation", "kind", "direction")
    assert {name: shown[name] for name in same} == {name: said[name] for name in same}
    assert [each.get("handle") for each in shown["parties"]] == ["email:ann@example.org", "external:shop/42", None]
    assert (shown["copies"][0]["account"], shown["raw"], shown["recorded_at"][:2]) == ("inbox", "", "20")
    assert "role" not in shown


def test_a_line_without_standing_is_claimed(door: Door, message: Message) -> None:
    door.post("/v1/interactions", json=message(parties=[{"role": "author", "handle": "email:ann@example.org"}]))

    [line] = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    assert line["standing"] == "claimed"


def test_two_spellings_of_one_handle_are_one_person(door: Door, message: Message) -> None:
    # When two messages come from one address, spelt with composed and with combining characters
    for number, text in enumerate(("caf\u00e9@example.org", "cafe\u0301@EXAMPLE.org")):
        party = {"role": "author", "handle": f"email:{text}"}
        door.post("/v1/interactions", json=message(source_id=f"{number}", parties=[party])).raise_for_status()

    # Then they have one author
    assert len(door.get("/v1/people").json()["people"]) == 1


def test_an_idempotency_key_gets_its_first_answer_again(door: Door, message: Message) -> None:
    # Given a post under a key
    key = {"Idempotency-Key": "k1"}
    first = door.post("/v1/interactions", json=message(), headers=key)

    # When it is repeated, and when the key comes with something else
    again = door.post("/v1/interactions", json=message(), headers=key)
    other = door.post("/v1/interactions", json=message(source_id="other"), headers=key)

    # Then the first answer comes again, and the other is a conflict and not recorded
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert door.get("/v1/people/email:ann@example.org/timeline").json()["entries"][1:] == []


def test_the_same_key_on_another_path_is_a_conflict(door: Door, message: Message) -> None:
    key = {"Idempotency-Key": "k1"}
    door.post("/v1/interactions", json=message(), headers=key)

    answer = door.post("/v1/interactions/batch", json={"interactions": [message(source_id="2")]}, headers=key)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")


def test_a_key_belongs_to_the_caller_who_used_it(
    door: Door, key: Callable[..., dict[str, str]], message: Message
) -> None:
    door.post("/v1/interactions", json=message(), headers={"Idempotency-Key": "k1"})

    answer = door.post(
        "/v1/interactions", json=message(source_id="2"), headers={"Idempotency-Key": "k1"} | key("record")
    )

    assert answer.status_code == 201


def test_the_good_ones_of_a_batch_are_stored_and_each_line_says_what_became_of_its_own(
    hub: Hub, door: Door, message: Message
) -> None:
    # Given a message that is known
    door.post("/v1/interactions", json=message())

    # When a batch brings it again, a new one, a broken one, a conflict, and one for no account
    batch = [
        message(), message(source_id="new"), message(source_id="broken", kind="telepathy"), message(text="other"),
        message(source_id="lost", account="nowhere"),
    ]  # fmt: skip
    answer = door.post("/v1/interactions/batch", json={"interactions": batch})

    # Then each has its own line, in their order
    lines = answer.json()["results"]
    assert answer.status_code == 200
    assert [line["status"] for line in lines] == [200, 201, 422, 409, 404]
    assert [line.get("error", {}).get("code") for line in lines[2:]] == [
        "unknown_value", "idempotency_conflict", "no_such_account",
    ]  # fmt: skip
    assert lines[2]["error"]["pointer"] == "/kind"
    assert count(hub, "interaction") == 2


def test_a_batch_of_thousands_is_stored_whole_and_answered_alike_when_repeated(
    hub: Hub, door: Door, message: Message
) -> None:
    # Given more messages than one transaction takes
    batch = {"interactions": [message(source_id=f"{number}") for number in range(450)]}
    key = {"Idempotency-Key": "big"}

    # When they are posted twice under one key
    first = door.post("/v1/interactions/batch", json=batch, headers=key)
    again = door.post("/v1/interactions/batch", json=batch, headers=key)

    # Then they are stored once, and both answers are the same
    assert {line["status"] for line in first.json()["results"]} == {201}
    assert again.json() == first.json()
    assert count(hub, "interaction") == 450


def test_strange_text_is_kept_as_it_was_said(door: Door, message: Message) -> None:
    # Given zero-width and turning characters, a tower of accents, and an emoji by escapes
    text = "pay\u200bpal \u202egnp.exe a" + "\u0301" * 1000 + " \U0001f600"

    # When it is posted, with and without escapes
    for number, escaped in enumerate((True, False)):
        body = json.dumps(message(source_id=f"{number}", text=text), ensure_ascii=escaped).encode()
        door.post("/v1/interactions", content=body, headers={"content-type": "application/json"}).raise_for_status()

    # Then it is shown unchanged
    lines = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    assert [line["text"] for line in lines] == [text, text]


def test_many_callers_at_once_are_all_recorded(hub: Hub, door: Door, message: Message) -> None:
    # When 60 messages come from eight callers at once, each of them twice
    def post(number: int) -> int:
        return door.post("/v1/interactions", json=message(source_id=f"{number // 2}")).status_code

    with ThreadPoolExecutor(8) as callers:
        statuses = sorted(callers.map(post, range(120)))

    # Then each is recorded once, and its double is told so
    assert statuses == [200] * 60 + [201] * 60
    assert count(hub, "interaction") == 60


def test_a_paused_account_takes_nothing(hub: Hub, door: Door, message: Message) -> None:
    # Given an account that is paused
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "old", {})
        connected.named(session, "old").state = connected.PAUSED

    # When something is posted to it
    answer = door.post("/v1/interactions", json=message(account="old"))

    # Then it is refused
    assert (answer.status_code, answer.json()["code"]) == (409, "account_paused")


def test_a_little_ahead_is_somebodys_clock_and_not_the_future(door: Door, message: Message) -> None:
    soon = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 300, UTC).isoformat()

    assert door.post("/v1/interactions", json=message(occurred_at=soon)).status_code == 201


def test_what_the_api_brings_is_live(hub: Hub, door: Door, message: Message) -> None:
    door.post("/v1/interactions", json=message())

    with hub.store.read() as session:
        assert sql.run(session, "SELECT origin FROM interaction") == [(Origin.LIVE,)]


def test_when_too_much_waits_the_caller_is_told_to_come_back(
    door: Door, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinline.record.writer.CAPACITY", 0)

    answer = door.post("/v1/interactions", json=message())

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "busy", "1")


@pytest.mark.parametrize("path", ["/v1/interactions", "/v1/interactions/batch"])
def test_when_the_database_is_away_the_caller_is_told_to_come_back(
    hub: Hub, door: Door, message: Message, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a door whose caller and account are known, and a database that has gone
    door.post("/v1/interactions", json=message()).raise_for_status()

    def gone(*_: Any) -> Any:
        raise OperationalError("connect", {}, sqlite3.OperationalError("unable to open database file"))

    monkeypatch.setattr(Engine, "connect", gone)

    # When somebody posts
    body = message(source_id="2") if path == "/v1/interactions" else {"interactions": [message(source_id="2")]}
    answer = door.post(path, json=body)

    # Then the answer is 503 with a time to come back, alone or in its line
    if path == "/v1/interactions":
        assert (answer.status_code, answer.json()["code"]) == (503, "database_down")
        assert answer.headers["retry-after"] == "1"
        assert "database file" not in answer.text
    else:
        assert [line["status"] for line in answer.json()["results"]] == [503]

"""The desk over HTTP: open, read, reply, note, assign, close, reopen."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import HOUR
from kinline.hub import Hub
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory
from kinline_api.app import Application

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
NOBODY = "0" * 32


def arrives(hub: Hub, source: str, author: Any = ANN, account: str = "inbox") -> None:
    """A mail that begins a conversation of its own."""
    what = InteractionFactory.build(source_id=source, thread=Thread(key=source), author=author, subject=source)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING)):
        at = connected.ref(connected.named(session, account))
        record_batch(session, [RecordingFactory.build(account=at, what=what)])


@pytest.fixture
def conversation(hub: Hub, door: Door) -> str:
    """Ann wrote a mail to us; the path of the conversation."""
    with hub.store.write() as session:
        connected.configure(session, hub.secret, connected.named(session, "inbox"), {"address": "help@hub.example"})
    arrives(hub, "mail")
    [found] = door.get("/v1/conversations").json()["conversations"]
    return f"/v1/conversations/{found['id']}"


def test_a_conversation_is_read_with_what_was_said(door: Door, conversation: str) -> None:
    answer = door.get(conversation)

    shown = answer.json()
    ann = door.get("/v1/people/email:ann@example.org").json()["id"]
    assert (shown["conversation"]["state"], shown["conversation"]["persons"]) == ("open", [ann])
    assert shown["conversation"]["waiting_since"] == "2026-03-02T09:00:00Z"
    assert [each["text"] for each in shown["said"]] == ["Where is my parcel?"]
    assert door.get(conversation, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_a_reply_goes_out_once_and_it_is_their_turn(door: Door, hub: Hub, conversation: str) -> None:
    with clock.frozen(clock.from_datetime(MORNING) + HOUR):
        once = {"Idempotency-Key": "reply-1"}
        answer = door.post(f"{conversation}/reply", json={"text": "It left yesterday."}, headers=once)
        assert (answer.status_code, answer.json()["class"], answer.json()["made_by"]) == (202, "human", "a test")
        again = door.post(f"{conversation}/reply", json={"text": "It left yesterday."}, headers=once)
        other = door.post(f"{conversation}/reply", json={"text": "It got lost."}, headers=once)
        handlers.drain(hub)

    assert (again.json()["id"], other.json()["code"]) == (answer.json()["id"], "idempotency_conflict")
    shown = door.get(conversation).json()
    assert [each["direction"] for each in shown["said"]] == ["inbound", "outbound"]
    assert (shown["conversation"]["state"], shown["conversation"]["assignee"]) == ("pending", "a test")
    assert shown["conversation"]["waiting_since"] is None


def test_a_note_is_among_us(door: Door, hub: Hub, conversation: str) -> None:
    answer = door.post(f"{conversation}/notes", json={"text": "She sounds upset.", "agent": "Cleo"})

    assert answer.status_code == 201
    newest = door.get(conversation).json()["said"][-1]
    assert (newest["id"], newest["kind"], newest["text"]) == (answer.json()["interaction"], "note", "She sounds upset.")
    assert newest["parties"][0]["name"] == "Cleo"
    assert door.get("/v1/followups").json()["followups"] == []


def test_a_conversation_is_given_to_a_team_and_to_somebody(door: Door, conversation: str) -> None:
    given = door.post(f"{conversation}/assign", json={"team": "support", "assignee": "Cleo"}).json()
    assert (given["team"], given["assignee"]) == ("support", "Cleo")

    kept = door.post(f"{conversation}/assign", json={"assignee": ""}).json()

    assert (kept["team"], kept["assignee"]) == ("support", None)
    assert len(door.get("/v1/conversations?team=support&state=open").json()["conversations"]) == 1
    assert door.get("/v1/conversations?assignee=Cleo").json()["conversations"] == []


def test_it_is_closed_with_an_outcome_and_opened_again(door: Door, conversation: str) -> None:
    closed = door.post(f"{conversation}/close", json={"outcome": "word of mouth"})
    assert (closed.json()["state"], closed.json()["outcome"]) == ("closed", "word of mouth")
    again = door.post(f"{conversation}/close", json={})
    assert (again.status_code, again.json()["code"]) == (409, "already_so")

    assert door.post(f"{conversation}/reopen", json={}).json()["state"] == "open"
    assert door.post(f"{conversation}/reopen", json={}).json()["code"] == "already_so"


def test_a_call_opens_a_conversation(door: Door, conversation: str) -> None:
    said = {"person": "email:ann@example.org", "text": "She called about her parcel", "kind": "call", "team": "support"}
    answer = door.post("/v1/conversations", json=said | {"agent": "Cleo", "subject": "Parcel"})

    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["state"], shown["team"], shown["subject"]) == ("open", "support", "Parcel")
    [line] = door.get(f"/v1/conversations/{shown['id']}").json()["said"]
    assert (line["kind"], line["facts"]) == ("call", {"kept_by": "Cleo"})
    assert door.get("/v1/people/email:ann@example.org/timeline").json()["entries"][0]["id"] == line["id"]


SENSELESS: list[tuple[str, Any, int, str]] = [
    ("/reply", {"text": "  "}, 422, "empty_text"),
    ("/reply", {}, 422, "required"),
    ("/reply", {"text": "x" * 32_001}, 422, "too_long"),
    ("/notes", {"text": ""}, 422, "too_short"),
    ("/notes", {"text": "x", "person": "y"}, 422, "read_only_field"),
    ("/close", {"outcome": "victory"}, 422, "unknown_value"),
    ("/assign", {"team": 7}, 422, "wrong_type"),
    ("/reopen", [], 422, "expected_object"),
]


def test_what_makes_no_sense_is_refused(door: Door, conversation: str) -> None:
    for path, body, status, code in SENSELESS:
        answer = door.post(conversation + path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, body)

    assert len(door.get(conversation).json()["said"]) == 1


NOTHING: list[tuple[dict[str, Any], int, str]] = [
    ({"person": "email:nobody@example.org", "text": "x"}, 422, "machine_mailbox"),
    ({"person": "email:ann@example.org", "text": "x", "kind": "note"}, 422, "invalid_kind"),
    ({"person": "email:ann@example.org", "text": "x", "kind": "telepathy"}, 422, "unknown_value"),
    ({"person": "email:ann@example.org"}, 422, "required"),
]


def test_no_conversation_opens_about_nothing(door: Door, conversation: str) -> None:
    for body, status, code in NOTHING:
        answer = door.post("/v1/conversations", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body

    assert len(door.get("/v1/conversations").json()["conversations"]) == 1


def test_whoever_calls_for_the_first_time_is_known_from_then_on(door: Door) -> None:
    opened = door.post("/v1/conversations", json={"person": "phone:+4930123456", "text": "Do you have lamps?"})

    assert opened.status_code == 201, opened.text
    [person] = opened.json()["persons"]
    assert [each["handle"] for each in door.get(f"/v1/people/{person}").json()["identities"]] == ["phone:+4930123456"]


def test_a_conversation_that_is_not_there_is_not_found(door: Door) -> None:
    for path in ("", "/reply", "/notes", "/assign", "/close", "/reopen"):
        body = {"text": "x"} if path in ("/reply", "/notes") else {}
        address = f"/v1/conversations/{NOBODY}{path}"
        answer = door.post(address, json=body) if path else door.get(address)

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_conversation")


def test_the_list_is_read_page_by_page_and_by_team(door: Door, hub: Hub, key: Key, conversation: str) -> None:
    # Given five conversations, two of them in a mailbox of the north
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "north", {}, teams=("north",))
    arrives(hub, "second", BEN)
    arrives(hub, "third")
    arrives(hub, "fourth", account="north")
    arrives(hub, "fifth", account="north")

    def subjects(headers: dict[str, str]) -> list[str]:
        found, cursor = [], ""
        while cursor is not None:
            query: dict[str, Any] = {"limit": 1, "state": "open"} | ({"cursor": cursor} if cursor else {})
            page = door.get("/v1/conversations", params=query, headers=headers).json()
            found += [each["subject"] for each in page["conversations"]]
            cursor = page["next"]
        return sorted(found)

    # Then the north reads all of them and the south three, however small the pages are
    north, south = key("read", "desk", teams=("north",)), key("read", "desk", teams=("south",))
    assert subjects(north) == ["fifth", "fourth", "mail", "second", "third"]
    assert subjects(south) == ["mail", "second", "third"]
    [hidden] = [each for each in door.get("/v1/conversations").json()["conversations"] if each["subject"] == "fifth"]
    for path, body in [("/reply", {"text": "x"}), ("/notes", {"text": "x"}), ("/close", {}), ("/assign", {})]:
        answer = door.post(f"/v1/conversations/{hidden['id']}{path}", json=body, headers=south)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_conversation")
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM interaction") == [(5,)]

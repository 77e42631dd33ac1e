"""Follow-ups, messages and tasks over HTTP: what goes out, what waits for somebody, what people decide about it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import MINUTE
from kinline.hub import Hub
from kinline.identity import consents, persons
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory
from kinline_api.app import Application

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
NINE = clock.from_datetime(MORNING)
MESSAGES = "/v1/people/email:ann@example.org/messages"
REACHABLE = "/v1/people/email:ann@example.org/reachable"
NOBODY = "0" * 32


@pytest.fixture(autouse=True)
def nine() -> Iterator[None]:
    """It is nine in the morning."""
    with clock.frozen(NINE):
        yield


@pytest.fixture
def mail(hub: Hub, door: Door) -> str:
    """Ann wrote to us; the id of her mail."""
    with hub.store.write() as session:
        inbox = connected.named(session, "inbox")
        connected.configure(session, hub.secret, inbox, {"address": "help@hub.example"})
        what = InteractionFactory.build(source_id="mail", thread=Thread(key="mail"))
        [outcome] = record_batch(session, [RecordingFactory.build(account=connected.ref(inbox), what=what)])
    return str(outcome.interaction_id)


def sqls(hub: Hub, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with hub.store.write() as session:
        return sql.run(session, statement, *values)


def test_a_message_becomes_a_follow_up_and_goes_out(door: Door, hub: Hub, mail: str) -> None:
    answer = door.post(
        MESSAGES, json={"text": "It left yesterday.", "subject": "Your parcel", "about": mail, "agent": "Cleo"}
    )
    assert answer.status_code == 202
    planned = answer.json()
    assert (planned["state"], planned["class"], planned["channel"]) == ("pending", "human", "email")
    assert (planned["to"], planned["account"], planned["made_by"]) == ("email:ann@example.org", "inbox", "Cleo")

    with clock.frozen(NINE + MINUTE):
        handlers.drain(hub)

    found = door.get(f"/v1/followups/{planned['id']}").json()
    assert (found["state"], found["about"]) == ("sent", mail)
    assert [each["outcome"] for each in found["attempts"]] == ["sent"]
    assert found["prepared"]["headers"]["To"] == "ann@example.org"
    assert found["prepared"]["headers"]["Subject"] == "Your parcel"
    assert "yesterday" not in str(found["prepared"])
    assert found["interaction"] == door.get("/v1/people/email:ann@example.org/timeline").json()["entries"][0]["id"]


def test_receipts_stand_beside_what_was_sent(door: Door, hub: Hub, mail: str) -> None:
    followup = door.post(MESSAGES, json={"text": "Hello"}).json()["id"]
    handlers.drain(hub)
    sqls(
        hub,
        "INSERT INTO receipt (id, source_id, channel, report, permanent, detail, at, recorded_at) "
        "SELECT {p}, source_id, channel, 'bounced', 1, 'no such mailbox', {p}, {p} FROM followup",
        "r", NINE, NINE,
    )  # fmt: skip

    found = door.get(f"/v1/followups/{followup}").json()

    assert found["receipts"] == [
        {"report": "bounced", "at": "2026-03-02T09:00:00Z", "permanent": True, "detail": "no such mailbox"}
    ]


def test_a_repeated_call_writes_once(door: Door, hub: Hub, mail: str) -> None:
    once = {"Idempotency-Key": "a call that got lost"}
    first = door.post(MESSAGES, json={"text": "Hello"}, headers=once).json()
    again = door.post(MESSAGES, json={"text": "Hello"}, headers=once)
    other = door.post(MESSAGES, json={"text": "Good bye"}, headers=once)
    bad = door.post(MESSAGES, json={"text": "Hello"}, headers={"Idempotency-Key": "x" * 300})

    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_idempotency_key")
    assert sqls(hub, "SELECT count(*) FROM followup") == [(1,)]


SENSELESS: list[tuple[dict[str, Any], int, str, str]] = [
        ({}, 422, "required", "/text"),
        ({"text": ""}, 422, "too_short", "/text"),
        ({"text": " \n "}, 422, "empty_text", "/text"),
        ({"text": "x" * 32_001}, 422, "too_long", "/text"),
        ({"text": "Hi", "class": "advert"}, 422, "unknown_value", "/class"),
        ({"text": "Hi", "about": NOBODY}, 422, "unknown_interaction", "/about"),
        ({"text": "Hi", "about": "x"}, 422, "unknown_interaction", "/about"),
        ({"text": "Hi", "channel": "pigeon"}, 409, "no_route", ""),
        ({"text": "Hi", "account": "other"}, 409, "no_route", ""),
        ({"text": "Hi", "state": "sent"}, 422, "unknown_field", "/state"),
        ({"text": "Hi", "needs_approval": "no"}, 422, "wrong_type", "/needs_approval"),
        ({"text": 7}, 422, "wrong_type", "/text"),
    ]  # fmt: skip


def test_a_message_that_makes_no_sense_is_refused(door: Door, hub: Hub, mail: str) -> None:
    for body, status, code, pointer in SENSELESS:
        answer = door.post(MESSAGES, json=body)
        told = answer.json()
        assert (answer.status_code, told["code"], told.get("pointer", "")) == (status, code, pointer), body

    assert sqls(hub, "SELECT count(*) FROM followup") == [(0,)]


def test_nobody_answers_what_somebody_else_wrote(door: Door, hub: Hub, mail: str) -> None:
    # Given Ben, who wrote too
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=inbox, what=InteractionFactory.build(author=BEN))])

    # When somebody writes to Ben in the thread of Ann's mail
    answer = door.post("/v1/people/email:ben@example.org/messages", json={"text": "Dear Ben", "about": mail})

    # Then Ann does not get it
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_interaction")


def test_an_agent_sees_before_typing_what_would_stop_a_message(door: Door, hub: Hub, mail: str) -> None:
    # Given Ann, who can be reached by mail, and has no account on X
    told = {each["channel"]: each for each in door.get(REACHABLE).json()["channels"]}
    assert told["email"] | {"account": "inbox", "handle": "email:ann@example.org", "can_send": True} == told["email"]
    assert (told["twitter"]["can_send"], told["twitter"]["guard"]) == (False, "account")

    # When she has said nothing about marketing, and later asks us not to write at all
    [marketing] = [each for each in door.get(f"{REACHABLE}?class=marketing").json()["channels"] if each["account"]]
    assert (marketing["guard"], marketing["why_not"]) == ("consent", "they never allowed marketing")
    with hub.store.write() as session:
        consents.state(session, ANN.id, "*", False, evidence={"said": "on the phone"})

    # Then a human's message would not go either, and asking changes nothing
    [mail_now] = [each for each in door.get(REACHABLE).json()["channels"] if each["account"]]
    assert (mail_now["can_send"], mail_now["why_not"]) == (False, "they asked not to be written to")
    assert sqls(hub, "SELECT count(*) FROM followup") == [(0,)]


def test_approving_lets_it_go(door: Door, hub: Hub, mail: str) -> None:
    followup = door.post(MESSAGES, json={"text": "A discount for you", "needs_approval": True}).json()["id"]
    handlers.drain(hub)
    waiting = door.get("/v1/followups?state=pending").json()["followups"]
    assert [each["reason"] for each in waiting] == ["approval: it waits for somebody's approval"]

    answer = door.post(f"/v1/followups/{followup}/approve", json={"agent": "Dora"})
    assert (answer.status_code, answer.json()["approved_by"]) == (200, "Dora")
    assert door.post(f"/v1/followups/{followup}/approve", json={}).json()["code"] == "already_so"

    handlers.drain(hub)
    assert door.get(f"/v1/followups/{followup}").json()["state"] == "sent"


def test_who_saw_it_otherwise_decides_nothing(door: Door, mail: str) -> None:
    followup = door.post(MESSAGES, json={"text": "Hello", "needs_approval": True}).json()["id"]
    seen = door.get(f"/v1/followups/{followup}").headers["etag"]
    current = door.post(f"/v1/followups/{followup}/approve", json={}, headers={"If-Match": seen}).headers["etag"]

    late = door.post(f"/v1/followups/{followup}/cancel", json={}, headers={"If-Match": seen})

    assert (late.status_code, late.json()["code"], late.json()["current"]) == (412, "stale_precondition", current)
    assert door.post(f"/v1/followups/{followup}/cancel", json={}, headers={"If-Match": current}).status_code == 200


def test_cancelling_stops_it_only_before_it_went(door: Door, hub: Hub, mail: str) -> None:
    followup = door.post(MESSAGES, json={"text": "Hello"}).json()["id"]
    stopped = door.post(f"/v1/followups/{followup}/cancel", json={"reason": "She called", "agent": "Dora"}).json()
    assert (stopped["state"], stopped["reason"]) == ("cancelled", "cancelled by Dora: She called")

    handlers.drain(hub)
    again = door.post(f"/v1/followups/{followup}/cancel", json={})
    assert (again.status_code, again.json()["code"]) == (409, "not_pending")
    assert list(hub.settings.home.glob("outbox/*/*")) == []


def test_somebody_says_what_became_of_an_unknown_one(door: Door, hub: Hub, mail: str) -> None:
    followup = door.post(MESSAGES, json={"text": "Hello"}).json()["id"]
    early = door.post(f"/v1/followups/{followup}/reconcile", json={"outcome": "sent"})
    assert (early.status_code, early.json()["code"]) == (409, "not_unknown")
    handlers.drain(hub)
    sqls(hub, "UPDATE interaction SET followup_id = NULL")
    sqls(hub, "UPDATE followup SET state = 'unknown', interaction_id = NULL, sent_at = NULL")

    wrong = door.post(f"/v1/followups/{followup}/reconcile", json={"outcome": "perhaps"})
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/outcome")
    answer = door.post(f"/v1/followups/{followup}/reconcile", json={"outcome": "sent", "note": "She answered"})
    assert (answer.status_code, answer.json()["state"]) == (200, "sent")
    assert answer.json()["reason"] == "a test says it was sent: She answered"
    assert answer.json()["interaction"]


def test_what_is_not_there_cannot_be_decided(door: Door) -> None:
    for action, body in [("approve", {}), ("cancel", {}), ("reconcile", {"outcome": "sent"})]:
        answer = door.post(f"/v1/followups/{NOBODY}/{action}", json=body)

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_followup")
        assert door.post(f"/v1/followups/{NOBODY}/{action}").json()["code"] == "body_required"
        assert door.post(f"/v1/followups/1_0/{action}", json=body).status_code == 404


def test_follow_ups_are_listed_page_by_page(door: Door, mail: str) -> None:
    made = [door.post(MESSAGES, json={"text": str(number)}).json()["id"] for number in range(5)]

    found, cursor = [], ""
    while cursor is not None:
        query: dict[str, Any] = {"limit": 2, "person": "email:ann@example.org"} | ({"cursor": cursor} if cursor else {})
        page = door.get("/v1/followups", params=query).json()
        found += [each["id"] for each in page["followups"]]
        cursor = page["next"]

    assert sorted(found) == sorted(made)
    assert found == sorted(made, reverse=True)
    assert door.get("/v1/followups?state=sent").json()["followups"] == []
    assert door.get("/v1/followups?trigger=none").json()["followups"] == []
    assert door.get("/v1/followups?state=gone").status_code == 422
    assert door.get("/v1/followups?limit=0").json()["code"] == "limit_range"
    assert door.get("/v1/followups?cursor=abc").json()["code"] == "invalid_cursor"


def test_a_team_sees_and_sends_through_its_own_accounts(door: Door, hub: Hub, key: Key, mail: str) -> None:
    # Given Ann, who wrote to the inbox, now of the north only, and to a mailbox of everybody
    with hub.store.write() as session:
        lobby = connected.connect(session, hub.secret, "email", "lobby", {"address": "hello@hub.example"})
        record_batch(session, [RecordingFactory.build(account=lobby)])
        sql.run(
            session, "INSERT INTO account_team SELECT id, {p} FROM account WHERE name = 'inbox'", team(session, "north")
        )
    north, south = key("read", "desk", teams=("north",)), key("read", "desk", teams=("south",))
    followup = door.post(MESSAGES, json={"text": "Hello", "account": "inbox"}, headers=north).json()["id"]

    # Then the south neither sees nor stops what goes through it, nor writes through it
    assert door.get(f"/v1/followups/{followup}", headers=north).status_code == 200
    assert door.get(f"/v1/followups/{followup}", headers=south).json()["code"] == "no_such_followup"
    assert door.post(f"/v1/followups/{followup}/cancel", json={}, headers=south).status_code == 404
    assert door.get("/v1/followups", headers=south).json()["followups"] == []
    assert door.post(MESSAGES, json={"text": "Hi", "account": "inbox"}, headers=south).json()["code"] == "no_route"
    assert (
        door.post(MESSAGES, json={"text": "Hi", "about": mail}, headers=south).json()["code"] == "unknown_interaction"
    )
    assert door.post(MESSAGES, json={"text": "Hi", "account": "lobby"}, headers=south).status_code == 202
    ways = [each["account"] for each in door.get(REACHABLE, headers=south).json()["channels"] if each["account"]]
    assert ways == ["lobby"]
    assert sqls(hub, "SELECT count(*) FROM followup") == [(2,)]


def team(session: Any, name: str) -> str:
    return connected.team_named(session, name).id


def test_a_task_is_asked_for_and_done_once(door: Door, hub: Hub, mail: str) -> None:
    once = {"Idempotency-Key": "task-1"}
    asked = {"person": "email:ann@example.org", "title": "Call her", "team": "sales", "agent": "Cleo"}
    answer = door.post("/v1/tasks", json=asked, headers=once)
    assert answer.status_code == 201
    task = answer.json()
    assert (task["state"], task["team"], task["evidence"]) == ("open", "sales", {"made_by": "Cleo"})
    assert door.post("/v1/tasks", json=asked, headers=once).json()["id"] == task["id"]
    assert (
        door.post("/v1/tasks", json=asked | {"title": "Write"}, headers=once).json()["code"] == "idempotency_conflict"
    )

    done = door.post(f"/v1/tasks/{task['id']}/done", json={"agent": "Dora"})
    assert (done.status_code, done.json()["state"], done.json()["done_by"]) == (200, "done", "Dora")
    again = door.post(f"/v1/tasks/{task['id']}/done", json={})
    assert (again.status_code, again.json()["detail"]) == (409, "Dora did this already.")
    assert door.get("/v1/tasks?state=open").json()["tasks"] == []
    assert len(door.get("/v1/tasks?state=done&team=sales&person=ann@example.org").json()["tasks"]) == 1


TASKLESS: list[tuple[dict[str, Any], int, str]] = [
    ({"person": "email:ann@example.org", "title": " "}, 422, "empty_text"),
    ({"person": "email:ann@example.org"}, 422, "required"),
    ({"person": "email:nobody@example.org", "title": "x"}, 404, "no_such_person"),
    ({"person": "email:ann@example.org", "title": "x", "state": "done"}, 422, "unknown_field"),
]


def test_a_task_about_nothing_or_nobody_is_refused(door: Door, mail: str) -> None:
    for body, status, code in TASKLESS:
        answer = door.post("/v1/tasks", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body

    assert door.get("/v1/tasks").json()["tasks"] == []
    assert door.post(f"/v1/tasks/{NOBODY}/done", json={}).json()["code"] == "no_such_task"


def test_tasks_are_listed_page_by_page_the_oldest_first(door: Door, hub: Hub, mail: str) -> None:
    made = []
    for number in range(5):
        with clock.frozen(NINE + number):
            asked = {"person": "email:ann@example.org", "title": f"task {number}"}
            made.append(door.post("/v1/tasks", json=asked).json()["id"])

    found, cursor = [], ""
    while cursor is not None:
        page = door.get("/v1/tasks", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [each["id"] for each in page["tasks"]]
        cursor = page["next"]

    assert found == made


def test_old_ids_find_what_belongs_to_a_joined_person(door: Door, hub: Hub, mail: str) -> None:
    # Given Ann, with a task and a message, joined with Ben
    door.post("/v1/tasks", json={"person": "email:ann@example.org", "title": "Call"})
    door.post(MESSAGES, json={"text": "Hello"})
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=inbox, what=InteractionFactory.build(author=BEN))])
        ben = persons.find(session, str(BEN))
    door.post("/v1/people/email:ann@example.org/merge", json={"with": ben, "reason": "she told us"})

    # Then they are Ben's as well
    assert len(door.get(f"/v1/tasks?person={ben}").json()["tasks"]) == 1
    assert len(door.get(f"/v1/followups?person={ben}").json()["followups"]) == 1

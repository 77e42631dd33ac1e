"""Who waits, over HTTP: the lists, their pages and walls, what people say of them, and promises."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import DAY, HOUR
from kinline.hub import Hub
from kinline_api.app import Application

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
Message = Callable[..., dict[str, Any]]
ANN, NOON = "email:ann@example.org", "2026-03-02T12:00:00Z"


@pytest.fixture
def waiting(door: Door, hub: Hub, message: Message) -> Door:
    """Three people wait on two channels: Ann since nine, Ben since ten, Cleo since eleven on X, for the team north."""
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "twitter", "x", {"user_id": "900"}, teams=("north",))
        connected.configure(session, hub.secret, connected.named(session, "inbox"), {"address": "help@hub.example"})
    for name, account, hour in (("ann", "inbox", 9), ("ben", "inbox", 10), ("cleo", "x", 11)):
        author = {"role": "author", "handle": f"email:{name}@example.org", "standing": "verified"}
        given = message(
            account=account, source_id=name, occurred_at=f"2026-03-02T{hour:02}:00:00Z", parties=[author],
            thread={"key": name}, text=f"{name} asks " + "why " * 100,
        )  # fmt: skip
        door.post("/v1/interactions", json=given).raise_for_status()
    return door


def listed(door: Door, query: str = "") -> list[dict[str, Any]]:
    answer = door.get(f"/v1/waiting?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["waiting"]
    return found


def test_who_waits_longest_comes_first_with_what_they_said(waiting: Door) -> None:
    first, *others = listed(waiting)

    ann = waiting.get(f"/v1/people/{ANN}").json()
    assert (first["person"], first["since"], first["channel"]) == (ann["id"], "2026-03-02T09:00:00Z", "email")
    assert (first["what"], first["kind"], first["state"], first["due_at"]) == ("answer", "message", "open", None)
    assert first["said"].startswith("ann asks why")
    assert len(first["said"]) == 300
    assert [each["since"][11:13] for each in others] == ["10", "11"]


def test_pages_follow_each_other_without_a_gap(waiting: Door) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = waiting.get(f"/v1/waiting?limit=1&cursor={cursor}").json()
        seen += [each["since"][11:13] for each in page["waiting"]]
        cursor = page["next"]

    assert seen == ["09", "10", "11"]


NARROWED = {
    "channel=twitter": ["11"], "channel=email": ["09", "10"], "kind=comment": [], "what=promise": [],
    "what=answer": ["09", "10", "11"], "person=email:ben@example.org": ["10"], "team=support": ["09"],
    "overdue=true": ["09"], "overdue=false": ["10", "11"], "list=paused": [],
}  # fmt: skip


def test_the_list_is_narrowed(waiting: Door) -> None:
    # Given that Ann's is the support team's, which promises an answer within an hour, and she writes again
    [first, *_] = listed(waiting)
    waiting.post(f"/v1/conversations/{first['conversation']}/assign", json={"team": "support"}).raise_for_status()
    waiting.put("/v1/teams/support/policy", json={"first_response": {"normal": "1h"}}).raise_for_status()
    told = {
        "account": "inbox", "source_id": "ann again", "kind": "message", "direction": "inbound", "text": "Hello?",
        "occurred_at": "2026-03-02T09:30:00Z", "thread": {"key": "2", "parent": "ann"},
        "parties": [{"role": "author", "handle": ANN, "standing": "verified"}],
    }  # fmt: skip
    waiting.post("/v1/interactions", json=told).raise_for_status()

    assert {query: [each["since"][11:13] for each in listed(waiting, query)] for query in NARROWED} == NARROWED


def test_what_is_in_another_teams_account_is_not_shown(waiting: Door, key: Key) -> None:
    waiting.headers.update(key("read", teams=("south",)))

    assert [each["channel"] for each in listed(waiting)] == ["email", "email"]


def test_an_answer_ends_it(waiting: Door, hub: Hub) -> None:
    [first, *_] = listed(waiting)
    waiting.post(f"/v1/conversations/{first['conversation']}/reply", json={"text": "It left."}).raise_for_status()
    handlers.drain(hub)

    assert [each["since"][11:13] for each in listed(waiting)] == ["10", "11"]


def promised(door: Door, **more: Any) -> dict[str, Any]:
    answer = door.post(f"/v1/people/{ANN}/promises", json={"what": "We will call", "due_at": NOON, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_promise_is_listed_until_it_is_done(waiting: Door) -> None:
    # Given a promise that was made in Ann's mail
    [first, *_] = listed(waiting)
    moment = clock.from_datetime(clock.EPOCH) + 20_514 * DAY + 10 * HOUR  # 2026-03-02T10:00:00Z
    with clock.frozen(moment):
        made = promised(waiting, interaction=first["interaction"], team="support", agent="Cleo")

    # Then it is listed with its date, and overdue once that is past
    [line] = listed(waiting, "what=promise&overdue=true")
    assert (line["id"], line["due_at"], line["said"], line["by"]) == (made["id"], NOON, "We will call", "Cleo")
    assert (line["channel"], line["interaction"], line["team"]) == ("email", first["interaction"], "support")
    assert listed(waiting, "team=support&what=promise") == [line]

    # And when it is done it is not, and it stays known who did it
    done = waiting.post(f"/v1/promises/{made['id']}/done", json={"agent": "Ben"})
    assert (done.json()["state"], done.json()["ended_by"], done.json()["overdue"]) == ("done", "Ben", False)
    assert listed(waiting, "what=promise") == []
    again = waiting.post(f"/v1/promises/{made['id']}/withdraw", json={})
    assert (again.status_code, again.json()["code"]) == (409, "already_so")
    assert waiting.get(f"/v1/people/{ANN}/promises").json()["promises"] == [done.json()]


def test_a_promise_is_made_once_for_a_key(waiting: Door) -> None:
    once = {"Idempotency-Key": "friday"}
    body = {"what": "We will call", "due_at": NOON}
    one, two = (waiting.post(f"/v1/people/{ANN}/promises", json=body, headers=once) for _ in range(2))
    other = waiting.post(f"/v1/people/{ANN}/promises", json=body | {"what": "We will write"}, headers=once)

    assert one.json() == two.json()
    assert other.json()["code"] == "idempotency_conflict"


def test_the_next_open_date_is_an_attribute_that_triggers_can_look_at(waiting: Door, hub: Hub) -> None:
    later, sooner = promised(waiting, due_at="2026-03-09T12:00:00Z"), promised(waiting)

    def due() -> Any:
        return waiting.get(f"/v1/people/{ANN}/attributes").json()["attributes"]["promise_due"]

    assert due() == NOON
    waiting.post(f"/v1/promises/{sooner['id']}/withdraw", json={}).raise_for_status()
    assert due() == later["due_at"]


SENSELESS: list[tuple[dict[str, Any], str, str]] = [
    ({"what": " ", "due_at": NOON}, "empty_text", "/what"),
    ({"what": "x"}, "required", "/due_at"),
    ({"what": "x", "due_at": "Friday"}, "invalid_datetime", "/due_at"),
    ({"what": "x", "due_at": "2099-01-01T00:00:00Z"}, "out_of_range", "/due_at"),
    ({"what": "x", "due_at": NOON, "interaction": "0" * 32}, "no_such_interaction", "/interaction"),
]


def test_a_promise_that_makes_no_sense_is_refused(waiting: Door) -> None:
    for body, code, pointer in SENSELESS:
        answer = waiting.post(f"/v1/people/{ANN}/promises", json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, pointer), body

    assert listed(waiting, "what=promise") == []


def test_the_first_page_counts_all_lists(waiting: Door) -> None:
    first = waiting.get("/v1/waiting?limit=1").json()
    second = waiting.get(f"/v1/waiting?limit=1&cursor={first['next']}").json()

    assert first["counts"] == {"waiting": 3, "paused": 0, "indirect": 0, "forwarded": 0, "imported": 0, "snoozed": 0}
    assert second["counts"] is None


def test_a_dismissal_ends_it_with_a_reason_and_can_be_taken_back(waiting: Door) -> None:
    [first, *_] = listed(waiting)
    path = f"/v1/waiting/{first['id']}"
    assert waiting.post(f"{path}/dismiss", json={"reason": " "}).json()["code"] == "empty_text"

    ended = waiting.post(f"{path}/dismiss", json={"reason": "Only thanks", "agent": "Cleo"}).json()

    assert (ended["ended_how"], ended["ended_at"] is not None) == ("dismissed", True)
    assert [each["since"][11:13] for each in listed(waiting)] == ["10", "11"]
    assert waiting.post(f"{path}/dismiss", json={"reason": "Again"}).json()["code"] == "already_so"

    # When it is taken back
    back = waiting.post(f"{path}/undismiss", json={}).json()
    assert (back["id"], back["ended_at"], back["since"]) == (first["id"], None, first["since"])
    assert waiting.post(f"{path}/undismiss", json={}).json()["code"] == "not_dismissed"
    assert waiting.get(path).json() == back == listed(waiting)[0]


def test_what_another_team_waits_for_can_be_neither_seen_nor_dismissed(waiting: Door, key: Key) -> None:
    cleo = listed(waiting, "channel=twitter")[0]["id"]
    waiting.headers.update(key("desk", "read", teams=("south",)))

    for answer in (
        waiting.get(f"/v1/waiting/{cleo}"),
        waiting.post(f"/v1/waiting/{cleo}/dismiss", json={"reason": "No"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "nobody_waits")


def test_who_asked_is_named_only_where_nobody_knows(waiting: Door) -> None:
    [first, *_] = listed(waiting)
    answer = waiting.post(f"/v1/waiting/{first['id']}/asker", json={"person": ANN})

    assert (answer.status_code, answer.json()["code"]) == (409, "asker_known")


def test_a_conversation_is_put_off_and_comes_back(waiting: Door) -> None:
    conversation = f"/v1/conversations/{listed(waiting)[0]['conversation']}"
    assert (
        waiting.put(f"{conversation}/snooze", json={"until": "2026-03-03T12:00:00Z"}).json()["code"] == "out_of_range"
    )

    until = clock.to_text(clock.now() + HOUR)
    put_off = waiting.put(f"{conversation}/snooze", json={"until": until})
    assert (put_off.status_code, put_off.json()["snoozed_until"]) == (200, until)
    assert [len(listed(waiting, query)) for query in ("", "list=snoozed")] == [2, 1]

    assert waiting.delete(f"{conversation}/snooze").json()["snoozed_until"] is None
    assert waiting.delete(f"{conversation}/snooze").json()["code"] == "already_so"
    assert len(listed(waiting)) == 3

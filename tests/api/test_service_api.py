"""Calendars, promises, macros, numbers and versions of conversations over HTTP."""

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
from kinline.testing.factories import ANN, MORNING, InteractionFactory, RecordingFactory
from kinline_api.app import Application

Door = TestClient[Application]
OFFICE = {
    "zone": "Europe/London",
    "hours": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "12:00"], ["13:00", "17:00"]]},
}
PROMISE = {"calendar": "office", "first_response": {"normal": "4h", "urgent": "30m"}}


def arrives(hub: Hub, source: str, author: Any = ANN) -> None:
    what = InteractionFactory.build(source_id=source, thread=Thread(key=source), author=author, subject=source)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING)):
        at = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=at, what=what)])


@pytest.fixture
def conversation(hub: Hub, door: Door) -> str:
    """Ann wrote a mail; the office promises to answer within four hours."""
    with hub.store.write() as session:
        connected.configure(session, hub.secret, connected.named(session, "inbox"), {"address": "help@hub.example"})
    assert door.put("/v1/calendars/office", json=OFFICE).status_code == 200
    assert door.put("/v1/policy", json=PROMISE).status_code == 200
    arrives(hub, "mail")
    [found] = door.get("/v1/conversations").json()["conversations"]
    return f"/v1/conversations/{found['id']}"


def test_a_promise_is_made_seen_and_taken_back(door: Door, conversation: str) -> None:
    assert door.get(conversation).json()["conversation"]["clock"]["due_at"] == "2026-03-02T13:00:00Z"
    assert door.get("/v1/policy").json()["first_response"] == {"normal": "4h", "urgent": "30m"}
    assert door.get("/v1/calendars").json()["calendars"]["office"]["zone"] == "Europe/London"
    assert door.delete("/v1/calendars/office").json()["code"] == "in_use"

    # When the office opens an hour later, what is owed is due an hour later
    later = {**OFFICE, "hours": {"mon": [["10:00", "17:00"]]}}
    door.put("/v1/calendars/office", json=later)
    assert door.get(conversation).json()["conversation"]["clock"]["due_at"] == "2026-03-02T14:00:00Z"

    answer = door.put("/v1/teams/north/policy", json={"first_response": {"normal": "1h"}}).json()
    assert (answer["team"], answer["aimed_again"]) == ("north", 1)
    assert (
        door.post(f"{conversation}/assign", json={"team": "north"}).json()["clock"]["due_at"] == "2026-03-02T10:00:00Z"
    )
    assert door.delete("/v1/teams/north/policy").json() == {"dropped": "north"}
    assert door.delete("/v1/policy").status_code == 200
    assert door.delete("/v1/calendars/office").status_code == 200
    assert door.get(conversation).json()["conversation"]["clock"] is None


def test_overdue_ones_are_listed(door: Door, conversation: str) -> None:
    late = door.get("/v1/conversations?overdue=true").json()["conversations"]
    fine = door.get("/v1/conversations?overdue=false").json()["conversations"]

    owed = [len(door.get(f"/v1/conversations?waiting={each}").json()["conversations"]) for each in ("true", "false")]
    assert [len(late), len(fine), *owed] == [1, 0, 1, 0]
    assert late[0]["clock"]["overdue"] is True


SENSELESS: list[tuple[str, str, Any, int, str, str]] = [
    ("put", "/v1/calendars/x", {"zone": "Mars/Base", "hours": OFFICE["hours"]}, 422, "no_such_zone", "/zone"),
    ("put", "/v1/calendars/x", {"zone": "UTC", "hours": {}}, 422, "empty_calendar", "/hours"),
    ("put", "/v1/calendars/x", {"zone": "UTC"}, 422, "required", "/hours"),
    ("put", "/v1/calendars/x", OFFICE | {"holidays": ["25.12.2026"]}, 422, "invalid_datetime", "/holidays/0"),
    ("put", "/v1/calendars/x", OFFICE | {"more": 1}, 422, "unknown_field", "/more"),
    ("put", "/v1/policy", {}, 422, "required", "/first_response"),
    ("put", "/v1/policy", {"first_response": {"normal": "soon"}}, 422, "invalid_duration", "/first_response/normal"),
    ("put", "/v1/policy", {"first_response": {"never": "1h"}}, 422, "unknown_field", "/first_response/never"),
    ("put", "/v1/policy", PROMISE | {"calendar": "nights"}, 422, "no_such_calendar", "/calendar"),
    ("get", "/v1/teams/nobody/policy", None, 404, "no_such_team", ""),
    ("get", "/v1/calendars/nights", None, 404, "no_such_calendar", ""),
    ("put", "/v1/macros/x", {"steps": []}, 422, "invalid_macro", "/steps"),
    ("put", "/v1/macros/x", {"steps": [{}]}, 422, "invalid_step", "/steps/0"),
    ("put", "/v1/macros/x", {"steps": [{"note": "a", "tag": "b"}]}, 422, "invalid_step", "/steps/0"),
    ("put", "/v1/macros/x", {"steps": [{"tag": "b", "subject": "c"}]}, 422, "invalid_step", "/steps/0/subject"),
    ("put", "/v1/macros/x", {"steps": [{"reply": "Hello {{ person.name"}]}, 422, "template_syntax", "/steps/0/reply"),
    ("put", "/v1/macros/x", {"steps": [{"reply": "{{ secrets.key }}"}]}, 422, "unknown_name", "/steps/0/reply"),
    (
        "put",
        "/v1/macros/x",
        {"steps": [{"reply": "{{ person.name | shout }}"}]},
        422,
        "unknown_filter",
        "/steps/0/reply",
    ),
    ("put", "/v1/macros/x", {"steps": [{"note": " "}]}, 422, "empty_text", "/steps/0/note"),
    ("put", "/v1/macros/x", {"steps": [{"reply": "a"}, {"reply": "b"}]}, 422, "invalid_macro", "/steps"),
    ("put", "/v1/macros/x", {"steps": [{"state": "lost"}]}, 422, "unknown_value", "/steps/0/state"),
    ("put", "/v1/macros/x", {"steps": [{"tag": " "}]}, 422, "invalid_tag", "/steps/0/tag"),
    ("get", "/v1/macros/nothing", None, 404, "no_such_macro", ""),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code", "pointer"), SENSELESS)
def test_what_makes_no_sense_is_refused_with_its_place(
    door: Door, method: str, path: str, body: Any, status: int, code: str, pointer: str
) -> None:
    door.put("/v1/calendars/office", json=OFFICE)

    answer = door.request(method, path, json=body) if body is not None else door.request(method, path)

    found = answer.json()
    assert (answer.status_code, found["code"], found.get("pointer", "")) == (status, code, pointer)


THANKS = {
    "about": "A parcel is on its way.",
    "steps": [
        {
            "reply": "Dear {{ person.first_name | default: 'customer' }}, it left. Your number is {{ conversation.number }}."
        },
        {"note": "Told about the parcel ({{ interaction.channel }})."},
        {"tag": "parcel"},
        {"priority": "low"},
        {"team": "north", "assignee": "Cleo"},
        {"state": "solved", "outcome": "answered"},
    ],
}


def test_a_macro_does_all_its_steps_once(door: Door, hub: Hub, conversation: str) -> None:
    assert door.put("/v1/macros/thanks", json=THANKS).json()["version"] == 1
    once = {"Idempotency-Key": "macro-1"}

    with clock.frozen(clock.from_datetime(MORNING) + HOUR):
        done = door.post(f"{conversation}/macro", json={"macro": "thanks"}, headers=once)
        again = door.post(f"{conversation}/macro", json={"macro": "thanks"}, headers=once)
        other = door.post(f"{conversation}/macro", json={"macro": "thanks", "version": 1}, headers=once)
        handlers.drain(hub)

    assert (done.status_code, again.json(), other.status_code) == (200, done.json(), 409)
    shown = door.get(conversation).json()["conversation"]
    number = shown["number"]
    assert (shown["state"], shown["priority"], shown["team"], shown["assignee"]) == ("solved", "low", "north", "Cleo")
    followup = door.get(f"/v1/followups/{done.json()['followup']}").json()
    assert (followup["state"], followup["class"]) == ("sent", "human")
    assert f"it left. Your number is {number}." in followup["text"]
    assert "parcel" in door.get("/v1/people/email:ann@example.org/tags").json()["tags"]
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM followup") == [(1,)]


def test_a_macro_that_cannot_do_a_step_does_none(door: Door, hub: Hub, conversation: str) -> None:
    door.put("/v1/macros/x", json={"steps": [{"tag": "half"}, {"reply": "Dear {{ person.nickname }}"}]})

    answer = door.post(f"{conversation}/macro", json={"macro": "x"}, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, "missing_value", "/steps/1")
    assert door.get("/v1/people/email:ann@example.org/tags").json()["tags"] == []
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM idempotency") == [(0,)]


def test_macros_have_versions(door: Door, conversation: str) -> None:
    for text in ("one", "two"):
        door.put("/v1/macros/x", json={"steps": [{"note": text}]})

    assert [(each["name"], each["version"]) for each in door.get("/v1/macros").json()["macros"]] == [("x", 2)]
    assert door.get("/v1/macros/x").json()["steps"] == [{"note": "two"}]
    door.post(f"{conversation}/macro", json={"macro": "x", "version": 1})
    assert door.get(conversation).json()["said"][-1]["text"] == "one"
    again = door.post(f"{conversation}/macro", json={"macro": "x", "version": 9})
    assert (again.status_code, again.json()["code"]) == (404, "no_such_macro")


def test_what_is_so_already_is_said_and_not_failed(door: Door, conversation: str) -> None:
    door.put("/v1/macros/x", json={"steps": [{"state": "open"}, {"untag": "nobody"}, {"note": "done"}]})

    answer = door.post(f"{conversation}/macro", json={"macro": "x"}).json()

    assert [each.partition(":")[0] for each in answer["unchanged"]] == ["state", "untag"]
    assert len(answer["notes"]) == 1


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("reply", {"text": "x"}), ("notes", {"text": "x"}), ("assign", {"assignee": "x"}), ("state", {"state": "solved"}),
    ("priority", {"priority": "high"}), ("close", {}), ("reopen", {}), ("macro", {"macro": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "body"), CHANGES)
def test_nobody_overwrites_what_another_did_meanwhile(door: Door, conversation: str, change: str, body: Any) -> None:
    # Given Cleo, who looked, and Dora, who wrote a note since
    door.put("/v1/macros/x", json={"steps": [{"note": "x"}]})
    seen = door.get(conversation).headers["etag"]
    door.post(f"{conversation}/notes", json={"text": "I do this", "agent": "Dora"})

    refused = door.post(f"{conversation}/{change}", json=body, headers={"If-Match": seen})

    # Then Cleo is told, with the version that stands, and that one is accepted
    assert (refused.status_code, refused.json()["code"]) == (412, "stale_precondition")
    now = door.get(conversation).headers["etag"]
    assert refused.json()["current"] == now
    if change != "reopen":
        assert door.post(f"{conversation}/{change}", json=body, headers={"If-Match": now}).status_code < 300


def test_a_number_finds_its_conversation_however_it_is_said(door: Door, hub: Hub, conversation: str) -> None:
    number = door.get(conversation).json()["conversation"]["number"]
    spoken = [
        number,
        number.lower(),
        number.replace("-", ""),
        number.replace("-", " "),
        number.replace("1", "l").replace("0", "o"),
    ]

    for said in spoken:
        found = door.get("/v1/conversations", params={"number": said}).json()["conversations"]
        assert [each["number"] for each in found] == [number], said
    for wrong in ("0000-0000", "nothing", "UUUU-UUUU", "'; --", "4"):
        assert door.get("/v1/conversations", params={"number": wrong}).json()["conversations"] == []

"""Templates, endpoints, calls, steps and approvals over HTTP."""

from collections.abc import Callable
from typing import Any

from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.hub import Hub
from kinline.store import sql
from kinline_api.app import Application

Door = TestClient[Application]
Message = Callable[..., dict[str, Any]]
HELLO = {"default": "en", "languages": {"en": {"text": "Hi {{ person.first_name }}"}, "es": {"text": "Hola"}}}
TRIGGER = """
name: greet
about: Somebody wrote.
when: {did: {kind: message, direction: inbound}}
do:
  - message: {template: hello, class: service, approval: true}
  - webhook: {endpoint: crm, approval: true}
  - wait: 1d
  - tag: {add: greeted}
"""


def saved(door: Door) -> str:
    """A template, an endpoint, and a live trigger that names both. Returns the endpoint's secret."""
    assert door.put("/v1/templates/hello", json=HELLO).status_code == 201
    made = door.post("/v1/endpoints", json={"name": "crm", "url": "https://crm.example.org/hooks"})
    assert made.status_code == 201
    assert door.post("/v1/triggers", json={"source": TRIGGER}).status_code == 201
    assert door.post("/v1/triggers/greet/state", json={"state": "live", "override": "a test"}).status_code == 200
    return str(made.json()["secret"])


def wrote(hub: Hub, door: Door, message: Message) -> None:
    saved(door)
    with hub.store.write() as session:
        connected.configure(session, hub.secret, connected.named(session, "inbox"), {"address": "help@hub.example"})
    assert door.post("/v1/interactions", json=message(occurred_at=clock.to_text(clock.now()))).status_code in (
        200,
        202,
        201,
    )
    handlers.drain(hub)


def test_a_template_is_saved_checked_read_and_forgotten(door: Door) -> None:
    first = door.put("/v1/templates/hello", json=HELLO)
    same = door.put("/v1/templates/hello", json=HELLO)
    edited = door.put("/v1/templates/hello", json={**HELLO, "about": "A greeting"})
    stale = door.put("/v1/templates/hello", json=HELLO, headers={"If-Match": first.headers["etag"]})
    wrong = door.post("/v1/templates/hello/check", json={**HELLO, "default": "fr"})
    right = door.post("/v1/templates/hello/check", json=HELLO)

    assert [answer.status_code for answer in (first, same, edited, stale, wrong, right)] == [
        201,
        200,
        201,
        412,
        422,
        200,
    ]
    assert (wrong.json()["code"], wrong.json()["pointer"]) == ("no_default", "/default")
    assert right.json() == {"languages": ["en", "es"], "warnings": []}
    assert [each["version"] for each in door.get("/v1/templates/hello/versions").json()["versions"]] == [2, 1]
    assert door.get("/v1/templates").json()["templates"][0]["about"] == "A greeting"
    assert door.delete("/v1/templates/hello").status_code == 204
    assert door.get("/v1/templates/hello").json()["code"] == "no_such_template"


def test_a_trigger_that_names_what_is_not_there_is_refused_with_its_place(door: Door) -> None:
    answer = door.post("/v1/triggers", json={"source": TRIGGER})

    told = answer.json()
    assert (answer.status_code, told["code"], told["pointer"]) == (422, "no_such_template", "/do/0/message/template")
    assert (told["line"], told["column"]) == (6, 25)
    assert "kinline template save" in told["detail"]


def test_a_template_is_looked_at_for_a_person(hub: Hub, door: Door, message: Message) -> None:
    door.put("/v1/templates/hello", json=HELLO)
    door.post("/v1/interactions", json=message())

    mine = door.post("/v1/templates/hello/preview", json={"person": "email:ann@example.org"})
    other = door.post("/v1/templates/hello/preview", json={"person": "email:ann@example.org", "language": "es"})

    assert (mine.json()["text"], mine.json()["source"]) == ("Hi Ann", "hello@1 en")
    assert other.json()["text"] == "Hola"
    nobody = door.post("/v1/templates/hello/preview", json={"person": "email:nobody@example.org"})
    assert nobody.status_code == 404


def test_what_waits_for_approval_is_listed_and_let_go_each_by_its_own_route(
    hub: Hub, door: Door, message: Message
) -> None:
    wrote(hub, door, message)

    first = door.get("/v1/approvals", params={"limit": "1"}).json()
    second = door.get("/v1/approvals", params={"limit": "1", "cursor": first["next"]}).json()
    both = first["approvals"] + second["approvals"]
    assert {each["sort"] for each in both} == {"message", "call"}
    assert second["next"] is None
    assert {each["over"] for each in both} == {"inbox", "crm"}

    for each in both:
        kind = "followups" if each["sort"] == "message" else "deliveries"
        done = door.post(f"/v1/{kind}/{each['id']}/approve", json={"agent": "Dora"})
        assert (done.status_code, done.json()["approved_by"]) == (200, "Dora")
    assert door.get("/v1/approvals").json()["approvals"] == []
    handlers.drain(hub)
    assert door.get("/v1/deliveries").json()["deliveries"][0]["state"] == "delivered"
    assert door.get("/v1/followups").json()["followups"][0]["template"] == "hello@1 en"


def test_a_call_is_read_cancelled_and_made_again(hub: Hub, door: Door, message: Message) -> None:
    wrote(hub, door, message)
    [call] = door.get("/v1/deliveries", params={"endpoint": "crm", "person": "email:ann@example.org"}).json()[
        "deliveries"
    ]
    path = f"/v1/deliveries/{call['id']}"

    early = door.post(f"{path}/replay", json={})
    stopped = door.post(f"{path}/cancel", json={"reason": "not this one"})
    unapproved = door.post(f"{path}/replay", json={})

    assert (early.status_code, unapproved.json()["code"]) == (409, "not_approved")
    assert stopped.json()["reason"] == "cancelled by a test: not this one"
    assert door.get(path).json()["body"]["type"] == "kinline.trigger.fired"
    assert door.get("/v1/deliveries", params={"state": "pending"}).json()["deliveries"] == []
    assert door.get(f"/v1/deliveries/{'0' * 32}").status_code == 404


def test_a_step_is_listed_shown_with_its_decision_and_called_off(hub: Hub, door: Door, message: Message) -> None:
    wrote(hub, door, message)

    [step] = door.get("/v1/steps", params={"state": "waiting", "trigger": "greet"}).json()["steps"]
    decision = door.get(f"/v1/decisions/{step['decision']}").json()
    assert (step["then"], step["due_at"] > step["created_at"]) == (["tag"], True)
    assert decision["steps"] == [step]
    assert len(decision["deliveries"]) == 1
    lines = door.get("/v1/people/email:ann@example.org/timeline").json()["entries"]
    told = [line for line in lines if line["type"] in ("step", "call")]
    assert {(line["type"], line["state"], line["trigger"]) for line in told} == {
        ("step", "waiting", "greet"), ("call", "pending", "greet"),
    }  # fmt: skip
    assert "the rest, which waits until" in door.get(f"/v1/why/{step['decision']}").json()["summary"]

    off = door.post(f"/v1/steps/{step['id']}/cancel", json={"agent": "Dora", "reason": "enough"})
    assert (off.json()["state"], off.json()["reason"]) == ("stopped", "cancelled by Dora: enough")
    assert door.post(f"/v1/steps/{step['id']}/cancel", json={}).json()["code"] == "not_waiting"


def test_an_endpoints_secret_is_shown_once_and_rotated(hub: Hub, door: Door) -> None:
    secret = saved(door)

    rotated = door.post("/v1/endpoints/crm/rotate", json={"overlap": 1}).json()
    moved = door.put("/v1/endpoints/crm", json={"url": "https://other.example.org/"}).json()
    disabled = door.post("/v1/endpoints/crm/state", json={"state": "disabled", "reason": "it is on holiday"}).json()

    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != secret
    assert rotated["endpoint"]["secrets"] == 2
    assert moved["url"] == "https://other.example.org/"
    assert (disabled["state"], disabled["reason"]) == ("disabled", "it is on holiday")
    shown = door.get("/v1/endpoints").text + door.get("/v1/endpoints/crm").text
    assert "whsec_" not in shown
    assert door.delete("/v1/endpoints/crm").json()["code"] == "in_use"
    assert door.post("/v1/endpoints", json={"name": "crm", "url": "https://x.example/"}).status_code == 409
    assert door.post("/v1/endpoints", json={"name": "x", "url": "ftp://x"}).json()["pointer"] == "/url"


def test_a_reader_of_other_accounts_sees_none_of_it(
    hub: Hub, door: Door, key: Callable[..., dict[str, str]], message: Message
) -> None:
    # Given an account that only the north team may read, and a key of the south
    wrote(hub, door, message)
    with hub.store.write() as session:
        sql.run(session, "INSERT INTO team (id, name, created_at) VALUES ('n', 'north', 0), ('s', 'south', 0)")
        account = sql.run(session, "SELECT id FROM account WHERE name = 'inbox'")[0][0]
        sql.run(session, "INSERT INTO account_team (account_id, team_id) VALUES ({p}, 'n')", account)
    south = key("read", "desk", teams=("south",))
    [step] = door.get("/v1/steps").json()["steps"]
    [call] = door.get("/v1/deliveries").json()["deliveries"]

    lists = {path: door.get(f"/v1/{path}", headers=south).json()[path] for path in ("steps", "deliveries", "approvals")}
    assert lists == {"steps": [], "deliveries": [], "approvals": []}
    assert door.get(f"/v1/steps/{step['id']}", headers=south).status_code == 404
    assert door.post(f"/v1/steps/{step['id']}/cancel", json={}, headers=south).status_code == 404
    assert door.post(f"/v1/deliveries/{call['id']}/approve", json={}, headers=south).status_code == 404
    north = key("read", teams=("north",))
    assert {len(door.get(f"/v1/{path}", headers=north).json()[path]) for path in ("steps", "deliveries")} == {1}
    assert len(door.get("/v1/approvals", headers=north).json()["approvals"]) == 2

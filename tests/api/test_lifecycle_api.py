"""Stages, tags and attributes over HTTP: what people say about a person by hand, beside what triggers do."""

from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock
from kinline.accounts import connected
from kinline.clock import HOUR
from kinline.history import load_history
from kinline.hub import Hub
from kinline.identity import persons
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory
from kinline_api.app import Application

Door = TestClient[Application]
PERSON = "/v1/people/email:ann@example.org"
NOW = clock.from_datetime(MORNING)


@pytest.fixture(autouse=True)
def people(hub: Hub, door: Door) -> None:
    """Ann and Ben wrote to us."""
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        for author in (ANN, BEN):
            record_batch(session, [RecordingFactory.build(account=inbox, what=InteractionFactory.build(author=author))])


def test_a_human_moves_a_stage_and_the_history_stays(door: Door) -> None:
    before = door.get(f"{PERSON}/stages").json()
    assert before == {"now": {"relationship": "stranger", "business": "none"}, "moves": []}

    door.post(f"{PERSON}/stages", json={"track": "business", "stage": "lead"})
    answer = door.post(f"{PERSON}/stages", json={"track": "business", "stage": "customer", "agent": "Cleo"})

    assert answer.status_code == 201
    shown = answer.json()
    assert shown["now"] == {"relationship": "stranger", "business": "customer"}
    assert [(each["stage"], each["by"]) for each in shown["moves"]] == [("lead", "a test"), ("customer", "Cleo")]
    newest = door.get(f"{PERSON}/timeline").json()["entries"][0]
    assert (newest["type"], newest["stage"], newest["by"]) == ("stage", "customer", "Cleo")


def test_what_a_human_says_now_counts_whatever_a_fast_clock_said(door: Door, hub: Hub) -> None:
    # Given a move dated an hour ahead of us
    with hub.store.write() as session:
        ann = persons.find(session, str(ANN))
        sql.run(
            session,
            "INSERT INTO stage (id, person_id, track, stage, at, recorded_at, made_by) VALUES ({p}, {p}, 'business', "
            "'lapsed', {p}, {p}, 'trigger:odd')",
            "f" * 32, ann, clock.now() + HOUR, clock.now(),
        )  # fmt: skip

    shown = door.post(f"{PERSON}/stages", json={"track": "business", "stage": "customer"}).json()

    assert shown["now"]["business"] == "customer"


MOVES: list[tuple[dict[str, Any], int, str, str]] = [
    ({"track": "business", "stage": "none"}, 409, "already_so", ""),
    ({"track": "business", "stage": "advocate"}, 422, "unknown_value", "/stage"),
    ({"track": "love", "stage": "fan"}, 422, "unknown_value", "/track"),
    ({"track": "business"}, 422, "required", "/stage"),
    ({"track": "business", "stage": "lead", "at": "2026-01-01"}, 422, "unknown_field", "/at"),
]


def test_a_move_that_makes_no_sense_is_refused(door: Door) -> None:
    for body, status, code, pointer in MOVES:
        answer = door.post(f"{PERSON}/stages", json=body)
        told = answer.json()
        assert (answer.status_code, told["code"], told.get("pointer", "")) == (status, code, pointer), body

    assert door.get(f"{PERSON}/stages").json()["moves"] == []


def test_tags_are_put_on_and_taken_off(door: Door, hub: Hub) -> None:
    assert door.post(f"{PERSON}/tags/vip").json() == {"tags": ["vip"]}
    assert door.post(f"{PERSON}/tags/vip").json() == {"tags": ["vip"]}
    assert door.post(f"{PERSON}/tags/north%2Fwest").json() == {"tags": ["north/west", "vip"]}
    assert door.delete(f"{PERSON}/tags/vip").json() == {"tags": ["north/west"]}
    assert door.get(f"{PERSON}/tags").json() == {"tags": ["north/west"]}

    gone = door.delete(f"{PERSON}/tags/vip")
    assert (gone.status_code, gone.json()["code"]) == (404, "no_such_tag")
    with hub.store.read() as session:
        assert sql.run(session, "SELECT tag, present FROM tag ORDER BY at, id") == [
            ("vip", 1), ("north/west", 1), ("vip", 0)
        ]  # fmt: skip


def test_an_odd_tag_is_refused(door: Door) -> None:
    for tag in ("x" * 201, "%20vip", "a%C2%85b", "a%E2%80%AEb"):
        answer = door.post(f"{PERSON}/tags/{tag}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_tag"), tag

    assert door.get(f"{PERSON}/tags").json() == {"tags": []}


def test_a_stated_value_counts_until_another_is_stated(door: Door, hub: Hub) -> None:
    door.put(f"{PERSON}/attributes/time_zone", json={"value": "Europe/Madrid"})
    door.put(f"{PERSON}/attributes/points", json={"value": 7, "agent": "Cleo"})
    answer = door.put(f"{PERSON}/attributes/points", json={"value": {"gold": 1}})
    assert (answer.status_code, answer.json()) == (
        200, {"attributes": {"time_zone": "Europe/Madrid", "points": {"gold": 1}}}
    )  # fmt: skip

    # And null says that it is not known any more
    door.put(f"{PERSON}/attributes/points", json={"value": None})
    assert door.get(f"{PERSON}/attributes").json() == {"attributes": {"time_zone": "Europe/Madrid"}}
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM attribute") == [(4,)]
        assert "points" not in load_history.attributes(session, persons.find(session, str(ANN)))


def test_a_value_is_kept_with_the_handle_it_is_about(door: Door, hub: Hub) -> None:
    door.post(f"{PERSON}/merge", json={"with": "email:ben@example.org", "reason": "she told us"})
    answer = door.put(f"{PERSON}/attributes/points", json={"value": 1, "identity": "email:ben@example.org"})

    assert answer.status_code == 200
    with hub.store.read() as session:
        assert sql.run(session, "SELECT identity_id FROM attribute") == [(BEN.id,)]


VALUES: list[tuple[str, dict[str, Any], int, str]] = [
    ("time_zone", {"value": "Mars/Olympus"}, 422, "invalid_time_zone"),
    ("time_zone", {"value": "../../etc/passwd"}, 422, "invalid_time_zone"),
    ("time_zone", {"value": 7}, 422, "invalid_time_zone"),
    ("time_zone", {"value": {}}, 422, "invalid_time_zone"),
    ("Points", {"value": 1}, 422, "invalid_name"),
    ("__proto__", {"value": 1}, 422, "invalid_name"),
    ("x" * 65, {"value": 1}, 422, "invalid_name"),
    ("points", {}, 422, "required"),
    ("points", {"value": "x" * 10_001}, 422, "too_long"),
    ("points", {"value": 1, "identity": "email:ben@example.org"}, 422, "no_such_handle"),
    ("points", {"value": 1, "identity": "nonsense"}, 422, "no_such_handle"),
    ("points", {"value": 1, "identity": "email:nonsense"}, 422, "invalid_handle"),
]


def test_a_value_that_makes_no_sense_is_refused(door: Door) -> None:
    for name, body, status, code in VALUES:
        answer = door.put(f"{PERSON}/attributes/{name}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (name, body)

    assert door.get(f"{PERSON}/attributes").json() == {"attributes": {}}


def test_of_nobody_nothing_is_known(door: Door) -> None:
    for path in ("/stages", "/tags", "/attributes", "/reachable", "/decisions"):
        answer = door.get(f"/v1/people/email:nobody@example.org{path}")

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_person")

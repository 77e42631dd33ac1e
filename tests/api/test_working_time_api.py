"""Triggers that count in working time, over HTTP: a calendar that is not there, one that changes, one that is in use."""

from typing import Any

import jsonschema_rs
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, RecordingFactory
from kinline_api.app import Application

Door = TestClient[Application]
YAML = {"Content-Type": "text/yaml"}
OFFICE: dict[str, Any] = {"zone": "UTC", "hours": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]}}
WATCH = """name: watch
about: Nobody of us answered within ten hours of work.
when: {silence: {of: us, after: {direction: inbound}, for: 10h, clock: business-hours, calendar: office}}
do: [{task: {team: support, title: Answer}}]
"""


def due(hub: Hub) -> list[str | None]:
    with hub.store.read() as session:
        rows = sql.run(session, "SELECT due_at FROM wait WHERE state = 'armed'")
    return [clock.to_text(at) for (at,) in rows]


def arrives(hub: Hub) -> None:
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=inbox, what=InteractionFactory.build())])
    handlers.drain(hub)


def test_a_calendar_that_is_not_there_is_told_with_its_place(door: Door) -> None:
    for path in ("/v1/triggers", "/v1/triggers/check"):
        answer = door.post(path, content=WATCH, headers=YAML)

        assert answer.status_code == 422
        problem = answer.json()
        assert (problem["code"], problem["pointer"]) == ("no_such_calendar", "/when/silence/calendar")
        assert (problem["line"], problem["column"]) == (3, 98)
        assert "office" in problem["detail"]


def test_a_calendar_moves_what_waits_in_it_and_stays_while_somebody_counts_in_it(hub: Hub, door: Door) -> None:
    with clock.frozen(clock.from_datetime(MORNING)):
        # Given a trigger that counts in the office's time, and Ann, who wrote on Monday at nine
        door.put("/v1/calendars/office", json=OFFICE)
        assert door.post("/v1/triggers", content=WATCH, headers=YAML).status_code == 201
        assert door.post("/v1/triggers/watch/state", json={"state": "live", "override": "a test"}).status_code == 200
        arrives(hub)
        assert due(hub) == ["2026-03-03T11:00:00Z"]

        # When the office opens an hour later
        later = {day: [["10:00", "17:00"]] for day in ("mon", "tue")}
        assert door.put("/v1/calendars/office", json={**OFFICE, "hours": later}).status_code == 200
        handlers.drain(hub)

        # Then she is missed later
        assert due(hub) == ["2026-03-03T13:00:00Z"]

    # And nobody takes the calendar away while the trigger is live or paused
    for state in ("paused", "draft"):
        answer = door.delete("/v1/calendars/office")
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
        assert "watch" in answer.json()["detail"]
        door.post("/v1/triggers/watch/state", json={"state": state, "override": "a test"})
    assert door.delete("/v1/calendars/office").status_code == 200

    # And a draft whose calendar is gone says so, and goes live no more
    assert "no calendar “office”" in " ".join(door.get("/v1/triggers/watch").json()["warnings"])
    answer = door.post("/v1/triggers/watch/state", json={"state": "live", "override": "a test"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_such_calendar")


def test_the_schema_for_editors_is_one(door: Door) -> None:
    answer = door.get("/v1/triggers/schema")

    assert answer.headers["content-type"] == "application/schema+json"
    jsonschema_rs.meta.validate(answer.json())

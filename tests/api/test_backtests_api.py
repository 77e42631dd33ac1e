"""Back-tests over HTTP: what was tried out is kept, shown, drawn, and asked for before anything goes live."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.backtest import jobs
from kinline.backtest.backtest import backtest
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, InteractionFactory, PartyFactory, RecordingFactory
from kinline.triggers import read_trigger
from kinline_api.app import Application
from settable import NINE, Time
from trying import tried

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
BAD: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "bad_inputs" / "backtests.yaml").read_text())
TEXT = "name: ask\nabout: They wrote.\nwhen: {did: {kind: message}}\ndo: [{task: {team: support, title: Look}}]\n"


@pytest.fixture(autouse=True)
def time(door: Door, hub: Hub) -> Iterator[Time]:
    """Ann wrote at nine; now it is ten. Recorded here and not over HTTP, so that it happens by the test's clock."""
    made = Time()
    with clock.frozen(made):
        with hub.store.write() as session:
            inbox = connected.ref(connected.named(session, "inbox"))
            what = InteractionFactory.build(parties=(PartyFactory.build(),))
            record_batch(session, [RecordingFactory.build(account=inbox, what=what)])
        made.now = NINE + clock.HOUR
        yield made


def saved(door: Door, text: str = TEXT) -> None:
    assert door.post("/v1/triggers", json={"source": text}).status_code in (200, 201)


def state(door: Door, **more: str) -> Any:
    return door.post("/v1/triggers/ask/state", json={"state": "live"} | more)


def test_live_needs_a_back_test_or_a_reason(door: Door, hub: Hub) -> None:
    # Given a draft that nobody tried out
    saved(door)
    refused = state(door)
    assert (refused.status_code, refused.json()["code"]) == (409, "needs_backtest")
    assert "/v1/triggers/ask/backtest" in refused.json()["detail"]
    assert state(door, override="  ").status_code == 409

    # When it is tried out, it goes live, and shows by what
    tested = tried(door, hub, "ask", since="1d")
    shown = state(door).json()
    assert (shown["state"], shown["override"], shown["backtest"]["id"]) == ("live", "", tested["id"])
    assert shown["backtest"]["count"] == tested["count"] == 1

    # And its next version needs a back-test of its own, which may come before it is saved
    edited = TEXT.replace("Look", "Look here")
    assert door.post("/v1/triggers", json={"source": edited}).json()["code"] == "needs_backtest"
    assert tried(door, hub, "ask", source=edited)["version"] == 0
    assert door.post("/v1/triggers", json={"source": edited}).json()["backtest"]["version"] == 2


def test_a_reason_is_kept_and_shown(door: Door) -> None:
    saved(door)
    shown = state(door, override="we are new here").json()

    assert shown["state_reason"] == "live without a back-test: we are new here"
    assert (shown["override"], shown["backtest"]) == ("we are new here", None)


def test_a_hit_tells_when_and_why(door: Door, hub: Hub) -> None:
    saved(door, TEXT.replace("{did: {kind: message}}", "{silence: {of: us, after: {kind: message}, for: 30m}}"))

    [hit] = tried(door, hub, "ask")["hits"]

    assert (hit["name"], hit["verdict"], hit["at"]) == ("Ann Archer", "fired", "2026-03-02T09:30:00Z")
    assert hit["decided_at"] == hit["at"]
    assert len(hit["interactions"]) == 1
    [missed] = hit["absences"]
    assert (missed["of"], missed["since"], missed["until"]) == ("us", "2026-03-02T09:00:00Z", "2026-03-02T09:30:00Z")


def test_what_was_run_is_listed_and_drawn(door: Door, hub: Hub) -> None:
    # Given three runs
    saved(door)
    for _ in range(3):
        tried(door, hub, "ask", since="2026-03-01T00:00:00Z", until="1s")

    # Then they are listed by pages, the newest first
    first = door.get("/v1/triggers/ask/backtests?limit=2").json()
    rest = door.get("/v1/triggers/ask/backtests", params={"limit": 2, "cursor": first["next"]}).json()
    listed = [*first["backtests"], *rest["backtests"]]
    assert len({run["id"] for run in listed}) == 3
    assert rest["next"] is None
    assert (listed[0]["made_by"], listed[0]["days"]) == ("a test", {"2026-03-02": 1})

    # And each can be drawn
    place = f"/v1/triggers/ask/backtests/{listed[0]['id']}/picture"
    drawn = door.get(place)
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(drawn.text).tag == "{http://www.w3.org/2000/svg}svg"
    unknown = door.get(f"/v1/triggers/ask/backtests/{'0' * 32}/picture")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_backtest")


def test_who_does_not_see_everything_sees_no_counts_over_everybody(door: Door, key: Key, hub: Hub) -> None:
    saved(door)
    run = tried(door, hub, "ask")["id"]
    door.post("/v1/accounts", json={"channel": "email", "name": "north", "settings": {}, "teams": ["north"]})
    south = key("read", teams=("south",))

    assert door.get("/v1/triggers/ask/backtests", headers=south).json()["backtests"] == []
    assert door.get("/v1/triggers/ask", headers=south).json()["backtest"] is None
    assert door.get(f"/v1/triggers/ask/backtests/{run}/picture", headers=south).status_code == 404


@pytest.mark.parametrize("row", BAD["rows"], ids=lambda row: row["id"])
def test_a_silly_back_test_is_refused(door: Door, row: dict[str, Any]) -> None:
    saved(door)
    answer = door.post("/v1/triggers/ask/backtest", json=row["asked"])

    told = answer.json()
    assert (answer.status_code, told["code"], told.get("pointer", "")) == (422, row["code"], row["pointer"])


def test_a_back_test_is_a_job_with_progress_that_can_be_called_off(door: Door, hub: Hub) -> None:
    # Given one that waits for a worker
    saved(door)
    asked = door.post("/v1/triggers/ask/backtest", json={})
    place = asked.headers["location"]
    assert asked.status_code == 202
    assert door.get(place).json() == asked.json()
    assert (asked.json()["state"], asked.json()["evaluated"], asked.json()["total"]) == ("queued", 0, 1)

    # When it is called off, nothing is run, and nothing is kept
    assert door.delete(place).json()["state"] == "cancelled"
    handlers.drain(hub)
    assert (door.get(place).json()["state"], door.get(place).json()["result"]) == ("cancelled", None)
    assert door.get("/v1/triggers/ask/backtests").json()["backtests"] == []
    again = door.delete(place)
    assert (again.status_code, again.json()["code"]) == (409, "already_so")
    unknown = door.get(f"/v1/triggers/ask/backtests/{'0' * 32}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_backtest")


def test_one_that_is_called_off_while_it_runs_stops(door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given one that is called off while its first page is looked at
    saved(door)
    place = door.post("/v1/triggers/ask/backtest", json={}).headers["location"]
    monkeypatch.setattr(jobs, "EVERY", 0.0)
    real = backtest

    def called_off(*given: Any, **more: Any) -> Any:
        assert door.get(place).json()["state"] == "running"
        assert door.delete(place).status_code == 200
        return real(*given, **more)

    monkeypatch.setattr(jobs, "backtest", called_off)
    handlers.drain(hub)

    assert door.get(place).json()["state"] == "cancelled"
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM backtest") == [(0,)]
        assert sql.run(session, "SELECT count(*) FROM job") == [(0,)]


def test_a_worker_that_dies_leaves_it_to_the_next(door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(door)
    place = door.post("/v1/triggers/ask/backtest", json={}).headers["location"]

    def killed(*given: Any, **more: Any) -> Any:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "backtest", killed)
        handlers.drain(hub)
    assert door.get(place).json()["state"] == "running"
    with clock.frozen(clock.now() + clock.HOUR):
        handlers.drain(hub)

    assert door.get(place).json()["result"]["count"] == 1


def test_a_forecast_is_shown_before_it_goes_live_and_a_storm_needs_its_number(
    door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two who were quiet for an hour, and a hub that lets a trigger act once in an hour
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        other = InteractionFactory.build(source_id="ben", author=BEN)
        record_batch(session, [RecordingFactory.build(account=inbox, what=other)])
    monkeypatch.setattr(hub.settings, "storm_limit", 1)
    text = TEXT.replace("{did: {kind: message}}", "{silence: {of: them, for: 3h}}")
    saved(door, text)

    # Then its forecast says what it will do, and it does not go live without its number
    forecast = tried(door, hub, "ask")["forecast"]
    assert forecast == {"day": 2, "week": 2, "month": 2, "existing": 0, "busiest": 2, "storm_limit": 1}
    refused = state(door)
    assert (refused.status_code, refused.json()["code"], refused.json()["pointer"]) == (
        422,
        "needs_per_hour",
        "/limits/per_hour",
    )
    assert "limits.per_hour" in refused.json()["detail"]

    # And with it, it does
    text = f"{text.rstrip()}\nlimits: {{per_hour: 10}}\n"
    saved(door, text)
    tried(door, hub, "ask")
    assert state(door).json()["backtest"]["forecast"]["busiest"] == 2


def test_only_so_many_hits_are_kept_and_all_are_counted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        said = [InteractionFactory.build(source_id=f"s{n}", author=BEN if n % 2 else ANN) for n in range(9)]
        record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in said])

    found = backtest(hub, read_trigger(TEXT), since=NINE - clock.DAY, most=3)

    assert (len(found.hits), found.fired) == (3, 10)

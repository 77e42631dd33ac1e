"""History by API: it is history where the caller says so. It sends nothing and makes no task; stages and tags follow."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.backtest.backtest import backtest
from kinline.catalogue import trigger_store
from kinline.hub import Hub
from kinline.store import sql
from kinline.triggers import read_trigger
from kinline.words import TriggerState
from kinline_api.app import Application

Door = TestClient[Application]
Message = Callable[..., dict[str, Any]]
HELLO = "name: hello\nabout: A test.\nwhen: {did: {kind: message}}\ndo: [{task: {team: care, title: Hello}}]\n"
MARKS = "name: marks\nabout: A test.\nwhen: {did: {kind: message}}\ndo: [{tag: {add: wrote}}]\n"


@pytest.fixture
def triggers(hub: Hub) -> None:
    with hub.store.write() as session:
        for text in (HELLO, MARKS):
            row, _ = trigger_store.save(session, text, made_by="Cleo")
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        sql.run(session, "UPDATE trigger_rule SET live_since = 0")  # they were live when it happened


def rows(hub: Hub, statement: str) -> list[tuple[Any, ...]]:
    handlers.drain(hub)
    with hub.store.read() as session:
        return sql.run(session, statement)


def ago(hours: float) -> str:
    return str(clock.to_text(clock.now() - round(hours * clock.HOUR)))


@pytest.mark.usefixtures("triggers")
def test_history_starts_nothing_and_tags_follow_it(hub: Hub, door: Door, message: Message) -> None:
    answer = door.post("/v1/interactions", json=message(occurred_at=ago(1), history=True))

    assert answer.status_code == 201
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]
    assert rows(hub, "SELECT reason FROM decision WHERE verdict = 'skipped'") == [
        ("history that was imported starts nothing",)
    ]
    assert rows(hub, "SELECT tag FROM tag") == [("wrote",)]
    assert rows(hub, "SELECT origin FROM interaction UNION SELECT origin FROM intake") == [("import",)]


@pytest.mark.usefixtures("triggers")
def test_what_is_not_said_to_be_history_is_judged_by_how_late_it_comes(hub: Hub, door: Door, message: Message) -> None:
    door.post("/v1/interactions", json=message(occurred_at=ago(1)))
    door.post("/v1/interactions", json=message(source_id="late", occurred_at=ago(5)))

    assert rows(hub, "SELECT verdict FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = 'hello' ORDER BY 1") == [
        ("fired",), ("skipped",),
    ]  # fmt: skip

    # And a back-test says how many it could only see late
    found = backtest(hub, read_trigger(HELLO), since=clock.now() - clock.DAY)
    assert found.late == 1
    assert found.unknown[0].startswith("interactions that it could only see late (1)")


def test_a_back_test_knows_history_when_it_happened(hub: Hub, door: Door, message: Message) -> None:
    door.post("/v1/interactions", json=message(occurred_at=ago(100), history=True))

    found = backtest(hub, read_trigger(HELLO), since=clock.now() - 10 * clock.DAY)

    [hit] = found.hits
    assert (hit.acts, hit.imported, found.late) == (True, True, 0)


def test_a_batch_is_history_but_for_those_who_say_otherwise(hub: Hub, door: Door, message: Message) -> None:
    pieces = [message(source_id=f"m{n}", occurred_at=ago(n + 1)) for n in range(3)]
    pieces[1]["history"] = False
    answer = door.post("/v1/interactions/batch", json={"interactions": pieces, "history": True})

    assert [line["status"] for line in answer.json()["results"]] == [201] * 3
    assert rows(hub, "SELECT source_id, origin FROM interaction ORDER BY source_id") == [
        ("m0", "import"), ("m1", "live"), ("m2", "import"),
    ]  # fmt: skip
    assert rows(hub, "SELECT origin, item_count FROM intake ORDER BY origin") == [("import", 2), ("live", 1)]


def test_history_without_a_time_is_refused_with_its_cure(door: Door, message: Message) -> None:
    given = message(history=True)
    given.pop("occurred_at", None)

    answer = door.post("/v1/interactions", json=given)

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/occurred_at")
    assert "give `occurred_at`" in answer.json()["detail"]


@pytest.mark.parametrize("wrong", ["yes", 1, None])
def test_history_is_true_or_false(door: Door, message: Message, wrong: Any) -> None:
    assert door.post("/v1/interactions", json=message(history=wrong)).status_code == 422
    body = {"interactions": [message()], "history": wrong}
    assert door.post("/v1/interactions/batch", json=body).status_code == 422

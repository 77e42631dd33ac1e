"""Experiments over HTTP: how one stands, for whom, and what is said where there is none."""

import pytest
from litestar.testing import TestClient
from tests.api.conftest import Key

from kinline import clock, handlers
from kinline.accounts import connected, teams
from kinline.clock import DAY
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.testing.factories import ANN, MORNING, InteractionFactory, RecordingFactory
from kinline.words import Kind
from kinline_api.app import Application
from kinline_api.routes import experiments

Door = TestClient[Application]
NINE = clock.from_datetime(MORNING)
ASK = """
name: ask
about: Somebody wrote.
when: {did: {kind: message, direction: inbound}}
do: [{task: {team: care, title: Call}}]
experiment: {hold_out: 0.01%, outcome: {did: {kind: order}, within: 30d}}
"""


def ann_writes_and_buys(door: Door, hub: Hub) -> None:
    """Everybody but one in ten thousand is acted for; Ann is, and buys the day after."""
    with clock.frozen(NINE):
        door.post("/v1/triggers", content=ASK, headers={"Content-Type": "text/yaml"})
        door.post("/v1/triggers/ask/state", json={"state": "live", "override": "a test"})
    for after, kind in ((0, Kind.MESSAGE), (DAY, Kind.ORDER)):
        with clock.frozen(NINE + after), hub.store.write() as session:
            inbox = connected.ref(connected.named(session, "inbox"))
            said = InteractionFactory.build(author=ANN, kind=kind, occurred_at=clock.to_datetime(NINE + after))
            record_batch(session, [RecordingFactory.build(account=inbox, what=said)])
        with clock.frozen(NINE + after):
            handlers.drain(hub)


def test_an_experiment_is_told_arm_by_arm(door: Door, hub: Hub) -> None:
    ann_writes_and_buys(door, hub)

    with clock.frozen(NINE + 2 * DAY):
        young = door.get("/v1/triggers/ask/experiment").json()
    with clock.frozen(NINE + 40 * DAY):
        found = door.get("/v1/triggers/ask/experiment").json()

    assert [(arm["name"], arm["share"], arm["assigned"]) for arm in found["arms"]] == [
        ("hold-out", 0.0001, 0), ("acted", 0.9999, 1),
    ]  # fmt: skip
    assert [(arm["open"], arm["early"], arm["counted"], arm["did"]) for arm in young["arms"]] == [
        (0, 0, 0, 0),
        (1, 1, 0, 0),
    ]
    acted = found["arms"][1]
    assert (acted["open"], acted["counted"], acted["did"], acted["rate"]) == (0, 1, 1, 1.0)
    assert acted["against"]["verdict"] == "not_enough_to_tell"
    assert acted["against"]["any_time"] == [-1.0, 1.0]
    assert (found["desired"], found["within"]) == ("kind: order", "30d")


def test_a_decision_names_its_arm(door: Door, hub: Hub) -> None:
    ann_writes_and_buys(door, hub)

    [decision] = door.get("/v1/decisions?trigger=ask").json()["decisions"]

    evidence = door.get(f"/v1/decisions/{decision['id']}").json()["evidence"]
    assert evidence["experiment"] == {"name": "experiment", "arm": "acted", "person": decision["person"], "first": ""}


def test_a_key_of_a_team_counts_what_it_may_read(door: Door, hub: Hub, key: Key) -> None:
    with hub.store.write() as session:
        teams.assign(session, connected.named(session, "inbox").id, ["north"])
    ann_writes_and_buys(door, hub)

    counted = [
        sum(arm["assigned"] for arm in door.get("/v1/triggers/ask/experiment", headers=key("read", teams=(team,))).json()["arms"])
        for team in ("north", "south")
    ]  # fmt: skip

    assert counted == [1, 0]


def test_what_has_no_experiment_is_404(door: Door) -> None:
    text = ASK.replace("experiment: {hold_out: 0.01%, outcome: {did: {kind: order}, within: 30d}}", "")
    door.post("/v1/triggers", content=text, headers={"Content-Type": "text/yaml"})

    answers = [door.get(f"/v1/triggers/{name}/experiment") for name in ("ask", "nobody")]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (404, "no_experiment"), (404, "no_such_trigger"),
    ]  # fmt: skip


def test_what_takes_too_long_is_said(door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ann_writes_and_buys(door, hub)
    monkeypatch.setattr(experiments, "PATIENCE", -1.0)

    answer = door.get("/v1/triggers/ask/experiment")

    assert (answer.status_code, answer.json()["code"]) == (503, "query_too_expensive")

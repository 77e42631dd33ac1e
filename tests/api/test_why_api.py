"""Why over HTTP: in the reader's language and zone, for what was done and for what still waits."""

import pytest
from litestar.testing import TestClient
from tests.api.conftest import Key

from kinline import clock, handlers
from kinline.accounts import connected, teams
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.testing.factories import MORNING, RecordingFactory
from kinline_api.app import Application

Door = TestClient[Application]
NINE = clock.from_datetime(MORNING)
QUIET = """
name: quiet
about: Nobody of us answered for two hours.
when: {silence: {of: us, after: {kind: message, direction: inbound}, for: 2h}}
do: [{task: {team: care, title: Answer}}]
"""


@pytest.fixture
def ann(door: Door, hub: Hub) -> str:
    """Ann wrote at nine and waits. Where her waits are."""
    with clock.frozen(NINE):
        door.post("/v1/triggers", content=QUIET, headers={"Content-Type": "text/yaml"})
        door.post("/v1/triggers/quiet/state", json={"state": "live", "override": "a test"})
        with hub.store.write() as session:
            inbox = connected.ref(connected.named(session, "inbox"))
            record_batch(session, [RecordingFactory.build(account=inbox)])
        handlers.drain(hub)
    return "/v1/people/email:ann@example.org/waits"


def test_what_waits_is_told_in_the_readers_language_and_zone(door: Door, ann: str) -> None:
    with clock.frozen(NINE):
        [here] = door.get(ann).json()["waits"]
        [there] = door.get(f"{ann}?language=es&time_zone=Europe/Madrid").json()["waits"]

        assert (here["trigger"], here["state"], here["due_at"]) == ("quiet", "armed", "2026-03-02T11:00:00Z")
        assert here["told"].startswith("We will look again on 2 March 2026 at 11:00 UTC: ")
        assert there["told"].startswith("El 2 de marzo de 2026 a las 12:00 CET volveremos a mirar: ")
        told = door.get(f"/v1/why/{here['id']}?language=es&time_zone=Europe/Madrid").json()
        assert (told["sort"], told["verdict"], told["summary"]) == ("wait", "waits", there["told"])


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/", "Europe", "x" * 100])
def test_a_zone_that_is_none_is_refused(door: Door, ann: str, zone: str) -> None:
    answer = door.get(ann, params={"time_zone": zone})

    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (
        422,
        "unknown_time_zone",
        "/time_zone",
    )


def test_a_key_of_another_team_sees_no_waits(door: Door, hub: Hub, ann: str, key: Key) -> None:
    with hub.store.write() as session:
        teams.assign(session, connected.named(session, "inbox").id, ["north"])

    answers = [door.get(ann, headers=key("read", teams=(team,))) for team in ("north", "south")]

    assert [each.status_code for each in answers] == [200, 404]
    assert len(answers[0].json()["waits"]) == 1


def test_nobody_has_no_waits(door: Door) -> None:
    assert door.get("/v1/people/email:nobody@example.org/waits").status_code == 404

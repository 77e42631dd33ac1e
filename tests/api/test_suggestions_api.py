"""Suggestions over HTTP: a human decides."""

from litestar.testing import TestClient

from kinline.accounts import connected
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Applied, Party
from kinline.record.batch import record_batch
from kinline.testing.factories import ANN, RecordingFactory
from kinline.words import HandleType, Role
from kinline_api.app import Application

USER = Handle(HandleType.EXTERNAL, "70012", "zendesk:desk.example")


def suggest(hub: Hub) -> None:
    told = Applied(reason="user record", names=(Party(role=Role.AUTHOR, handle=USER, also=(ANN,)),))
    with hub.store.write() as session:
        desk = connected.connect(session, hub.secret, "support", "desk", {})
        record_batch(session, [RecordingFactory.build(account=desk, what=told)])


def test_a_suggestion_is_listed_and_accepted(hub: Hub, door: TestClient[Application]) -> None:
    suggest(hub)
    [one] = door.get("/v1/suggestions").json()["suggestions"]

    answer = door.post(f"/v1/suggestions/{one['id']}/accept")

    assert answer.status_code == 201
    assert answer.json()["evidence"]["suggestion"] == one["id"]
    assert door.get("/v1/suggestions").json()["suggestions"] == []


def test_a_rejected_one_is_not_asked_again(hub: Hub, door: TestClient[Application]) -> None:
    suggest(hub)
    [one] = door.get("/v1/suggestions", params={"person": str(ANN)}).json()["suggestions"]

    assert door.post(f"/v1/suggestions/{one['id']}/reject").status_code in (200, 204)
    assert door.post(f"/v1/suggestions/{one['id']}/accept").status_code == 409
    assert door.post(f"/v1/suggestions/{'0' * 32}/accept").status_code == 404

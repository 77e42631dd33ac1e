"""Who is not written to: seen, set and lifted, over HTTP and on the command line."""

import pytest
from litestar.testing import TestClient

from kinline import clock
from kinline.clock import DAY
from kinline.hub import Hub
from kinline.identity import consents
from kinline.testing.factories import ANN
from kinline_api.app import Application

Door = TestClient[Application]
ANNS = "/v1/people/email:ann@example.org"


@pytest.fixture(autouse=True)
def ann(door: Door, message: object) -> None:
    assert callable(message)
    assert door.post("/v1/interactions", json=message()).status_code == 201


def test_a_bounce_is_seen_and_lifted(door: Door, hub: Hub) -> None:
    # Given an address that bounced
    with hub.store.write() as session:
        consents.suppress(session, hub.secret, ANN, "bounced: 5.1.1", expires_at=clock.now() + DAY)

    # Then it is seen beside what she allows
    door.post(f"{ANNS}/consents", json={"purpose": "marketing", "allowed": True, "evidence": {"form": "7"}})
    found = door.get(f"{ANNS}/consents").json()
    assert [(each["purpose"], each["allowed"]) for each in found["consents"]] == [("marketing", True)]
    assert [(each["handle"], each["reason"]) for each in found["suppressed"]] == [
        ("email:ann@example.org", "bounced: 5.1.1")
    ]
    assert found["suppressed"][0]["expires_at"]

    # And lifting it makes her reachable
    lifted = door.delete(f"{ANNS}/suppressions/email:ann@example.org")
    assert (lifted.status_code, lifted.json()["suppressed"]) == (200, [])
    again = door.delete(f"{ANNS}/suppressions/email:ann@example.org")
    assert (again.status_code, again.json()["code"]) == (404, "not_suppressed")


def test_somebody_is_suppressed_by_hand(door: Door, hub: Hub) -> None:
    made = door.post(f"{ANNS}/suppressions", json={"handle": "email:ann@EXAMPLE.org", "reason": "she died"})

    assert (made.status_code, made.json().get("expires_at")) == (201, None), made.text
    with hub.store.read() as session:
        assert "she died" in str(consents.suppressed(session, hub.secret, ANN))


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"handle": "email:ben@example.org", "reason": "x"}, 404, "no_such_handle", "/handle"),
        ({"handle": "nonsense", "reason": "x"}, 422, "invalid_handle", "/handle"),
        ({"handle": "email:ann@example.org"}, 422, "required", "/reason"),
        ({"handle": "email:ann@example.org", "reason": "x", "until": "2020-01-01T00:00:00Z"}, 422, "in_past", "/until"),
    ],
)
def test_what_makes_no_sense_is_refused(door: Door, body: dict[str, str], status: int, code: str, pointer: str) -> None:
    answer = door.post(f"{ANNS}/suppressions", json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (status, code, pointer)

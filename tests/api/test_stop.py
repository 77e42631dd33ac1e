"""One click and it stops (RFC 8058): for marketing, at once, and never by somebody who only looks."""

import email
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers, ids
from kinline.accounts import connected
from kinline.clock import MINUTE
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import consents, persons, stops
from kinline.record.batch import record_batch
from kinline.secret import Secret
from kinline.store import sql
from kinline.testing.factories import ANN, MORNING, InteractionFactory, RecordingFactory
from kinline.words import SendClass
from kinline_api.app import Application, create_app

Door = TestClient[Application]
NINE = clock.from_datetime(MORNING)
ONE_CLICK: dict[str, Any] = {
    "content": b"List-Unsubscribe=One-Click",
    "headers": {"Content-Type": "application/x-www-form-urlencoded"},
}


@pytest.fixture(autouse=True)
def ann(hub: Hub, door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ann wrote to us, and said that she wants our news."""
    monkeypatch.setattr(hub.settings, "public_url", "https://hub.example")
    door.headers.pop("Authorization")
    with clock.frozen(NINE):
        with hub.store.write() as session:
            inbox = connected.named(session, "inbox")
            connected.configure(session, hub.secret, inbox, {"address": "help@hub.example"})
            what = InteractionFactory.build(source_id="mail")
            record_batch(session, [RecordingFactory.build(account=connected.ref(inbox), what=what)])
            consents.state(session, ANN.id, "marketing", True, evidence={"form": "news"}, at=NINE - MINUTE)
        yield


def news(hub: Hub, send_class: SendClass = SendClass.MARKETING) -> str:
    with hub.store.write() as session:
        draft = Draft(
            id=ids.new(),
            person_id=persons.find(session, str(ANN)),
            send_class=send_class,
            text="New lamps",
            made_by="x",
        )
        assert plan(hub, session, draft) == ""
    return draft.id


def state(hub: Hub, followup: str) -> tuple[str, str]:
    handlers.drain(hub)
    with hub.store.read() as session:
        [(found, reason)] = sql.run(session, "SELECT state, reason FROM followup WHERE id = {p}", followup)
    return found, reason


def mail(hub: Hub, followup: str) -> email.message.Message:
    assert state(hub, followup)[0] == "sent"
    return email.message_from_bytes((hub.settings.home / "outbox" / "email" / f"{followup}.eml").read_bytes())


def test_one_click_stops_what_was_planned_before_it(door: Door, hub: Hub) -> None:
    # Given news that went out with its stop link, and more that waits
    sent = mail(hub, news(hub))
    link = sent["List-Unsubscribe"].strip("<>")
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link.startswith("https://hub.example/v1/stop/s1m_")
    waiting = news(hub)

    # When a scanner looks at the link, nothing changes; when the mail program posts, it is over
    path = link.removeprefix("https://hub.example")
    for method in ("GET", "HEAD", "OPTIONS"):
        door.request(method, path)
    with hub.store.read() as session:
        assert consents.allows(session, [ANN.id], "marketing", "email") is True
    assert door.post(path, **ONE_CLICK).status_code == 200
    assert door.post(path).status_code == 200

    # Then what waited goes nowhere
    assert state(hub, waiting) == ("cancelled", "consent: they refused marketing")


def test_the_page_asks_with_a_button_and_runs_nothing(door: Door, hub: Hub) -> None:
    answer = door.get("/v1/stop/" + stops.token(hub.secret, ANN.id, "marketing"))

    assert '<form method="post"><button>' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_is_not_marketing_has_no_stop_link(hub: Hub) -> None:
    assert mail(hub, news(hub, SendClass.HUMAN))["List-Unsubscribe"] is None


def test_without_a_public_https_address_there_is_no_link(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.settings, "public_url", "http://hub.example")

    assert mail(hub, news(hub))["List-Unsubscribe"] is None


@pytest.mark.parametrize("change", ["other secret", "other purpose", "cut", "nonsense", "other person"])
def test_a_link_that_we_never_signed_stops_nobody(door: Door, hub: Hub, change: str) -> None:
    token = stops.token(hub.secret, ANN.id, "marketing")
    given = {
        "other secret": stops.token(Secret("the secret of another hub"), ANN.id, "marketing"),
        "other purpose": token.replace("s1m", "s1x"),
        "cut": token[:-1],
        "nonsense": "%F0%9F%90%A6",
        "other person": token[:4] + "a" * 26 + token[30:],
    }[change]

    assert door.post(f"/v1/stop/{given}", **ONE_CLICK).status_code == 404
    assert door.get(f"/v1/stop/{given}").status_code == 404
    with hub.store.read() as session:
        assert consents.allows(session, [ANN.id], "marketing", "email") is True


def test_the_link_of_somebody_who_is_gone_is_answered_kindly(door: Door, hub: Hub) -> None:
    assert door.post("/v1/stop/" + stops.token(hub.secret, "0" * 32, "marketing"), **ONE_CLICK).status_code == 200


def test_the_link_is_answered_at_the_public_address(hub: Hub) -> None:
    path = "/v1/stop/" + stops.token(hub.secret, ANN.id, "marketing")

    with TestClient(create_app(hub), base_url="https://hub.example") as outside:
        assert outside.get(path).status_code == 200
        assert outside.get(path, headers={"Host": "elsewhere.example"}).status_code == 400

"""Webhooks in: proved by their bytes, kept before they are acknowledged, answered without the database if need be."""

import hmac
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from kinline import Ability, AccountSettings, Channel, Item, Kind, Reply, Request, Source, VerificationFailed
from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline.intake.understand import understand
from kinline.messages import Broken, Interaction, Normalised, Party
from kinline.store import sql
from kinline.words import Direction, Role
from kinline_api.app import Application

Door = TestClient[Application]
PATH = "/v1/channels/lobby/webhook"


class ParrotSettings(AccountSettings, frozen=True):
    secrets = frozenset({"secret"})
    secret: str = "polly"


class Parrot(Channel[ParrotSettings]):
    """Says what it was told: each line of a signed body is a message."""

    name, title, settings = "parrot", "Parrot", ParrotSettings
    kinds = frozenset({Kind.MESSAGE})
    can = frozenset({Ability.WEBHOOK, Ability.HANDSHAKE})
    personal_data = ("what it hears",)

    def handshake(self, request: Request, settings: ParrotSettings) -> Reply | None:
        challenge = request.query.get("challenge")
        return Reply(body=challenge.encode(), media_type="text/plain") if challenge else None

    def verify(self, request: Request, settings: ParrotSettings) -> None:
        given = request.headers.get("x-parrot", "")
        if given == "boom":
            raise ZeroDivisionError("a bug of the plugin")
        if not hmac.compare_digest(given.encode(), signature(request.body, settings.secret).encode()):
            raise VerificationFailed("The signature does not hold.", code="wrong_signature")

    def parse(self, raw: BinaryIO, source: Source, settings: ParrotSettings) -> Iterator[Item | Broken]:
        for line in raw:
            yield Item(body=line.decode().strip()) if line.isascii() else Broken(code="not_ascii", detail="no words")

    def normalise(self, item: Item, settings: ParrotSettings) -> Sequence[Normalised]:
        party = Party(role=Role.AUTHOR, name="Polly")
        said = {"kind": Kind.MESSAGE, "direction": Direction.INBOUND, "parties": (party,), "text": item.body}
        return [Interaction(source_id=item.body, **said)]

    def files(self, paths: Iterable[str]) -> Iterator[str]:
        yield from paths


class Mute(Parrot):
    """A parrot that nobody can call."""

    name, can = "mute", frozenset()


def signature(body: bytes, secret: str = "polly") -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


@pytest.fixture
def lobby(hub: Hub, door: Door) -> Iterator[Door]:
    """A door without a key, with an account of the parrot channel called lobby."""
    channels().loaded |= {"parrot": Parrot(), "mute": Mute()}
    del door.headers["Authorization"]
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "parrot", "lobby", {"secret": "polly"})
    yield door
    del channels().loaded["parrot"], channels().loaded["mute"]


def intakes(hub: Hub) -> list[str]:
    with hub.store.read() as session:
        return [intake for (intake,) in sql.run(session, "SELECT id FROM intake ORDER BY id")]


def send(door: Door, body: bytes, given: str | None = None, path: str = PATH) -> Any:
    return door.post(path, content=body, headers={"x-parrot": signature(body) if given is None else given})


def test_a_signed_call_is_kept_raw_and_understood_later(hub: Hub, lobby: Door) -> None:
    # When a signed call comes
    answer = send(lobby, b"hello\n\xff\nworld")

    # Then it is acknowledged with its intake, nothing is recorded yet, and what cannot be read is set aside later
    assert (answer.status_code, [answer.json()["intake"]]) == (202, intakes(hub))
    understand(hub.store, hub.secret, answer.json()["intake"])
    with hub.store.read() as session:
        states = sql.run(session, "SELECT state FROM item ORDER BY position")
    assert states == [("recorded",), ("quarantined",), ("recorded",)]


@pytest.mark.parametrize("body", [b"", b"{", b"\x00" * 100, b"\xff\xfe"])
def test_whatever_is_signed_is_accepted(hub: Hub, lobby: Door, body: bytes) -> None:
    assert send(lobby, body).status_code == 202


@pytest.mark.parametrize("given", ["", "00", signature(b"other"), signature(b"hello", "other"), "\xf1", "boom"])
def test_what_is_not_proved_is_refused_and_leaves_nothing(hub: Hub, lobby: Door, given: str) -> None:
    # When a call comes whose signature does not hold, or over which the plugin stumbles
    answer = lobby.post(PATH, content=b"hello", headers={b"x-parrot": given.encode("latin-1")})

    # Then it is 401, and nothing was kept
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert intakes(hub) == []


def test_a_body_over_the_limit_is_refused_before_it_is_read(hub: Hub, lobby: Door) -> None:
    # Given a limit
    limit = hub.settings.max_webhook

    # When a larger body comes, with a length and without one
    def pieces() -> Iterator[bytes]:
        for _ in range(limit // 1_000_000 + 1):
            yield b"x" * 1_000_000

    whole = lobby.post(PATH, headers={"content-length": str(limit + 1)}, content=b"")
    streamed = lobby.post(PATH, content=pieces())

    # Then both are 413
    assert {(each.status_code, each.json()["code"]) for each in (whole, streamed)} == {(413, "too_large")}


def test_an_unknown_a_paused_and_a_deaf_account_give_one_answer(hub: Hub, lobby: Door) -> None:
    # Given a paused account, and one whose channel takes no webhooks
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "mute", "deaf", {})
        connected.connect(session, hub.secret, "parrot", "paused", {})
        connected.named(session, "paused").state = connected.PAUSED

    # When each is called
    answers = [send(lobby, b"hello", path=f"/v1/channels/{name}/webhook") for name in ("nowhere", "paused", "deaf")]
    answers += [lobby.get("/v1/channels/nowhere/webhook?challenge=x"), lobby.get("/v1/channels/deaf/webhook")]

    # Then nobody can tell them apart
    told = {(each.status_code, each.text.replace(each.headers["x-request-id"], "")) for each in answers}
    assert len(told) == 1
    assert answers[0].status_code == 404


def test_the_same_delivery_twice_is_accepted_twice_and_recorded_once(hub: Hub, lobby: Door) -> None:
    for _ in range(2):
        understand(hub.store, hub.secret, send(lobby, b"hello").json()["intake"])

    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM interaction") == [(1,)]


def test_a_handshake_is_echoed_as_plain_text_that_no_browser_runs(lobby: Door) -> None:
    answer = lobby.get(PATH, params={"challenge": "<script>alert(1)</script>"})

    assert (answer.status_code, answer.text) == (200, "<script>alert(1)</script>")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert lobby.get(PATH).status_code == 404
    assert lobby.get(f"{PATH}?challenge=a&challenge=b").json()["code"] == "duplicate_parameter"
    assert lobby.get(f"{PATH}?challenge=%ff").json()["code"] == "query_invalid_utf8"


def test_with_the_database_away_handshakes_are_answered_and_deliveries_come_back_later(
    hub: Hub, lobby: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an account that the door has met, and a database that has gone
    assert lobby.get(PATH, params={"challenge": "1"}).status_code == 200

    def gone(*_: Any) -> Any:
        raise OperationalError("connect", {}, sqlite3.OperationalError("unable to open database file"))

    monkeypatch.setattr(Engine, "connect", gone)
    lobby.app.app_state.accounts.forget()

    # When the provider tests us and sends something
    tested, sent = lobby.get(PATH, params={"challenge": "2"}), send(lobby, b"hello")

    # Then the test is answered, and the delivery must come again
    assert (tested.status_code, tested.text) == (200, "2")
    assert (sent.status_code, sent.headers["retry-after"]) == (503, "1")


def test_a_password_proves_a_call_and_is_kept_nowhere(hub: Hub, lobby: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a channel whose provider proves itself by HTTP Basic
    seen: list[str] = []
    monkeypatch.setattr(Parrot, "verify", lambda self, request, settings: seen.append(request.headers["authorization"]))

    assert lobby.post(PATH, content=b"hello", headers={"authorization": "Basic cG9sbHk6cG9sbHk="}).status_code == 202

    assert seen == ["Basic cG9sbHk6cG9sbHk="]
    with hub.store.read() as session:
        [(headers,)] = sql.run(session, "SELECT headers FROM intake")
    assert "authorization" not in headers

"""Rules of the house for routes: a scope on each, each on the page, the page shipped whole, headers on every answer."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from litestar import get as litestar_get
from litestar.testing import TestClient

from kinline.accounts.keys import SCOPES
from kinline.errors import Misconfigured
from kinline.hub import Hub
from kinline_api import app as composition
from kinline_api.app import Application, create_app
from kinline_api.auth import OPEN, Authenticator
from kinline_api.call import Call
from kinline_api.route import get, operations

Door = TestClient[Application]
#: Routes that need no key, and why: nothing else may be added without a reason here.
OPEN_ROUTES = {
    "/health/live": "supervisors have no key",
    "/health/ready": "supervisors have no key",
    "/schema": "it says nothing that the source does not",
    "/": "it asks for a key itself",
    "/page/{asset}": "the same",
    "/docs": "it says nothing that the source does not",
    "/docs/{asset}": "the same",
    "/v1/oauth/callback": "the signed state is the proof, and the provider's code",
    "/v1/stop/{token}": "the signed token is the proof, and mail programs have no key (RFC 8058)",
    "/v1/channels/{account}/webhook": "the provider's signature is the proof",
    "/v1/channels/{account}/webhook/{intake}": "who was told its id may know what became of it",
}


def test_every_route_has_a_scope_and_the_open_ones_are_these(door: Door) -> None:
    found = operations(door.app)

    assert {each.path for each in found if each.scope == OPEN} == set(OPEN_ROUTES)
    assert {each.scope for each in found} <= {*SCOPES, OPEN}


def test_every_route_with_a_scope_is_shut_without_a_key(door: Door) -> None:
    # Given nobody's call
    del door.headers["Authorization"]

    # When each route is called, with ids that could be
    for each in operations(door.app):
        path = re.sub(r"{\w+}", "0" * 32, each.path)
        answer = door.request(each.method, path, content=b"{}", headers={"Content-Type": "application/json"})

        # Then all but the open ones are 401
        assert (answer.status_code == 401) == (each.scope != OPEN), (each.method, each.path, answer.status_code)


def test_every_route_is_on_the_page_with_words_and_an_id_of_its_own(door: Door) -> None:
    page = door.get("/schema").json()

    shown = {(method, path) for path, methods in page["paths"].items() for method in methods}
    assert shown == {(each.method.lower(), each.path) for each in operations(door.app)}
    written = [each for methods in page["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in written}) == len(written)
    assert all(each["summary"] and "default" in each["responses"] for each in written)
    assert page["openapi"].startswith("3.1")


def test_a_route_without_a_scope_cannot_be_declared() -> None:
    with pytest.raises(Misconfigured, match="names no scope"):

        @get("/v1/secrets", scope="")
        def secrets(call: Call) -> None:
            """Tell everything."""


def test_a_route_that_went_round_the_declaration_stops_the_start(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    @litestar_get("/v1/secrets")
    async def secrets() -> str:
        return "everything"

    monkeypatch.setattr(composition, "served", lambda handler: secrets)
    monkeypatch.setattr(composition, "HANDLERS", (secrets,))

    with pytest.raises(Misconfigured, match="without a scope"):
        create_app(hub)


def test_every_answer_carries_an_id_and_forbids_guessing_its_type(door: Door) -> None:
    for path in ("/v1/people", "/nowhere", "/v1/interactions", "/docs", "/health/live"):
        headers = door.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert not [name for name in headers if name.startswith("access-control") or name == "set-cookie"]


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_3", True), ("x" * 65, False), ("a b", False), ("", False)])
def test_a_decent_request_id_of_the_callers_is_kept(door: Door, given: str, kept: bool) -> None:
    answer = door.get("/nowhere", headers={"X-Request-Id": given})

    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_the_page_needs_no_network(door: Door) -> None:
    # Given the page
    page = door.get("/docs")

    # When all it names is fetched
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    # Then it comes from here, and nothing may come from anywhere else
    assert len(named) == 4
    for each in named:
        assert each == "data:," or door.get(each).status_code == 200
    assert "http" not in page.text + door.get("/docs/start.js").text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "url(http" not in door.get("/docs/swagger-ui.css").text
    assert door.get("/docs/README.md").status_code == 404


def test_health_tells_what_is_wrong_without_telling_why(hub: Hub, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a well hub
    assert door.get("/health/ready").json()["checks"] == {"database": "ok", "durability": "ok", "schema": "ok"}

    # When its schema is of another version
    with hub.store.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")

    # Then it lives, and is not ready
    assert door.get("/health/live").status_code == 200
    answer = door.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["schema"]) == (503, "wrong_schema")


def test_an_error_that_nobody_foresaw_says_nothing_but_its_id(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a bug
    def bug(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr("kinline.timeline.seen.search", bug)

    # When somebody meets it
    answer = door.get("/v1/people")

    # Then they learn its id, and not a word
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["request_id"]
    assert "secret" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnicodeDecodeError("utf-8", b"", 0, 1, "bad"), 400, "invalid_unicode"),
        (RecursionError(), 400, "json_too_deep"),
        (OverflowError(), 422, "out_of_range"),
    ],
)
def test_errors_of_libraries_are_answered_too(
    door: Door, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("kinline.timeline.seen.search", fail)

    answer = door.get("/v1/people")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_key_that_calls_too_often_must_wait_whatever_address_it_names(
    hub: Hub, door: Door, key: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a limit of five calls a second
    monkeypatch.setattr(Authenticator, "__init__", _limited(Authenticator.__init__))
    with TestClient(create_app(hub), base_url="http://127.0.0.1") as limited:
        mine, theirs = key("read"), key("read")

        # When one key calls thirty times, from as many addresses as it likes
        answers = [
            limited.get("/v1/people", headers=mine | {"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(30)
        ]

        # Then it is told to wait, and another key is not
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert refused[0].json()["code"] == "rate_limited"
        assert int(refused[0].headers["retry-after"]) >= 1
        assert limited.get("/v1/people", headers=theirs).status_code == 200


def _limited(made: Any) -> Any:
    def make(self: Any, *given: Any) -> None:
        made(self, *given)
        self._rate = 5.0

    return make

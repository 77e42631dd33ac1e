"""Outside events: the clients of others work against the hub as they are, and what comes is recorded once."""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from litestar.testing import TestClient
from segment.analytics.client import Client

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.accounts.keys import create
from kinline.errors import RateLimited, Unavailable
from kinline.hub import Hub
from kinline.store import sql
from kinline_api.app import Application
from kinline_api.app_state import AppState

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
ROWS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "bad_inputs" / "events.yaml").read_text()
)
CORPUS = Path(__file__).parents[2].parent / "shared" / "corpora" / "peer-cloudevents" / "conformance" / "yaml"
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
PEOPLE = "/v1/people/external:shop%2F42"
BIG_ORDERS = """
name: big-orders
about: Somebody ordered for more than 50; tell sales.
when: {did: {kind: order, where: "facts.total > 50.0"}}
do: [{task: {team: sales, title: "Thank {{ person.name | default: 'them' }}"}}]
"""


@pytest.fixture(autouse=True)
def shop(hub: Hub) -> None:
    """The shop's events come in, and it is believed about its own users and their mail addresses."""
    with hub.store.write() as session:
        given = {"issuer": "shop", "trusted": ["external", "email"], "traits_blocked": ["password"]}
        connected.connect(session, hub.secret, "events", "shop", given)


@pytest.fixture
def write_key(hub: Hub) -> str:
    with hub.store.write() as session:
        return create(session, "the shop", ("record",))


@pytest.fixture
def segment(running: str, write_key: str) -> Iterator[Callable[..., Client]]:
    """Makes Segment's own client, pointed at the hub."""
    made: list[Client] = []

    def make(**more: Any) -> Client:
        made.append(Client(write_key, host=f"{running}/v1/segment/shop", max_retries=3, upload_interval=0.05, **more))
        return made[-1]

    yield make
    for each in made:
        if each.consumers:
            each.shutdown()


def event(**more: Any) -> dict[str, Any]:
    told = {"specversion": "1.0", "id": "1", "source": "/orders", "type": "com.example.order.created"} | more
    return {name: value for name, value in told.items() if value is not None}


def stored(hub: Hub) -> list[tuple[str, str]]:
    with hub.store.read() as session:
        return [(k, d) for k, d in sql.run(session, "SELECT kind, doc FROM interaction ORDER BY sort_at, id")]


def holds(hub: Hub) -> dict[str, Any]:
    """The shop's line of the ledger, which adds up."""
    from kinline.intake.ledger import ledger

    with hub.store.read() as session:
        [line] = [each for each in ledger(session) if each.account == "shop"]
    assert line.holds
    return {name: getattr(line, name) for name in ("received", "recorded", "duplicate", "applied", "quarantined")}


@pytest.mark.parametrize("form", [to_structured_event, to_binary_event])
def test_the_sdk_of_cloudevents_works_as_it_is(
    hub: Hub, running: str, key: Key, form: Callable[[CloudEvent], Any]
) -> None:
    # Given an event made by the SDK, with what headers cannot carry as it is
    made = CloudEvent(
        {
            "type": "com.example.order.created", "source": "https://shop.example/orders", "id": "o 7/ñ%",
            "subject": "external:shop/42", "time": datetime(2026, 3, 2, 9, tzinfo=UTC), "datacontenttype": "application/json",
            "correlationid": "c-1", "note": 'a "quoted" text',
        },
        {"total": 99.5, "currency": "EUR"},
    )  # fmt: skip

    # When it is sent, and once more as after a broken moment
    message = form(made)
    with httpx.Client(base_url=running, headers=key("record")) as client:
        answers = [
            client.post("/v1/events?account=shop", content=message.body, headers=dict(message.headers))
            for _ in range(2)
        ]

    # Then it is an order of user 42, once
    assert [answer.status_code for answer in answers] == [201, 200], answers[0].text
    [(kind, doc)] = stored(hub)
    facts = json.loads(doc)["facts"]
    assert (kind, facts["total"], facts["correlation_id"]) == ("order", 99.5, "c-1")
    assert facts["extensions"] == {"note": 'a "quoted" text'}
    assert holds(hub) == {"received": 2, "recorded": 1, "duplicate": 1, "applied": 0, "quarantined": 0}


def test_a_batch_tells_of_each_event(door: Door, hub: Hub) -> None:
    body = [event(), event(id="2", type=None), event(id="3", type="com.example.page.viewed"), event()]
    answer = door.post("/v1/events?account=shop", content=json.dumps(body), headers={"Content-Type": BATCHED})

    told = answer.json()["results"]
    assert (answer.status_code, [each["status"] for each in told]) == (200, [201, 422, 201, 200])
    assert told[1]["error"]["pointer"] == "/type"
    assert sorted(kind for kind, _ in stored(hub)) == ["order", "page_view"]


def test_other_content_under_a_known_id_is_a_conflict_or_a_later_version(door: Door, hub: Hub) -> None:
    def post(**more: Any) -> httpx.Response:
        headers = {"Content-Type": STRUCTURED}
        return door.post("/v1/events?account=shop", content=json.dumps(event(**more)), headers=headers)

    assert post(data={"total": 1}).status_code == 201
    assert (post(data={"total": 2}).status_code, post(data={"total": 2}).json()["code"]) == (
        409,
        "idempotency_conflict",
    )
    later = post(data={"total": 2}, recordedtime="2026-03-02T10:00:00Z")
    assert (later.status_code, later.json()["revised"]) == (201, True)
    [(_, doc)] = stored(hub)
    assert json.loads(doc)["facts"]["total"] == 2


def test_each_bad_event_gets_its_exact_answer_and_leaves_nothing(door: Door, hub: Hub) -> None:
    wrong = []
    for number, row in enumerate(ROWS["cloudevents"]):
        told = event(id=f"row {number}") | row.get("with", {})
        content = row.get("body", json.dumps({k: v for k, v in told.items() if v is not None or row["status"] == 201}))
        before = len(stored(hub))
        path = row.get("path", "/v1/events?account=shop")
        answer = door.post(path, content=content, headers=row.get("headers", {"Content-Type": STRUCTURED}))
        said = answer.json()
        found = (answer.status_code, said.get("code", ""), said.get("pointer", ""), len(stored(hub)) - before)
        if found != (row["status"], row["code"], row.get("pointer", ""), int(row["status"] == 201)):
            wrong.append((row["id"], row["why"], found, said.get("detail")))

    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("row", ROWS["segment"], ids=lambda row: row["id"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_bad_call_gets_its_exact_answer(door: Door, hub: Hub, row: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"} | row.get("headers", {})
    answer = door.post(f"/v1/segment/shop/v1/{row.get('sort', 'batch')}", content=row["body"], headers=headers)
    handlers.drain(hub)

    assert [answer.status_code, answer.json().get("code", "")] == row["answer"], answer.text
    with hub.store.read() as session:
        set_aside = sql.run(session, "SELECT code FROM item WHERE state = 'quarantined' ORDER BY position")
    assert [code for (code,) in set_aside] == row["set_aside"]
    assert len(stored(hub)) == row["recorded"]
    holds(hub)


@pytest.mark.parametrize("way", [{"sync_mode": True}, {}, {"gzip": True}])
def test_segments_client_works_as_it_is(hub: Hub, segment: Callable[..., Client], way: dict[str, Any]) -> None:
    # When a shop's server tells of a visitor who becomes Ann, and buys
    client = segment(**way)
    client.page(anonymous_id="visitor-1", name="Pricing", properties={"url": "https://shop.example/pricing"})
    client.identify(
        "42",
        {"email": "ann@example.org", "name": "Ann Archer", "plan": "gold", "password": "x"},
        anonymous_id="visitor-1",
    )
    client.track("42", "Order Completed", {"order_id": "o-7", "revenue": 99.5, "currency": "EUR"})
    client.group("42", "archer", {"name": "Archer Ltd"})
    client.screen("42", name="Basket")
    client.alias("visitor-0", "42")
    if client.consumers:
        client.flush()
    handlers.drain(hub)

    # Then one person did all of it, known by all their names
    with hub.store.read() as session:
        from kinline.identity import organisations, persons

        ann = persons.view(session, persons.find(session, "email:ann@example.org"))
        assert persons.find(session, "external:shop.anonymous/visitor-1") == ann.id
        assert persons.find(session, "external:shop.anonymous/visitor-0") == ann.id
        [member] = organisations.of_person(session, ann.id)
        assert organisations.get(session, member.organisation).name == "Archer Ltd"
        kept = sql.run(session, "SELECT name, value FROM attribute ORDER BY name")
    assert ann.name == "Ann Archer"
    assert kept == [("plan", '"gold"')]
    assert [kind for kind, _ in stored(hub)].count("page_view") == 2
    assert {k: v for k, v in holds(hub).items() if v} == {"received": 6, "recorded": 3, "applied": 3}
    # And its key was kept nowhere
    assert client.write_key.encode() not in b"".join(raw(hub))


def raw(hub: Hub) -> list[bytes]:
    with hub.store.read() as session:
        return [bytes(piece) for (piece,) in sql.run(session, "SELECT piece FROM blob_chunk")]


@pytest.mark.parametrize("broken", [Unavailable("The database is away."), RateLimited("Too fast.", retry_after=1)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_tried_again_after_a_broken_moment_is_recorded_once(
    hub: Hub, segment: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    # Given a door that keeps what comes and then says twice that it could not
    real, left = AppState.receive, [broken, broken]

    async def receive(self: AppState, delivery: Any) -> str:
        kept = await real(self, delivery)
        if left:
            raise left.pop()
        return kept

    monkeypatch.setattr(AppState, "receive", receive)

    # When the client goes on trying
    client = segment()
    client.track("42", "Order Completed", {"total": 60}, timestamp=datetime.now(UTC) - timedelta(hours=1))
    client.flush()
    while not client.queue.empty():
        client.flush()
    handlers.drain(hub)

    # Then there is one order, though each try said another moment
    assert [kind for kind, _ in stored(hub)] == ["order"]
    assert holds(hub) == {"received": 3, "recorded": 1, "duplicate": 2, "applied": 0, "quarantined": 0}


def test_a_source_that_is_not_trusted_joins_nobody(door: Door, hub: Hub) -> None:
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "events", "site", {"issuer": "site"})
    told = {"userId": "42", "anonymousId": "a", "traits": {"email": "ann@example.org"}, "messageId": "1"}
    door.post("/v1/segment/site/v1/identify", json=told).raise_for_status()
    handlers.drain(hub)

    assert (
        door.get("/v1/people/external:site%2F42").json()["id"]
        != door.get("/v1/people/email:ann@example.org").json()["id"]
    )
    assert len(door.get("/v1/suggestions").json()["suggestions"]) == 2


def test_two_users_on_one_device_stay_two(door: Door, hub: Hub) -> None:
    for user in ("42", "43"):
        told = {"userId": user, "anonymousId": "shared", "messageId": user}
        door.post("/v1/segment/shop/v1/identify", json=told).raise_for_status()
        handlers.drain(hub)

    assert door.get(PEOPLE).json()["id"] != door.get("/v1/people/external:shop%2F43").json()["id"]
    assert len(door.get("/v1/suggestions").json()["suggestions"]) == 1


def test_a_track_call_starts_a_trigger(door: Door, hub: Hub) -> None:
    # Given a live trigger on orders over 50
    door.post("/v1/triggers", content=BIG_ORDERS, headers={"Content-Type": "text/yaml"}).raise_for_status()
    door.post("/v1/triggers/big-orders/state", json={"state": "live", "override": "a test"}).raise_for_status()

    # When two orders are told, by Segment and as a CloudEvent
    now = clock.to_text(clock.now())
    for number, total in enumerate((49, 99.5)):
        told = {"userId": "42", "event": "Order Completed", "messageId": f"{number}", "properties": {"total": total}}
        door.post("/v1/segment/shop/v1/track", json=told).raise_for_status()
    made = event(subject="external:shop/43", data={"total": "51"}, time=now)
    door.post(
        "/v1/events?account=shop", content=json.dumps(made), headers={"Content-Type": STRUCTURED}
    ).raise_for_status()
    handlers.drain(hub)

    # Then it fired for the big one of each
    fired = door.get("/v1/decisions?trigger=big-orders&verdict=fired").json()["decisions"]
    people = {door.get(f"/v1/people/external:shop%2F{user}").json()["id"] for user in ("42", "43")}
    assert {each["person"] for each in fired} == people
    assert len(fired) == 2


def test_a_key_is_a_user_name_too_but_no_more_than_that(door: Door, write_key: str) -> None:
    def status(user: str, password: str = "") -> int:
        given = base64.b64encode(f"{user}:{password}".encode()).decode()
        return door.get("/v1/people", headers={"Authorization": f"Basic {given}"}).status_code

    assert (status(write_key), status("kl_nobody"), status(write_key, "a password")) == (403, 401, 401)
    assert door.get("/v1/people", headers={"Authorization": "Basic %%%"}).status_code == 401


def test_a_zipped_body_is_not_blown_up(door: Door) -> None:
    def post(body: bytes) -> tuple[int, str]:
        answer = door.post("/v1/segment/shop/v1/batch", content=body, headers={"Content-Encoding": "gzip"})
        return answer.status_code, answer.json().get("code", "")

    assert post(gzip.compress(b'{"batch": []}')) == (200, "")
    assert post(gzip.compress(b" " * 600_000)) == (413, "too_large")
    plain = door.post("/v1/segment/shop/v1/batch", content=b" " * 500_001)
    assert (plain.status_code, plain.json()["code"]) == (413, "too_large")
    assert post(gzip.compress(b'{"batch": []}')[:-9]) == (400, "invalid_gzip")
    assert post(zlib.compress(b"{}")) == (400, "invalid_gzip")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared/corpora beside the repository")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_events_of_the_conformance_suite_are_taken_and_the_old_ones_refused(door: Door) -> None:
    for path in sorted(CORPUS.rglob("*.yaml")):
        for told in yaml.load_all(path.read_text(), Loader=yaml.BaseLoader):
            attributes = told["ContextAttributes"] | told["ContextAttributes"].pop("Extensions", {})
            kind = attributes.pop("datacontenttype", "application/json")
            headers = {f"ce-{name}": value.strip() for name, value in attributes.items()} | {"Content-Type": kind}
            answer = door.post("/v1/events?account=shop", content=told.get("Data", "").encode(), headers=headers)
            wanted = {200, 201} if attributes["specversion"] == "1.0" else {422}
            assert answer.status_code in wanted, (path.name, answer.text)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_code_of_the_page_runs(hub: Hub, running: str, write_key: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2

    for block in blocks:
        exec(compile(block, "docs/events.md", "exec"), {"HUB": running, "KEY": write_key})
    handlers.drain(hub)

    assert [kind for kind, _ in stored(hub)] == ["order", "order"]

"""Calls to the company's own systems: signed, at least once, never to a private address."""

import base64
import hmac
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from acting import change, live, rows, save, says
from kinline import addresses, handlers, signatures
from kinline.accounts.connected import AccountRef
from kinline.catalogue import references, trigger_store
from kinline.clock import DAY, HOUR, MINUTE, SECOND
from kinline.desk import approvals
from kinline.errors import Conflict, Invalid, NotFound
from kinline.hub import Hub
from kinline.pretend import FakeAnswer, FakeCall, Fault, PretendServer
from kinline.webhooks import deliver, deliveries, endpoints
from kinline.webhooks.deliver import PAUSES
from kinline.words import TriggerState
from settable import NINE, Time


class Crm(PretendServer):
    """The company's own system: takes what is signed right, and remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.answer_with = 204

    def settings_for(self, url: str) -> dict[str, Any]:
        return {}

    def routes(self) -> list[Any]:
        return [("POST", "/hooks", lambda asked: FakeAnswer(status=self.answer_with))]

    @property
    def ids(self) -> list[str]:
        return [call.headers["webhook-id"] for call in self.calls]


@pytest.fixture
def crm(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crm]:
    """A hub that really calls, and an endpoint on loopback, which is taken for public here alone."""
    made = Crm()
    made.start()
    monkeypatch.setattr(hub.settings, "outbound", "live")
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    yield made
    made.stop()


@pytest.fixture
def secret(hub: Hub, crm: Crm) -> str:
    """The endpoint's secret; a trigger calls it each time somebody writes."""
    with hub.store.write() as session:
        _, made = endpoints.add(session, hub.secret, "crm", f"{crm.url}/hooks")
    live(hub, "tell-crm", "[{webhook: {endpoint: crm}}]")
    return made


def signed_by(secret: str, call: FakeCall) -> bool:
    """Standard Webhooks, written out anew: HMAC-SHA256 over id.timestamp.body under the decoded secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    right = "v1," + base64.b64encode(hmac.new(key, text, sha256).digest()).decode()
    return right in call.headers["webhook-signature"].split(" ")


def state(hub: Hub) -> list[tuple[Any, ...]]:
    return rows(hub, "SELECT state, attempts, reason FROM delivery")


def test_the_published_vector_is_what_we_sign() -> None:
    made = signatures.headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_call_is_a_signed_cloud_event_about_the_decision(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    says(hub, inbox)

    [call] = crm.calls
    event = msgspec.json.decode(call.body)
    [(decision, person, cause)] = rows(hub, "SELECT id, person_id, cause_id FROM decision")
    assert signed_by(secret, call)
    assert not signed_by(secret.replace("whsec_", "whsec_AAAA"), call)
    assert call.headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "kinline.trigger.fired", person)
    assert event["id"] == call.headers["webhook-id"]
    assert (event["data"]["decision"], event["data"]["interactions"]) == (decision, [cause])
    assert state(hub) == [("delivered", 1, "it answered 204")]


def test_every_try_has_the_same_id_and_bytes_and_a_new_time(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    # Given an endpoint that breaks twice and answers half once
    crm.faults.extend([Fault(FakeAnswer(status=500)), Fault(how="drop", after=True), Fault(FakeAnswer(status=301))])

    # When time passes
    says(hub, inbox)
    for _ in range(6):
        time.now += HOUR
        handlers.drain(hub)

    # Then it was tried again until it was taken, and each try verifies
    assert state(hub) == [("delivered", 4, "it answered 204")]
    taken = [call for call in crm.calls if call.path == "/hooks"]
    assert len(set(crm.ids)) == 1
    assert len({call.body for call in taken}) == 1
    assert all(signed_by(secret, call) for call in taken)
    with hub.store.read() as session:
        told = deliveries.detail(session, crm.ids[0])
    assert [each.outcome for each in told.tries] == ["retry", "retry", "retry", "delivered"]
    assert rows(hub, "SELECT failing_since FROM endpoint") == [(None,)]


def test_it_is_tried_for_three_days_with_growing_pauses_and_then_the_endpoint_is_left_alone(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    crm.answer_with = 503
    says(hub, inbox)
    begun, moments = time.now, [time.now]
    while rows(hub, "SELECT state FROM delivery") == [("pending",)]:
        [(time.now,)] = rows(hub, "SELECT min(run_at) FROM job WHERE state = 'pending'")
        before = len(crm.calls)
        handlers.drain(hub)
        moments += [time.now] if len(crm.calls) > before else []

    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert all(given <= pause <= given * 1.1 for given, pause in zip(PAUSES, pauses, strict=False))
    assert 2 * DAY < moments[-1] - begun <= 3 * DAY
    [(ended, _, reason)] = state(hub)
    assert ended == "failed"
    assert reason.endswith("the last time it answered 503")

    # And what took nothing for three days is disabled, and says so
    time.now = begun + 3 * DAY
    says(hub, inbox, "Again")
    [(put, why)] = rows(hub, "SELECT state, reason FROM endpoint")
    assert put == "disabled"
    assert "it took nothing since" in why

    # And a call to it waits, and goes when it is enabled again
    time.now += MINUTE
    says(hub, inbox, "Third")
    assert ("pending", 0) in rows(hub, "SELECT state, attempts FROM delivery")
    crm.answer_with = 200
    with hub.store.write() as session:
        endpoints.put(session, "crm", "active")
    time.now += 2 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM delivery WHERE state = 'delivered'") == [(2,)]


def test_an_endpoint_that_is_gone_is_disabled_at_once(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    crm.answer_with = 410
    says(hub, inbox)

    assert state(hub) == [("failed", 1, "tried 1 times; the last time it answered 410")]
    assert rows(hub, "SELECT state, reason FROM endpoint") == [("disabled", "it answered 410 Gone")]


def test_it_waits_as_long_as_it_is_asked_to(hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str) -> None:
    crm.faults.append(Fault(FakeAnswer(status=429, headers={"retry-after": "7200"})))
    says(hub, inbox)

    assert rows(hub, "SELECT due_at FROM delivery") == [(NINE + 2 * HOUR,)]


@pytest.mark.parametrize("outcome", ["before", "after"])
def test_a_worker_that_dies_in_the_middle_calls_again_under_the_same_id(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(deliver, "_call" if outcome == "before" else "_write_down", dies)
        with pytest.raises(KeyboardInterrupt):
            says(hub, inbox)
    change(hub, "UPDATE job SET lease_until = 1 WHERE state = 'running'")
    handlers.drain(hub)

    assert len(crm.calls) == (1 if outcome == "before" else 2)
    assert len(set(crm.ids)) == 1
    assert state(hub) == [("delivered", 2, "it answered 204")]


def test_a_new_secret_signs_beside_the_old_one_until_the_overlap_is_over(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    with hub.store.write() as session:
        shown, new = endpoints.rotate(session, hub.secret, "crm", overlap=24)
    assert shown.secrets == 2

    says(hub, inbox, "One")
    time.now += 24 * HOUR
    says(hub, inbox, "Two")

    first, second = crm.calls
    assert (signed_by(secret, first), signed_by(new, first)) == (True, True)
    assert (signed_by(secret, second), signed_by(new, second)) == (False, True)
    stored = str(rows(hub, "SELECT secrets FROM endpoint"))
    assert secret not in stored
    assert new not in stored
    assert len(base64.b64decode(new.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://169.254.169.254/", "http://[::1]/", "http://10.0.0.1/"]
)
def test_a_private_address_is_never_called(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(hub.settings, "outbound", "live")
    with hub.store.write() as session:
        endpoints.add(session, hub.secret, "inside", url)
    live(hub, "tell", "[{webhook: {endpoint: inside}}]")

    says(hub, inbox)

    [(ended, tries, reason)] = state(hub)
    assert (ended, tries) == ("failed", 1)
    assert "private_address" in reason


def test_a_hub_that_writes_to_files_calls_nobody(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        endpoints.add(session, hub.secret, "crm", "https://crm.example/hooks")
    live(hub, "tell", "[{webhook: {endpoint: crm}}]")
    says(hub, inbox)

    [file] = (hub.settings.home / "outbox" / "webhook").iterdir()
    assert msgspec.json.decode(file.read_bytes())["specversion"] == "1.0"
    assert state(hub)[0][0] == "delivered"


def test_a_call_may_wait_for_approval_and_expires_without(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    live(hub, "tell-crm", "[{webhook: {endpoint: crm, approval: true, evidence: false}}]")
    says(hub, inbox, "One")
    time.now += SECOND
    says(hub, inbox, "Two")
    assert crm.calls == []

    with hub.store.write() as session:
        first, second = approvals.listed(session)
        deliveries.approve(session, first.id, by="Dora")
        with pytest.raises(Conflict):
            deliveries.approve(session, first.id, by="Dora")
    handlers.drain(hub)
    assert crm.ids == [first.id]
    assert "interactions" not in msgspec.json.decode(crm.calls[0].body)["data"]

    time.now += 72 * HOUR
    handlers.drain(hub)
    with hub.store.read() as session:
        assert deliveries.detail(session, second.id).reason == "nobody approved it in time"
        assert deliveries.detail(session, second.id).state == "expired"


def test_a_call_of_a_trigger_that_is_paused_is_not_made_and_a_replay_is(
    hub: Hub, inbox: AccountRef, time: Time, crm: Crm, secret: str
) -> None:
    crm.answer_with = 500
    says(hub, inbox)
    with hub.store.write() as session:
        trigger_store.set_state(session, "tell-crm", TriggerState.PAUSED)
    time.now += HOUR
    handlers.drain(hub)
    assert state(hub) == [("cancelled", 1, "trigger: its trigger is not live any more, it is paused")]

    crm.answer_with = 200
    with hub.store.write() as session:
        trigger_store.set_state(session, "tell-crm", TriggerState.LIVE, override="a test")
        deliveries.replay(session, crm.ids[0], by="Dora")
    handlers.drain(hub)
    assert state(hub) == [("delivered", 2, "it answered 200")]
    assert len(set(crm.ids)) == 1


def test_an_endpoint_that_a_trigger_names_is_not_forgotten(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        endpoints.add(session, hub.secret, "crm", "https://crm.example/hooks")
    save(hub, "name: x\nabout: y\nwhen: {did: {kind: order}}\ndo: [{webhook: {endpoint: crm}}]")

    with hub.store.write() as session, pytest.raises(Conflict):
        endpoints.remove(session, "crm", references.users_of(session, "webhook", "endpoint", "crm"))
    save(hub, "name: x\nabout: y\nwhen: {did: {kind: order}}\ndo: [{tag: {add: x}}]")
    with hub.store.write() as session:
        endpoints.remove(session, "crm", references.users_of(session, "webhook", "endpoint", "crm"))
        with pytest.raises(NotFound):
            endpoints.named(session, "crm")


@pytest.mark.parametrize(
    "url",
    ["", "crm", "ftp://x/", "https://", "https://a@b/", "https://b:0/", "https://b/ x", "https://b/é", "https://[::1"],
)
def test_what_is_no_address_is_refused(hub: Hub, url: str) -> None:
    with hub.store.write() as session, pytest.raises(Invalid) as caught:
        endpoints.add(session, hub.secret, "crm", url)

    assert (caught.value.code, caught.value.pointer) == ("invalid_url", "/url")

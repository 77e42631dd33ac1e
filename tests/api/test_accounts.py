"""Accounts, the ledger, the quarantine, keys, consents and organisations through the door."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline.accounts import connected
from kinline.hub import Hub
from kinline.identity import consents
from kinline.intake.receive import receive
from kinline.intake.understand import understand
from kinline.messages import Source
from kinline.store import sql
from kinline_api import auth
from kinline_api.app import Application

Door = TestClient[Application]
Message = Callable[..., dict[str, Any]]
Key = Callable[..., dict[str, str]]
ANN = "/v1/people/email:ann@example.org"


def test_installed_channels_say_what_they_need_and_store(door: Door) -> None:
    shown = {each["name"]: each for each in door.get("/v1/channels").json()["channels"]}

    assert {"email", "twitter", "blog", "support"} <= set(shown)
    assert shown["twitter"]["secrets"]
    assert all(each["settings"] and each["personal_data"] for each in shown.values())


def test_an_account_never_shows_its_secrets_and_keeps_them_when_masked(hub: Hub, door: Door) -> None:
    # Given an account with a secret
    secret = door.get("/v1/channels").json()["channels"]
    name = next(each["secrets"][0] for each in secret if each["name"] == "twitter")
    made = door.post("/v1/accounts", json={"channel": "twitter", "name": "x", "settings": {name: "hush"}})
    assert (made.status_code, made.json()["settings"]) == (201, {name: "********"})

    # When it is changed with what was shown
    changed = door.patch("/v1/accounts/x", json={"settings": {name: "********"}, "teams": ["north"], "state": "paused"})

    # Then the secret stands, and the rest is changed
    assert (changed.json()["teams"], changed.json()["state"]) == (["north"], "paused")
    assert "hush" not in door.get("/v1/accounts").text
    with hub.store.read() as session:
        settings = connected.settings_of(connected.named(session, "x"), hub.secret)
    assert getattr(settings, name) == "hush"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"channel": "pigeon", "name": "p"}, 404, "no_such_channel"),
        ({"channel": "email", "name": "inbox"}, 409, "account_exists"),
        ({"channel": "email", "name": "new", "settings": {"no_such": 1}}, 422, "invalid_settings"),
        ({"channel": "email", "name": ""}, 422, "too_short"),
        ({"name": "new"}, 422, "required"),
    ],
)
def test_an_account_that_cannot_be_is_refused(door: Door, body: dict[str, Any], status: int, code: str) -> None:
    answer = door.post("/v1/accounts", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_change_counts_at_once(door: Door, message: Message) -> None:
    # Given an account that was just used
    door.post("/v1/interactions", json=message())

    # When it is paused
    door.patch("/v1/accounts/inbox", json={"state": "paused"})

    # Then it takes nothing from then on
    assert door.post("/v1/interactions", json=message(source_id="2")).json()["code"] == "account_paused"
    assert door.patch("/v1/accounts/inbox", json={"state": "asleep"}).json()["pointer"] == "/state"


def test_the_ledger_adds_up(door: Door, message: Message) -> None:
    for said in (message(), message(), message(source_id="2"), message(text="other")):
        door.post("/v1/interactions", json=said)

    [line] = door.get("/v1/ledger").json()["accounts"]
    assert (line["received"], line["recorded"], line["duplicate"], line["refused"]) == (4, 2, 1, 1)
    assert line["holds"]


def test_what_is_set_aside_is_listed_page_by_page_and_can_be_replayed(hub: Hub, door: Door) -> None:
    # Given three bodies that no mail channel can read
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        intakes = [receive(session, inbox, f"\x00{n}".encode(), Source()) for n in range(3)]
        sql.run(session, "UPDATE intake SET state = 'new'")
    for intake in intakes:
        understand(hub.store, hub.secret, intake)
    with hub.store.write() as session:
        sql.run(session, "UPDATE item SET state = 'quarantined', code = 'spoilt'")

    # When they are listed two at a time
    first = door.get("/v1/quarantine", params={"limit": 2}).json()
    rest = door.get("/v1/quarantine", params={"limit": 2, "cursor": first["next"]}).json()

    # Then each is there once, and can be tried again
    assert sorted(each["intake"] for each in first["items"] + rest["items"]) == sorted(intakes)
    assert rest["next"] is None
    assert door.post(f"/v1/quarantine/{intakes[0]}/replay").json() == {"tried": 1}
    assert door.post(f"/v1/quarantine/{'0' * 32}/replay").json()["code"] == "no_such_intake"


def test_a_key_makes_no_key_that_can_do_more(door: Door, key: Key) -> None:
    # Given a key of the north team that may do everything there
    north = key("admin", teams=("north",))

    # When it makes keys
    def make(**body: Any) -> Any:
        return door.post("/v1/keys", json={"name": "new", "scopes": ["read"], **body}, headers=north)

    # Then one for its own team is made, and others are not
    assert make(teams=["north"]).status_code == 201
    assert {make().json()["code"], make(teams=["south"]).json()["code"]} == {"teams_exceeded"}
    assert make(teams=["north"], scopes=["everything"]).json()["code"] == "unknown_scope"
    assert door.post("/v1/keys", json={"name": "n", "scopes": ["read"]}, headers=key("people")).status_code == 403


def test_a_revoked_key_is_refused_at_once_here_and_within_five_seconds_elsewhere(door: Door, key: Key) -> None:
    # Given a key that was just used
    made = door.post("/v1/keys", json={"name": "short", "scopes": ["read"]}).json()
    theirs = {"Authorization": f"Bearer {made['key']}"}
    assert door.get("/v1/people", headers=theirs).status_code == 200

    # When it is revoked
    assert door.delete(f"/v1/keys/{made['id']}").status_code == 204

    # Then it opens nothing, and the list says when that was
    assert door.get("/v1/people", headers=theirs).json()["code"] == "invalid_key"
    shown = {each["id"]: each for each in door.get("/v1/keys").json()["keys"]}
    assert shown[made["id"]]["revoked_at"]
    assert auth.BELIEVED < 5


@pytest.mark.alone
def test_a_key_revoked_in_another_process_is_believed_for_a_moment_only(
    hub: Hub, door: Door, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a key that was just used, and revoked behind the door's back
    theirs = key("read")
    door.get("/v1/people", headers=theirs)
    with hub.store.write() as session:
        sql.run(session, "UPDATE api_key SET revoked_at = 1 WHERE name = 'a test' AND scopes = '[\"read\"]'")

    # When the moment is over
    later = time.monotonic() + auth.BELIEVED
    monkeypatch.setattr("kinline_api.auth.time.monotonic", lambda: later)

    # Then it opens nothing
    assert door.get("/v1/people", headers=theirs).status_code == 401


def test_the_last_key_to_everything_cannot_revoke_itself(door: Door) -> None:
    [mine] = door.get("/v1/keys").json()["keys"]

    answer = door.delete(f"/v1/keys/{mine['id']}")

    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


def test_what_ann_allows_hangs_on_her_handle(hub: Hub, door: Door, message: Message) -> None:
    # Given Ann
    door.post("/v1/interactions", json=message())
    said = {"purpose": "news", "allowed": True, "evidence": {"form": "newsletter, 2026-03-01"}}

    # When her consent is kept, for a handle that is hers and for one that is not
    kept = door.post(f"{ANN}/consents", json=said)
    other = door.post(f"{ANN}/consents", json=said | {"handle": "email:ben@example.org"})

    # Then the one counts, and the other is refused
    assert (kept.status_code, other.json()["code"]) == (201, "no_such_handle")
    with hub.store.read() as session:
        assert consents.allows(session, [kept.json()["identity"]], "news", "email") is True
    assert door.post(f"{ANN}/consents", json=said | {"evidence": {}}).json()["pointer"] == "/evidence"
    late = door.post(f"{ANN}/consents", json=said | {"at": "2099-01-01T00:00:00Z"})
    assert late.json()["code"] == "in_future"


def test_people_belong_to_organisations_from_a_date_to_a_date(door: Door, message: Message) -> None:
    # Given Ann and a company
    door.post("/v1/interactions", json=message())
    company = door.post("/v1/organisations", json={"name": "Example Ltd"}).json()["id"]
    members = f"/v1/organisations/{company}/members"

    # When she joins and leaves
    since, until = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    joined = door.post(members, json={"person": "email:ann@example.org", "since": since})
    left = door.post(f"{members}/{joined.json()['id']}/leave", json={"until": until})

    # Then she belonged in between
    def there(at: str) -> int:
        return len(door.get(members, params={"at": at}).json()["members"])

    assert (joined.status_code, left.json()["until"]) == (201, until)
    assert [there("2025-12-31T00:00:00Z"), there(since), there("2026-01-15T00:00:00Z"), there(until)] == [0, 1, 1, 0]
    assert len(door.get(members).json()["members"]) == 1
    wrong = door.post(members, json={"person": "email:ann@example.org", "since": until, "until": since})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_span")
    assert door.get(f"/v1/organisations/{'0' * 32}").json()["code"] == "no_such_organisation"
    assert [each["name"] for each in door.get("/v1/organisations").json()["organisations"]] == ["Example Ltd"]

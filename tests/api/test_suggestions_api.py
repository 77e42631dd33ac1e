"""Suggestions over HTTP: a human sees why, and decides."""

from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import handlers
from kinline.accounts import connected, teams
from kinline.accounts.connected import AccountRef
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.record.batch import record_batch
from kinline.testing.factories import InteractionFactory, PartyFactory, RecordingFactory
from kinline.words import HandleType
from kinline_api.app import Application

Door = TestClient[Application]


@pytest.fixture
def inbox(hub: Hub, door: Door) -> AccountRef:
    with hub.store.write() as session:
        return connected.ensure(session, hub.secret, "email", "inbox")


def write(hub: Hub, account: AccountRef, address: str, name: str = "") -> None:
    party = PartyFactory.build(handle=Handle(HandleType.EMAIL, address), name=name)
    what = InteractionFactory.build(source_id=address, parties=(party,), text=f"from {address}")
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=account, what=what)])


@pytest.fixture
def three(hub: Hub, inbox: AccountRef) -> None:
    """Ann under three spellings of an address, and Ben under two names of his."""
    for more in ("", "+shop", "+home"):
        write(hub, inbox, f"ann{more}@example.org", "Ann Archer" if more else "")
    write(hub, inbox, "ben@one.example", "Ben Bowman")
    write(hub, inbox, "bb@two.example", "Benjamin Bowman")
    handlers.drain(hub)


def listed(door: Door, **query: Any) -> list[dict[str, Any]]:
    answer = door.get("/v1/suggestions", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["suggestions"]  # type: ignore[no-any-return]


@pytest.mark.usefixtures("three")
def test_suggestions_are_listed_with_evidence_the_likeliest_first_page_by_page(door: Door) -> None:
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = door.get("/v1/suggestions", params={"limit": 2, "cursor": cursor}).json()
        found, cursor = found + page["suggestions"], page["next"]

    assert [each["kind"] for each in found] == ["same_mailbox"] * 3 + ["short_name"]
    assert [each["score"] for each in found] == sorted((each["score"] for each in found), reverse=True)
    [evidence] = found[-1]["evidence"]
    assert evidence["said"] == found[-1]["reason"] == "“Ben Bowman” and “Benjamin Bowman” are forms of one name" or (
        evidence["said"] == "“Benjamin Bowman” and “Ben Bowman” are forms of one name"
    )


@pytest.mark.usefixtures("three")
def test_they_are_narrowed_and_told_in_spanish(door: Door) -> None:
    assert len(listed(door, kind="short_name")) == 1
    assert len(listed(door, least="0.9")) == 3
    assert len(listed(door, person="email:ben@one.example")) == 1
    assert listed(door, state="refused") == []
    assert "formas de un mismo nombre" in listed(door, kind="short_name", language="es")[0]["reason"]


@pytest.mark.usefixtures("three")
def test_one_shows_both_people_in_what_they_differ_and_one_timeline(door: Door) -> None:
    [one] = listed(door, kind="short_name")

    shown = door.get(f"/v1/suggestions/{one['id']}").json()

    assert {shown["one"]["name"], shown["other"]["name"]} == {"Ben Bowman", "Benjamin Bowman"}
    assert [each["name"] for each in shown["fields"]] == ["names", "handles"]
    assert sorted(line["text"] for line in shown["timeline"]) == ["from bb@two.example", "from ben@one.example"]


@pytest.mark.usefixtures("three")
def test_one_is_accepted(door: Door) -> None:
    [one] = listed(door, kind="short_name")

    answer = door.post(f"/v1/suggestions/{one['id']}/accept")

    assert answer.status_code == 201
    assert answer.json()["evidence"]["suggestion"] == one["id"]
    assert listed(door, kind="short_name") == []
    [answered] = listed(door, state="accepted")
    assert answered["merge"] == answer.json()["id"]
    assert door.post(f"/v1/suggestions/{one['id']}/refuse").status_code == 409


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("word", ["refuse", "reject"])
def test_one_is_refused_for_ever(door: Door, word: str) -> None:
    [one] = listed(door, kind="short_name")

    assert door.post(f"/v1/suggestions/{one['id']}/{word}").status_code in (200, 204)

    assert listed(door, kind="short_name") == []
    assert door.post(f"/v1/suggestions/{one['id']}/accept").json()["code"] == "already_answered"
    merge = door.post("/v1/people/email:ben@one.example/merge", json={"with": "email:bb@two.example", "reason": "x"})
    assert merge.json()["code"] == "not_the_same"


@pytest.mark.usefixtures("three")
def test_many_are_accepted_at_once_after_a_dry_run(door: Door) -> None:
    wanted = {"least": 0.9, "kind": "same_mailbox"}

    tried = door.post("/v1/suggestions/accept", json={**wanted, "dry_run": True}).json()
    assert (len(tried["suggestions"]), tried["merges"]) == (3, [])
    assert len(listed(door)) == 4

    done = door.post("/v1/suggestions/accept", json=wanted).json()
    assert (len(done["suggestions"]), len(done["merges"])) == (2, 2)
    assert [each["code"] for each in done["skipped"]] == ["already_merged"]
    assert [each["kind"] for each in listed(door)] == ["short_name"]


BAD = {
    "?kind=same_shoes": (422, "/kind"),
    "?least=2": (422, "/least"),
    "?least=much": (422, "/least"),
    "?state=closed": (422, "/state"),
    "?limit=0": (422, "/limit"),
    "?cursor=x": (400, ""),
    "?person=nobody@example.org": (404, ""),
    "/00000000000000000000000000000000": (404, ""),
    "/x": (404, ""),
}  # fmt: skip


@pytest.mark.parametrize("path", BAD)
def test_what_is_wrongly_asked_names_what_is_wrong(door: Door, path: str) -> None:
    answer = door.get(f"/v1/suggestions{path}")

    status, pointer = BAD[path]
    assert (answer.status_code, answer.json().get("pointer", "")) == (status, pointer), answer.text


@pytest.mark.parametrize(
    "body", [{}, {"least": 0.1}, {"least": "much"}, {"least": 0.9, "limit": 0}, {"least": 0.9, "x": 1}]
)
def test_many_are_accepted_only_by_a_body_that_says_which(door: Door, body: dict[str, Any]) -> None:
    answer = door.post("/v1/suggestions/accept", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["pointer"].startswith("/")


@pytest.mark.usefixtures("three")
def test_a_key_of_a_team_sees_only_whom_it_may_know(hub: Hub, inbox: AccountRef, door: Door, key: Any) -> None:
    with hub.store.write() as session:
        teams.assign(session, inbox.id, ["south", "north"])
        teams.assign(session, inbox.id, ["south"])
    none = key("read", "people", teams=("north",))
    [one] = listed(door, kind="short_name")

    assert door.get("/v1/suggestions", headers=none).json()["suggestions"] == []
    assert door.get(f"/v1/suggestions/{one['id']}", headers=none).status_code == 404
    assert door.post(f"/v1/suggestions/{one['id']}/accept", headers=none).status_code == 404
    assert door.post("/v1/suggestions/accept", json={"least": 0.5}, headers=none).json()["merges"] == []

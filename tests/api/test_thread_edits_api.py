"""Merging and splitting conversations over HTTP, as an agent does who sees what no rule can."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline.accounts import connected
from kinline.hub import Hub
from kinline_api.app import Application

Door = TestClient[Application]
Message = Callable[..., dict[str, Any]]
Key = Callable[..., dict[str, str]]


@pytest.fixture
def desk(door: Door, hub: Hub, message: Message) -> Door:
    """Ann writes twice, in two mails that name nothing of each other; Ben once, to the team north's mailbox."""
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "north", {"address": "north@hub.example"}, teams=("north",))
    for name, account, source in (("ann", "inbox", "one"), ("ann", "inbox", "two"), ("ben", "north", "three")):
        author = {"role": "author", "handle": f"email:{name}@example.org", "standing": "verified"}
        given = message(account=account, source_id=source, parties=[author], thread={"key": source}, text=source)
        door.post("/v1/interactions", json=given).raise_for_status()
    return door


def conversations(door: Door) -> dict[str, list[str]]:
    """What was said in each conversation, by its id."""
    found = door.get("/v1/conversations").json()["conversations"]
    read = {each["id"]: door.get(f"/v1/conversations/{each['id']}").json()["said"] for each in found}
    return {conversation: sorted(line["text"] for line in said) for conversation, said in read.items()}


def of(door: Door, said: str) -> str:
    return next(each for each, lines in conversations(door).items() if said in lines)


def test_two_conversations_are_merged_and_split_again(desk: Door) -> None:
    one, two = of(desk, "one"), of(desk, "two")

    # When an agent says that both are one
    merged = desk.post(f"/v1/conversations/{one}/merge", json={"conversation": two})

    # Then they are one, for both ids, and Ann waits there once
    assert (merged.status_code, merged.json()["id"] in (one, two)) == (200, True)
    assert conversations(desk)[merged.json()["id"]] == ["one", "two"]
    assert {desk.get(f"/v1/conversations/{each}").json()["conversation"]["id"] for each in (one, two)} == {
        merged.json()["id"]
    }
    assert len(desk.get("/v1/waiting?person=email:ann@example.org").json()["waiting"]) == 1

    # When another one says that the second is another matter
    line = next(
        each for each in desk.get(f"/v1/conversations/{one}").json()["said"] if each["text"] == "two"
    )["id"]  # fmt: skip
    split = desk.post(f"/v1/conversations/{one}/split", json={"interactions": [line]})

    # Then it is one of its own, and she waits in both
    assert split.status_code == 201
    assert conversations(desk)[split.json()["id"]] == ["two"]
    assert len(desk.get("/v1/waiting?person=email:ann@example.org").json()["waiting"]) == 2


def test_what_cannot_be_is_said_with_its_field(desk: Door) -> None:
    one, two = of(desk, "one"), of(desk, "two")
    line = desk.get(f"/v1/conversations/{one}").json()["said"][0]["id"]
    other = desk.get(f"/v1/conversations/{two}").json()["said"][0]["id"]

    def refused(path: str, body: dict[str, Any]) -> tuple[int, str, str | None]:
        answer = desk.post(f"/v1/conversations/{one}/{path}", json=body)
        return answer.status_code, answer.json()["code"], answer.json().get("pointer")

    assert refused("merge", {"conversation": one}) == (409, "already_so", None)
    assert refused("merge", {"conversation": "nothing"}) == (404, "no_such_conversation", "/conversation")
    assert refused("merge", {}) == (422, "required", "/conversation")
    assert refused("split", {"interactions": [line]}) == (409, "nothing_left", None)
    assert refused("split", {"interactions": [other]}) == (422, "not_of_it", "/interactions")
    assert refused("split", {"interactions": []}) == (422, "too_few", "/interactions")
    assert conversations(desk)[one] == ["one"]


def test_nobody_merges_what_they_may_not_see(desk: Door, key: Key) -> None:
    one, theirs = of(desk, "one"), of(desk, "three")
    desk.headers.update(key("desk", "read", teams=("south",)))

    answer = desk.post(f"/v1/conversations/{one}/merge", json={"conversation": theirs})

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_conversation")


def test_whoever_saw_another_version_is_told(desk: Door) -> None:
    one, two = of(desk, "one"), of(desk, "two")

    answer = desk.post(f"/v1/conversations/{one}/merge", json={"conversation": two}, headers={"If-Match": '"old"'})

    assert (answer.status_code, answer.json()["code"]) == (412, "stale_precondition")
    assert conversations(desk)[one] == ["one"]

"""People through the door: searching, one timeline over all channels, pages that cannot be tampered with."""

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
TIMELINE = "/v1/people/email:ann@example.org/timeline"


@pytest.fixture
def told(door: Door, message: Message) -> Door:
    """A door through which Ann wrote five messages, one a minute, and Ben one."""
    for minute in range(5):
        said = message(source_id=f"{minute}", occurred_at=f"2026-03-02T09:0{minute}:00Z", text=f"line {minute}")
        door.post("/v1/interactions", json=said).raise_for_status()
    ben = [{"role": "author", "handle": "email:ben@example.org", "name": "Ben 100% _Byte!"}]
    door.post("/v1/interactions", json=message(source_id="ben", parties=ben)).raise_for_status()
    return door


def test_a_search_finds_names_and_handles_and_takes_signs_as_they_are(told: Door) -> None:
    def found(text: str) -> list[str]:
        return [person["name"] for person in told.get("/v1/people", params={"q": text}).json()["people"]]

    assert found("ARCHER") == ["Ann Archer"]
    assert found("ben@") == ["Ben 100% _Byte!"]
    assert found("100%") == ["Ben 100% _Byte!"]
    assert found("_Byte!") == ["Ben 100% _Byte!"]
    assert found("0_B") == []


def test_pages_of_people_go_on_where_the_last_ended(told: Door) -> None:
    first = told.get("/v1/people", params={"limit": 1}).json()
    second = told.get("/v1/people", params={"limit": 1, "cursor": first["next"]}).json()

    assert len({page["people"][0]["id"] for page in (first, second)}) == 2
    assert second["next"] is None


def test_pages_of_a_timeline_give_every_line_once_newest_first(told: Door) -> None:
    # When it is read two lines at a time
    texts: list[str] = []
    cursor = ""
    while cursor is not None:
        page = told.get(TIMELINE, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        texts += [line["text"] for line in page["entries"]]
        cursor = page["next"]

    # Then each line was there once
    assert texts == ["line 4", "line 3", "line 2", "line 1", "line 0"]


def test_a_cursor_is_of_one_list_and_cannot_be_altered(told: Door) -> None:
    # Given a cursor
    cursor = told.get(TIMELINE, params={"limit": 2}).json()["next"]

    # When it is altered, cut, or used for another list, another person, another filter
    swapped = ("B" if cursor[-3] == "A" else "A").join((cursor[:-3], cursor[-2:]))
    tried = [
        (TIMELINE, {"cursor": swapped}), (TIMELINE, {"cursor": cursor[:-4]}), ("/v1/people", {"cursor": cursor}),
        ("/v1/people/email:ben@example.org/timeline", {"cursor": cursor}), (TIMELINE, {"cursor": cursor, "q": "line"}),
    ]  # fmt: skip
    answers = [told.get(path, params=params) for path, params in tried]

    # Then it is refused each time
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(400, "invalid_cursor")}
    assert told.get(TIMELINE, params={"cursor": cursor}).status_code == 200


@pytest.mark.parametrize(
    ("params", "texts"),
    [
        ({"since": "2026-03-02T09:03:00Z"}, ["line 4", "line 3"]),
        ({"until": "2026-03-02T10:01:00+01:00"}, ["line 0"]),
        ({"q": "LINE 2"}, ["line 2"]),
        ({"q": "%"}, []),
        ({"channel": "twitter"}, []),
        ({"kind": "comment"}, []),
        ({"direction": "inbound", "limit": "1"}, ["line 4"]),
    ],
)
def test_a_timeline_can_be_filtered(told: Door, params: dict[str, str], texts: list[str]) -> None:
    assert [line["text"] for line in told.get(TIMELINE, params=params).json()["entries"]] == texts


def test_who_has_a_page_already_gets_no_second(told: Door, message: Message) -> None:
    # Given a page with its ETag
    first = told.get(TIMELINE)

    # When it is asked for again, before and after something new
    same = told.get(TIMELINE, headers={"If-None-Match": first.headers["etag"]})
    told.post("/v1/interactions", json=message(source_id="new"))
    changed = told.get(TIMELINE, headers={"If-None-Match": first.headers["etag"]})

    # Then only the second answer has a body
    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_handle_with_a_slash_is_written_with_an_escape(door: Door, message: Message) -> None:
    shop = [{"role": "author", "handle": "external:shop/42"}]
    door.post("/v1/interactions", json=message(parties=shop)).raise_for_status()

    assert door.get("/v1/people/external:shop%2F42").json()["name"] == "shop/42"
    assert door.get("/v1/people/external:shop%2f42/timeline").status_code == 200
    assert door.get("/v1/people/external:shop/42").status_code == 404


def test_a_key_reads_only_what_its_teams_may(hub: Hub, door: Door, key: Key, message: Message) -> None:
    # Given an account of the north team, where Ann wrote too and Cleo wrote only
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "north", {}, teams=("north",))
    cleo = [{"role": "author", "handle": "email:cleo@example.org"}]
    door.post("/v1/interactions", json=message(text="open")).raise_for_status()
    hidden = door.post("/v1/interactions", json=message(account="north", source_id="2", text="for the north")).json()
    door.post("/v1/interactions", json=message(account="north", source_id="3", parties=cleo)).raise_for_status()

    # When a key of the south and one of the north read
    south, north = key("read", "record", teams=("south",)), key("read", "record", teams=("north",))

    # Then the south sees neither those lines, nor Cleo, nor the account
    assert [line["text"] for line in door.get(TIMELINE, headers=south).json()["entries"]] == ["open"]
    assert len(door.get("/v1/people", headers=south).json()["people"]) == 1
    for path in (f"/v1/interactions/{hidden['id']}", "/v1/people/email:cleo@example.org"):
        assert door.get(path, headers=south).status_code == 404
        assert door.get(path, headers=north).status_code == 200
    refused = door.post("/v1/interactions", json=message(account="north", source_id="4"), headers=south)
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_account")
    assert len(door.get("/v1/people", headers=north).json()["people"]) == 2

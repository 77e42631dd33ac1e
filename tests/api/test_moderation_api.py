"""Moderating over HTTP: what may be asked for, and what is refused. That it is done at the blog is tested there."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline.accounts import connected
from kinline.hub import Hub
from kinline.messages import Deletion, Thread
from kinline.record.batch import record_batch
from kinline.record.prepare import interaction_id
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, RecordingFactory
from kinline.words import Kind
from kinline_api.app import Application

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
BLOG = {"site": "https://blog.example", "user": "cleo", "application_password": "abcd efgh"}


def recorded(hub: Hub, account: str, source: str, **more: Any) -> str:
    """The path by which it is moderated."""
    what = InteractionFactory.build(source_id=source, thread=Thread(key=source), kind=Kind.COMMENT, **more)
    with hub.store.write() as session:
        at = connected.ref(connected.named(session, account))
        record_batch(session, [RecordingFactory.build(account=at, what=what)])
    return f"/v1/interactions/{interaction_id(at.channel, at.instance, source)}/moderation"


@pytest.fixture
def comment(hub: Hub) -> str:
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "blog", "our blog", BLOG)
    return recorded(hub, "our blog", "comment:7", moderation="pending")


def test_it_is_asked_for_and_stands_as_before_until_the_blog_answers(door: Door, comment: str) -> None:
    answer = door.post(comment, json={"state": "approved", "agent": "Cleo"})

    assert (answer.status_code, answer.json()["wanted"], answer.json()["stands"]) == (202, "approved", "pending")
    shown = door.get(f"/v1/conversations/{answer.json()['conversation']}").json()
    [waits] = shown["conversation"]["mirrored"]
    assert (waits["what"], waits["state"], waits["interaction"]) == (
        "moderation", "pending", answer.json()["interaction"]
    )  # fmt: skip
    assert shown["said"][0]["moderation"] == "pending"
    note = shown["said"][1]
    assert (note["kind"], note["parties"][0]["name"], note["facts"]) == ("note", "Cleo", {"moderation": "approved"})

    # The same again is refused, another is taken in its place
    assert door.post(comment, json={"state": "approved"}).json()["code"] == "already_so"
    assert door.post(comment, json={"state": "spam"}).status_code == 202
    again = door.get(f"/v1/conversations/{answer.json()['conversation']}").json()
    assert len(again["conversation"]["mirrored"]) == 1


SENSELESS: list[tuple[Any, int, str]] = [
    ({"state": "pending"}, 409, "already_so"),
    ({"state": "hold"}, 422, "unknown_value"),
    ({"state": ""}, 422, "unknown_value"),
    ({"state": 7}, 422, "wrong_type"),
    ({}, 422, "required"),
    ({"state": "spam", "force": True}, 422, "unknown_field"),
    ([], 422, "expected_object"),
]


def test_what_makes_no_sense_is_refused_and_changes_nothing(door: Door, hub: Hub, comment: str) -> None:
    for body, status, code in SENSELESS:
        answer = door.post(comment, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    assert door.post(f"/v1/interactions/{'0' * 32}/moderation", json={"state": "spam"}).status_code == 404
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM mirror") == [(0,)]


def test_what_is_no_comment_on_a_blog_of_ours_cannot_be_moderated(door: Door, hub: Hub, comment: str) -> None:
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "blog", "export", {"site": "https://other.example"})
    told = {
        "a mail": (recorded(hub, "inbox", "mail"), "cannot_moderate"),
        "an account without a user": (recorded(hub, "export", "comment:9"), "cannot_moderate"),
        "a webmention": (recorded(hub, "our blog", "webmention:a b"), "cannot_moderate"),
        "a foreign comment": (recorded(hub, "our blog", "shop.example/comment:7"), "cannot_moderate"),
        "a deleted one": (recorded(hub, "our blog", "comment:8"), "deleted"),
    }
    with hub.store.write() as session:
        gone = Deletion(source_id="comment:8", occurred_at=MORNING.replace(year=2027))
        at = connected.ref(connected.named(session, "our blog"))
        record_batch(session, [RecordingFactory.build(account=at, what=gone)])

    for what, (path, code) in told.items():
        answer = door.post(path, json={"state": "spam"})
        assert (answer.status_code, answer.json()["code"]) == (409, code), what


def test_it_takes_the_scope_of_the_desk(door: Door, key: Key, comment: str) -> None:
    answer = door.post(comment, json={"state": "spam"}, headers=key("read"))

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_required")

"""Messages with HTML and files over HTTP: cleaned, kept once, with limits, and out they go."""

import base64
import email
import email.policy
from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.followups import files
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, RecordingFactory
from kinline.words import HandleType
from kinline_api.app import Application

Door = TestClient[Application]
MESSAGES = "/v1/people/email:ann@example.org/messages"
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture(autouse=True)
def nine() -> Iterator[None]:
    with clock.frozen(clock.from_datetime(MORNING)):
        yield


@pytest.fixture
def conversation(hub: Hub, door: Door) -> str:
    """Ann wrote to us; the id of her conversation."""
    with hub.store.write() as session:
        inbox = connected.named(session, "inbox")
        connected.configure(session, hub.secret, inbox, {"address": "help@hub.example"})
        what = InteractionFactory.build(source_id="mail", thread=Thread(key="mail"))
        record_batch(session, [RecordingFactory.build(account=connected.ref(inbox), what=what)])
        return str(sql.run(session, "SELECT id FROM conversation")[0][0])


def written(hub: Hub, followup: str) -> email.message.EmailMessage:
    """The mail that left, into the outbox."""
    handlers.drain(hub)
    raw = (hub.settings.home / "outbox" / "email" / f"{followup}.eml").read_bytes()
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, email.message.EmailMessage)
    return found


def test_an_answer_with_html_and_files_leaves_as_it_was_meant(door: Door, hub: Hub, conversation: str) -> None:
    # Given an uploaded file, too large to stand in a message
    large = bytes(range(256)) * 8000
    uploaded = door.post("/v1/files", content=large, headers=BYTES).json()
    assert uploaded["size"] == len(large)

    # When an agent answers with it, with a small one, and with HTML that would do things
    body = {
        "text": "See the bill.", "html": "<p onclick='x()'>See the <b>bill</b>.<script>x()</script></p>",
        "attachments": [
            {"name": "bill.pdf", "media_type": "application/pdf", "file": uploaded["file"]},
            {"name": "note.txt", "media_type": "text/plain", "content": base64.b64encode(b"thanks").decode()},
        ],
    }  # fmt: skip
    answer = door.post(f"/v1/conversations/{conversation}/reply", json=body)
    assert answer.status_code == 202
    followup = answer.json()["id"]

    # Then the mail has both, the HTML is clean, and the timeline shows the files
    mail = written(hub, followup)
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content().strip() == "<p>See the <b>bill</b>.</p>"
    assert [(each.get_filename(), each.get_payload(decode=True)) for each in mail.iter_attachments()] == [
        ("bill.pdf", large),
        ("note.txt", b"thanks"),
    ]
    shown = door.get(f"/v1/followups/{followup}").json()
    assert shown["state"] == "sent"
    assert shown["prepared"]["size"] > len(large)
    assert [each["name"] for each in shown["attachments"]] == ["bill.pdf", "note.txt"]
    line = door.get("/v1/people/email:ann@example.org/timeline?direction=outbound").json()["entries"][0]
    assert [(each["name"], each["size"]) for each in line["attachments"]] == [("bill.pdf", len(large)), ("note.txt", 6)]


def test_a_file_is_kept_once_however_often_it_is_sent(door: Door, hub: Hub, conversation: str) -> None:
    ticket = door.post("/v1/files", content=b"x" * 1000, headers=BYTES).json()["file"]
    for _ in range(2):
        body = {"text": "Here", "attachments": [{"name": "a", "file": ticket}]}
        assert door.post(MESSAGES, json=body).status_code == 202
    handlers.drain(hub)

    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM blob WHERE size = 1000") == [(1,)]


def test_a_repeated_call_must_ask_for_the_same_files(door: Door, conversation: str) -> None:
    once = {"Idempotency-Key": "one"}
    note = {"name": "a", "content": base64.b64encode(b"a").decode()}
    first = door.post(MESSAGES, json={"text": "Hi", "html": "<i>Hi</i>", "attachments": [note]}, headers=once)
    again = door.post(MESSAGES, json={"text": "Hi", "html": "<i>Hi</i>", "attachments": [note]}, headers=once)
    other = door.post(MESSAGES, json={"text": "Hi", "html": "<i>Hi</i>"}, headers=once)

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({"name": "a"}, "invalid_file"),
        ({"name": "a", "file": "kf1_" + "0" * 64 + "_" + "0" * 32}, "unknown_file"),
        ({"name": "a", "file": "é" * 80}, "unknown_file"),
        ({"name": "a", "content": "not base64!"}, "invalid_base64"),
        ({"name": "../a", "content": "YQ=="}, "invalid_name"),
        ({"name": "a\r\nBcc: x", "content": "YQ=="}, "invalid_name"),
        ({"name": "a", "content": "YQ==", "media_type": "text/plain\r\nX: y"}, "invalid_text"),
    ],
)
def test_a_bad_file_is_refused_by_name(
    door: Door, hub: Hub, conversation: str, file: dict[str, str], code: str
) -> None:
    answer = door.post(MESSAGES, json={"text": "Hi", "attachments": [file]})

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["pointer"].startswith("/attachments/0")
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM followup") == [(0,)]


def test_a_channel_that_carries_no_files_says_so(door: Door, hub: Hub, conversation: str) -> None:
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "twitter", "x", {"user_id": "100"})
        account = connected.ref(connected.named(session, "x"))
        who = InteractionFactory.build(source_id="dm", author=Handle(HandleType.X_ID, "200"), thread=Thread(key="dm"))
        record_batch(session, [RecordingFactory.build(account=account, what=who)])
    file = {"name": "a", "content": "YQ=="}

    answer = door.post("/v1/people/x_id:200/messages", json={"text": "Hi", "attachments": [file]})

    assert (answer.status_code, answer.json()["code"]) == (409, "no_route")
    assert "carries no files" in answer.json()["detail"]


def test_more_than_a_mail_takes_is_refused(door: Door, conversation: str) -> None:
    parts = [
        {"name": "a", "file": door.post("/v1/files", content=bytes([n]) * 9_500_000, headers=BYTES).json()["file"]}
        for n in range(2)
    ]

    together = door.post(MESSAGES, json={"text": "Hi", "attachments": parts})
    alone = door.post("/v1/files", content=b"x" * (files.LARGEST + 1), headers=BYTES)
    nothing = door.post("/v1/files", content=b"", headers=BYTES)
    tags = door.post(MESSAGES, json={"text": "Hi", "html": "<b>" * 5_001})

    assert (together.status_code, together.json()["code"]) == (422, "files_too_large")
    assert alone.status_code == 413
    assert nothing.json()["code"] == "empty_body"
    assert (tags.status_code, tags.json()["code"]) == (422, "html_too_long")
    spaces = door.post(MESSAGES, json={"text": "Hi", "html": "\xa0" * 50_001})
    assert (spaces.status_code, spaces.json()["code"]) == (422, "html_too_long")

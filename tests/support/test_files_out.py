"""Files go out through a desk that is tied in: once, whole, and not before their sizes were looked at."""

from typing import Any

import pytest

from kinline import Attachment, ChannelError, Handle, HandleType, Outgoing, blobs, handlers
from kinline.desk import replies
from kinline.desk.replies import ReplyText
from kinline.followups.files import File
from kinline.pretend import FakeAnswer, Fault
from kinline.store import sql
from kinline.words import SendClass
from kinline_support.channel import SupportChannel
from kinline_support.pretend_zendesk import PretendZendesk
from kinline_support.settings import SupportSettings

from .conftest import Bridge

ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FILES = {"Rechnung für Ann.pdf": b"%PDF-1.7 \x00\xff", "note.txt": b"She has it already."}


def replied(bridge: Bridge, ticket: str, files: dict[str, bytes]) -> str:
    with bridge.hub.store.write() as session:
        digests = blobs.put_all(session, [(content, "application/pdf") for content in files.values()])
    kept = tuple(File(name, "application/pdf", digest) for name, digest in zip(files, digests, strict=True))
    return str(bridge.does(replies.reply, ticket, ReplyText(text="Here it is.", files=kept)))


def attached(bridge: Bridge, ticket: str) -> list[dict[str, Any]]:
    """The files of all that stands in the ticket there."""
    desk: Any = bridge.desk
    said = getattr(desk, "comments", None) or getattr(desk, "articles", None) or desk.messages
    return [file for each in said[int(ticket)] for file in each.get("attachments", ())]


def contents(bridge: Bridge) -> list[bytes]:
    desk: Any = bridge.desk
    return sorted(desk.attached.values())


def later(bridge: Bridge) -> None:
    with bridge.hub.store.write() as session:
        sql.changed(session, "UPDATE job SET run_at = 0 WHERE state = 'pending'")
        sql.changed(session, "UPDATE followup SET due_at = 0 WHERE state = 'pending'")
    handlers.drain(bridge.hub)


def test_the_files_of_a_reply_stand_there_whole_and_their_echo_is_no_news(bridge: Bridge, ticket: str) -> None:
    followup = replied(bridge, ticket, FILES)

    assert bridge.followup(followup)[0] == "sent"
    assert bridge.desk.said(ticket)[1:] == [("Here it is.", True)]
    assert len(attached(bridge, ticket)) == 2
    assert contents(bridge) == sorted(FILES.values())
    names = [
        each.get("file_name") or each.get("filename") or each.get("data_url", "") for each in attached(bridge, ticket)
    ]
    assert all(any(word in name for name in names) for word in ("Rechnung", "note.txt"))

    before = bridge.count("interaction")
    for event in [*bridge.desk.waiting]:
        bridge.hears(event)
    bridge.look()
    assert bridge.count("interaction") == before


@ON_ONE
def test_an_answer_that_was_lost_is_found_by_its_mark_with_its_files(bridge: Bridge, ticket: str) -> None:
    if isinstance(bridge.desk, PretendZendesk):
        bridge.desk.faults.extend([None, None])  # type: ignore[list-item]  # the uploads go well
    bridge.desk.faults.append(Fault(how="drop", after=True))
    followup = replied(bridge, ticket, FILES)
    assert bridge.followup(followup)[0] == "unknown"

    later(bridge)

    assert bridge.followup(followup)[0] == "sent"
    assert [text for text, _ in bridge.desk.said(ticket)].count("Here it is.") == 1


UPLOADS = [
    ("500", Fault(FakeAnswer({"error": "x"}, 500)), "pending"),
    ("reset", Fault(how="drop", after=True), "pending"),
    ("half", Fault(how="half"), "pending"),
    ("429", Fault(FakeAnswer({"error": "x"}, 429, {"retry-after": "1"})), "pending"),
    ("no token", Fault(FakeAnswer({"upload": {}}, 201)), "pending"),
    ("a type that is not allowed", Fault(FakeAnswer({"error": "RecordInvalid"}, 422)), "failed"),
]


@ON_ONE
@pytest.mark.parametrize("make", ["zendesk"], indirect=True)
@pytest.mark.parametrize("fault", UPLOADS, ids=[each[0] for each in UPLOADS])
def test_while_files_go_up_nothing_was_said_yet(bridge: Bridge, ticket: str, fault: tuple[str, Fault, str]) -> None:
    _, what, state = fault
    bridge.desk.faults.extend([None, what])  # type: ignore[list-item]  # the second file breaks
    followup = replied(bridge, ticket, FILES)
    assert bridge.followup(followup)[0] == state

    later(bridge)

    said = [text for text, _ in bridge.desk.said(ticket)].count("Here it is.")
    assert (bridge.followup(followup)[0], said) == (("sent", 1) if state == "pending" else ("failed", 0))


TOO_MUCH = [
    ("zendesk", 1, 50_000_001, "too_large"),
    ("zammad", 1, 35_000_001, "too_large"),
    ("chatwoot", 1, 40_000_001, "too_large"),
    ("chatwoot", 16, 1, "too_many_files"),
    ("zammad", 21, 1, "too_many_files"),
]


@pytest.mark.parametrize(("provider", "files", "size", "code"), TOO_MUCH)
def test_what_the_desk_would_refuse_is_refused_before(provider: Any, files: int, size: int, code: str) -> None:
    content = bytes(size)
    given = tuple(Attachment(name=f"{number}.bin", media_type="x/y", content=content) for number in range(files))
    outgoing = Outgoing(
        id="1", to=Handle(HandleType.EXTERNAL, "7", "x"), text="x", attachments=given, send_class=SendClass.HUMAN,
        answered={"facts": {"ticket": "7"}},
    )  # fmt: skip

    with pytest.raises(ChannelError) as refusal:
        SupportChannel().check(outgoing, SupportSettings(provider=provider))

    assert (refusal.value.permanent, refusal.value.code) == (True, code)

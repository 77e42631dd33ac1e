"""The support channel: the conformance suite over its samples, and what only this channel promises."""

import hmac
import json
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from kinline import HandleType, Request, Source, clock
from kinline.testing import ChannelContract
from kinline.testing.channel_contract import understand
from kinline_support import SupportChannel

SAMPLES = Path(__file__).parent / "samples"


class TestSupport(ChannelContract):
    channel = SupportChannel
    samples = SAMPLES
    settings: ClassVar[dict[str, Any]] = {
        "desk": "https://desk.example.org",
        "agents": ["235323"],
        "trust_identities": True,
        "webhook_secret": "a secret for tests only",
    }
    signature_headers = ("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp")


def read(value: Any, **settings: Any) -> list[Any]:
    """Everything a document means, in order; what is broken as its code."""
    configured = msgspec.convert({**TestSupport.settings, **settings}, SupportChannel.settings)
    found = understand(SupportChannel(), json.dumps(value).encode(), configured)
    return [one for item in found for one in ([item] if isinstance(item, dict) else item)]


def interactions(value: Any, **settings: Any) -> dict[str, Any]:
    """The interactions of a document by their source id."""
    return {one["source_id"]: one for one in read(value, **settings) if one["what"] == "interaction"}


def comment(number: int, author: int, **more: Any) -> dict[str, Any]:
    said = {"id": number, "author_id": author, "body": f"Line {number}", "created_at": "2024-11-02T08:15:00Z"}
    return {**said, "public": True, **more}


ANN, BEN, CLEO = 1, 2, 3
TICKET = {"id": 10, "subject": "Kettle", "requester_id": 1, "created_at": "2024-11-02T08:15:00Z"}


def test_a_requester_speaks_to_us_and_an_agent_to_the_requester() -> None:
    found = interactions({"ticket": TICKET, "comments": [comment(1, ANN), comment(2, BEN)]}, agents=["2"])

    asked, answered = found["comment:1"], found["comment:2"]
    assert (asked["direction"], answered["direction"]) == ("inbound", "outbound")
    assert [party["role"] for party in asked["parties"] if party.get("ours")] == ["recipient"]
    assert [party["handle"]["value"] for party in answered["parties"] if not party.get("ours")] == ["1"]


def test_an_internal_note_names_nobody_but_its_author() -> None:
    found = interactions({"ticket": TICKET, "comments": [comment(1, BEN, public=False)]}, agents=["2"])["comment:1"]

    assert (found["kind"], found["direction"]) == ("note", "outbound")
    assert [party["ours"] for party in found["parties"]] == [True]
    assert found["thread"]["parent"] == "ticket:10"


def test_a_private_comment_of_a_person_is_still_their_message() -> None:
    found = interactions({"ticket": TICKET, "comments": [comment(1, ANN, public=False)]})["comment:1"]

    assert (found["kind"], found["direction"], found["facts"]["private"]) == ("message", "inbound", True)


@pytest.mark.parametrize(
    ("author", "ticket", "users", "agents", "direction", "guessed"),
    [
        (ANN, {}, [], [], "inbound", False),
        (BEN, {}, [], ["2"], "outbound", False),
        (BEN, {}, [{"id": 2, "role": "agent"}], [], "outbound", False),
        (BEN, {}, [{"id": 2, "email": "Ben@Example.org"}], ["ben@example.ORG"], "outbound", False),
        (CLEO, {}, [{"id": 3, "role": "end-user"}], [], "inbound", False),
        (CLEO, {"email_cc_ids": [3]}, [], [], "inbound", False),
        (CLEO, {"follower_ids": [3]}, [], [], "outbound", False),
        (CLEO, {"assignee_id": 3}, [], [], "outbound", False),
        (CLEO, {}, [], [], "outbound", True),
        (CLEO, {"requester_id": None}, [], [], "inbound", True),
        (-1, {}, [], [], "outbound", False),
    ],
)
def test_the_side_of_an_author_is_told_by_role_then_by_place(
    author: int, ticket: Any, users: list[Any], agents: list[str], direction: str, guessed: bool
) -> None:
    document = {"ticket": {**TICKET, **ticket}, "comments": [comment(1, author)], "users": users}

    found = interactions(document, agents=agents)["comment:1"]

    assert found["direction"] == direction
    assert ("side_guessed" in found.get("flags", ())) is guessed


def test_a_comment_means_the_same_in_every_shape() -> None:
    line = comment(1, ANN)
    shapes = [
        {"ticket": TICKET, "comments": [line]},
        {"tickets": [{**TICKET, "comments": [line]}]},
        [{**TICKET, "comments": [line]}],
        {**TICKET, "comments": [line]},
        {"tickets": [TICKET], "comments": [{**line, "ticket_id": 10}]},
        {
            "tickets": [TICKET],
            "ticket_events": [{"ticket_id": 10, "child_events": [{**line, "event_type": "Comment"}]}],
        },
    ]

    first, *others = [interactions(shape) for shape in shapes]

    assert set(first) == {"comment:1"}
    assert all(other == first for other in others)


def test_a_webhook_and_an_export_give_one_interaction() -> None:
    said = {"id": "1", "body": "Line 1", "is_public": True, "author": {"id": "1", "is_staff": False}}
    event = {
        "type": "zen:event-type:ticket.comment_added",
        "time": "2024-11-02T08:15:00.123456789Z",
        "detail": {"id": "10", "subject": "Kettle", "requester_id": "1", "status": "OPEN"},
        "event": {"comment": said},
    }

    live, exported = interactions(event), interactions({"ticket": TICKET, "comments": [comment(1, ANN)]})

    assert live.keys() == exported.keys()
    assert exported["comment:1"].pop("changed_at")
    assert live == exported


def test_the_author_is_the_same_identity_whether_or_not_the_user_record_is_there() -> None:
    alone = interactions({"ticket": TICKET, "comments": [comment(1, ANN)]})
    record = {"id": ANN, "name": "Ann", "email": "ann@example.org", "role": "end-user"}
    beside = interactions({"ticket": TICKET, "comments": [comment(1, ANN)], "users": [record]})

    handles = {json.dumps(found["comment:1"]["parties"][0]["handle"]) for found in (alone, beside)}

    assert handles == {'{"type": "external", "value": "1", "issuer": "zendesk:desk.example.org"}'}


@pytest.mark.parametrize(
    ("desk", "instance"),
    [
        ("", ""),
        ("example", "example.zendesk.com"),
        ("desk.example.org", "desk.example.org"),
        ("https://Desk.Example.org/agent/", "desk.example.org"),
    ],
)
def test_every_spelling_of_a_desk_is_one_instance(desk: str, instance: str) -> None:
    assert SupportChannel().instance(SupportChannel.settings(desk=desk)) == instance


@pytest.mark.parametrize(
    ("trusted", "user", "standing"),
    [
        (True, {"verified": True}, "verified"),
        (False, {"verified": True}, None),
        (True, {"verified": False}, None),
        (True, {"verified": "true"}, None),
        (True, {"verified": True, "suspended": True}, None),
        (
            True,
            {"verified": True, "identities": [{"type": "phone_number", "value": "+4930123456", "verified": True}]},
            None,
        ),
    ],
)
def test_an_address_is_verified_only_by_a_trusted_desk_that_verified_it(
    trusted: bool, user: Any, standing: Any
) -> None:
    record = {"id": ANN, "name": "Ann", "email": "ann@example.org", "role": "end-user", **user}

    [found] = read({"users": [record]}, trust_identities=trusted)

    [mail] = [name for name in found["names"] if HandleType.EMAIL in {also["type"] for also in name["also"]}]
    assert mail.get("standing") == standing


def test_a_deleted_user_leaves_no_name_behind() -> None:
    [found] = read({"users": [{"id": ANN, "name": "Ann", "email": "ann@example.org", "active": False}]})

    assert found == {"what": "applied", "reason": "user record: deleted"}


def test_a_description_is_not_recorded_unless_asked_for() -> None:
    ticket = {**TICKET, "description": "It leaks.", "submitter_id": ANN, "status": "new"}

    assert interactions({"tickets": [ticket]}) == {}
    asked = interactions({"tickets": [ticket]}, descriptions=True)["ticket:10:description"]
    assert (asked["text"], asked["direction"], asked["thread"]["parent"]) == ("It leaks.", "inbound", "ticket:10")


@pytest.mark.parametrize("inside", [True, False])
def test_a_description_never_stands_beside_its_comments(inside: bool) -> None:
    ticket = {**TICKET, "description": "It leaks.", "submitter_id": ANN}
    lines = [comment(1, ANN, body="It leaks.", ticket_id=10)]
    document = {"tickets": [{**ticket, "comments": lines}]} if inside else {"tickets": [ticket], "comments": lines}

    assert set(interactions(document, descriptions=True)) == {"comment:1"}


def test_a_later_rating_replaces_the_earlier_one() -> None:
    first = {"satisfaction_rating": {"score": "bad"}, "updated_at": "2024-11-03T08:00:00Z"}
    later = {"satisfaction_rating": {"score": "good", "comment": "Fine now"}, "updated_at": "2024-11-04T08:00:00Z"}

    old, new = (interactions({"tickets": [{**TICKET, **rated}]})["ticket:10:rating"] for rated in (first, later))

    assert (old["facts"]["score"], new["facts"]["score"], new["text"]) == ("bad", "good", "Fine now")
    assert old["changed_at"] < new["changed_at"]


def test_comments_of_a_deleted_ticket_are_deleted() -> None:
    found = read({"tickets": [{**TICKET, "status": "deleted", "comments": [comment(1, ANN)]}]})

    assert [one["what"] for one in found] == ["applied", "deletion"]
    assert found[1]["source_id"] == "comment:1"


def test_html_is_cleaned_and_loads_nothing_from_outside() -> None:
    html = '<p onmouseover="x()">Hi<img src="https://t.example/p"><a href="javascript:x()">a</a><style>*{}</style></p>'

    found = interactions({"ticket": TICKET, "comments": [comment(1, ANN, html_body=html)]})["comment:1"]

    assert found["html"] == '<p>Hi<a rel="noopener noreferrer">a</a></p>'


def test_the_address_of_an_attachment_is_not_kept() -> None:
    file = {"file_name": "a.png", "content_url": "https://desk.example.org/token/secret", "size": 5}

    found = interactions({"ticket": TICKET, "comments": [comment(1, ANN, attachments=[file])]})["comment:1"]

    assert found["attachments"][0]["note"] == "remote"
    assert "secret" not in json.dumps(found, default=str)


def test_a_signed_call_is_let_in() -> None:
    body, now = b'{"type":"zen:event-type:ticket.created"}', "2024-11-08T10:12:07Z"
    secret = TestSupport.settings["webhook_secret"].encode()
    signature = b64encode(hmac.digest(secret, now.encode() + body, sha256)).decode()
    headers = {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": now}
    settings = msgspec.convert(TestSupport.settings, SupportChannel.settings)

    with clock.frozen(1_731_060_727 * clock.SECOND):
        SupportChannel().verify(Request(method="POST", headers=headers, query={}, body=body), settings)


def test_lines_are_read_one_at_a_time() -> None:
    line = json.dumps({**TICKET, "comments": [comment(1, ANN)]}).encode() + b"\n"
    body = BytesIO(line * 1000)
    items = SupportChannel().parse(body, Source(), SupportChannel.settings())

    next(items)

    assert body.tell() == len(line)


def test_json_lines_with_a_broken_first_line_lose_only_that_line() -> None:
    raw = b'{"id": 1, "subject": "cut\n' + json.dumps({**TICKET, "status": "new"}).encode() + b"\n"

    broken, good = understand(SupportChannel(), raw, SupportChannel.settings())

    assert broken == {"broken": "not_json"}
    assert (good[0]["what"], good[0]["number"]) == ("ticket", "10")


def test_a_byte_order_mark_is_no_part_of_the_json() -> None:
    raw = b"\xef\xbb\xbf" + json.dumps({"users": [{"id": 1, "name": "Ann"}]}, indent=1).encode()

    [[found]] = understand(SupportChannel(), raw, SupportChannel.settings())

    assert found["reason"] == "user record"


CORPORA = Path(__file__).parents[3] / "shared" / "corpora"


@pytest.mark.parametrize("folder", ["support-github-webhooks", "support-abcd-sample"])
def test_what_is_no_export_of_a_desk_is_refused_whole(folder: str) -> None:
    if not (CORPORA / folder).is_dir():
        pytest.skip(f"no corpora beside the repository: put {folder} into ../shared/corpora")
    paths = [path for path in sorted((CORPORA / folder).rglob("*.json")) if not path.name.startswith("_")]

    found = [list(understand(SupportChannel(), path.read_bytes(), SupportChannel.settings())) for path in paths]

    assert paths
    assert all(items == [{"broken": "unknown_shape"}] for items in found)

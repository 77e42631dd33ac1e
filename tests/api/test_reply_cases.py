"""Answering what others' users met: mails after public reports, to the wire."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from kinline import handlers
from kinline.accounts import connected
from kinline.hub import Hub
from kinline.intake.receive import receive_file
from kinline.messages import Source
from kinline.words import Origin
from kinline_api.app import Application
from replying import answer, refused, the_conversation, waits
from wire import Wire, arrives, wire

Door = TestClient[Application]
CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
def out(door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with wire(hub, monkeypatch) as found:
        yield found


def came_in(hub: Hub, case: str, *names: str) -> None:
    """The mails of a case come in, in the order of their names."""
    with hub.store.write() as session:
        account = connected.named(session, "inbox")
        connected.configure(
            session, hub.secret, account, connected.plain(account, hub.secret) | {"address": "support@shop.example"}
        )
    for path in sorted((CASES / case).glob("*.eml")):
        if not names or path.stem in names:
            arrives(hub, path.read_bytes())


def test_what_a_group_address_of_ours_rewrote_is_the_customers(door: Door, hub: Hub, out: Wire) -> None:
    came_in(hub, "27-google-group-from")

    assert waits(door) == {"ann@example.org"}
    assert answer(door, hub, out, the_conversation(door)) == {"ann@example.org"}
    assert waits(door) == set()


def test_the_customers_who_answered_one_mailing_by_bcc(door: Door, hub: Hub, out: Wire) -> None:
    # Given two who answered a mailing that we do not have, and two who answered one that we have
    came_in(hub, "101-replies-to-one-bcc-mailing", "a-ann", "b-bob", "d0-ours", "d1", "d2")
    asking = {each["name"]: each["conversation"] for each in door.get("/v1/waiting?limit=50").json()["waiting"]}
    assert set(asking) == {"Ann Archer", "Bob", "Gil", "Hana"}
    assert len(set(asking.values())) == 4

    # When one is answered, then nobody else is, and they go on waiting
    assert answer(door, hub, out, asking["Ann Archer"]) == {"ann101@example.org"}
    assert answer(door, hub, out, asking["Gil"]) == {"gil101@example.org"}
    assert waits(door) == {"bob101@example.net", "hana101@example.net"}


def test_both_colleagues_of_a_firm_get_the_answer(door: Door, hub: Hub, out: Wire) -> None:
    came_in(hub, "103-cc-colleague")

    assert answer(door, hub, out, the_conversation(door)) == {"ida@firm.example", "jan@firm.example"}
    assert waits(door) == set()


def test_the_customer_of_a_contact_form_can_be_answered(door: Door, hub: Hub, out: Wire) -> None:
    came_in(hub, "34-reply-to-form")

    assert refused(door, the_conversation(door))[:2] == (409, "reply_to_differs")
    assert answer(door, hub, out, the_conversation(door), to="ann@example.org") == {"ann@example.org"}
    assert waits(door) == set()


def test_a_name_that_was_typed_into_a_comment_form_never_leaves_the_house(door: Door, hub: Hub, out: Wire) -> None:
    # Given somebody who wrote another name and Ann's address into the form below a post, and a mail of Ann's
    case = "36-name-typed-by-stranger"
    with hub.store.write() as session:
        blog = connected.connect(session, hub.secret, "blog", "blog", {"site": "https://blog.example.org"})
    with (CASES / case / "comment.xml").open("rb") as content:
        receive_file(hub.store, blog, content, Source(name="comment.xml"), origin=Origin.IMPORT)
    handlers.drain(hub)
    came_in(hub, case)

    # When she is answered, then the typed name is in no header
    asked = next(each for each in door.get("/v1/waiting").json()["waiting"] if each["channel"] == "email")
    assert answer(door, hub, out, asked["conversation"]) == {"ann@example.org"}
    assert "WIN" not in str(out.left[0][1])


def test_two_spellings_of_one_address_are_two_persons_and_a_suggestion(door: Door, hub: Hub, out: Wire) -> None:
    came_in(hub, "31-address-case")

    assert len(door.get("/v1/waiting").json()["waiting"]) == 2
    [found] = door.get("/v1/suggestions").json()["suggestions"]
    assert found["state"] == "open"
    assert "same_mailbox" in {each["code"] for each in found["evidence"]}


@pytest.mark.parametrize("case", sorted(CASES.glob("104-*/*.eml")), ids=lambda path: path.stem)
def test_answers_to_odd_mails_name_only_what_was_sent(door: Door, hub: Hub, out: Wire, case: Path) -> None:
    # Given an odd mail
    raw = case.read_bytes()
    arrives(hub, raw)
    [found] = door.get("/v1/conversations").json()["conversations"]

    # When it is answered
    sent = door.post(f"/v1/conversations/{found['id']}/reply", json={"text": "Here."})
    assert sent.status_code in (202, 409), sent.text
    handlers.drain(hub)

    # Then the answer names what really stood there, and its subject is an answer's
    for _, each in out.left:
        named = str(each["In-Reply-To"] or "")
        assert not named or named.encode() in raw
        assert str(each["Subject"]).startswith("Re: ")

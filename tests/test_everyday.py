"""Ten days of a support lead: each begins with what people do, and ends with who has an answer and who still waits.

By the HTTP interface and the command line, with mails on a real SMTP server on loopback.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected, keys
from kinline.clock import HOUR, MINUTE
from kinline.hub import Hub
from kinline.settings import Settings
from kinline.testing.hubs import SECRET
from kinline_api.app import Application, create_app
from kinline_cli.endings import run
from kinline_cli.root import kinline
from wire import US, Wire, arrives, mail, wire

ANN, BEN, CLEO = "ann@people.example", "ben@people.example", "cleo@people.example"


class Desk:
    """What a support lead has before them."""

    def __init__(self, hub: Hub, door: TestClient[Application], out: Wire, command: Callable[..., str]) -> None:
        self.hub, self.door, self.out, self.command = hub, door, out, command

    def comes(self, who: str, key: str, **more: Any) -> None:
        arrives(self.hub, mail(who, key=key, **more))

    def posts(self, **given: Any) -> str:
        """What a channel's program posts; the interaction's id."""
        said = {
            "kind": "message",
            "direction": "inbound",
            "occurred_at": clock.to_text(clock.now()),
            "text": "…",
            **given,
        }
        answer = self.door.post("/v1/interactions", json=said)
        assert answer.status_code == 201, answer.text
        handlers.drain(self.hub)
        return str(answer.json()["id"])

    def waiting(self, tab: str = "waiting") -> dict[str, dict[str, Any]]:
        """Who waits in a list, by the handle they are first known by."""
        found = self.door.get(f"/v1/waiting?list={tab}").json()["waiting"]
        return {self.handle(each["person"]) if each["person"] else each["name"]: each for each in found}

    def handle(self, person: str) -> str:
        [first, *_] = sorted(each["handle"] for each in self.door.get(f"/v1/people/{person}").json()["identities"])
        return str(first).removeprefix("email:")

    def shown(self, conversation: str) -> dict[str, Any]:
        found: dict[str, Any] = self.door.get(f"/v1/conversations/{conversation}").json()["conversation"]
        return found

    def does(self, path: str, **body: Any) -> Any:
        answer = self.door.post(f"/v1/{path}", json=body)
        handlers.drain(self.hub)
        return answer

    def replies(self, conversation: str, **more: Any) -> list[frozenset[str]]:
        """Answer; whom each mail that left went to."""
        before = len(self.out.left)
        answer = self.does(f"conversations/{conversation}/reply", text="Here is your answer.", **more)
        assert answer.status_code == 202, answer.text
        return self.out.recipients[before:]


@pytest.fixture
def desk(
    hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    for name, value in {"HOME": str(settings.home), "DATABASE_URL": settings.database, "SECRET": SECRET}.items():
        monkeypatch.setenv(f"KINLINE_{name}", value)
    with hub.store.write() as session:
        token = keys.create(session, "lead", ("admin",), None)
        connected.connect(session, hub.secret, "twitter", "x", {"user_id": "900"})
        connected.connect(session, hub.secret, "support", "tickets", {"desk": "desk.example.org"})

    def command(*arguments: str) -> str:
        capfd.readouterr()
        assert run(kinline, list(arguments)) == 0, capfd.readouterr().err
        return capfd.readouterr().out

    with wire(hub, monkeypatch) as out, TestClient(create_app(hub), base_url="http://127.0.0.1") as door:
        door.headers["Authorization"] = f"Bearer {token}"
        yield Desk(hub, door, out, command)


def test_two_at_one_firm(desk: Desk) -> None:
    # Given Ann of a firm with her colleague in copy, who adds something, with her in copy
    desk.comes("ann@firm.example", "1", cc="jan@firm.example", subject="Our contract")
    desk.comes("jan@firm.example", "2", cc="ann@firm.example", answers="1", subject="Re: Our contract", later=MINUTE)

    # Then both wait, in one conversation
    waiting = desk.waiting()
    assert set(waiting) == {"ann@firm.example", "jan@firm.example"}
    [conversation] = {each["conversation"] for each in waiting.values()}

    # When somebody looks to whom an answer would go, and sends it
    told = desk.command("conversation", "reply", conversation, "Here.", "--dry-run")
    assert told == "It would go to email:ann@firm.example, email:jan@firm.example, over inbox.\n"
    assert desk.replies(conversation) == [{"ann@firm.example", "jan@firm.example"}]

    # Then nobody waits
    assert desk.waiting() == {}


def test_a_forwarded_mail(desk: Desk) -> None:
    # Given Dora of ours, who forwards to our mailbox what Cleo wrote to her alone
    with clock.frozen(clock.now() + HOUR):
        desk.comes(US, "1", subject="Fwd: A broken lamp", proved=True)

        # Then it stands apart until somebody says who asked
        assert desk.waiting() == {}
        [passed_on] = desk.waiting("forwarded").values()
        assert desk.does(f"waiting/{passed_on['id']}/asker", person=f"email:{CLEO}").status_code == 200
        assert set(desk.waiting()) == {CLEO}

        # When it is answered, it goes to her, whom nobody knew before
        assert desk.replies(passed_on["conversation"]) == [{CLEO}]
        assert desk.waiting() == {}


def test_a_group_mailbox(desk: Desk) -> None:
    # Given two mailboxes of ours to which Ann writes at once
    with desk.hub.store.write() as session:
        given = connected.plain(connected.named(session, "inbox"), desk.hub.secret) | {"address": "sales@shop.example"}
        connected.connect(session, desk.hub.secret, "email", "sales", given)
    raw = mail(ANN, key="1", to=f"{US}, sales@shop.example")
    arrives(desk.hub, raw)
    arrives(desk.hub, raw, "sales")

    # Then she waits once, and one answer ends it
    [row] = desk.waiting().values()
    assert desk.replies(row["conversation"]) == [{ANN}]
    assert desk.waiting() == {}


def test_an_answer_from_somebodys_own_mail_program(desk: Desk) -> None:
    # Given Ann and Ben in one conversation
    desk.comes(ANN, "1", cc=BEN)
    desk.comes(BEN, "2", answers="1", subject="Re: A question", later=MINUTE)
    [conversation] = {each["conversation"] for each in desk.waiting().values()}

    # When Dora answers Ben alone from her own program, and our server vouches for her
    desk.comes(US, "3", to=BEN, answers="2", subject="Re: A question", proved=True, later=2 * MINUTE)

    # Then Ann still waits
    assert set(desk.waiting()) == {ANN}
    assert desk.shown(conversation)["state"] == "open"

    # When somebody who is not proved to be ours answers Ann, then nothing changes
    desk.comes(US, "4", to=ANN, answers="1", subject="Re: A question", later=3 * MINUTE)
    assert set(desk.waiting()) == {ANN}


def test_on_x_and_then_by_mail(desk: Desk) -> None:
    # Given Ann, who asks on X and then by mail, and an agent who says that both are her
    us = {"role": "recipient", "handle": "x_id:900", "ours": True}
    asked = desk.posts(
        account="x", source_id="x1", kind="mention", thread={"key": "x1"},
        parties=[{"role": "author", "handle": "x_id:1", "standing": "verified"}, us],
    )  # fmt: skip
    desk.comes(ANN, "1", later=10 * MINUTE)
    merged = desk.does("people/x_id:1/merge", **{"with": f"email:{ANN}", "reason": "She says so."})
    assert merged.status_code in (200, 201), merged.text
    rows = desk.door.get("/v1/waiting").json()["waiting"]
    by_mail = next(each for each in rows if each["channel"] == "email")
    assert len(rows) == 2

    # When the mail is answered, and that it answers the other too is not said
    with clock.frozen(clock.now() + MINUTE):
        assert desk.replies(by_mail["conversation"]) == [{ANN}]

        # Then what she asked on X rests, and says where she was answered
        assert desk.waiting() == {}
        [rests] = desk.waiting("paused").values()
        assert (rests["channel"], rests["paused"], rests["answered_in"]) == ("twitter", "us", by_mail["conversation"])

    # When an answer names it, it is over
    with clock.frozen(clock.now() + 2 * MINUTE):
        assert desk.replies(by_mail["conversation"], answers=[asked], to=ANN) == [{ANN}]
        assert desk.waiting("paused") == {}


def test_a_thread_with_five_askers(desk: Desk) -> None:
    # Given a post of ours on X below which five ask, and a sixth who answers the first of them
    us = {"role": "recipient", "handle": "x_id:900", "ours": True}
    asked = {}
    for number in range(1, 6):
        author = {"role": "author", "handle": f"x_id:{number}", "standing": "verified"}
        thread = {"key": f"q{number}", "parent": "ours"}
        asked[number] = desk.posts(
            account="x", source_id=f"q{number}", kind="mention", parties=[author, us], thread=thread
        )
    bea = {"role": "author", "handle": "x_id:6", "standing": "verified"}
    desk.posts(
        account="x", source_id="b", kind="mention", direction="among", parties=[bea], answers="q1",
        thread={"key": "b", "parent": "q1"},
    )  # fmt: skip

    # Then four wait, and the first was helped
    assert set(desk.waiting()) == {f"x_id:{number}" for number in range(2, 6)}
    assert set(desk.waiting("paused")) == {"x_id:1"}
    [conversation] = {each["conversation"] for each in desk.waiting().values()}

    # When somebody answers without saying whom, they are asked
    unclear = desk.does(f"conversations/{conversation}/reply", text="Turn the ring.")
    assert (unclear.status_code, unclear.json()["code"]) == (409, "several_waiting")
    assert [each["handle"] for each in unclear.json()["choices"]][:2] == ["x_id:1", "x_id:2"]


def test_a_ticket_with_copies(desk: Desk) -> None:
    # Given a ticket of Ann's with Ben in copy, who adds something
    ann = {"role": "author", "handle": f"email:{ANN}", "standing": "verified"}
    ben = {"role": "recipient", "handle": f"email:{BEN}", "standing": "verified"}
    agent = {"role": "recipient", "name": "Support", "ours": True}
    ticket = {"key": "t1"}
    desk.posts(account="tickets", source_id="c1", parties=[ann, ben, agent], thread=ticket)
    desk.posts(
        account="tickets", source_id="c2", parties=[{**ben, "role": "author"}, {**ann, "role": "recipient"}, agent],
        thread=ticket,
    )  # fmt: skip
    assert set(desk.waiting()) == {ANN, BEN}

    # When one of us answers at that desk, everybody in it has it
    dora = {"role": "author", "name": "Dora", "ours": True}
    desk.posts(account="tickets", source_id="c3", direction="outbound", parties=[dora], thread=ticket)
    assert desk.waiting() == {}

    # When Ben thanks, an agent dismisses it, and it asks for nothing
    desk.posts(account="tickets", source_id="c4", parties=[{**ben, "role": "author"}, agent], thread=ticket)
    [row] = desk.waiting().values()
    desk.command("conversation", "dismiss", row["number"], "--person", f"email:{BEN}", "--reason", "Thanks only")
    assert desk.waiting() == {}
    assert desk.shown(row["conversation"])["state"] == "pending"


def test_a_call_that_is_noted(desk: Desk) -> None:
    # Given Ann, who waits by mail and calls
    desk.comes(ANN, "1")
    opened = desk.does("conversations", person=f"email:{ANN}", text="She called about her parcel.", kind="call")
    assert opened.status_code == 201, opened.text

    # Then the call asks nothing, but its conversation is open, for somebody opened it; the mail still waits
    assert opened.json()["state"] == "open"
    [row] = desk.waiting().values()
    assert row["channel"] == "email"

    # When both are closed, there is nothing left to do
    for each in (row["conversation"], opened.json()["id"]):
        desk.command("conversation", "close", each, "--outcome", "answered")
    assert desk.waiting() == {}


def test_a_reply_to_a_newsletter(desk: Desk) -> None:
    # Given a newsletter that went to many by Bcc, which three answer
    desk.comes(US, "news", to="undisclosed-recipients:;", subject="News", proved=True)
    for number, who in enumerate((ANN, BEN, CLEO)):
        desk.comes(who, f"re-{number}", answers="news", subject="Re: News", later=number * MINUTE)

    # Then each stands alone, and an answer reaches only whom it was written for
    rows = desk.waiting()
    assert len({each["conversation"] for each in rows.values()}) == 3
    assert desk.replies(rows[BEN]["conversation"]) == [{BEN}]
    assert set(desk.waiting()) == {ANN, CLEO}

    # And nobody who stands elsewhere can be put in copy
    refused = desk.does(f"conversations/{rows[ANN]['conversation']}/reply", text="Here.", cc=[BEN])
    assert (refused.status_code, refused.json()["code"], refused.json()["pointer"]) == (422, "not_a_party", "/cc/0")


def test_out_of_office_after_our_answer(desk: Desk) -> None:
    # Given an answer of ours to Ann
    desk.comes(ANN, "1")
    [row] = desk.waiting().values()
    assert desk.replies(row["conversation"]) == [{ANN}]
    key = str(desk.out.left[-1][1]["Message-ID"]).strip("<>")

    # When her mailbox answers that she is away
    desk.comes(ANN, "2", answers=key, subject="Automatic reply: A question", Auto_Submitted="auto-replied")

    # Then nobody waits, and it is her turn
    assert desk.waiting() == {}
    assert desk.shown(row["conversation"])["state"] == "pending"

    # When she is back and writes, she waits again
    with clock.frozen(clock.now() + HOUR):
        desk.comes(ANN, "3", answers=key, subject="Re: A question")
        assert set(desk.waiting()) == {ANN}
        assert desk.shown(row["conversation"])["state"] == "open"

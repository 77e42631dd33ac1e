"""Answering over HTTP, to the wire: whom the dry run names is whom the mail server is told, and nobody else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.clock import HOUR, MINUTE
from kinline.handles import parse
from kinline.hub import Hub
from kinline.identity import consents
from kinline_api.app import Application
from replying import answer, refused, said, the_conversation, waits
from wire import US, Wire, arrives, mail, wire

Door = TestClient[Application]
Key = Callable[..., dict[str, str]]
ANN, BEN, CLEO = "ann@people.example", "ben@people.example", "cleo@firm.example"


@pytest.fixture
def out(door: Door, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with wire(hub, monkeypatch) as found:
        yield found


def test_whoever_waits_alone_gets_the_answer_and_those_in_copy_a_copy(door: Door, hub: Hub, out: Wire) -> None:
    # Given Ann, with Ben in copy
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=f"Ben <{BEN}>"))

    # When somebody answers
    to = answer(door, hub, out, the_conversation(door))

    # Then both get it, seen by both, as an answer to hers
    [(_, sent)] = out.left
    assert to == {ANN, BEN}
    assert (str(sent["To"]), str(sent["Cc"]), str(sent["In-Reply-To"])) == (ANN, BEN, "<1>")
    assert waits(door) == set()


def test_a_colleague_in_copy_who_adds_a_line_is_answered_too(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=CLEO))
    arrives(hub, mail(f"Cleo <{CLEO}>", key="2", cc=ANN, answers="1", subject="Re: A question", later=MINUTE))

    to = answer(door, hub, out, the_conversation(door))

    assert to == {ANN, CLEO}
    assert waits(door) == set()
    assert str(out.left[0][1]["To"]) == ANN  # who waits longest


def test_a_colleague_who_writes_to_us_alone_leaves_several_who_wait(door: Door, hub: Hub, out: Wire) -> None:
    # Given that Cleo was in copy, and adds something for us alone
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=CLEO))
    arrives(hub, mail(f"Cleo <{CLEO}>", key="2", answers="1", subject="Re: A question", later=MINUTE))
    conversation = the_conversation(door)

    # When somebody answers without saying whom, then they are asked
    assert refused(door, conversation) == (409, "several_waiting", {ANN, CLEO})
    assert out.left == []

    # When they say it, that one gets it, and the other goes on waiting
    assert answer(door, hub, out, conversation, to=CLEO) == {CLEO}
    assert waits(door) == {ANN}
    assert answer(door, hub, out, conversation) == {ANN, CLEO}  # Cleo stood in copy of Ann's
    assert waits(door) == set()


def test_what_is_answered_may_be_named_instead(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=CLEO))
    arrives(hub, mail(f"Cleo <{CLEO}>", key="2", answers="1", subject="Re: A question", later=MINUTE))
    conversation = the_conversation(door)
    cleos = said(door, conversation)[1]["id"]

    assert answer(door, hub, out, conversation, answers=[cleos]) == {CLEO}
    assert refused(door, conversation, answers=["nothing"])[:2] == (422, "unknown_interaction")


def test_a_stranger_to_the_conversation_gets_nothing(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1"))
    arrives(hub, mail(f"Ben <{BEN}>", key="2", subject="Something else"))
    conversation = next(
        each["id"] for each in door.get("/v1/conversations").json()["conversations"] if each["subject"] == "A question"
    )

    assert refused(door, conversation, to=BEN) == (422, "not_a_party", {ANN})
    assert refused(door, conversation, cc=[BEN]) == (422, "not_a_party", {ANN})
    assert refused(door, conversation, to="nobody") == (422, "not_a_party", {ANN})
    assert out.left == []


def test_nobody_waits_and_it_goes_to_those_we_wrote_to_last(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=f"{BEN}, {CLEO}"))
    conversation = the_conversation(door)
    with clock.frozen(clock.now() + HOUR):
        assert answer(door, hub, out, conversation, cc=[BEN]) == {ANN, BEN}
    with clock.frozen(clock.now() + 2 * HOUR):
        assert answer(door, hub, out, conversation) == {ANN, BEN}


def test_nobody_in_copy_where_the_caller_says_so(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=BEN))

    assert answer(door, hub, out, the_conversation(door), cc=[]) == {ANN}


def test_who_is_not_written_to_any_more_stands_in_copy_for_nothing(door: Door, hub: Hub, out: Wire) -> None:
    # Given Ben in copy, who complained
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=BEN))
    with hub.store.write() as session:
        consents.suppress(session, hub.secret, parse(f"email:{BEN}"), "complained")

    shown = door.post(
        f"/v1/conversations/{the_conversation(door)}/reply?dry_run=true", json={"text": "Here."}
    ).json()  # fmt: skip

    assert shown["dropped"] == [{"handle": f"email:{BEN}", "why": "suppressed"}]
    assert answer(door, hub, out, the_conversation(door)) == {ANN}


def test_a_complaint_between_send_and_leaving_is_heard(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=BEN))
    sent = door.post(f"/v1/conversations/{the_conversation(door)}/reply", json={"text": "Here."}).json()
    assert sent["cc"] == [f"email:{BEN}"]

    with hub.store.write() as session:
        consents.suppress(session, hub.secret, parse(f"email:{BEN}"), "complained")
    handlers.drain(hub)

    assert out.recipients == [{ANN}]
    assert out.left[0][1]["Cc"] is None


def test_a_copy_that_the_server_refuses_leaves_whoever_asked_waiting(door: Door, hub: Hub, out: Wire) -> None:
    # Given that both Ann and Cleo wait, and Cleo's mailbox is gone
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=CLEO))
    arrives(hub, mail(f"Cleo <{CLEO}>", key="2", cc=ANN, answers="1", subject="Re: A question", later=MINUTE))
    out.refused[CLEO] = "550 5.1.1 no such mailbox"

    sent = door.post(f"/v1/conversations/{the_conversation(door)}/reply", json={"text": "Here."}).json()
    handlers.drain(hub)

    # Then Ann has it, and that it never came to Cleo is known
    assert out.recipients == [{ANN}]
    [receipt] = door.get(f"/v1/followups/{sent['id']}").json()["receipts"]
    assert (receipt["report"], receipt["permanent"]) == ("rejected", True)
    assert waits(door) == {CLEO}


def test_two_who_answer_one_mailing_are_two_conversations(door: Door, hub: Hub, out: Wire) -> None:
    # Given a mailing of ours that named nobody, and two who answer it
    arrives(hub, mail(US, key="mailing", to="undisclosed-recipients:;", subject="Prices", proved=True))
    arrives(hub, mail(f"Ann <{ANN}>", key="1", answers="mailing", subject="Re: Prices"))
    arrives(hub, mail(f"Ben <{BEN}>", key="2", answers="mailing", subject="Re: Prices"))
    found = door.get("/v1/conversations?waiting=true").json()["conversations"]
    assert len(found) == 2

    # When each is answered, then each gets their own alone
    assert {answer(door, hub, out, each["id"]) for each in found} == {frozenset({ANN}), frozenset({BEN})}
    assert waits(door) == set()


def test_a_forged_sender_with_another_address_to_answer_to_is_asked_about(door: Door, hub: Hub, out: Wire) -> None:
    # Given somebody who writes as Ann, unproved, and wants the answer elsewhere
    arrives(hub, mail(f"Ann <{ANN}>", key="1", Reply_To="Eve <eve@elsewhere.example>"))
    conversation = the_conversation(door)

    # Then nobody gets it until somebody said which address
    assert refused(door, conversation) == (409, "reply_to_differs", {ANN, "eve@elsewhere.example"})
    assert out.left == []
    assert answer(door, hub, out, conversation, to=f"email:{ANN}") == {ANN}


def test_the_address_to_answer_to_of_a_proved_sender_gets_it(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", Reply_To="ann.private@home.example", proved=True))

    assert answer(door, hub, out, the_conversation(door)) == {"ann.private@home.example"}
    assert waits(door) == set()


@pytest.mark.parametrize(
    ("sender", "wanted"),
    [("ann@firm.example", "sales+42@eu.firm.example"), ("ann@gmail.com", "ann+tickets@gmail.com")],
)
def test_an_address_of_the_same_house_needs_no_proof(door: Door, hub: Hub, out: Wire, sender: str, wanted: str) -> None:
    arrives(hub, mail(sender, key="1", Reply_To=wanted))

    assert answer(door, hub, out, the_conversation(door)) == {wanted}
    assert waits(door) == set()


def test_another_box_at_a_public_provider_is_asked_about(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail("ann@gmail.com", key="1", Reply_To="eve@gmail.com"))

    assert refused(door, the_conversation(door))[:2] == (409, "reply_to_differs")


def test_what_nobody_typed_waits_for_somebody_to_look(door: Door, hub: Hub, out: Wire) -> None:
    # Given a trigger that answers every mail, and somebody who wants the answer elsewhere
    rule = "name: receipt\nabout: They wrote.\nwhen: {did: {kind: message}}\ndo: [{message: {text: We have it., class: service}}]\n"
    saved = door.post("/v1/triggers", json={"source": rule, "override": "a test"})
    assert saved.status_code == 201, saved.text
    door.post("/v1/triggers/receipt/state", json={"state": "live", "override": "a test"}).raise_for_status()
    night = clock.from_datetime((clock.to_datetime(clock.now()) + timedelta(days=1)).replace(hour=23))
    with clock.frozen(night):
        arrives(hub, mail(f"Ann <{ANN}>", key="1", Reply_To="eve@elsewhere.example"))
        handlers.drain(hub)

        # Then it goes nowhere until somebody approves it, and says why, at night too
        [held] = door.get("/v1/followups").json()["followups"]
        assert (held["state"], held["needs_approval"], held["to"]) == ("pending", True, f"email:{ANN}")
        assert "eve@elsewhere.example" in held["reason"]
        door.post(f"/v1/followups/{held['id']}/approve", json={}).raise_for_status()
        handlers.drain(hub)
        assert out.left == []

    # And in the morning it goes to her alone
    with clock.frozen(night + 10 * HOUR):
        handlers.drain(hub)
    assert out.recipients == [{ANN}]


def test_a_message_about_it_is_asked_about_too(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(f"Ann <{ANN}>", key="1", Reply_To="eve@elsewhere.example"))
    about = said(door, the_conversation(door))[0]["id"]

    def written(**more: Any) -> Any:
        return door.post(f"/v1/people/email:{ANN}/messages", json={"text": "Here.", "about": about, **more})

    assert (written().status_code, written().json()["code"]) == (409, "reply_to_differs")
    assert (written(to="cleo@firm.example").status_code, written(to=CLEO).json()["pointer"]) == (422, "/to")
    assert written(to=ANN).status_code == 202
    handlers.drain(hub)
    assert out.recipients == [{ANN}]


def test_the_unproved_address_to_answer_to_may_be_chosen(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail("Form <wordpress@hosting.example>", key="1", Reply_To=ANN))

    assert answer(door, hub, out, the_conversation(door), to=ANN) == {ANN}
    assert waits(door) == set()


def test_whoever_a_machine_wrote_for_is_answered_where_somebody_says_so(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail("Shop <noreply@hosting.example>", key="1", Reply_To=ANN))

    assert refused(door, the_conversation(door)) == (409, "nobody_to_answer", set())
    assert answer(door, hub, out, the_conversation(door), to=ANN) == {ANN}


def test_an_unproved_word_in_the_middle_puts_nobody_in_copy(door: Door, hub: Hub, out: Wire) -> None:
    # Given Ann, proved, and later somebody who writes in her name with another in copy
    arrives(hub, mail(f"Ann <{ANN}>", key="1", proved=True))
    with clock.frozen(clock.now() + MINUTE):
        arrives(hub, mail(f"Ann <{ANN}>", key="2", answers="1", cc="eve@elsewhere.example", subject="Re: A question"))
        conversation = the_conversation(door)
        forged = said(door, conversation)[1]["id"]
        shown = door.post(
            f"/v1/conversations/{conversation}/reply?dry_run=true", json={"text": "Here.", "answers": [forged]}
        ).json()  # fmt: skip

        # Then she gets the answer by what is proved to be hers; and the other nothing, though it answers the forged one
        assert shown["dropped"] == [{"handle": "email:eve@elsewhere.example", "why": "unproved"}]
        assert answer(door, hub, out, conversation, answers=[forged]) == {ANN}
        assert answer(door, hub, out, conversation, to=ANN) == {ANN}


def test_whoever_wants_the_answer_where_they_wrote_from_too_gets_it_there(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(ANN, key="1", Reply_To=f"{ANN}, aid@elsewhere.example", proved=True))

    assert answer(door, hub, out, the_conversation(door)) == {ANN}
    assert waits(door) == set()


def test_ids_that_a_program_encoded_are_read(door: Door, hub: Hub, out: Wire) -> None:
    # Given an answer of ours, and a program that writes its id as an encoded word
    arrives(hub, mail(ANN, key="1"))
    conversation = the_conversation(door)
    answer(door, hub, out, conversation)
    ours = str(out.left[-1][1]["Message-ID"])
    encoded = "=?utf-8?q?" + "".join(f"={ord(each):02X}" for each in ours) + "?="
    raw = mail(ANN, key="2", subject="Re: A question", later=MINUTE).replace(
        b"Message-ID: <2>", f"Message-ID: <2>\r\nIn-Reply-To: {encoded}".encode()
    )

    # When it comes, then it stands where it belongs
    arrives(hub, raw)
    assert len(said(door, conversation)) == 3


def test_a_forward_that_came_before_what_it_answers_waits_for_nobody(door: Door, hub: Hub, out: Wire) -> None:
    # Given what Dora passes on to our mailbox before the mail itself has come
    arrives(hub, mail(US, key="2", answers="1", subject="Fwd: A question", proved=True, later=MINUTE))
    [row] = door.get("/v1/waiting?list=forwarded").json()["waiting"]

    # When that comes
    arrives(hub, mail(ANN, key="1"))

    # Then who asked is known, and nobody is to name them
    assert door.get("/v1/waiting?list=forwarded").json()["waiting"] == []
    assert waits(door) == {ANN}
    named = door.post(f"/v1/waiting/{row['id']}/asker", json={"person": ANN})
    assert (named.status_code, named.json()["code"]) in ((409, "asker_known"), (404, "nobody_waits"))


def test_a_mailing_to_many_is_answered_to_its_author(door: Door, hub: Hub, out: Wire) -> None:
    many = ", ".join(f"p{number}@people.example" for number in range(11))
    arrives(hub, mail(f"Ann <{ANN}>", key="1", cc=many))

    assert answer(door, hub, out, the_conversation(door)) == {ANN}


def test_who_asked_in_public_is_named_and_has_no_copies(door: Door, hub: Hub, message: Any) -> None:
    # Given two fans who ask below one post
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "twitter", "x", {"user_id": "900"})
    for number in ("1", "2"):
        author = {"role": "author", "handle": f"x_id:{number}", "standing": "verified"}
        us = {"role": "recipient", "handle": "x_id:900", "ours": True}
        given = message(
            account="x",
            kind="mention",
            source_id=number,
            parties=[author, us],
            thread={"key": number, "parent": "post"},
        )
        door.post("/v1/interactions", json=given).raise_for_status()
    conversation = the_conversation(door)

    assert refused(door, conversation)[:2] == (409, "several_waiting")
    assert refused(door, conversation, to="x_id:1", cc=["x_id:2"])[:2] == (422, "no_copies")


@pytest.mark.parametrize("proved", [True, False])
def test_what_a_form_of_ours_sends_is_its_writers(door: Door, hub: Hub, out: Wire, proved: bool) -> None:
    # Given our own web form, which writes in our name
    arrives(hub, mail(f"Web site <{US}>", key="1", Reply_To=f"Ann <{ANN}>", proved=proved))

    assert waits(door) == {ANN}
    assert answer(door, hub, out, the_conversation(door)) == {ANN}
    assert waits(door) == set()


def test_a_stranger_who_names_a_customers_mail_stays_apart_after_our_answer(door: Door, hub: Hub, out: Wire) -> None:
    # Given Ann's mail, and a stranger who names it with her in copy
    arrives(hub, mail(f"Ann <{ANN}>", key="1", proved=True))
    arrives(hub, mail("mal@elsewhere.example", key="2", cc=ANN, answers="1", subject="Re: A question", later=MINUTE))
    rows = {each["said"][0]: each for each in door.get("/v1/waiting").json()["waiting"]}
    assert rows["1"]["conversation"] != rows["2"]["conversation"]

    # When the stranger is answered
    answer(door, hub, out, rows["2"]["conversation"])

    # Then what Ann asked rests, for she heard of us elsewhere, and is not over; and hers goes to her alone
    [rests] = door.get("/v1/waiting?list=paused").json()["waiting"]
    assert (rests["conversation"], rests["paused"]) == (rows["1"]["conversation"], "us")
    assert answer(door, hub, out, rows["1"]["conversation"]) == {ANN}


def test_an_answer_to_one_of_a_mailing_joins_them_with_nobody(door: Door, hub: Hub, out: Wire) -> None:
    # Given a mailing to twelve that Ann answers to all, and Ben to us alone
    many = ", ".join([ANN, BEN, *(f"p{number}@people.example" for number in range(10))])
    arrives(hub, mail(US, key="news", to=many, subject="News", proved=True))
    arrives(hub, mail(ANN, key="1", cc=many, answers="news", subject="Re: News", later=MINUTE))
    arrives(hub, mail(BEN, key="2", answers="news", subject="Re: News", later=2 * MINUTE))
    bens = next(each for each in door.get("/v1/waiting").json()["waiting"] if each["said"].startswith("2 "))

    # When Ben is answered and writes again
    assert answer(door, hub, out, bens["conversation"]) == {BEN}
    ours = str(out.left[-1][1]["Message-ID"]).strip("<>")
    with clock.frozen(clock.now() + HOUR):
        arrives(hub, mail(BEN, key="3", answers=ours, subject="Re: News"))

        # Then that is between him and us
        shown = door.get(f"/v1/conversations/{bens['conversation']}").json()["conversation"]
        assert len(shown["persons"]) == 1
        assert answer(door, hub, out, bens["conversation"]) == {BEN}


def test_whom_a_forged_mail_brought_in_is_no_member_by_their_own_word(door: Door, hub: Hub, out: Wire) -> None:
    # Given Ann, proved; a mail in her name with another in To; and that other, proved, in answer to it
    eve = "eve@elsewhere.example"
    arrives(hub, mail(ANN, key="1", proved=True))
    arrives(hub, mail(ANN, key="2", to=f"{US}, {eve}", answers="1", subject="Re: A question", later=MINUTE))
    arrives(
        hub, mail(eve, key="3", cc=ANN, answers="2", subject="Re: A question", proved=True, later=2 * MINUTE)
    )  # fmt: skip
    conversation = the_conversation(door)

    assert refused(door, conversation)[:2] == (409, "several_waiting")
    assert answer(door, hub, out, conversation, to=ANN) == {ANN}


def test_a_repeated_call_that_names_somebody_else_is_refused(door: Door, hub: Hub, out: Wire) -> None:
    # Given an answer to Ann that was sent under a key
    arrives(hub, mail(ANN, key="1", cc=BEN))
    path, once = f"/v1/conversations/{the_conversation(door)}/reply", {"Idempotency-Key": "parcel-42"}
    first = door.post(path, json={"text": "Here.", "to": ANN, "cc": []}, headers=once)

    # When it is repeated, and when it comes again for somebody else
    again = door.post(path, json={"text": "Here.", "to": ANN, "cc": []}, headers=once)
    others = [door.post(path, json={"text": "Here.", **who}, headers=once) for who in ({"to": BEN}, {"to": ANN})]

    # Then the first is answered with what it did, and the others are told that nothing of theirs was done
    assert (first.status_code, again.status_code, again.json()["id"]) == (202, 202, first.json()["id"])
    assert [(each.status_code, each.json()["code"]) for each in others] == [(409, "idempotency_conflict")] * 2
    handlers.drain(hub)
    assert out.recipients == [{ANN}]


def test_what_a_team_may_not_read_it_cannot_answer(door: Door, hub: Hub, out: Wire, key: Key) -> None:
    # Given Ann, who writes to a mailbox of everybody, and to one of the team north
    arrives(hub, mail(ANN, key="1"))
    conversation = the_conversation(door)
    with hub.store.write() as session:
        connected.connect(session, hub.secret, "email", "north", {"address": "north@shop.example"}, teams=("north",))
    arrives(hub, mail(ANN, key="2", to="north@shop.example", subject="For your eyes"), "north")
    theirs = next(
        each["interaction"] for each in door.get("/v1/waiting").json()["waiting"] if each["said"].startswith("2 ")
    )

    # When somebody of the team south answers the first, and says that it answers the second too
    door.headers.update(key("desk", "read", teams=("south",)))

    # Then they are told no more than that there is no such thing
    assert refused(door, conversation, answers=[theirs])[:2] == (422, "unknown_interaction")


def test_nothing_is_answered_to_whoever_does_not_get_it(door: Door, hub: Hub, out: Wire) -> None:
    arrives(hub, mail(ANN, key="1", cc=BEN))
    conversation = the_conversation(door)
    anns = said(door, conversation)[0]["id"]

    answered = door.post(f"/v1/conversations/{conversation}/reply", json={"text": "x", "to": BEN, "answers": [anns]})

    assert (answered.status_code, answered.json()["code"], answered.json()["pointer"]) == (
        422,
        "not_reached",
        "/answers/0",
    )
    preview = door.post(f"/v1/conversations/{conversation}/reply?dry_run=true", json={"text": "x", "to": BEN}).json()
    assert [each["handle"] for each in preview["still_waiting"]] == [f"email:{ANN}"]


def test_of_two_tickets_that_an_agent_merged_each_is_answered_where_it_lives(
    door: Door, hub: Hub, message: Any
) -> None:
    # Given two tickets of two people at a desk, which somebody says are one
    with hub.store.write() as session:
        given = {"desk": "desk.example.org", "token": "t", "provider": "zammad"}
        connected.connect(session, hub.secret, "support", "tickets", given)
    found = []
    for number in ("241", "243"):
        author = {"role": "author", "handle": f"external:zammad:desk.example.org/{number}", "standing": "verified"}
        us = {"role": "recipient", "name": "Support", "ours": True}
        told = message(account="tickets", source_id=number, parties=[author, us], thread={"key": f"ticket:{number}"})
        door.post("/v1/interactions", json=told).raise_for_status()
        found.append(
            next(
                each["id"] for each in door.get("/v1/conversations").json()["conversations"] if each["id"] not in found
            )
        )
    merged = door.post(f"/v1/conversations/{found[0]}/merge", json={"conversation": found[1]}).json()["id"]

    # Then nobody is told that both get one answer
    assert refused(door, merged)[:2] == (409, "several_waiting")
    shown = door.post(
        f"/v1/conversations/{merged}/reply?dry_run=true",
        json={"text": "x", "to": "external:zammad:desk.example.org/241"},
    ).json()
    assert (shown["to"]["handle"], shown["cc"]) == ("external:zammad:desk.example.org/241", [])
    assert len(shown["still_waiting"]) == 1

"""Desks that are there already, tied in both ways: every make against its stand-in, through real keepers."""

import random

from kinline import Handle, HandleType, clock, handlers
from kinline.accounts import connected
from kinline.desk import work
from kinline.followups.plan import Draft, plan
from kinline.hub import Hub
from kinline.identity import persons
from kinline.intake.receive import receive
from kinline.messages import Source
from kinline.pretend import Fault
from kinline.store import sql
from kinline.words import ConversationState, SendClass
from kinline_support.pretend_zendesk import PretendZendesk

from .conftest import STATES, Bridge, Tie, later


def test_a_ticket_there_is_on_the_timeline_here(bridge: Bridge, ticket: str) -> None:
    bridge.desk.agent_says(ticket, "We look into it.")
    bridge.desk.agent_says(ticket, "She sounds upset.", public=False)
    bridge.look()

    assert bridge.said(ticket) == [
        ("message", "inbound", "Where is my parcel?"),
        ("message", "outbound", "We look into it."),
        ("note", "outbound", "She sounds upset."),
    ]
    shown = bridge.conversation(ticket)
    assert (shown.subject, shown.desk_number, shown.channel) == ("Parcel", bridge.number(ticket), "support")
    assert bridge.count("followup") == 0
    bridge.holds()


def test_a_reply_here_is_an_answer_there_and_its_echo_is_no_news(bridge: Bridge, make: str, ticket: str) -> None:
    followup = bridge.replies(ticket, "It left yesterday.")

    # Then it stands there once, for her to see, and it is her turn on both sides
    assert bridge.followup(followup)[0] == "sent"
    assert bridge.desk.said(ticket) == [("Where is my parcel?", True), ("It left yesterday.", True)]
    assert bridge.conversation(ticket).state == "pending"
    assert bridge.desk.standing(ticket) == STATES[make]["pending"]

    # And what comes back changes nothing, however often
    before = bridge.count("interaction")
    for event in [*bridge.desk.waiting, *bridge.desk.waiting]:
        bridge.hears(event)
    for _ in range(3):
        bridge.look()
    assert bridge.count("interaction") == before
    assert bridge.conversation(ticket).state == "pending"
    assert [text for text, _ in bridge.desk.said(ticket)] == ["Where is my parcel?", "It left yesterday."]
    assert bridge.said(ticket)[-1] == ("message", "outbound", "It left yesterday.")


def test_a_note_here_is_a_private_one_there_and_comes_back_as_itself(bridge: Bridge, ticket: str) -> None:
    bridge.does(work.note, ticket, text="She is a good customer.")

    assert bridge.desk.said(ticket)[1:] == [("Cleo: She is a good customer.", False)]
    for event in bridge.desk.waiting:
        bridge.hears(event)
    bridge.look()
    assert bridge.said(ticket)[1:] == [("note", "outbound", "She is a good customer.")]
    assert bridge.conversation(ticket).mirrored == []


def test_a_state_goes_both_ways(bridge: Bridge, make: str, ticket: str) -> None:
    for state in (ConversationState.SOLVED, ConversationState.OPEN, ConversationState.ON_HOLD):
        bridge.does(work.to_state, ticket, state)
        assert bridge.desk.standing(ticket) == STATES[make].get(state, "open")
        bridge.look()
        assert bridge.conversation(ticket).state == state

    bridge.desk.agent_puts(ticket, STATES[make]["solved"])
    bridge.look()
    assert bridge.conversation(ticket).state == "solved"
    assert bridge.desk.standing(ticket) == STATES[make]["solved"]

    # And her word opens it here
    bridge.desk.person_says(ticket, "It is not solved.")
    bridge.look()
    assert bridge.conversation(ticket).state == "open"


def test_webhooks_in_any_order_and_twice_say_what_polling_says(bridge: Bridge, ticket: str) -> None:
    for number in range(6):
        (bridge.desk.person_says if number % 2 else bridge.desk.agent_says)(ticket, f"Line {number}")
    events = [*bridge.desk.waiting, *bridge.desk.waiting]
    random.Random(7).shuffle(events)

    for event in events:
        bridge.hears(event)
    heard = bridge.said(ticket)
    bridge.look()

    assert sorted(heard) == sorted(bridge.said(ticket))
    assert len(heard) == 7
    bridge.holds()


def test_a_message_out_of_the_blue_reaches_them_there_once(bridge: Bridge, ticket: str) -> None:
    # Given Ann, of whom we know her id there, and no thread to answer in
    with bridge.hub.store.write() as session:
        [(value, issuer)] = sql.run(
            session, "SELECT DISTINCT value, issuer FROM identity d JOIN participant p ON p.identity_id = d.id "
            "WHERE p.direction = 'inbound' AND d.type = 'external'",
        )  # fmt: skip
        ann = persons.find(session, str(Handle(HandleType.EXTERNAL, value, issuer)))
        draft = Draft(
            id="f" * 32, person_id=ann, send_class=SendClass.HUMAN, text="A new matter.", subject="News", made_by="Cleo"
        )
        why_not = plan(bridge.hub, session, draft)
    assert why_not == ""
    bridge.desk.faults.append(Fault(how="drop", after=True))
    handlers.drain(bridge.hub)
    assert bridge.followup("f" * 32)[0] in ("unknown", "pending")  # pending: it had only asked where to write

    with clock.frozen(later(120)):
        handlers.drain(bridge.hub)

    assert bridge.followup("f" * 32)[0] == "sent"
    bridge.look()
    with bridge.hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM interaction WHERE doc LIKE {p}", "%A new matter.%") == [(1,)]


def test_a_foreign_id_is_no_way_to_anybody(bridge: Bridge, ticket: str) -> None:
    # Given somebody whom only a shop knows
    with bridge.hub.store.write() as session:
        from kinline.record.batch import record_batch
        from kinline.testing.factories import InteractionFactory, RecordingFactory

        shopper = Handle(HandleType.EXTERNAL, "20978392", "shop")
        account = connected.ref(connected.named(session, bridge.name))
        record_batch(session, [RecordingFactory.build(account=account, what=InteractionFactory.build(author=shopper))])
        person = persons.find(session, str(shopper))
        draft = Draft(id="f" * 32, person_id=person, send_class=SendClass.HUMAN, text="x", made_by="Cleo")

        assert "no connected channel" in plan(bridge.hub, session, draft)


def test_two_desks_and_a_mailbox_never_send_each_others_news_in_circles(
    bridge: Bridge, ticket: str, tie: Tie, live: Hub
) -> None:
    # Given another desk, with Ann in it, and a mailbox to which the first desk's notices come
    other = tie(PretendZendesk(settles=0, exports=None), "other desk")
    theirs = other.desk.person_asks("Parcel", "Where is my parcel?")
    with live.store.write() as session:
        connected.connect(session, live.secret, "email", "inbox", {"address": "help@hub.example"})
    other.look()
    notice = (
        b"From: help@desk.example\r\nTo: help@hub.example\r\nSubject: [Ticket] Parcel\r\nMessage-ID: <n1@desk.example>\r\n"
        b"Date: Wed, 25 Nov 2026 10:00:00 +0000\r\nAuto-Submitted: auto-generated\r\n\r\nCleo answered: It left yesterday.\r\n"
    )

    # When both are worked on, and everything is carried around for ten rounds
    bridge.replies(ticket, "It left yesterday.")
    other.replies(theirs, "It is on its way.")
    bridge.does(work.note, ticket, text="A note.")
    other.does(work.to_state, theirs, ConversationState.SOLVED)
    sizes = []
    for _ in range(10):
        with live.store.write() as session:
            receive(
                session, connected.ref(connected.named(session, "inbox")), notice, Source(media_type="message/rfc822")
            )
        for each in (bridge, other):
            for event in [*each.desk.waiting]:
                each.hears(event)
            each.look()
        sizes.append((bridge.count("interaction"), bridge.count("followup"), bridge.count("mirror")))

    # Then nothing was said that nobody said, and nothing grew
    assert [text for text, _ in bridge.desk.said(ticket)] == [
        "Where is my parcel?",
        "It left yesterday.",
        "Cleo: A note.",
    ]
    assert [text for text, _ in other.desk.said(theirs)] == ["Where is my parcel?", "It is on its way."]
    assert len(set(sizes)) == 1
    assert (bridge.conversation(ticket).state, other.conversation(theirs).state) == ("pending", "solved")


def test_a_hub_that_writes_to_files_tells_the_desk_nothing(bridge: Bridge, ticket: str) -> None:
    bridge.hub.settings.outbound = "file"
    calls = len(bridge.desk.calls)
    bridge.replies(ticket, "It left yesterday.")
    bridge.does(work.note, ticket, text="A note.")

    assert len(bridge.desk.calls) == calls
    assert bridge.conversation(ticket).mirrored == []

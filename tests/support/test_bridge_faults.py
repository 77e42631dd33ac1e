"""What can go wrong between the hub and a desk, and the documented state in which each ends."""

import pytest

from kinline import clock, handlers
from kinline.desk import work
from kinline.jobs import queue
from kinline.pretend import FakeAnswer, Fault
from kinline.store import sql
from kinline_support import calling
from kinline_support.pretend_zendesk import PretendZendesk

from .conftest import Bridge, Tie, later


def test_a_note_whose_answer_was_lost_stands_once_on_both_sides(bridge: Bridge, ticket: str) -> None:
    # Given a desk that did it and whose answer got lost, and its echo that came back before we knew
    bridge.desk.faults.append(Fault(how="drop", after=True))
    bridge.does(work.note, ticket, text="She is a good customer.")
    assert [each.state for each in bridge.conversation(ticket).mirrored] == ["unknown"]
    bridge.look()
    assert len(bridge.said(ticket)) == 3

    # When the hub asks again
    with clock.frozen(later(600)):
        handlers.drain(bridge.hub)

    # Then there is one note there, and one here
    assert bridge.conversation(ticket).mirrored == []
    assert len(bridge.desk.said(ticket)) == 2
    assert bridge.said(ticket)[1:] == [("note", "outbound", "She is a good customer.")]
    bridge.look()
    assert len(bridge.said(ticket)) == 2


def test_a_reply_whose_answer_was_lost_is_found_and_not_sent_again(bridge: Bridge, ticket: str) -> None:
    bridge.desk.faults.append(Fault(how="drop", after=True))
    followup = bridge.replies(ticket, "It left yesterday.")
    assert bridge.followup(followup)[0] == "unknown"
    bridge.look()

    with clock.frozen(later(120)):
        handlers.drain(bridge.hub)

    assert bridge.followup(followup)[0] == "sent"
    assert [text for text, _ in bridge.desk.said(ticket)] == ["Where is my parcel?", "It left yesterday."]
    assert bridge.said(ticket)[1:] == [("message", "outbound", "It left yesterday.")]


def test_a_reply_that_never_arrived_is_found_missing(bridge: Bridge, ticket: str) -> None:
    bridge.desk.faults.append(Fault(how="drop"))
    followup = bridge.replies(ticket, "It left yesterday.")
    assert bridge.followup(followup)[0] == "unknown"

    with clock.frozen(later(120)):
        handlers.drain(bridge.hub)

    assert bridge.followup(followup) == ("failed", "the provider never got it")
    assert len(bridge.desk.said(ticket)) == 1


#: The fault matrix of sending over HTTP: what happens, the state right after it, and in the end.
FAULTS: list[tuple[str, Fault, str, str]] = [
    ("400", Fault(FakeAnswer({"error": "x"}, 400)), "failed", "failed"),
    ("401", Fault(FakeAnswer({"error": "x"}, 401)), "pending", "sent"),
    ("404", Fault(FakeAnswer({"error": "x"}, 404)), "failed", "failed"),
    ("409", Fault(FakeAnswer({"error": "x"}, 409)), "pending", "sent"),
    ("422", Fault(FakeAnswer({"error": "x"}, 422)), "failed", "failed"),
    ("429", Fault(FakeAnswer({"error": "x"}, 429, {"retry-after": "7"})), "pending", "sent"),
    ("500 before", Fault(FakeAnswer({"error": "x"}, 500)), "unknown", "failed"),
    ("500 after", Fault(FakeAnswer({"error": "x"}, 500), after=True), "unknown", "sent"),
    ("503 with a time", Fault(FakeAnswer({"error": "x"}, 503, {"retry-after": "7"})), "pending", "sent"),
    ("503 without", Fault(FakeAnswer({"error": "x"}, 503)), "unknown", "failed"),
    ("301", Fault(FakeAnswer(b"", 301, {"location": "http://127.0.0.1:1/"})), "failed", "failed"),
    ("200 with garbage", Fault(FakeAnswer(b"<html>", 200), after=True), "unknown", "sent"),
    ("200 with other JSON", Fault(FakeAnswer([1], 200), after=True), "unknown", "sent"),
    ("200 with a login page", Fault(FakeAnswer(b"<html>log in", 200)), "unknown", "failed"),
    ("reset after it was done", Fault(how="drop", after=True), "unknown", "sent"),
    ("reset before", Fault(how="drop"), "unknown", "failed"),
    ("half an answer", Fault(how="half"), "unknown", "sent"),
    ("hangs after it was done", Fault(how="hang", after=True), "unknown", "sent"),
    ("hangs before", Fault(how="hang"), "unknown", "failed"),
]


@pytest.mark.parametrize(
    ("fault", "at_once", "in_the_end"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS]
)
def test_each_fault_ends_in_its_documented_state(
    bridge: Bridge, ticket: str, fault: Fault, at_once: str, in_the_end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.desk.faults.append(fault)
    with monkeypatch.context() as patience:
        patience.setattr(calling, "DEADLINE", 0.5 if fault.how == "hang" else 15.0)
        followup = bridge.replies(ticket, "It left yesterday.")
    assert bridge.followup(followup)[0] == at_once

    bridge.desk.faults.clear()
    with clock.frozen(later(400)):
        handlers.drain(bridge.hub)

    assert bridge.followup(followup)[0] == in_the_end
    written = [text for text, _ in bridge.desk.said(ticket)].count("It left yesterday.")
    assert written == (1 if in_the_end == "sent" else 0)


def test_a_desk_that_is_down_gets_it_when_it_is_up(bridge: Bridge, ticket: str) -> None:
    # Given nobody who listens at its address
    address = bridge.desk.url
    bridge.desk.stop()
    followup = bridge.replies(ticket, "It left yesterday.")

    assert bridge.followup(followup)[0] == "pending"
    assert address
    bridge.look()
    assert bridge.health().verdict == "failing"


def test_a_revoked_token_is_said_and_what_waits_goes_when_it_is_back(bridge: Bridge, ticket: str) -> None:
    bridge.desk.revoked = True
    bridge.look()
    found = bridge.health()
    assert (found.verdict, bridge.row().error_kind) == ("needs_you", "not_authorised")
    assert "token" in found.says

    followup = bridge.replies(ticket, "It left yesterday.")
    assert bridge.followup(followup)[0] == "pending"
    bridge.desk.revoked = False
    with clock.frozen(later(400)):
        handlers.drain(bridge.hub)
    bridge.look()
    assert bridge.followup(followup)[0] == "sent"
    assert bridge.health().error is None


def test_a_limit_is_honoured_and_shown(bridge: Bridge, ticket: str) -> None:
    bridge.desk.person_says(ticket, "Hello?")
    bridge.desk.faults.append(Fault(FakeAnswer({"error": "slow"}, 429, {"retry-after": "90"})))
    bridge.look()

    found = bridge.health()
    assert found.verdict == "waiting"
    assert 80 < (bridge.row().next_at - clock.now()) / clock.SECOND <= 90
    bridge.look()
    assert bridge.said(ticket)[-1][2] == "Hello?"


def test_a_desk_that_asks_for_a_second_gets_it(bridge: Bridge, ticket: str) -> None:
    bridge.desk.person_says(ticket, "Hello?")
    bridge.desk.faults.append(Fault(FakeAnswer({"error": "slow"}, 429, {"retry-after": "1"})))
    bridge.look()

    assert (bridge.said(ticket)[-1][2], bridge.health().error) == ("Hello?", None)


def test_a_sender_that_died_in_the_middle_sends_nothing_twice(bridge: Bridge, ticket: str) -> None:
    # Given a worker that died with the desk having it
    bridge.desk.faults.append(Fault(how="drop", after=True))
    followup = bridge.replies(ticket, "It left yesterday.")
    with bridge.hub.store.write() as session:
        sql.run(
            session, "UPDATE followup SET state = 'sending', owner = 'dead', lease_until = 0 WHERE id = {p}", followup
        )
        queue.plan(session, "followup.send", [followup])

    for seconds in (1, 120, 400):
        with clock.frozen(later(seconds)):
            handlers.drain(bridge.hub)

    assert bridge.followup(followup)[0] == "sent"
    assert len(bridge.desk.said(ticket)) == 2


def test_a_mirroring_that_died_in_the_middle_is_done_once(bridge: Bridge, ticket: str) -> None:
    bridge.desk.faults.append(Fault(how="drop", after=True))
    bridge.does(work.note, ticket, text="A note.")
    with bridge.hub.store.write() as session:
        sql.run(session, "UPDATE mirror SET state = 'sending' WHERE what = 'note'")

    with clock.frozen(later(600)):
        handlers.drain(bridge.hub)

    assert len(bridge.desk.said(ticket)) == 2
    assert bridge.conversation(ticket).mirrored == []


def test_what_cannot_be_mirrored_is_said_in_the_conversation(bridge: Bridge, ticket: str) -> None:
    bridge.desk.faults.append(Fault(FakeAnswer({"error": "RecordInvalid", "message": "closed"}, 422)))
    bridge.does(work.note, ticket, text="A note.")

    [found] = bridge.conversation(ticket).mirrored
    assert (found.what, found.state) == ("note", "failed")
    assert "422" in found.reason


def test_the_ten_calls_a_minute_of_zendesks_export_are_kept_to(tie: Tie) -> None:
    # Given a desk that has had its calls of this minute
    bridge = tie(PretendZendesk(settles=0, exports=1))
    bridge.look()
    bridge.look()

    assert bridge.health().verdict == "waiting"
    assert bridge.row().next_at > later(30)
    bridge.holds()

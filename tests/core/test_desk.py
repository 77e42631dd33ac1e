"""The hub's own desk: one conversation, whatever channel it runs over."""

import pytest

from kinline import clock, handlers
from kinline.accounts import connected
from kinline.desk import conversation_list, conversations, replies, work
from kinline.desk.replies import ReplyText
from kinline.errors import Conflict, Invalid
from kinline.hub import Hub
from kinline.identity import persons
from kinline.messages import Thread
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, RecordingFactory
from kinline.timeline.reading import everything


@pytest.fixture
def conversation(hub: Hub) -> str:
    """Ann wrote a mail to us."""
    mail = InteractionFactory.build(source_id="mail", thread=Thread(key="mail", private=True))
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING)):
        inbox = connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})
        record_batch(session, [RecordingFactory.build(account=inbox, what=mail)])
        [(_, found)] = conversation_list.listed(session, conversation_list.ConversationFilter(state="open"))
    return found.id


def test_a_reply_goes_out_over_the_channel_they_wrote_on(hub: Hub, conversation: str) -> None:
    # When Cleo of our desk answers a minute later (at the same moment, nobody could say who spoke last)
    with clock.frozen(clock.from_datetime(MORNING) + clock.MINUTE):
        with hub.store.write() as session:
            replies.reply(hub, session, conversation, ReplyText(text="It left yesterday."), agent="Cleo")
        handlers.drain(hub)

    # Then the mail is written, it is Ann's turn, and Cleo has the conversation
    assert len(list((hub.settings.home / "outbox" / "email").iterdir())) == 1
    with hub.store.read() as session:
        shown = conversations.view(session, conversations.find(session, conversation))
    assert (shown.state, shown.assignee, shown.waiting_since) == ("pending", "Cleo", None)


def test_an_answer_of_theirs_opens_it_again(hub: Hub, conversation: str) -> None:
    # Given a closed conversation
    with hub.store.write() as session:
        work.close(hub, session, conversation, agent="Cleo", outcome="answered")

    # When Ann writes again in the same thread
    again = InteractionFactory.build(source_id="more", thread=Thread(key="more", parent="mail", private=True))
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=inbox, what=again)])

    # Then it is open
    with hub.store.read() as session:
        assert conversations.find(session, conversation).state == "open"


def test_a_note_stands_on_the_timeline_and_goes_nowhere(hub: Hub, conversation: str) -> None:
    with hub.store.write() as session:
        work.note(hub, session, conversation, agent="Cleo", text="She sounds upset.")
    handlers.drain(hub)

    with hub.store.read() as session:
        newest, *_ = everything(session, persons.find(session, str(ANN)))
        assert sql.run(session, "SELECT count(*) FROM followup") == [(0,)]
    assert newest.shown["kind"] == "note"
    assert newest.shown["conversation"] == conversation


def test_a_call_opens_a_conversation_of_its_own(hub: Hub, conversation: str) -> None:
    with hub.store.write() as session:
        ann = persons.find(session, str(ANN))
        opened = work.open_conversation(
            hub, session, ann, agent="Cleo", text="She called about her parcel", team="support"
        )

    with hub.store.read() as session:
        shown = conversations.view(session, conversations.find(session, opened.id))
    assert (shown.team, shown.state, shown.persons) == ("support", "open", [ann])


def test_the_history_of_its_state_is_kept(hub: Hub, conversation: str) -> None:
    with hub.store.write() as session:
        work.close(hub, session, conversation, agent="Cleo")
        work.reopen(hub, session, conversation, agent="Dora")

    with hub.store.read() as session:
        entries = conversations.said(session, conversations.find(session, conversation))
    assert [b'"state":"closed"' in entry.json() for entry in entries[1:]] == [True, False]


def test_what_makes_no_sense_is_refused_in_words(hub: Hub, conversation: str) -> None:
    with hub.store.write() as session:
        with pytest.raises(Invalid, match="empty"):
            replies.reply(hub, session, conversation, ReplyText(text="  "), agent="Cleo")
        with pytest.raises(Conflict, match="open already"):
            work.reopen(hub, session, conversation, agent="Cleo")


def test_a_conversation_that_only_we_wrote_in_can_be_closed(hub: Hub, conversation: str) -> None:
    # Given that we wrote to Ben, who has not answered
    ours = InteractionFactory.build(ours=True, author=BEN, source_id="offer", thread=Thread(key="offer", private=True))
    with hub.store.write() as session:
        inbox = connected.ref(connected.named(session, "inbox"))
        record_batch(session, [RecordingFactory.build(account=inbox, what=ours)])
        [waiting] = [each for _, each in conversation_list.listed(session) if each.id != conversation]

        # When Cleo closes it
        work.close(hub, session, waiting.id, agent="Cleo")

        # Then it is closed
        assert conversations.find(session, waiting.id).state == "closed"

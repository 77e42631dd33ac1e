"""Who waits for us since when: on any channel, through merges, edits, deletions, and what people of ours say of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from kinline import clock
from kinline.desk import dismissals, replies, work
from kinline.desk.replies import ReplyText
from kinline.errors import Conflict, Invalid
from kinline.handlers import drain
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.messages import Deletion, Party, Receipt, Thread
from kinline.record.batch import record_batch
from kinline.scoring.correcting import correct
from kinline.store import sql
from kinline.store.models import Conversation
from kinline.testing.factories import ANN, BEN, CLEO, MORNING, InteractionFactory, RecordingFactory
from kinline.waiting import keep as waiting
from kinline.waiting.listing import List
from kinline.words import ConversationState, Direction, Kind, Origin, Role, Scored, Standing
from saying import account_of, by, by_us, connect_accounts, says, shown, since, under, who_waits

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """A mailbox, an account on X, and a desk elsewhere."""
    connect_accounts(hub)
    return hub


def join_ann(hub: Hub) -> str:
    """Ann by mail and Cleo on X are one."""
    with hub.store.write() as session:
        ann, cleo = (persons.find(session, str(handle)) for handle in (ANN, CLEO))
        merged = merges.merge(session, ann, cleo, evidence={}, made_by="Ben")
    drain(hub)
    return merged.id


def test_who_wrote_waits_since_their_first_unanswered_word(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "more", 2, **under("mail"))
    assert since(hub) == ["10:00"]

    # When a word from before arrives late
    says(hub, "late", 0.5, **under("mail", text="late"))
    assert since(hub) == ["09:30"]

    # And when we answer between the two, late too
    says(hub, "ours", 1.5, **under("mail", ours=True))
    assert since(hub) == ["11:00"]


def test_an_answer_elsewhere_lets_it_rest_for_four_hours_and_ends_nothing(hub: Hub) -> None:
    # Given Ann, who wrote a mail and two posts under another name, and is one person
    says(hub, "mail", 1)
    says(hub, "post", 2, on="x", author=CLEO)
    merged = join_ann(hub)

    # When we answer on X at noon
    says(hub, "ours", 3, on="x", below="post", **by_us(CLEO))

    # Then the post is answered, and the mail rests until four
    assert since(hub, 4) == []
    paused = [(each.channel, each.paused, each.paused_until) for each in who_waits(hub, 4, list=List.PAUSED)]
    assert paused == [("email", "us", "2026-03-02T16:00:00Z")]
    assert who_waits(hub, 4, list=List.PAUSED)[0].answered_in == shown(hub).id

    # And when the merge is undone nobody answered the mail
    with clock.frozen(clock.from_datetime(MORNING + timedelta(hours=4))):
        with hub.store.write() as session:
            merges.undo(session, merged, made_by="Ben")
        drain(hub)
    assert [(each.channel, each.since) for each in who_waits(hub, 4)] == [("email", "2026-03-02T10:00:00Z")]


def test_when_the_rest_is_over_they_wait_again_and_their_conversation_is_open(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "ours", 3, **by_us(ANN))
    assert (since(hub, 4), shown(hub, 4, number=1).state) == ([], "pending")

    with clock.frozen(clock.from_datetime(MORNING + timedelta(hours=7.5))):
        drain(hub)

    assert since(hub, 7.5) == ["10:00"]
    assert (shown(hub, 8).state, shown(hub, 8).waiting_since) == ("open", "2026-03-02T10:00:00Z")


def help_of(who: Any, asker: Any) -> dict[str, Any]:
    """Somebody answers somebody below our post, not meant for us."""
    parties = (Party(role=Role.AUTHOR, handle=who), Party(role=Role.MENTIONED, handle=asker))
    return {"kind": Kind.COMMENT, "parties": parties}


@pytest.mark.parametrize("direction", [Direction.AMONG, Direction.INBOUND])
def test_somebody_elses_answer_lets_it_rest_whatever_the_direction_and_says_so(hub: Hub, direction: Direction) -> None:
    # Given Ben's answer, which comes before the question that it answers
    says(hub, "helped", 2, on="x", direction=direction, below="post", **help_of(BEN, ANN))
    says(hub, "post", 1, on="x")

    # Then nobody waits for us, and it shows who helped
    assert since(hub) == []
    [paused] = who_waits(hub, list=List.PAUSED)
    with hub.store.read() as session:
        assert paused.answered_by == persons.find(session, str(BEN))
    assert (paused.paused, paused.paused_until, paused.answered_at) == ("peer", None, "2026-03-02T11:00:00Z")

    # And who asks us again waits since they first asked
    says(hub, "again", 3, on="x", below="helped", **by(ANN))
    assert since(hub) == ["10:00"]


def test_a_reaction_to_somebody_elses_answer_ends_it(hub: Hub) -> None:
    says(hub, "post", 1, on="x")
    says(hub, "helped", 2, on="x", direction=Direction.AMONG, below="post", **help_of(BEN, ANN))
    says(hub, "liked", 3, on="x", kind=Kind.REACTION, direction=Direction.AMONG, answers="helped", thread=None)

    assert since(hub, list=List.PAUSED) == []
    with hub.store.read() as session:
        assert sql.run(session, "SELECT ended_how FROM waiting WHERE level = 'direct'") == [("peer",)]


@pytest.mark.parametrize(
    "more",
    [
        {"automatic": "auto-reply"},
        {"moderation": "spam"},
        {"kind": Kind.ORDER},
        {"kind": Kind.PAGE_VIEW},
        {"kind": Kind.REACTION},
        {"kind": Kind.APP_EVENT},
        {"kind": Kind.NOTE},
        {"direction": Direction.AMONG},
        {"kind": Kind.CALL, "parties": by(ANN)["parties"]},
    ],
    ids=str,
)
def test_what_asks_nothing_starts_nothing(hub: Hub, more: dict[str, Any]) -> None:
    says(hub, "mail", 1, **more)

    assert since(hub) == []
    assert shown(hub).state == "pending"


def test_a_call_that_nobody_took_asks(hub: Hub) -> None:
    says(hub, "call", 1, kind=Kind.CALL, facts={"missed": True}, **by(ANN))

    assert since(hub) == ["10:00"]


def test_who_left_only_a_name_waits_under_it(hub: Hub) -> None:
    says(hub, "comment", 1, kind=Kind.COMMENT, parties=(Party(role=Role.AUTHOR, name="A passer-by"),))

    [line] = who_waits(hub)
    assert (line.name, line.name_standing, line.person) == ("A passer-by", "claimed", "")

    # And is answered by its own conversation alone
    says(hub, "ours", 2, kind=Kind.COMMENT, below="comment", **by_us())
    assert since(hub) == []


def test_what_was_imported_waits_in_a_list_of_its_own(hub: Hub) -> None:
    says(hub, "ours", 0, origin=Origin.IMPORT, ours=True, thread=Thread(key="another", private=True))
    says(hub, "mail", 1, origin=Origin.IMPORT)
    says(hub, "long ago", -1, origin=Origin.IMPORT)

    assert since(hub) == []
    assert since(hub, list=List.IMPORTED) == ["08:00", "10:00"]

    # And once they write to us they wait for us, since then
    says(hub, "again", 2, **under("mail"))
    assert since(hub) == ["11:00"]


def test_a_clock_that_is_behind_does_not_hide_who_answers_us(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "ours", 3, **under("mail", ours=True))

    # When they answer that, by a clock that is two days behind
    says(hub, "back", -45, **under("mail", answers="ours"))

    assert since(hub) == ["12:00"]


@pytest.mark.parametrize("state", [ConversationState.SOLVED, ConversationState.CLOSED])
def test_closing_settles_what_was_asked_and_the_next_word_asks_anew(hub: Hub, state: ConversationState) -> None:
    says(hub, "mail", -1)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING)):
        work.to_state(hub, session, shown(hub).id, state, agent="Cleo")
    assert since(hub) == []

    says(hub, "again", 1, **under("mail"))
    assert (since(hub), shown(hub).state) == (["10:00"], "open")


@pytest.mark.parametrize(
    "more", [{"kind": Kind.PAGE_VIEW}, {"kind": Kind.REACTION}, {"moderation": "spam"}, {"automatic": "auto-replied"}], ids=str
)  # fmt: skip
def test_what_asks_nothing_changes_nothing_about_a_solved_conversation(hub: Hub, more: dict[str, Any]) -> None:
    says(hub, "mail", -1)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING)):
        work.to_state(hub, session, shown(hub).id, ConversationState.SOLVED, agent="Cleo")

    says(hub, "more", 1, **{**under("mail"), **more})

    assert (since(hub), shown(hub).state, shown(hub).waiting_since) == ([], "solved", None)


def test_what_is_in_no_conversation_waits_too(hub: Hub) -> None:
    says(hub, "one", 1, on="x", thread=None)
    says(hub, "two", 2, on="x", thread=None)
    assert since(hub) == ["10:00", "11:00"]

    says(hub, "ours", 3, on="x", answers="one", thread=None, **by_us())
    assert since(hub) == ["11:00"]


def test_a_public_answer_settles_what_it_names_and_nothing_later(hub: Hub) -> None:
    # Given two comments of Ann's below a post of ours
    says(hub, "post", 0, on="x", kind=Kind.POST, **by_us())
    says(hub, "first", 1, on="x", kind=Kind.COMMENT, below="post")
    says(hub, "second", 2, on="x", kind=Kind.COMMENT, below="post", text="And another thing")

    # When one of us answers the first
    says(hub, "ours", 3, on="x", kind=Kind.COMMENT, below="first", **by_us())

    # Then she waits since the second
    assert since(hub) == ["11:00"]


def test_in_a_private_place_all_are_answered_and_in_mail_those_who_got_it(hub: Hub) -> None:
    for on in ("desk", "inbox"):
        mail = on == "inbox"
        says(hub, "ann", 1, on=on, thread=Thread(key="t", private=True, claimed=mail), **by(ANN, BEN))
        says(
            hub,
            "ben",
            2,
            on=on,
            thread=Thread(key="t2" if mail else "t", parent="t", private=True, claimed=mail),
            **by(BEN, ANN),
        )
        says(
            hub,
            "ours",
            3,
            on=on,
            thread=Thread(key="t3" if mail else "t", parent="t2", private=True, claimed=mail),
            **by_us(ANN),
        )

        assert since(hub, channel={"desk": "support", "inbox": "email"}[on]) == (["11:00"] if mail else [])


def test_a_forward_to_somebody_else_answers_nobody(hub: Hub) -> None:
    says(hub, "mail", 1, thread=Thread(key="mail", private=True, claimed=True))
    forward = Thread(key="forward", parent="mail", private=True, claimed=True)
    says(hub, "ours", 2, thread=forward, answers="mail", **by_us(BEN))

    assert since(hub) == ["10:00"]


def test_what_only_claims_to_be_from_us_answers_nothing(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "forged", 2, flags=("ours_unproved",), **under("mail", ours=True))

    assert since(hub) == ["10:00"]


def test_of_history_what_nobody_vouched_for_counts_once_it_was_answered(hub: Hub) -> None:
    def thread(key: str, parent: str = "") -> Thread:
        return Thread(key=key, parent=parent, private=True, claimed=True)

    says(hub, "mail", 1, thread=thread("mail"), origin=Origin.IMPORT)
    says(hub, "ours", 2, thread=thread("ours", "mail"), flags=("ours_unproved",), origin=Origin.IMPORT, **by_us(ANN))
    assert since(hub, list=List.IMPORTED) == ["10:00"]

    # When she answers it, so she got it
    says(hub, "thanks", 3, thread=thread("thanks", "ours"), origin=Origin.IMPORT)
    assert since(hub, list=List.IMPORTED) == ["12:00"]


def test_to_many_at_once_is_no_answer(hub: Hub) -> None:
    says(hub, "mail", 1)
    crowd = [msg_handle(number) for number in range(11)]
    says(hub, "news", 2, **by_us(ANN, *crowd))

    assert since(hub) == ["10:00"]


def msg_handle(number: int) -> Any:
    from kinline.handles import Handle
    from kinline.words import HandleType

    return Handle(HandleType.EMAIL, f"reader-{number}@example.org")


def test_an_edit_and_a_deletion_are_seen(hub: Hub) -> None:
    # Given a mail that we answered
    says(hub, "mail", 1)
    says(hub, "ours", 2, **under("mail", ours=True))
    assert since(hub) == []

    # When our answer is deleted there, she waits again; when her mail is called spam, no more
    with hub.store.write() as session:
        gone = Deletion(source_id="ours", occurred_at=MORNING + timedelta(hours=3))
        record_batch(session, [RecordingFactory.build(account=account_of(session, "inbox"), what=gone)])
    assert since(hub) == ["10:00"]
    says(hub, "mail", 1, moderation="spam", changed_at=MORNING + timedelta(hours=4))
    assert (since(hub), shown(hub).state) == ([], "pending")


def test_what_they_withdraw_waits_no_more(hub: Hub) -> None:
    says(hub, "mail", 1)
    with hub.store.write() as session:
        gone = Deletion(source_id="mail", occurred_at=MORNING + timedelta(hours=3))
        record_batch(session, [RecordingFactory.build(account=account_of(session, "inbox"), what=gone)])

    assert since(hub) == []
    with hub.store.read() as session:
        assert sql.run(session, "SELECT ended_how FROM waiting") == [("withdrawn",)]


def test_an_answer_that_bounced_answered_nobody(hub: Hub) -> None:
    # Given Ann's mail, which Cleo answered from here
    says(hub, "mail", 1, thread=Thread(key="mail", private=True, claimed=True), facts={"message_id": "mail"})
    with clock.frozen(clock.from_datetime(MORNING + timedelta(hours=2))):
        with hub.store.write() as session:
            replies.reply(hub, session, shown(hub).id, ReplyText(text="It left."), agent="Cleo")
        drain(hub)
    assert since(hub) == []

    # When it comes back for good
    with hub.store.write() as session:
        [(sent,)] = sql.run(session, "SELECT source_id FROM interaction WHERE direction = 'outbound'")
        bounced = Receipt(
            source_id=sent, report="bounced", occurred_at=MORNING + timedelta(hours=3), recipient=ANN, permanent=True
        )
        record_batch(session, [RecordingFactory.build(account=account_of(session, "inbox"), what=bounced)])
    drain(hub)

    # Then she waits since she did
    assert since(hub) == ["10:00"]


def test_help_that_turns_out_to_be_a_question_pauses_nobody(hub: Hub) -> None:
    says(hub, "post", 1, on="x")
    says(hub, "me too", 2, on="x", direction=Direction.AMONG, below="post", **help_of(BEN, ANN))
    assert since(hub) == []

    # When somebody of us says that it asks something
    with hub.store.write() as session:
        [(interaction,)] = sql.run(session, "SELECT id FROM interaction WHERE source_id = 'me too'")
        correct(session, interaction, Scored.TOPIC, "question", by="Cleo")
        waiting.reconsider(session, [interaction])

    # Then Ann waits, and Ben is marked in his list
    assert since(hub) == ["10:00"]
    assert [each.also_asks for each in who_waits(hub, list=List.INDIRECT)] == [True]


# What people of ours say


def test_a_dismissal_holds_until_their_next_word_and_can_be_taken_back(hub: Hub) -> None:
    says(hub, "mail", 1)
    [line] = who_waits(hub)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING + timedelta(hours=2))):
        with pytest.raises(Invalid, match="Say why"):
            dismissals.dismiss(session, line.id, reason=" ", by="Cleo")
        dismissals.dismiss(session, line.id, reason="Only thanks", by="Cleo")
        with pytest.raises(Conflict, match="Nobody waits there"):
            dismissals.dismiss(session, line.id, reason="Again", by="Cleo")
    assert since(hub) == []

    # When it is taken back she waits since she did
    with hub.store.write() as session:
        dismissals.undismiss(session, line.id, by="Dora")
        with pytest.raises(Conflict, match="not dismissed"):
            dismissals.undismiss(session, line.id, by="Dora")
    assert since(hub) == ["10:00"]


def test_after_a_dismissal_the_next_word_asks_anew(hub: Hub) -> None:
    says(hub, "mail", 1)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING + timedelta(hours=2))):
        dismissals.dismiss(session, who_waits(hub)[0].id, reason="Only thanks", by="Cleo")

    says(hub, "again", 3, **under("mail"))
    assert since(hub) == ["12:00"]


def test_what_one_of_us_passed_on_waits_until_it_is_said_who_asked(hub: Hub) -> None:
    # Given Ann, whom we know, and a mail of a colleague to our mailbox with her question in it
    says(hub, "known", -5, automatic="auto-reply")
    passed_on: dict[str, Any] = {
        "parties": (Party(role=Role.AUTHOR, name="Dora", ours=True), Party(role=Role.RECIPIENT, ours=True))
    }
    thread = Thread(key="fwd", private=True, claimed=True)
    says(hub, "fwd", 1, direction=Direction.OUTBOUND, text="Please take care", thread=thread, **passed_on)
    assert since(hub) == []
    [line] = who_waits(hub, list=List.FORWARDED)
    assert (line.since, line.person) == ("2026-03-02T10:00:00Z", "")

    # When Cleo says that it is Ann's
    with hub.store.write() as session:
        ann = persons.find(session, str(ANN))
        waits = dismissals.name_asker(session, line.id, ann, by="Cleo")

    # Then Ann waits since then
    [line] = who_waits(hub)
    assert (line.id, line.person, line.since, line.level) == (waits, ann, "2026-03-02T10:00:00Z", "direct")
    assert who_waits(hub, list=List.FORWARDED) == []


def test_what_is_put_off_leaves_the_list_until_its_time_or_their_next_word(hub: Hub) -> None:
    says(hub, "mail", 1)
    conversation = shown(hub).id
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING + timedelta(hours=2))):
        row = session.get_one(Conversation, conversation)
        with pytest.raises(Invalid, match="within a year"):
            dismissals.snooze(session, row, clock.now() - 1)
        dismissals.snooze(session, row, clock.now() + 3 * clock.HOUR)

    assert [since(hub, 3), since(hub, 3, list=List.SNOOZED), since(hub, 6)] == [[], ["10:00"], ["10:00"]]
    assert shown(hub, 3).snoozed_until == "2026-03-02T14:00:00Z"

    says(hub, "again", 3, **under("mail"))
    assert since(hub, 3.5) == ["10:00"]


def test_the_list_is_narrowed(hub: Hub) -> None:
    says(hub, "mail", 1)
    says(hub, "post", 2, on="x", author=CLEO)

    assert [each.channel for each in who_waits(hub)] == ["email", "twitter"]
    assert [each.kind for each in who_waits(hub, channel="twitter")] == ["mention"]
    assert [each.channel for each in who_waits(hub, kind="message")] == ["email"]
    assert who_waits(hub, team="sales") == []
    with hub.store.read() as session:
        ann = persons.find(session, str(ANN))
    assert [each.person for each in who_waits(hub, person=ann)] == [ann]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("first", ["mail", "ours"])
def test_a_question_and_its_answer_in_flight_do_not_pass_each_other(hub: Hub, first: str) -> None:
    # Given a question and a later answer to it, each in a transaction of its own, at once
    thread = {"mail": Thread(key="mail", private=True), "ours": Thread(key="ours", parent="mail", private=True)}
    said = {
        "mail": InteractionFactory.build(source_id="mail", thread=thread["mail"]),
        "ours": InteractionFactory.build(
            source_id="ours", ours=True, occurred_at=MORNING + timedelta(hours=1), thread=thread["ours"]
        ),
    }
    second = "ours" if first == "mail" else "mail"
    says(hub, "before", -2, ours=True)

    def record(name: str) -> None:
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=account_of(session, "inbox"), what=said[name])])

    # When the second comes while the first is not committed yet
    with ThreadPoolExecutor(1) as other:
        with hub.store.write() as session:
            record_batch(session, [RecordingFactory.build(account=account_of(session, "inbox"), what=said[first])])
            waiting = other.submit(record, second)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
        waiting.result(10)

    # Then the answer answered
    assert since(hub) == []


def test_a_claimed_name_is_told_as_claimed(hub: Hub) -> None:
    author = Party(role=Role.AUTHOR, handle=ANN, name="The Director", standing=Standing.CLAIMED)
    says(hub, "mail", 1, parties=(author,))

    [line] = who_waits(hub)
    assert (line.name, line.name_standing) == ("The Director", "claimed")

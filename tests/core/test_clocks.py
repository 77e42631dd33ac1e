"""The clock of an answer that we promised: what starts it, what lets it rest, what stops it, on which channel, in any order."""

from datetime import timedelta

import pytest

from kinline import clock
from kinline.calendars import Spec
from kinline.clock import HOUR
from kinline.desk import conversation_list, work
from kinline.desk.conversation_list import ConversationFilter
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.messages import Party, Thread
from kinline.testing.factories import ANN, BEN, CLEO, MORNING
from kinline.waiting import due as due_times
from kinline.waiting import policies
from kinline.waiting.policies import Policy, Times
from kinline.words import ConversationState, Direction, Kind, Origin, Priority, Role
from saying import by, by_us, connect_accounts, says, shown, under

#: Monday, nine in the morning in London.
OFFICE = Spec(zone="Europe/London", hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "17:00"),)))
PROMISE = Policy(
    calendar="office",
    first_response=Times(normal="4h", urgent="30m"),
    next_response=Times(normal="8h"),
)


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """A mailbox, an account on X, and a promise of four hours in office hours."""
    connect_accounts(hub)
    with hub.store.write() as session:
        policies.save_calendar(session, "office", OFFICE)
        policies.save_policy(session, "", PROMISE)
    return hub


def due(hub: Hub) -> str | None:
    found = shown(hub).clock
    return found.due_at if found else None


def test_what_they_write_starts_the_clock_in_working_time(desk: Hub) -> None:
    # Given a mail an hour before the office closes
    says(desk, "mail", 7)

    # Then three hours of the four are left for Tuesday
    assert due(desk) == "2026-03-03T12:00:00Z"


def test_the_first_unanswered_word_counts(desk: Hub) -> None:
    says(desk, "mail", 1)
    says(desk, "more", 2, **under("mail"))
    assert due(desk) == "2026-03-02T14:00:00Z"

    # And one that was written before and arrives after counts too
    says(desk, "late", 0.5, **under("mail", text="late"))
    assert due(desk) == "2026-03-02T13:30:00Z"


def test_an_answer_stops_it_and_the_next_has_its_own_time(desk: Hub) -> None:
    says(desk, "mail", 1)
    says(desk, "answer", 2, ours=True, **under("mail"))
    assert shown(desk).clock is None
    assert shown(desk).state == "pending"

    says(desk, "again", 3, **under("mail", text="x"))
    assert (shown(desk).state, due(desk)) == ("open", "2026-03-03T12:00:00Z")


def test_an_answer_on_another_channel_lets_it_rest_for_four_working_hours(desk: Hub) -> None:
    # Given Ann by mail and Ann on X, who are one
    says(desk, "mail", 1)
    says(desk, "post", 1.5, on="x", author=CLEO)
    with desk.store.write() as session:
        ann, cleo = (persons.find(session, str(handle)) for handle in (ANN, CLEO))
        merges.merge(session, ann, cleo, evidence={}, made_by="a test")

    # When one of us answers on X at eleven, an hour into the four of the mail
    says(desk, "reply", 2, on="x", below="post", **by_us(CLEO))

    # Then the post is answered; the mail's clock goes on at three, with its three hours, into Tuesday
    states = {each.channel: (each.state, each.clock) for each in (shown(desk, 3, number=n) for n in (0, 1))}
    assert states["twitter"] == ("pending", None)
    assert states["email"][1] is not None
    assert states["email"][1].due_at == "2026-03-03T10:00:00Z"


def test_what_a_machine_of_ours_says_stops_nothing(desk: Hub) -> None:
    says(desk, "mail", 1)
    says(desk, "auto", 2, ours=True, automatic="auto-reply", **under("mail"))
    says(desk, "note", 2, ours=True, kind=Kind.NOTE, **under("mail", text="n"))

    assert due(desk) == "2026-03-02T14:00:00Z"


def test_somebody_else_who_answers_them_lets_it_rest(desk: Hub) -> None:
    says(desk, "post", 1, on="x", author=CLEO)
    ben = (Party(role=Role.AUTHOR, handle=BEN),)
    says(desk, "peer", 2, on="x", below="post", direction=Direction.AMONG, parties=ben)

    resting = shown(desk).clock
    assert resting is not None
    assert (resting.paused, resting.due_at, resting.overdue) == (True, None, False)

    # When they ask us again after an hour, it goes on with the three that are left
    says(desk, "again", 3, on="x", below="peer", **by(CLEO))
    says(desk, "aside", 4, on="x", below="peer", direction=Direction.AMONG, parties=ben)
    assert due(desk) == "2026-03-02T15:00:00Z"


def test_history_starts_no_clock(desk: Hub) -> None:
    says(desk, "mail", 1, origin=Origin.IMPORT)
    assert shown(desk).clock is None


def test_an_answer_that_arrives_after_their_next_word_leaves_that_open(desk: Hub) -> None:
    says(desk, "mail", 1)
    says(desk, "more", 3, **under("mail"))
    says(desk, "answer", 2, ours=True, **under("mail", text="a"))

    found = shown(desk)
    assert (found.state, found.clock and found.clock.since) == ("open", "2026-03-02T12:00:00Z")


def test_an_answer_that_came_first_counts_when_the_question_arrives(desk: Hub) -> None:
    says(desk, "answer", 2, ours=True, **under("mail"))
    says(desk, "mail", 1)

    assert shown(desk).clock is None


def test_a_late_answer_is_counted(desk: Hub) -> None:
    says(desk, "mail", 1)
    assert [shown(desk, hour).clock.overdue for hour in (4.9, 5.1)] == [False, True]  # type: ignore[union-attr]

    says(desk, "answer", 6, ours=True, **under("mail"))

    found = shown(desk).clock
    assert found is not None
    assert (found.missed, found.due_at, found.since) == (1, None, None)


def move(hub: Hub, hours: float, state: ConversationState) -> None:
    at = clock.from_datetime(MORNING + timedelta(hours=hours))
    with hub.store.write() as session, clock.frozen(at):
        work.to_state(hub, session, shown(hub).id, state, agent="Cleo")


def test_on_hold_it_rests_and_goes_on_with_what_was_left(desk: Hub) -> None:
    # Given an hour that ran, and two hours on hold
    says(desk, "mail", 1)
    move(desk, 2, ConversationState.ON_HOLD)
    paused = shown(desk, 9).clock
    assert paused is not None
    assert (paused.paused, paused.overdue, paused.due_at) == (True, False, None)

    move(desk, 4, ConversationState.OPEN)

    # Then three hours are left
    assert due(desk) == "2026-03-02T16:00:00Z"


def test_their_word_takes_it_off_hold(desk: Hub) -> None:
    says(desk, "mail", 1)
    move(desk, 2, ConversationState.ON_HOLD)
    says(desk, "more", 4, **under("mail"))

    assert (shown(desk).state, due(desk)) == ("open", "2026-03-02T16:00:00Z")


def test_solving_it_ends_what_is_owed(desk: Hub) -> None:
    says(desk, "mail", 1)
    move(desk, 2, ConversationState.SOLVED)

    assert shown(desk).clock is None


def test_priority_team_and_policy_aim_it_anew(desk: Hub) -> None:
    says(desk, "mail", 1)
    conversation = shown(desk).id
    with desk.store.write() as session:
        work.prioritise(desk, session, conversation, agent="Cleo", priority=Priority.URGENT)
    assert due(desk) == "2026-03-02T10:30:00Z"

    with desk.store.write() as session:
        policies.save_policy(session, "north", Policy(first_response=Times(urgent="10m")))
        work.assign(desk, session, conversation, agent="Cleo", team="north", assignee=None)
    assert due(desk) == "2026-03-02T10:10:00Z"

    with desk.store.write() as session:
        policies.save_policy(session, "north", Policy(first_response=Times(urgent="1h")))
        assert due_times.aim_all(session) == 1
    assert due(desk) == "2026-03-02T11:00:00Z"

    with desk.store.write() as session:
        for team in ("north", ""):
            policies.drop_policy(session, team)
        due_times.aim_all(session)
    assert shown(desk).clock is None


def test_overdue_conversations_are_found(desk: Hub) -> None:
    says(desk, "mail", 1)
    says(desk, "other", 3, author=BEN)

    with desk.store.read() as session, clock.frozen(clock.from_datetime(MORNING) + 6 * HOUR):
        late = conversation_list.listed(session, ConversationFilter(overdue=True))
        fine = conversation_list.listed(session, ConversationFilter(overdue=False))

    assert [len(late), len(fine)] == [1, 1]
    assert late[0][1].clock is not None
    assert late[0][1].clock.due_at == "2026-03-02T14:00:00Z"


def test_the_clock_goes_along_when_conversations_are_joined(desk: Hub) -> None:
    # Given two mails that a third shows to be one conversation
    says(desk, "b", 1, thread=Thread(key="b", parent="a", private=True))
    says(desk, "d", 2, thread=Thread(key="d", parent="c", private=True))
    says(desk, "joins", 2.5, thread=Thread(key="c", parent="b", private=True))

    with desk.store.read() as session:
        [(_, one)] = conversation_list.listed(session)
    assert one.clock is not None
    assert one.clock.due_at in ("2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z")


def test_nobody_counts_where_nothing_is_promised(hub: Hub) -> None:
    connect_accounts(hub)
    says(hub, "mail", 1)

    assert (shown(hub).clock, shown(hub).waiting_since) == (None, "2026-03-02T10:00:00Z")

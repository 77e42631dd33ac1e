"""A silence of ours follows how they wait: closing and dismissing end it, a peer's answer lets it rest, and it begins anew."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from kinline import clock, handlers
from kinline.catalogue import trigger_store
from kinline.desk import dismissals, work
from kinline.hub import Hub
from kinline.messages import Party
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING
from kinline.triggers import Evidence, Fire, History, Outcome, Seen, Settled, Wait, evaluate, read_trigger
from kinline.triggers.history import Waited
from kinline.words import Direction, Kind, Origin, Role, Standing, TriggerState
from saying import by, by_us, connect_accounts, says, under, who_waits

pytestmark = pytest.mark.usefixtures("desk")
SILENT = "{silence: {of: us, for: 2h}}"
HELPED = "{answered_by_peer: {}}"


@pytest.fixture
def desk(hub: Hub) -> Hub:
    return watch(hub)


def watch(hub: Hub) -> Hub:
    """A mailbox and an account on X; and triggers for what we leave unanswered, and for what others answer."""
    connect_accounts(hub)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(MORNING - timedelta(hours=1))):
        for name, when in (("silent", SILENT), ("helped", HELPED)):
            text = f"name: {name}\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: care, title: {name}}}}}]\n"
            trigger_store.save(session, text, made_by="Cleo")
            trigger_store.set_state(session, name, TriggerState.LIVE, override="a test")
    return hub


def at(hours: float) -> Any:
    return clock.frozen(clock.from_datetime(MORNING + timedelta(hours=hours)))


def waits(hub: Hub) -> list[tuple[str, str]]:
    with hub.store.read() as session:
        return [(state, reason) for state, reason in sql.run(session, "SELECT state, reason FROM wait")]


def fired(hub: Hub, hours: float, name: str = "silent") -> list[str]:
    """When that trigger fired up to so many hours after nine: the hour and the minute of each."""
    with at(hours):
        handlers.drain(hub)
    statement = (
        "SELECT d.at FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id WHERE t.name = {p} AND d.verdict = 'fired' "
        "ORDER BY d.at"
    )
    with hub.store.read() as session:
        return [str(clock.to_text(moment))[11:16] for (moment,) in sql.run(session, statement, name)]


def helps(direction: Direction) -> dict[str, Any]:
    """Ben answers Ann; in the brand's thread on X he names the brand too."""
    brand = (Party(role=Role.MENTIONED, name="Lamp Shop", ours=True),) if direction is Direction.INBOUND else ()
    parties = (Party(role=Role.AUTHOR, handle=BEN), Party(role=Role.RECIPIENT, handle=ANN), *brand)
    return {"kind": Kind.MENTION, "parties": parties, "direction": direction}


def test_what_we_leave_unanswered_is_noticed(hub: Hub) -> None:
    says(hub, "q", 0)
    assert fired(hub, 1.9) == []
    assert fired(hub, 2) == ["11:00"]


def test_closing_ends_it_and_the_next_cry_begins_it_anew(hub: Hub) -> None:
    # Given a case that is closed
    says(hub, "q", 0)
    fired(hub, 0)
    with hub.store.write() as session, at(1):
        [(conversation,)] = sql.run(session, "SELECT id FROM conversation")
        work.close(hub, session, conversation, agent="Cleo")

    # Then nobody hears that we will answer today
    assert fired(hub, 3) == []
    assert waits(hub) == [("closed", "ended")]

    # And the next cry for help is noticed
    says(hub, "again", 4, **under("q", **by(ANN)))
    assert fired(hub, 7) == ["15:00"]


def test_what_is_closed_while_time_goes_on_says_so_at_once(hub: Hub) -> None:
    # Given somebody who waits, and a clock that goes on while their case is closed
    says(hub, "q", 0)
    fired(hub, 0)
    moments = count(clock.from_datetime(MORNING + timedelta(hours=1)), 1000)
    with hub.store.write() as session, clock.frozen(lambda: next(moments)):
        [(conversation,)] = sql.run(session, "SELECT id FROM conversation")
        work.close(hub, session, conversation, agent="Cleo")

    # Then nothing waits for the hour at which it would have been due
    assert fired(hub, 1.1) == []
    assert waits(hub) == [("closed", "ended")]


def test_dismissing_ends_it_and_undoing_that_lets_it_go_on(hub: Hub) -> None:
    # Given somebody who waits, which somebody says needs no answer
    says(hub, "q", 0)
    fired(hub, 0)
    [waiting] = who_waits(hub)
    with hub.store.write() as session, at(1):
        dismissals.dismiss(session, waiting.id, reason="thanks", by="Cleo")

    # Then a trigger waits no more
    assert fired(hub, 1.1) == []
    assert waits(hub) == [("closed", "ended")]

    # And when that is taken back it waits again, since they asked
    with hub.store.write() as session, at(1.5):
        dismissals.undismiss(session, waiting.id, by="Cleo")
    assert fired(hub, 1.6) == []
    assert waits(hub) == [("armed", "")]
    assert fired(hub, 3) == ["11:00"]


def test_what_is_dismissed_when_it_should_have_fired_fires_when_that_is_taken_back(hub: Hub) -> None:
    says(hub, "q", 0)
    fired(hub, 0)
    [waiting] = who_waits(hub)
    with hub.store.write() as session, at(1):
        dismissals.dismiss(session, waiting.id, reason="thanks", by="Cleo")
    assert fired(hub, 3) == []
    with hub.store.write() as session, at(4):
        dismissals.undismiss(session, waiting.id, by="Cleo")

    assert fired(hub, 4) == ["11:00"]


def test_of_two_conversations_the_one_that_is_left_still_waits(hub: Hub) -> None:
    says(hub, "q", 0)
    says(hub, "other", 1, text="Something else")
    fired(hub, 1)
    with hub.store.write() as session, at(1.5):
        [(conversation,)] = sql.run(
            session,
            "SELECT k.conversation_id FROM interaction i JOIN thread_key k ON k.id = i.thread_key_id WHERE i.source_id = 'q'",
        )
        work.close(hub, session, conversation, agent="Cleo")

    assert fired(hub, 4) == ["12:00"]


@pytest.mark.parametrize("direction", [Direction.AMONG, Direction.INBOUND])
def test_somebody_elses_answer_is_seen_and_lets_it_rest_whatever_the_direction(hub: Hub, direction: Direction) -> None:
    # Given a question on X that a fan answers, naming the brand too, within an hour
    says(hub, "q", 0, on="x")
    fired(hub, 0)
    says(hub, "helped", 1, on="x", below="q", **helps(direction))

    # Then it is an answer by a peer, and our silence is none
    assert fired(hub, 3, "helped") == ["10:00"]
    assert fired(hub, 3) == []

    # And when they ask us again, what was left of the time runs on
    says(hub, "still", 5, on="x", below="helped", kind=Kind.MENTION, **by(ANN))
    assert fired(hub, 5.9) == []
    assert fired(hub, 6) == ["15:00"]


def test_a_colleague_in_copy_who_writes_to_us_helps_nobody(hub: Hub) -> None:
    says(hub, "q", 0, **by(ANN, BEN))
    says(hub, "colleague", 1, **under("q", **by(BEN, ANN)), answers="q")

    assert fired(hub, 3, "helped") == []
    assert fired(hub, 3) == ["11:00", "12:00"]  # for Ann, and for Ben


def test_after_it_fired_what_is_asked_next_begins_anew(hub: Hub) -> None:
    says(hub, "q", 0)
    assert fired(hub, 3) == ["11:00"]
    says(hub, "hello?", 4, **under("q", **by(ANN)))
    says(hub, "hello??", 5, **under("q", text="x", **by(ANN)))

    assert fired(hub, 9) == ["11:00", "15:00"]


def test_an_answer_of_ours_ends_it(hub: Hub) -> None:
    says(hub, "q", 0)
    says(hub, "a", 1, **under("q", **by_us(ANN)))

    assert fired(hub, 3) == []


@pytest.mark.parametrize("more", [{"kind": Kind.ORDER}, {"kind": Kind.REACTION}, {"moderation": "spam"}])
def test_what_asks_nothing_begins_nothing(hub: Hub, more: dict[str, Any]) -> None:
    says(hub, "q", 0, **more)

    assert fired(hub, 3) == []
    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM wait") == [(0,)]


def test_what_was_imported_runs_no_clock_of_ours(hub: Hub) -> None:
    says(hub, "q", 0, origin=Origin.IMPORT)

    assert fired(hub, 3) == []


def test_a_ticket_that_one_of_us_answers_is_answered_for_everybody_in_it(hub: Hub) -> None:
    """Also for whom the answer does not name: they have it on no timeline of theirs."""
    says(hub, "q", 0, on="desk", **by(ANN))
    fired(hub, 0)
    says(hub, "a", 1, on="desk", **under("q", **by_us()))

    assert fired(hub, 3) == []


# the pure function


def asks(when: str, *waited: Waited, now: int, seen: tuple[int, ...] = (0,)) -> list[Outcome]:
    trigger = read_trigger(f"name: t\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: a, title: b}}}}]\n")
    said = [
        Seen(
            id=str(each), at=each * HOUR, recorded_at=each * HOUR, kind=Kind.MESSAGE, direction=Direction.INBOUND,
            channel="email", conversation="c", standing=Standing.VERIFIED,
        )
        for each in seen
    ]  # fmt: skip
    return list(evaluate(trigger, History.of(said, waited=waited), now * HOUR))


HOUR = clock.HOUR
ASKED = Waited(place="c", asked="0", since=0)


def test_pauses_are_not_counted_and_while_one_lasts_nothing_is_due() -> None:
    rests = Waited(place="c", asked="0", since=0, pauses=((HOUR, 5 * HOUR),))

    assert [one.at for one in asks(SILENT, rests, now=9) if isinstance(one, Fire)] == [6 * HOUR]
    assert [one.due_at for one in asks(SILENT, rests, now=5) if isinstance(one, Wait)] == [6 * HOUR]
    [resting] = asks(SILENT, rests, now=4)
    assert isinstance(resting, Settled)
    assert (resting.reason, resting.at) == ("resting", HOUR)


def test_what_is_not_known_yet_ends_nothing() -> None:
    closed = Waited(place="c", asked="0", since=0, ended_at=HOUR)

    assert [type(one) for one in asks(SILENT, closed, now=0)] == [Wait]
    [settled] = asks(SILENT, closed, now=1)
    assert isinstance(settled, Settled)
    assert settled.reason == "ended"


def test_what_is_closed_after_it_fired_takes_nothing_back() -> None:
    closed = Waited(place="c", asked="0", since=0, ended_at=3 * HOUR)

    assert [type(one) for one in asks(SILENT, closed, now=9)] == [Fire]


def test_who_did_not_ask_us_directly_is_owed_nothing() -> None:
    assert asks(SILENT, now=9) == []
    assert isinstance(asks(SILENT, ASKED, now=9)[0].evidence, Evidence)

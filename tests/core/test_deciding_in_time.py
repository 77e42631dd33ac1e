"""Working time, organisations and habits on a real store: what waits, what is decided, and how often."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.calendars import DAYS, Spec
from kinline.catalogue import calendar_use, trigger_store
from kinline.clock import DAY, HOUR
from kinline.errors import Invalid
from kinline.history import load_history, rhythms
from kinline.history import organisations as organised
from kinline.hub import Hub
from kinline.identity import organisations, persons
from kinline.jobs import queue
from kinline.messages import Interaction, Party
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, MORNING, InteractionFactory, PartyFactory, RecordingFactory, minutes
from kinline.triggers import OrganisationHistory, read_trigger
from kinline.triggers.rhythm import PATIENCE
from kinline.waiting import policies
from kinline.why.explain import why
from kinline.words import Kind, Role, TriggerState
from settable import NINE, Time

#: MORNING is nine on a Monday, in UTC.
OFFICE = Spec(zone="UTC", hours=dict.fromkeys(DAYS[:5], (("09:00", "17:00"),)))
OURS = "{silence: {of: us, after: {direction: inbound}, for: 10h, clock: business-hours%s}}"
QUIET = "{silence: {of: organisation, for: 3d}}"
HABIT = f"{{broken_habit: {{of: {{kind: order}}, factor: {2 / 3**PATIENCE!r}, usual: 7d}}}}"


def live(hub: Hub, when: str, limits: str = "{lateness: 365d}") -> str:
    with hub.store.write() as session:
        text = (
            f"name: look\nabout: A test.\nwhen: {when}\ndo: [{{task: {{team: care, title: Look}}}}]\nlimits: {limits}\n"
        )
        row, _ = trigger_store.save(session, text, made_by="Cleo")
        trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")
        return row.id


def office(hub: Hub, spec: Spec = OFFICE, name: str = "default") -> None:
    """As ``PUT /v1/calendars/{name}`` does it."""
    with hub.store.write() as session:
        policies.save_calendar(session, name, spec)
        calendar_use.count_anew(session, trigger_store.counting_in(session, name))


def happens(hub: Hub, inbox: AccountRef, *what: Interaction) -> None:
    with hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in what])
    handlers.drain(hub)


def rows(hub: Hub, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement, *values)


def waits(hub: Hub) -> list[tuple[str, float]]:
    """State, and hours after nine on Monday."""
    return [
        (state, (due - NINE) / HOUR)
        for state, due in rows(hub, "SELECT state, due_at FROM wait ORDER BY due_at, state")
    ]


def day(number: float, who: Any = ANN, **more: Any) -> Interaction:
    at = MORNING + timedelta(days=number)
    return InteractionFactory.build(author=who, occurred_at=at, source_id=f"{who.value}-{number:g}", **more)


# working time


def test_an_answer_is_missed_after_ten_hours_of_work_and_not_at_night(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an office that works eight hours a day, and Ann, who writes on Monday at nine
    office(hub)
    live(hub, OURS % "")
    happens(hub, inbox, day(0))

    # When the night is over
    for hour in (10, 24, 25.999):
        time.now = NINE + round(hour * HOUR)
        handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]

    # Then it is due on Tuesday at eleven, and says in which calendar it was counted
    time.now = NINE + 26 * HOUR
    handlers.drain(hub)
    [(decision, at)] = rows(hub, "SELECT id, at FROM decision")
    assert at == NINE + 26 * HOUR
    with hub.store.read() as session:
        assert "working time of “default”" in why(session, decision).summary
        assert "horario laboral de «default»" in why(session, decision, language="es").summary


@pytest.mark.parametrize("name", ["", ", calendar: nights"])
def test_a_trigger_that_counts_in_a_calendar_that_is_not_there_is_not_saved(hub: Hub, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        live(hub, OURS % name)

    wrong = refused.value
    assert (wrong.code, wrong.more["line"]) == ("no_such_calendar", 3)
    assert wrong.pointer == ("/when/silence/calendar" if name else "/when/silence/clock")
    assert rows(hub, "SELECT count(*) FROM trigger_rule") == [(0,)]


def test_another_calendar_gives_what_waits_another_time(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, for whom we are due on Tuesday at eleven
    office(hub)
    live(hub, OURS % "")
    happens(hub, inbox, day(0))
    assert waits(hub) == [("armed", 26)]

    # When the office stays closed on Tuesday, it is Wednesday
    office(hub, Spec(zone="UTC", hours={**OFFICE.hours, "tue": ()}))
    handlers.drain(hub)
    assert waits(hub) == [("armed", 50)]

    # And when it works around the clock, on Monday at seven in the evening, which was two hours ago
    time.now = NINE + 12 * HOUR
    office(hub, Spec(zone="UTC", hours={"mon": (("00:00", "24:00"),)}))
    handlers.drain(hub)
    assert rows(hub, "SELECT at FROM decision") == [(NINE + 10 * HOUR,)]


def test_a_calendar_that_vanishes_fires_nothing_says_so_and_goes_on_when_it_is_back(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    # Given Ann, who waits, and a calendar that somebody took out of the database
    office(hub)
    live(hub, OURS % "")
    happens(hub, inbox, day(0))
    with hub.store.write() as session:
        sql.run(session, "DELETE FROM calendar")

    # When she should be answered, and Ben writes meanwhile
    happens(hub, inbox, day(0.1, BEN))
    time.now = NINE + 26 * HOUR
    handlers.drain(hub)

    # Then nothing is decided, and it is seen why
    assert rows(hub, "SELECT state, reason FROM wait") == [("closed", "no_calendar")] * 2
    with hub.store.read() as session:
        [(_, said)] = calendar_use.missing(session, trigger_store.active(session)[0].compiled)
    assert "no calendar “default”" in said

    # And when the calendar is back, Ann's is decided, and Ben's waits
    office(hub)
    handlers.drain(hub)
    assert (
        rows(hub, "SELECT (at - {p}) / 60000000 FROM decision ORDER BY at", NINE) == [(26 * 60,), (28 * 60 + 24,)][:1]
    )
    assert [state for state, _ in waits(hub)] == ["closed", "armed"]


# organisations


@pytest.fixture
def acme(hub: Hub, inbox: AccountRef) -> str:
    """Ann and Ben wrote, on Monday and on Tuesday. Both belong to Acme, Ben only since Monday noon."""
    happens(hub, inbox, day(-1), day(-1, BEN))
    with hub.store.write() as session:
        made = organisations.create(session, "Acme Ltd").id
        for who, since in ((ANN, None), (BEN, NINE + 3 * HOUR)):
            person = persons.find(session, str(who))
            organisations.join(session, made, person, since=since, evidence={"said": "on the phone"})
    handlers.drain(hub)
    return made


def test_a_quiet_organisation_is_one_decision_about_the_one_who_was_heard_last(
    hub: Hub, inbox: AccountRef, time: Time, acme: str
) -> None:
    live(hub, QUIET)
    happens(hub, inbox, day(0), day(1, BEN))

    time.now = NINE + 20 * DAY
    handlers.drain(hub)

    [(decision, at, once)] = rows(hub, "SELECT id, at, once_key FROM decision")
    assert at == NINE + 4 * DAY
    assert once.startswith(acme)
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]
    with hub.store.read() as session:
        told = why(session, decision)
    assert told.person == rows(hub, "SELECT person_id FROM decision")[0][0]
    assert [(missed.of, missed.until) for missed in told.absences] == [("organisation", "2026-03-06T09:00:00Z")]
    assert "Acme Ltd" in told.summary


def test_who_is_found_to_belong_opens_what_they_would_have_opened(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, who wrote on Monday, and a trigger that looks at organisations
    live(hub, QUIET)
    happens(hub, inbox, day(0))
    assert waits(hub) == []

    # When somebody says on Tuesday that she is Acme's
    time.now = NINE + DAY
    with hub.store.write() as session:
        made = organisations.create(session, "Acme Ltd").id
        organisations.join(session, made, persons.find(session, str(ANN)), evidence={"said": "on the phone"})
    handlers.drain(hub)

    # Then Acme's silence is watched since Monday
    assert waits(hub) == [("armed", 72)]


def test_what_somebody_did_before_they_belonged_breaks_nothing(
    hub: Hub, inbox: AccountRef, time: Time, acme: str
) -> None:
    # Given Ann, heard on Monday at nine, and Ben an hour later, who belongs to Acme since noon
    live(hub, QUIET)
    happens(hub, inbox, day(0), day(1 / 24, BEN))

    time.now = NINE + 20 * DAY
    handlers.drain(hub)

    assert rows(hub, "SELECT at FROM decision") == [(NINE + 3 * DAY,)]


def test_one_message_to_two_of_them_is_one_episode(hub: Hub, inbox: AccountRef, time: Time, acme: str) -> None:
    # Given a message of ours to Ann, with Ben in copy, that nobody answers
    live(hub, QUIET.replace("for:", "after: {direction: outbound}, for:"))
    time.now = NINE + 5 * HOUR
    parties = (
        Party(role=Role.AUTHOR, name="Support", ours=True),
        *(PartyFactory.build(handle=who, role=Role.RECIPIENT) for who in (ANN, BEN)),
    )
    happens(hub, inbox, InteractionFactory.build(ours=True, occurred_at=MORNING + minutes(300), parties=parties))

    time.now = NINE + 20 * DAY
    handlers.drain(hub)

    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]


def test_two_members_who_both_look_at_one_episode_decide_it_once(
    hub: Hub, inbox: AccountRef, time: Time, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is for a moment when a merge gives an interaction another first holder."""
    real = organised.organisations

    def everybodys(*given: Any) -> list[OrganisationHistory]:
        return [replace(each, mine=frozenset(one.id for one in each.seen)) for each in real(*given)]

    monkeypatch.setattr(load_history, "organisations_of", everybodys)
    live(hub, QUIET)
    happens(hub, inbox, day(0), day(1, BEN))
    time.now = NINE + 20 * DAY
    handlers.drain(hub)
    with hub.store.write() as session:
        queue.plan(session, "person.decide", [(persons.find(session, str(who)), NINE) for who in (ANN, BEN)])
    handlers.drain(hub)

    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]


def test_a_colleague_answers_for_all_of_them(hub: Hub, inbox: AccountRef, time: Time, acme: str) -> None:
    live(hub, QUIET.replace("for:", "after: {direction: outbound}, for:"))
    happens(hub, inbox, InteractionFactory.build(ours=True, occurred_at=MORNING + minutes(300)))
    happens(hub, inbox, day(1, BEN))

    time.now = NINE + 20 * DAY
    handlers.drain(hub)

    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]
    assert rows(hub, "SELECT reason FROM wait") == [("moved_on",)]


# habits


def test_a_habit_is_missed_once_and_again_after_a_return(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given Ann, who orders each week, and stays away after the fourth
    live(hub, HABIT)
    for number in (0, 7, 14, 21):
        time.now = NINE + number * DAY
        happens(hub, inbox, day(number, kind=Kind.ORDER))
    assert waits(hub)[-1] == ("armed", 35 * 24)

    # When a hundred days pass with a look each day
    for number in range(22, 100):
        time.now = NINE + number * DAY
        handlers.drain(hub)

    # Then it was noticed once, by her own rhythm, and says so
    [(decision, at)] = rows(hub, "SELECT id, at FROM decision")
    assert at == NINE + 35 * DAY
    with hub.store.read() as session:
        assert (
            "usually 7d passed from one time to the next, more than 14d was unusual" in why(session, decision).summary
        )
        assert "solían pasar 7d" in why(session, decision, language="es").summary

    # And when she comes back and stays away again, once more
    happens(hub, inbox, day(100, kind=Kind.ORDER))
    time.now = NINE + 300 * DAY
    handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM decision") == [(2,)]


def test_what_is_usual_among_people_in_general_is_told_to_the_author(hub: Hub, inbox: AccountRef) -> None:
    happens(hub, inbox, *[day(number, kind=Kind.ORDER) for number in (0, 4, 8)])
    happens(hub, inbox, *[day(number, BEN, kind=Kind.ORDER) for number in (0, 16)], day(3, BEN))
    text = f"name: t\nabout: A test.\nwhen: {{all: [{HABIT}, {{did: {{}}}}]}}\ndo: [{{tag: {{add: x}}}}]"

    [found] = rhythms.usual(hub, read_trigger(text))

    assert (found.people, found.gaps, found.usual, found.spread) == (2, 3, "8d", 2.0)
    assert clock.now()

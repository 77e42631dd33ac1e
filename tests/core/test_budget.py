"""The contact budget: over all triggers and channels, by the day where they live, any 24 hours, and the week."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinline import clock, handlers, ids
from kinline.accounts.connected import AccountRef
from kinline.clock import DAY, HOUR, MINUTE
from kinline.followups.budget import over
from kinline.followups.plan import Draft, plan
from kinline.followups.send import send
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import attributes, consents, merges, persons
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import ANN, BEN, InteractionFactory, RecordingFactory
from kinline.words import HandleType, SendClass
from settable import NINE, Time

MARKETING, TRANSACTIONAL = SendClass.MARKETING, SendClass.TRANSACTIONAL
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Post:
    """A hub that may write to Ann and Ben at any hour; each message is of a trigger of its own."""

    def __init__(self, hub: Hub, inbox: AccountRef) -> None:
        self.hub = hub
        hub.settings.quiet_from = hub.settings.quiet_until = 0
        with hub.store.write() as session:
            letters = [InteractionFactory.build(author=who) for who in (ANN, BEN)]
            record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in letters])
            self.ann, self.ben = (persons.find(session, str(who)) for who in (ANN, BEN))
            for who in (ANN, BEN):
                consents.state(session, who.id, "marketing", True, evidence={})

    def plans(self, person: str = "", send_class: SendClass = MARKETING, trigger: str = "") -> str:
        draft = Draft(
            id=ids.new(), person_id=person or self.ann, send_class=send_class, text="News", made_by="Cleo",
            trigger_id=trigger or ids.new(),
        )  # fmt: skip
        with self.hub.store.write() as session:
            assert plan(self.hub, session, draft) == ""
        return draft.id

    def outcome(self, followup: str) -> tuple[str, str]:
        handlers.drain(self.hub)
        with self.hub.store.read() as session:
            [(state, reason)] = sql.run(session, "SELECT state, reason FROM followup WHERE id = {p}", followup)
        return state, reason if state != "sent" else ""

    def sends(self, person: str = "", send_class: SendClass = MARKETING, trigger: str = "") -> tuple[str, str]:
        return self.outcome(self.plans(person, send_class, trigger))

    def lives_in(self, zone: str) -> None:
        with self.hub.store.write() as session:
            attributes.state(session, ANN.id, "time_zone", zone, source="Cleo")


@pytest.fixture
def post(hub: Hub, inbox: AccountRef) -> Post:
    return Post(hub, inbox)


SENT = ("sent", "")


def skipped(why: str) -> tuple[str, str]:
    return "cancelled", f"budget: {why}"


def test_the_fourth_in_a_day_is_skipped_and_not_put_off(post: Post, time: Time) -> None:
    assert [post.sends() for _ in range(3)] == [SENT] * 3

    assert post.sends() == skipped("they had 3 automatic messages in 24 hours, over all channels")
    time.now += DAY
    assert post.sends() == SENT


def test_a_transactional_message_is_never_held_back_and_counts(post: Post) -> None:
    assert [post.sends(send_class=TRANSACTIONAL) for _ in range(4)] == [SENT] * 4

    assert post.sends() == skipped("they had 4 automatic messages in 24 hours, over all channels")


def test_a_week_has_its_own_budget(post: Post, time: Time) -> None:
    # Given two messages a day, for five days
    for _ in range(5):
        assert [post.sends() for _ in range(2)] == [SENT] * 2
        time.now += DAY

    # Then the eleventh waits for nobody, until the first two are a week old
    assert post.sends() == skipped("they had 10 automatic messages in 7 days, over all channels")
    time.now = NINE + 7 * DAY
    assert post.sends() == SENT


def test_one_trigger_writes_to_them_once_a_day(post: Post) -> None:
    assert post.sends(post.ann, trigger="t1") == SENT

    assert post.sends(post.ann, trigger="t1") == skipped("this trigger wrote to them within 24 hours")
    assert post.sends(post.ann, trigger="t2") == SENT


def test_the_day_of_twenty_five_hours_is_one_day(post: Post, time: Time) -> None:
    # Given the day on which Madrid's clocks go back, and three messages in its first half hour
    post.lives_in("Europe/Madrid")
    time.now = clock.from_datetime(datetime(2026, 10, 25, 0, 10, tzinfo=ZoneInfo("Europe/Madrid")))
    assert [post.sends() for _ in range(3)] == [SENT] * 3

    # Then 24 hours and a half later it is still that day there
    time.now += 24 * HOUR + 30 * MINUTE
    assert post.sends() == skipped("they had 3 automatic messages today, over all channels")
    time.now += HOUR
    assert post.sends() == SENT


def test_those_who_are_one_have_one_budget(post: Post) -> None:
    # Given that Ann and Ben are one, and had three messages, as Ben and as Ann
    assert [post.sends(post.ben), post.sends(), post.sends()] == [SENT] * 3
    with post.hub.store.write() as session:
        line = merges.merge(session, post.ann, post.ben, evidence={}, made_by="Cleo")

    assert [post.sends(post.ben)[0], post.sends(post.ann)[0]] == ["cancelled", "cancelled"]

    # And when they are two again, each has what is left
    with post.hub.store.write() as session:
        merges.undo(session, line.id, made_by="Cleo")
    assert [post.sends(post.ben), post.sends(post.ann)] == [SENT] * 2


def test_what_was_due_long_ago_counts_from_when_it_left(post: Post, time: Time) -> None:
    # Given three messages that were due two days ago, of which nobody knows whether they arrived
    post.hub.settings.max_lateness = 72
    late = [post.plans() for _ in range(3)]
    for followup in late:
        assert post.outcome(followup) == SENT
    with post.hub.store.write() as session:
        sql.run(session, "UPDATE followup SET state = 'unknown', sent_at = NULL, due_at = {p}", NINE - 2 * DAY)

    assert post.sends()[0] == "cancelled"


def at_once(post: Post, followups: list[str]) -> None:
    """Have each sent by a worker of its own, all at the same moment."""
    gate = threading.Barrier(len(followups))

    def work(followup: str) -> None:
        gate.wait()
        with clock.frozen(NINE):
            send(post.hub, followup, ids.new())

    with ThreadPoolExecutor(len(followups)) as pool:
        list(pool.map(work, followups))


def test_workers_that_claim_at_once_do_not_overspend(post: Post) -> None:
    # Given eight messages for one person, who has two handles
    with post.hub.store.write() as session:
        merges.merge(session, post.ann, post.ben, evidence={}, made_by="Cleo")

    at_once(post, [post.plans(person) for person in (post.ann, post.ben) * 4])

    with post.hub.store.read() as session:
        states = sql.run(session, "SELECT state FROM followup ORDER BY state")
    assert states == [("cancelled",)] * 5 + [("sent",)] * 3


def test_workers_that_claim_at_once_do_not_pass_the_storm_limit(post: Post, inbox: AccountRef) -> None:
    # Given eight people, each with a message of one trigger that may send three in an hour
    post.hub.settings.storm_limit = 3
    crowd = [Handle(HandleType.EMAIL, f"person{number}@example.org") for number in range(8)]
    letters = [InteractionFactory.build(author=who) for who in crowd]
    with post.hub.store.write() as session:
        record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in letters])
        people = [persons.find(session, str(who)) for who in crowd]
        sql.run(
            session,
            "INSERT INTO trigger_rule (id, name, state, version, state_reason, changed_at) "
            "VALUES ('t', 't', 'live', 1, '', 0)",
        )

    # When a worker for each sends at the same moment
    at_once(post, [post.plans(person, TRANSACTIONAL, "t") for person in people])

    # Then three go out, and the trigger has paused itself
    with post.hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM followup WHERE state = 'sent'") == [(3,)]
        assert sql.run(session, "SELECT state FROM trigger_rule") == [("paused",)]


def test_what_another_claimed_a_moment_later_counts(post: Post) -> None:
    """Its worker read the clock after ours, and took the lock before."""
    limits = post.hub.settings
    limits.contact_budget = 1

    assert over(limits, ZoneInfo("UTC"), NINE, [(NINE + 1, "another")], "this") != ""
    assert over(limits, ZoneInfo("UTC"), NINE, [], "this") == ""


STEPS = st.lists(st.integers(0, 30 * 60), min_size=12, max_size=40)
ZONES = st.sampled_from(["Europe/Madrid", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo"])
BEGINNINGS = st.integers(0, 800)


def within_bounds(left: list[datetime], budget: int, week: int) -> bool:
    """Days by the calendar there; hours as they pass, which a clock that is put back counts twice."""
    days = [sum(each.date() == other.date() for other in left) for each in left]
    passed = [each.astimezone(UTC) for each in left]
    rolling = [sum(timedelta() <= other - each < timedelta(days=1) for other in passed) for each in passed]
    weeks = [sum(timedelta() <= other - each < timedelta(days=7) for other in passed) for each in passed]
    return max(days) <= budget and max(rolling) <= budget and max(weeks) <= week


@on_sqlite
def test_no_day_and_no_week_ever_has_more(post: Post, time: Time) -> None:
    """However messages fall, wherever somebody lives; and none is skipped that would have fitted into both."""

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS, ZONES, BEGINNINGS)
    def law(steps: list[int], zone: str, day: int) -> None:
        with post.hub.store.write() as session:
            for table in ("attempt", "followup", "job"):
                sql.run(session, f"DELETE FROM {table}")
        time.now = NINE + day * DAY
        post.lives_in(zone)
        left: list[datetime] = []
        for step in steps:
            time.now += step * MINUTE
            at = clock.to_datetime(time.now)
            if post.sends()[0] == "sent":
                left.append(at)
                assert within_bounds([each.astimezone(ZoneInfo(zone)) for each in left], 3, 10)
            else:
                assert _full([each.astimezone(ZoneInfo(zone)) for each in left], at.astimezone(ZoneInfo(zone)))

    law()


def _full(left: list[datetime], at: datetime) -> bool:
    ago = [at.astimezone(UTC) - each.astimezone(UTC) for each in left]
    today = sum(each.date() == at.date() for each in left)
    return today >= 3 or sum(x < timedelta(days=1) for x in ago) >= 3 or sum(x < timedelta(days=7) for x in ago) >= 10

"""What people write is judged before anybody decides about it, at arm's length, and people are always right."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from pydantic import SecretStr

from judging import COMPLAINT, NOT_A_COMPLAINT, PLAIN, SILENCE, TASK, counting, live, records, rows, said
from kinline import handlers
from kinline.accounts.connected import AccountRef
from kinline.backtest import backtest
from kinline.clock import DAY, HOUR
from kinline.contract.plugins import channels
from kinline.contract.scorer import Score, Writing
from kinline.decide import rescoring
from kinline.errors import Invalid, Unavailable
from kinline.hub import Hub
from kinline.jobs import queue
from kinline.record import interests
from kinline.scoring.arm import arm_of
from kinline.scoring.correcting import correct
from kinline.settings import Settings
from kinline.store import sql
from kinline.testing.factories import MORNING, InteractionFactory, minutes
from kinline.testing.hubs import SECRET
from kinline.triggers import read_trigger
from kinline.words import Direction, Kind, Origin, Scored
from parrot import NextParrot, Parrot
from settable import NINE, Time


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        secret=SecretStr(SECRET),
        scorer="parrot",
        scorer_patience=0.3,
    )


@pytest.fixture(autouse=True)
def parrot() -> Iterator[type[Parrot]]:
    channels().scorers["parrot"] = Parrot
    Parrot.taught.clear()
    Parrot.heard.clear()
    Parrot.free.clear()
    yield Parrot
    Parrot.free.set()
    del channels().scorers["parrot"]


def test_a_trigger_that_asks_for_a_topic_hears_it_from_the_scorer(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger on complaints
    live(hub, TASK)

    # When Ann complains
    [interaction] = records(hub, inbox, said())
    handlers.drain(hub)

    # Then it fires, and the evidence says who judged, how surely
    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]
    assert counting(hub, interaction) == {"topic": "complaint", "sentiment": -0.7, "language": "en"}
    [(evidence,)] = rows(hub, "SELECT evidence FROM decision")
    assert '"interaction.topic":"complaint"' in evidence
    judged = '{"value":"complaint","confidence":0.9,"scorer":"parrot","version":"1","language":"en"}'
    assert f'"interaction.topic.judged":{judged}' in evidence


def test_what_no_trigger_looks_at_costs_no_judgement(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, PLAIN)
    records(hub, inbox, said())

    assert rows(hub, "SELECT actor FROM job WHERE actor = 'interaction.score'") == []
    handlers.drain(hub)
    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]
    assert Parrot.heard == []


def test_where_everything_is_judged_what_says_nothing_and_what_we_say_is_not(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    with hub.store.write() as session:
        interests.remember_scoring(session, "always")
    [hers, _, _] = records(hub, inbox, said(), said("We are on it [praise 0.9 en 1]", ours=True), said(""))
    handlers.drain(hub)

    assert rows(hub, "SELECT DISTINCT interaction_id FROM score") == [(hers,)]


def test_many_are_judged_at_once(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, TASK)
    records(hub, inbox, *[said(f"{number} [complaint -0.5 en 1]") for number in range(50)])
    handlers.drain(hub)

    assert max(map(len, Parrot.heard)) == 50
    assert rows(hub, "SELECT count(*) FROM decision") == [(50,)]


def test_a_low_confidence_is_kept_and_matches_nothing(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, TASK)
    [interaction] = records(hub, inbox, said("Hm [complaint -0.7 en 0.49]"))
    handlers.drain(hub)

    assert counting(hub, interaction)["topic"] == "complaint"
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]


def test_who_decides_for_another_reason_does_not_take_the_unjudged_for_unknown(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    """A look at the person that comes before the job of judging judges itself."""
    live(hub, NOT_A_COMPLAINT)
    records(hub, inbox, said())
    with hub.store.write() as session:
        [(identity,)] = sql.run(session, "SELECT identity_id FROM participant")
        sql.run(session, "UPDATE job SET run_at = {p}", NINE + HOUR)
        queue.plan(session, "person.decide", [(identity, NINE)])

    handlers.drain(hub)

    assert len(Parrot.heard) == 1
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]


def test_what_only_a_denial_looks_at_is_judged_too_and_starts_no_look(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a trigger on orders of people who did not complain
    live(hub, NOT_A_COMPLAINT.replace("kind: message", "kind: order"))

    # When Ann complains, and then orders
    records(hub, inbox, said(occurred_at=MORNING - minutes(5)))
    planned = "SELECT actor, since FROM job WHERE actor <> 'identity.match'"
    assert rows(hub, planned) == [("interaction.score", None)]
    records(hub, inbox, InteractionFactory.build(kind=Kind.ORDER, text="", subject=""))
    handlers.drain(hub)

    # Then the complaint was judged, and the order fires nothing
    assert rows(hub, "SELECT value FROM score WHERE what = 'topic'") == [('"complaint"',)]
    assert rows(hub, "SELECT count(*) FROM decision") == [(0,)]


def test_a_text_that_the_scorer_stumbles_over_is_unknown_and_its_neighbours_are_judged(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub, TASK)
    lessons: dict[str, Any] = {
        "raises": lambda: 1 / 0,
        "exits": lambda: exit(3),
        "endless": lambda: [Score(what=Scored.SENTIMENT, value=float("inf"), confidence=1)],
        "sure": lambda: [Score(what=Scored.TOPIC, value="complaint", confidence=7)],
        "controls": lambda: [Score(what=Scored.TOPIC, value="a\x00b", confidence=1)],
        "text": lambda: ["complaint"],
        "nothing": lambda: None,
    }
    Parrot.taught |= lessons

    spoilt = records(hub, inbox, *[said(f"{word} [complaint -0.5 en 1]") for word in lessons], said())
    handlers.drain(hub)

    unknown = {"topic": None, "sentiment": None, "language": None}
    assert [counting(hub, each) for each in spoilt[:-1]] == [unknown] * len(lessons)
    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]


def test_a_scorer_that_hangs_holds_up_nobody_and_is_heard_when_it_comes_back(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    # Given a scorer that hangs, a trigger that waits for it and one that does not
    live(hub, TASK, PLAIN)
    Parrot.taught["parcel"] = Parrot.hang

    # When Ann complains
    records(hub, inbox, said())
    handlers.drain(hub)

    # Then the other trigger fired all the same
    assert rows(hub, "SELECT count(*) FROM tag") == [(1,)]
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]
    [(actor, error)] = rows(hub, "SELECT actor, error FROM job")
    assert (actor, "took over" in error) == ("interaction.score", True)

    # And when it comes back, the first one does
    Parrot.free.set()
    Parrot.taught.clear()
    with hub.store.write() as session:
        sql.run(session, "UPDATE job SET attempts = 0")
    _until_free(hub)
    time.now = NINE + HOUR // 2
    handlers.drain(hub)
    assert rows(hub, "SELECT count(*) FROM task") == [(1,)]


def _until_free(hub: Hub) -> None:
    """Until the thread that hung has let go."""
    arm = arm_of(hub.settings)
    for _ in range(100):
        with suppress(Unavailable):
            assert arm
            arm.judge([Writing(text="are you there?")])
            return
        sleep(0.02)


def test_a_judgement_that_comes_late_is_late_by_the_time_of_what_was_written(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub, TASK)
    with hub.store.write() as session:
        sql.run(session, "UPDATE trigger_rule SET live_since = {p}", NINE - HOUR)
    records(hub, inbox, said())
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)

    [(verdict, reason)] = rows(hub, "SELECT verdict, reason FROM decision")
    assert (verdict, "late" in reason) == ("skipped", True)


def test_what_one_of_us_says_counts_before_any_scorer(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given a complaint that armed a silence
    live(hub, TASK, SILENCE)
    [interaction] = records(hub, inbox, said())
    handlers.drain(hub)
    assert rows(hub, "SELECT state FROM wait") == [("armed",)]

    # When Ben says that it is praise, and the scorer of a greater version says otherwise
    with hub.store.write() as session:
        correct(session, interaction, Scored.TOPIC, "praise", by="Ben")
    handlers.drain(hub)

    # Then it is praise; what fired stays fired, and the silence is settled when it is due
    assert counting(hub, interaction)["topic"] == "praise"
    time.now = NINE + 3 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]
    assert rows(hub, "SELECT state, reason FROM wait") == [("closed", "moved_on")]


def test_a_correction_starts_no_message_and_no_task_and_arms_what_follows(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(
        hub,
        TASK,
        SILENCE,
        TASK.replace("complaints", "marks").replace("task: {team: support, title: Look}", "tag: {add: cross}"),
    )
    [interaction] = records(hub, inbox, said("Where is it? [question 0.0 en 0.9]"))
    handlers.drain(hub)

    with hub.store.write() as session:
        correct(session, interaction, Scored.TOPIC, "complaint", by="Ben")
    handlers.drain(hub)

    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]
    assert rows(hub, "SELECT tag FROM tag") == [("cross",)]
    time.now = NINE + 2 * HOUR
    handlers.drain(hub)
    assert rows(hub, "SELECT title FROM task") == [("Answer",)]


def test_the_newest_correction_counts_also_where_it_says_that_nobody_can_tell(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    [interaction] = records(hub, inbox, said())
    with hub.store.write() as session:
        for value in ("praise", "question", None):
            correct(session, interaction, Scored.TOPIC, value, by="Ben")
        with pytest.raises(Invalid):
            correct(session, interaction, Scored.SENTIMENT, 1.5, by="Ben")

    assert counting(hub, interaction) == {"topic": None}
    assert rows(hub, "SELECT count(*) FROM score") == [(3,)]


def test_an_edit_is_judged_anew_and_the_judgement_of_the_old_words_is_none_of_the_new(
    hub: Hub, inbox: AccountRef, time: Time
) -> None:
    live(hub, TASK)
    [interaction] = records(hub, inbox, said("Hello [question 0.1 en 1]", source_id="it", changed_at=MORNING))
    handlers.drain(hub)
    records(hub, inbox, said(COMPLAINT, source_id="it", changed_at=MORNING + minutes(5)))

    assert counting(hub, interaction) == {}
    handlers.drain(hub)

    assert counting(hub, interaction)["topic"] == "complaint"
    assert rows(hub, "SELECT count(*) FROM decision") == [(1,)]


def test_the_past_is_judged_once_and_again_by_a_greater_version(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given history that nobody judged
    first, second = records(hub, inbox, said(), said("Thank you [praise 0.8 en 0.9]"), origin=Origin.IMPORT)
    steps: list[int] = []

    # When it is judged, twice, never more at once than one call may have
    found = rescoring.judge_past(hub, again=False, step=steps.append)
    assert (found.looked_at, found.judged, found.languages) == (2, 2, {"en": 2})
    arm = arm_of(hub.settings)
    assert arm
    assert len(arm.judge([Writing(text="[praise 0.5 en 1]")] * 150)) == 150
    assert max(map(len, Parrot.heard)) == 64
    assert rescoring.judge_past(hub, again=True, step=steps.append).judged == 0

    # And by a greater version
    channels().scorers["parrot"] = NextParrot
    assert rescoring.judge_past(hub, again=False, step=steps.append).judged == 0
    assert rescoring.judge_past(hub, again=True, step=steps.append).judged == 2
    assert counting(hub, first)["topic"] == "praise"

    # Then an old worker that is still there changes nothing
    channels().scorers["parrot"] = Parrot
    with hub.store.write() as session:
        sql.run(session, "DELETE FROM score WHERE version = '1'")
    time.now += 1
    assert rescoring.judge_past(hub, again=True, step=steps.append).judged == 2
    assert counting(hub, first)["topic"] == "praise"
    assert counting(hub, second)["topic"] == "praise"


def test_what_a_source_says_counts_before_a_scorer(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, TASK)
    records(hub, inbox, said("Hello [praise 0.9 en 1]", facts={"topic": "complaint"}))
    handlers.drain(hub)

    assert rows(hub, "SELECT verdict FROM decision") == [("fired",)]


def test_a_back_test_finds_what_was_decided_live(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given four triggers, and a month of Ann's
    fall = TASK.replace("complaints", "fall").replace(
        "{topic: {is: complaint}}", "{sentiment: {falls_by: 0.5, least: 2}}"
    )
    low = TASK.replace("complaints", "low").replace("{topic: {is: complaint}}", "{sentiment: {lt: -0.3}}")
    live(hub, TASK, NOT_A_COMPLAINT, fall, low)
    for day, mood in enumerate((0.6, 0.5, 0.7, -0.2, -0.6, 0.1, -0.9, 0.4)):
        time.now = NINE + day * DAY
        topic = "complaint" if mood < 0 else "praise"
        records(hub, inbox, said(f"[{topic} {mood} en 0.8]", occurred_at=MORNING + timedelta(days=day)))
        handlers.drain(hub)

    # When each is tried out on the history
    decided = rows(hub, "SELECT t.name, d.at FROM decision d JOIN trigger_rule t ON t.id = d.trigger_id ORDER BY 1, 2")
    found = []
    for text in (NOT_A_COMPLAINT, TASK, fall, low):
        result = backtest.backtest(hub, read_trigger(text), since=NINE)
        found += [(result.trigger, hit.at) for hit in result.hits]

    # Then it is the same, row by row
    assert {name for name, _ in decided} == {"anything-else", "complaints", "fall", "low"}
    assert found == decided


def test_what_is_among_people_is_judged_too(hub: Hub, inbox: AccountRef, time: Time) -> None:
    live(hub, TASK)
    [interaction] = records(hub, inbox, said(direction=Direction.AMONG))
    handlers.drain(hub)

    assert counting(hub, interaction)["topic"] == "complaint"

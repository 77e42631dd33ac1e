"""Experiments on a real store: who is held out gets nothing and is on record, and what came of it is counted."""

from collections.abc import Callable

import pytest

from kinline import clock, handlers
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import AccessScope
from kinline.backtest.backtest import backtest
from kinline.catalogue import trigger_store
from kinline.clock import DAY, HOUR
from kinline.decide.verdicts import HELD_OUT, IGNORED, Ruling, too_deep, would_act
from kinline.errors import NotFound
from kinline.experiments.results import ArmShown, Effect, effect
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import merges, persons
from kinline.record.batch import record_batch
from kinline.store import sql
from kinline.testing.factories import InteractionFactory, RecordingFactory
from kinline.triggers import read_trigger
from kinline.triggers.experiments import Experiment
from kinline.words import HandleType, Kind, TriggerState, Verdict
from settable import NINE, Time

#: What is said is put together the same way whatever the database.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEXT = """
name: ask
about: Somebody wrote to us.
when: {did: {kind: message, direction: inbound}}
experiment:
  hold_out: 50%
  variants:
    - {name: short, do: [{message: {text: "Thanks.", class: service}}]}
    - {name: warm, do: [{task: {team: care, title: Call}}, {tag: {add: called}}]}
  outcome: {did: {kind: order, where: "facts.total > 10"}, within: 30d}
"""
PEOPLE = [Handle(HandleType.EMAIL, f"p{number}@example.org") for number in range(24)]


@pytest.fixture
def chance(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Chance as a test wants it: arms in the order in which people are assigned, the last for all that follow."""

    def becomes(*wanted: str) -> None:
        given: dict[str, str] = {}
        monkeypatch.setattr(
            Experiment, "arm_of", lambda _, person: given.setdefault(person, wanted[min(len(given), len(wanted) - 1)])
        )

    return becomes


def save(hub: Hub, text: str = TEXT) -> None:
    with hub.store.write() as session:
        row, _ = trigger_store.save(session, text, made_by="Cleo", override="a test")
        if row.state != TriggerState.LIVE:
            trigger_store.set_state(session, row.name, TriggerState.LIVE, override="a test")


def happens(hub: Hub, inbox: AccountRef, who: list[Handle], kind: Kind = Kind.MESSAGE, total: int = 20) -> None:
    with hub.store.write() as session:
        said = [
            InteractionFactory.build(
                author=each, kind=kind, occurred_at=clock.to_datetime(clock.now()), facts={"total": total}
            )
            for each in who
        ]
        record_batch(session, [RecordingFactory.build(account=inbox, what=each) for each in said])
    handlers.drain(hub)


def arms(hub: Hub) -> dict[Handle, str]:
    """The arm that each person was given last."""
    with hub.store.read() as session:
        root = {persons.find(session, str(each)): each for each in PEOPLE if known(session, each)}
        rows = sql.run(
            session,
            "SELECT p.root_id, d.arm FROM decision d JOIN person p ON p.id = d.person_id WHERE d.arm IS NOT NULL "
            "ORDER BY d.decided_at, d.id",
        )
    return {root[person]: arm for person, arm in rows}


def known(session: object, each: Handle) -> bool:
    return bool(sql.run(session, "SELECT 1 FROM identity WHERE id = {p}", each.id))  # type: ignore[arg-type]


def shown(found: Effect) -> dict[str, ArmShown]:
    return {arm.name: arm for arm in found.arms}


def rows(hub: Hub, statement: str) -> list[tuple[object, ...]]:
    with hub.store.read() as session:
        return sql.run(session, statement)


def test_who_is_held_out_gets_nothing_and_the_decision_says_so(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an experiment, and people who write
    save(hub)
    happens(hub, inbox, PEOPLE)

    # Then each got what their arm gets, and those held out nothing
    given = arms(hub)
    assert set(given.values()) == {"hold-out", "short", "warm"}
    did = rows(hub, "SELECT arm, verdict, reason, count(*) FROM decision GROUP BY arm, verdict, reason ORDER BY arm")
    counts = {arm: list(given.values()).count(arm) for arm in given.values()}
    reason = "hold-out: this person gets nothing, so that the others can be compared with somebody"
    assert did == [
        ("hold-out", "skipped", reason, counts["hold-out"]),
        ("short", "fired", "", counts["short"]),
        ("warm", "fired", "", counts["warm"]),
    ]
    assert rows(
        hub, "SELECT d.arm, count(*) FROM followup f JOIN decision d ON d.id = f.decision_id GROUP BY d.arm"
    ) == [("short", counts["short"])]
    for table in ("task", "tag"):
        statement = f"SELECT d.arm, count(*) FROM {table} t JOIN decision d ON d.id = t.decision_id GROUP BY d.arm"
        assert rows(hub, statement) == [("warm", counts["warm"])]


def test_everybody_stays_where_they_are_whatever_the_odds_become(hub: Hub, inbox: AccountRef, time: Time) -> None:
    save(hub)
    happens(hub, inbox, PEOPLE)
    before = arms(hub)

    # When the odds change, and everybody writes again
    save(hub, TEXT.replace("50%", "1%").replace("{name: warm,", "{name: warm, weight: 50,"))
    time.now = NINE + HOUR
    happens(hub, inbox, PEOPLE)

    # Then nobody moved, and the count begins anew under the new odds
    assert arms(hub) == before
    found = effect(hub, "ask")
    assert (found.since_version, found.left_out, sum(arm.assigned for arm in found.arms)) == (2, len(PEOPLE), 0)


@on_sqlite
def test_an_arm_that_is_gone_is_forgotten(hub: Hub, inbox: AccountRef, time: Time) -> None:
    save(hub)
    happens(hub, inbox, PEOPLE)
    before = arms(hub)

    save(hub, TEXT.replace("name: warm", "name: long"))
    time.now = NINE + HOUR
    happens(hub, inbox, PEOPLE)

    assert arms(hub) == {who: "long" if arm == "warm" else arm for who, arm in before.items()}


def test_after_a_merge_the_first_arm_of_both_counts(
    hub: Hub, inbox: AccountRef, time: Time, chance: Callable[..., None]
) -> None:
    # Given somebody who was held out first, and somebody who got something an hour later
    save(hub)
    one, other = PEOPLE[:2]
    chance("hold-out", "short")
    happens(hub, inbox, [one])
    time.now = NINE + HOUR
    happens(hub, inbox, [other])
    assert (arms(hub)[one], arms(hub)[other]) == ("hold-out", "short")

    # When they turn out to be one person, who writes again from the other address
    with hub.store.write() as session:
        pair = persons.find(session, str(other)), persons.find(session, str(one))
        merges.merge(session, *pair, evidence={}, made_by="Ben")
    time.now = NINE + 2 * HOUR
    happens(hub, inbox, [other])

    # Then they are held out, as they were first, and are counted once
    newest = rows(hub, "SELECT arm, verdict FROM decision ORDER BY decided_at DESC, id DESC LIMIT 1")
    assert newest == [("hold-out", "skipped")]
    found = effect(hub, "ask")
    assert (sum(arm.assigned for arm in found.arms), shown(found)["hold-out"].assigned, found.mixed) == (1, 1, 1)


def test_what_was_hoped_for_is_counted_when_the_time_is_over(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an experiment, everybody assigned, and half of each arm ordering for more than ten
    save(hub)
    happens(hub, inbox, PEOPLE)
    given = arms(hub)
    time.now = NINE + 2 * DAY
    happens(hub, inbox, (buyers := PEOPLE[::2]), Kind.ORDER)
    happens(hub, inbox, PEOPLE[1::2], Kind.ORDER, total=5)

    # Then before the thirty days are over nobody is counted, and who did it already is told apart
    early = shown(effect(hub, "ask"))
    for name, arm in early.items():
        mine = [who for who, theirs in given.items() if theirs == name]
        assert (arm.assigned, arm.open, arm.counted, arm.did, arm.rate) == (len(mine), len(mine), 0, 0, None)
        assert arm.early == len(set(mine) & set(buyers))

    # And afterwards all are, with how sure one may be; what comes too late counts no more
    time.now = NINE + 31 * DAY
    happens(hub, inbox, PEOPLE[1::2], Kind.ORDER)
    found = effect(hub, "ask")
    for name, arm in shown(found).items():
        mine = [who for who, theirs in given.items() if theirs == name]
        assert (arm.assigned, arm.open, arm.counted, arm.did) == (len(mine), 0, len(mine), len(set(mine) & set(buyers)))
    against = shown(found)["warm"].against
    assert against is not None
    assert (against.arm, against.verdict) == ("hold-out", "not_enough_to_tell")
    assert against.any_time[0] < against.once[0] < against.difference < against.once[1] < against.any_time[1]
    assert (found.desired, found.within, found.mismatch) == ("kind: order, where: facts.total > 10", "30d", False)


def test_a_great_difference_is_told(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an experiment in which everybody who got something orders, and nobody else does
    save(hub)
    happens(hub, inbox, PEOPLE)
    time.now = NINE + DAY
    happens(hub, inbox, [who for who, arm in arms(hub).items() if arm != "hold-out"], Kind.ORDER)
    time.now = NINE + 40 * DAY

    verdicts = {name: arm.against.verdict for name, arm in shown(effect(hub, "ask")).items() if arm.against}

    assert set(verdicts.values()) <= {"more", "not_enough_to_tell"}
    assert "more" in verdicts.values()


@on_sqlite
def test_counts_far_from_their_odds_are_told(
    hub: Hub, inbox: AccountRef, time: Time, chance: Callable[..., None]
) -> None:
    # Given chance that is none: everybody gets the short one
    chance("short")
    save(hub)
    happens(hub, inbox, PEOPLE)

    found = effect(hub, "ask")

    assert found.mismatch
    assert found.by_chance < 0.001
    assert "too far from their odds" in found.notes[0]


@on_sqlite
def test_what_an_arm_does_may_change_and_that_is_told(hub: Hub, inbox: AccountRef, time: Time) -> None:
    save(hub)
    happens(hub, inbox, PEOPLE)
    save(hub, TEXT.replace("Thanks.", "Thank you."))
    save(hub, TEXT.replace("Thanks.", "Thank you.").replace("about: Somebody", "about: A person"))

    found = effect(hub, "ask")

    assert (found.version, found.since_version, found.left_out) == (3, 1, 0)
    assert found.notes == ["What an arm does was changed in version 2; the counts hold both."]


def test_in_shadow_nobody_is_assigned(hub: Hub, inbox: AccountRef, time: Time) -> None:
    with hub.store.write() as session:
        trigger_store.save(session, TEXT, made_by="Cleo", override="a test")
        trigger_store.set_state(session, "ask", TriggerState.SHADOW)
    happens(hub, inbox, PEOPLE)

    assert rows(hub, "SELECT DISTINCT verdict, arm FROM decision") == [("shadowed", None)]


def test_once_in_a_time_holds_for_those_held_out_too(hub: Hub, inbox: AccountRef, time: Time) -> None:
    save(hub, TEXT + "limits: {once_per: 7d}\n")
    for hour in range(2):
        time.now = NINE + hour * HOUR
        happens(hub, inbox, PEOPLE)

    counted = rows(hub, "SELECT arm, reason, count(*) FROM decision WHERE arm IS NULL GROUP BY arm, reason")
    assert counted == [(None, "once per 7d", len(PEOPLE))]


def test_a_team_counts_what_it_may_read(hub: Hub, inbox: AccountRef, time: Time) -> None:
    save(hub)
    happens(hub, inbox, PEOPLE)

    nobody = effect(hub, "ask", reader=AccessScope(frozenset()))
    everybody = effect(hub, "ask", reader=AccessScope(frozenset({inbox.id})))

    assert sum(arm.assigned for arm in nobody.arms) == 0
    assert everybody.arms == effect(hub, "ask").arms


def test_a_trigger_without_an_experiment_has_none(hub: Hub) -> None:
    with hub.store.write() as session:
        trigger_store.install_shipped(session)
        [(name,)] = sql.run(session, "SELECT name FROM trigger_rule ORDER BY name LIMIT 1")

    with pytest.raises(NotFound) as refused:
        effect(hub, name)
    assert refused.value.code == "no_experiment"


def test_a_back_test_assigns_as_live_does(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given an experiment that ran for an hour
    save(hub)
    happens(hub, inbox, PEOPLE)
    time.now = NINE + HOUR

    # When the same is played over the same history
    played = backtest(hub, read_trigger(TEXT, trigger_id(hub)), since=NINE - HOUR)

    # Then it decides the same about everybody
    live = rows(hub, "SELECT person_id, verdict, reason FROM decision ORDER BY person_id")
    assert sorted((hit.person, hit.verdict, hit.reason) for hit in played.hits) == live


def trigger_id(hub: Hub) -> str:
    return str(rows(hub, "SELECT id FROM trigger_rule WHERE name = 'ask'")[0][0])


def test_after_a_wait_each_arm_goes_on_with_its_own(hub: Hub, inbox: AccountRef, time: Time) -> None:
    # Given two variants that do different things, one of them only a day later
    late = TEXT.replace("do: [{task: {team: care, title: Call}}", "do: [{wait: 1d}, {task: {team: care, title: Call}}")
    save(hub, late)
    happens(hub, inbox, PEOPLE)
    warm = list(arms(hub).values()).count("warm")
    assert rows(hub, "SELECT count(*) FROM task") == [(0,)]

    # When the day is over
    time.now = NINE + DAY
    handlers.drain(hub)

    # Then those of that arm, and nobody else, got the rest
    assert rows(hub, "SELECT d.arm, count(*) FROM task t JOIN decision d ON d.id = t.decision_id GROUP BY d.arm") == [
        ("warm", warm)
    ]


def test_what_stops_the_one_stops_the_held_out_too() -> None:
    """Or the arms would differ in more than in what they get."""
    for rule in (Ruling(Verdict.FIRED), HELD_OUT):
        assert too_deep(rule, ["a", "b", "c", "d"]).reason == "a chain of more than 3 triggers stops"
    assert [would_act(rule) for rule in (Ruling(Verdict.FIRED), HELD_OUT, IGNORED, Ruling(Verdict.SHADOWED))] == [
        True, True, False, False,
    ]  # fmt: skip


@on_sqlite
def test_a_storm_holds_back_both(hub: Hub, inbox: AccountRef, time: Time) -> None:
    """Who comes after the limit is in no arm, held out or not."""
    object.__setattr__(hub, "settings", hub.settings.model_copy(update={"storm_limit": 3}))
    save(hub)
    happens(hub, inbox, PEOPLE)

    counted = rows(hub, "SELECT verdict, arm FROM decision WHERE substr(reason, 1, 6) = 'storm:' OR verdict = 'fired'")
    assert counted.count(("skipped", None)) >= 1
    assert sum(verdict == "fired" for verdict, _ in counted) == 3

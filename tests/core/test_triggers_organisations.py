"""Silences of organisations: nobody of those who belong to it did anything, and it is decided once for all."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kinline.calendars import Calendar, Spec
from kinline.clock import DAY, HOUR
from kinline.triggers import Fire, History, OrganisationHistory, Outcome, Seen, Settled, Wait, evaluate, read_trigger
from kinline.triggers.history import in_order
from kinline.words import Direction, Kind, Role, Standing

US: dict[str, Any] = {"direction": Direction.OUTBOUND, "role": Role.RECIPIENT}
QUIET = "{silence: {of: organisation, for: 3d}}"
UNANSWERED = "{silence: {of: organisation, after: {kind: message, direction: outbound}, for: 3d, rearm: %s}}"


def seen(id: str, at: int, **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.INBOUND, "channel": "email", "standing": Standing.VERIFIED}
    return Seen(id=id, at=at, recorded_at=at, conversation=f"about-{id}", **{"kind": Kind.MESSAGE, **plain, **more})


def of_all(when: str, *history: Seen, now: int) -> dict[str, tuple[Outcome, ...]]:
    """What is decided about each member; whose an interaction is says the first letter of its id."""
    trigger = read_trigger(f"name: t\nabout: A.\nwhen: {when}\ndo: [{{task: {{team: t, title: T}}}}]")
    found = {}
    for member in "abc":
        own = [each for each in history if each.id.startswith(member)]
        acme = OrganisationHistory(
            id="acme", name="Acme Ltd", seen=in_order(history), mine=frozenset(each.id for each in own)
        )  # fmt: skip
        found[member] = evaluate(trigger, History.of(own, organisations=[acme]), now)
    return found


def fires(found: dict[str, tuple[Outcome, ...]]) -> list[tuple[str, str]]:
    return [(member, one.episode) for member, all_ in found.items() for one in all_ if isinstance(one, Fire)]


def test_an_organisation_is_quiet_when_nobody_of_it_did_anything_and_the_last_is_addressed() -> None:
    found = of_all(QUIET, seen("a1", 0), seen("b1", DAY), now=4 * DAY)

    assert fires(found) == [("b", "acme:b1")]
    [fired] = [one for one in found["b"] if isinstance(one, Fire)]
    assert fired.once == "acme:b1"
    assert fired.evidence.organisation == "acme"
    assert fired.evidence.read["organisation.name"] == "Acme Ltd"
    [absence] = fired.evidence.absences
    assert (absence.of, absence.since, absence.until) == ("organisation", DAY, 4 * DAY)
    assert (fired.evidence.about, fired.evidence.conversation) == ("b1", "about-b1")


def test_a_colleague_s_word_breaks_the_silence() -> None:
    [settled] = of_all(QUIET, seen("a1", 0), seen("b1", 2 * DAY), now=4 * DAY)["a"]

    assert isinstance(settled, Settled)
    assert (settled.reason, settled.by) == ("moved_on", "b1")


def test_it_waits_with_the_one_who_opened_it() -> None:
    found = of_all(QUIET, seen("a1", 0), now=DAY)

    [waiting] = found["a"]
    assert isinstance(waiting, Wait)
    assert waiting.due_at == 3 * DAY
    assert found["b"] == found["c"] == ()


def test_we_wrote_to_several_and_nobody_answered_which_is_one_decision() -> None:
    history = [seen("a1", 0, **US), seen("b1", HOUR, **US), seen("c1", 2 * HOUR, **US)]

    assert fires(of_all(UNANSWERED % "first", *history, now=9 * DAY)) == [("a", "acme:a1")]
    assert fires(of_all(UNANSWERED % "last", *history, now=9 * DAY)) == [("c", "acme:c1")]
    assert fires(of_all(UNANSWERED % "last", *history, seen("b2", DAY), now=9 * DAY)) == []


def test_an_organisation_can_be_waited_for_in_working_time() -> None:
    office = Calendar(Spec(zone="UTC", hours={"thu": (("00:00", "12:00"),)}))  # 1970 began on a Thursday
    trigger = read_trigger(
        "name: t\nabout: A.\nwhen: {silence: {of: organisation, for: 18h, clock: business-hours}}\ndo: [{tag: {add: x}}]"
    )
    own = (seen("a1", 0),)
    acme = OrganisationHistory(id="acme", name="Acme", seen=own, mine=frozenset({"a1"}))

    [found] = evaluate(trigger, History.of(own, calendars={"default": office}, organisations=[acme]), 90 * DAY)

    assert isinstance(found, Fire)
    assert found.at == 7 * DAY + 6 * HOUR


def test_what_machines_do_and_what_we_do_breaks_no_silence_of_theirs() -> None:
    history = [
        seen("a1", 0),
        seen("b1", DAY, automatic=True),
        seen("c1", DAY, **US),
        seen("b2", 2 * DAY, kind=Kind.NOTE),
    ]

    assert fires(of_all(QUIET, *history, now=9 * DAY)) == [("a", "acme:a1")]


def test_who_belongs_to_two_is_asked_for_each() -> None:
    trigger = read_trigger(f"name: t\nabout: A.\nwhen: {QUIET}\ndo: [{{task: {{team: t, title: T}}}}]")
    own = (seen("a1", 0),)
    two = [
        OrganisationHistory(id="acme", name="Acme", seen=own, mine=frozenset({"a1"})),
        OrganisationHistory(id="beta", name="Beta", seen=in_order([*own, seen("b1", DAY)]), mine=frozenset({"a1"})),
    ]

    found = evaluate(trigger, History.of(own, organisations=two), 9 * DAY)

    assert [(type(one), one.episode) for one in found] == [(Settled, "beta:a1"), (Fire, "acme:a1")]


def test_who_belongs_nowhere_is_passed_over() -> None:
    trigger = read_trigger(f"name: t\nabout: A.\nwhen: {QUIET}\ndo: [{{task: {{team: t, title: T}}}}]")

    assert evaluate(trigger, History.of([seen("a1", 0)]), 9 * DAY) == ()
    assert trigger.of_organisations
    assert trigger.lookback == 3 * DAY


ACTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.booleans()), max_size=12)


@given(ACTS, st.sampled_from([QUIET, UNANSWERED % "first", UNANSWERED % "last"]))
def test_it_is_decided_as_of_one_person_and_by_one_member_alone(acts: list[Any], when: str) -> None:
    """What is decided about all members together is what would be decided if they were one person."""
    history = [
        seen(f"{member}{number}", half * DAY // 2, **(US if ours else {}))
        for number, (member, half, ours) in enumerate(acts)
    ]
    alone = read_trigger(
        f"name: t\nabout: A.\nwhen: {when.replace('of: organisation', 'of: them')}\ndo: [{{tag: {{add: x}}}}]"
    )

    together = [one for all_ in of_all(when, *history, now=90 * DAY).values() for one in all_]
    expected = evaluate(alone, History.of(history), 90 * DAY)

    assert sorted((one.episode, type(one).__name__) for one in together) == sorted(
        (f"acme:{one.episode}", type(one).__name__) for one in expected
    )

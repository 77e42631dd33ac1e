"""What a trigger says about a history: did, silence, all, any, not."""

from typing import Any

from kinline.clock import DAY, HOUR, MINUTE
from kinline.triggers import Fire, History, Outcome, PersonState, Seen, Settled, Trigger, Wait, evaluate, read_trigger
from kinline.words import Direction, Kind, Role, Standing

MONDAY = 1_700_000_000_000_000
US: dict[str, Any] = {"direction": Direction.OUTBOUND, "role": Role.RECIPIENT}
CLAIMED: dict[str, Any] = {"standing": Standing.CLAIMED}


def seen(id: str, at: int, kind: Kind = Kind.MESSAGE, **more: Any) -> Seen:
    plain: dict[str, Any] = {"direction": Direction.INBOUND, "channel": "email", "standing": Standing.VERIFIED}
    plain["conversation"] = f"about-{id[0]}"
    return Seen(id=id, at=MONDAY + at, recorded_at=MONDAY + at, kind=kind, **{**plain, **more})


def trigger(when: str, *, who: str = "", do: str = "task: {team: support, title: Look}", limits: str = "{}") -> Trigger:
    return read_trigger(f"name: t\nabout: A test.\nwhen: {when}\nwho: {who!r}\ndo: [{{{do}}}]\nlimits: {limits}\n")


def decide(when: str, *history: Seen, now: int = 400 * DAY, **more: Any) -> tuple[Outcome, ...]:
    person = more.pop("person", PersonState())
    return evaluate(trigger(when, **more), History.of(history, person), MONDAY + now)


def fires(*args: Any, **more: Any) -> list[str]:
    return [one.episode for one in decide(*args, **more) if isinstance(one, Fire)]


def reached(*args: Any, **more: Any) -> list[str]:
    """The interactions at which it fires."""
    return [one.evidence.about for one in decide(*args, **more) if isinstance(one, Fire)]


COMPLAINT = "{silence: {of: us, after: {kind: message, direction: inbound}, for: 2h}}"
QUIET = "{silence: {of: them, for: 3d}}"


# did


def test_without_a_count_it_fires_each_time() -> None:
    assert fires("{did: {kind: order}}", seen("a", 0, Kind.ORDER), seen("b", 1, Kind.ORDER)) == ["a", "b"]


def test_a_count_is_reached_once_in_a_life() -> None:
    orders = [seen(name, at * DAY, Kind.ORDER) for at, name in enumerate("abcd")]

    assert reached("{did: {kind: order, count: 3}}", *orders) == ["c"]
    assert reached("{did: {kind: order, count: 1}}", *orders) == ["a"]


def test_once_in_a_life_is_one_episode_whatever_came_first() -> None:
    when, order = "{did: {kind: order, count: 1}}", seen("b", DAY, Kind.ORDER)

    assert fires(when, order) == fires(when, order, seen("a", 0, Kind.ORDER))


def test_a_count_within_a_window_is_reached_again_after_it_fell() -> None:
    days = {"a": 0, "b": 1, "c": 2, "d": 9, "e": 10}

    found = fires("{did: {kind: message, count: 2, within: 3d}}", *(seen(name, at * DAY) for name, at in days.items()))

    assert found == ["b", "e"]


def test_the_window_opens_just_after_its_length_ago() -> None:
    when = "{did: {kind: message, count: 2, within: 1d}}"

    assert fires(when, seen("a", 0), seen("b", DAY)) == []
    assert fires(when, seen("a", 1), seen("b", DAY)) == ["b"]


def test_distinct_channels_are_counted_and_not_messages() -> None:
    history = [seen("a", 0), seen("b", 1), seen("c", 2, channel="twitter")]

    assert fires("{did: {kind: message, distinct_channels: 2, within: 7d}}", *history) == ["c"]


def test_what_others_did_around_a_person_is_not_what_the_person_did() -> None:
    history = [
        seen("ours", 0, **US),
        seen("mentioned", 1, direction=Direction.AMONG, role=Role.MENTIONED),
        seen("copied", 2, role=Role.RECIPIENT),
    ]

    assert fires("{did: {kind: message}}", *history) == []
    assert fires("{did: {kind: message, direction: outbound}}", *history) == ["ours"]
    assert fires("{did: {direction: among, role: mentioned}}", *history) == ["mentioned"]


def test_automatic_mail_notes_and_spam_are_nobodys_doing() -> None:
    history = [
        seen("auto", 0, automatic=True),
        seen("note", 1, Kind.NOTE),
        seen("spam", 2, moderation="spam"),
    ]

    assert fires("{did: {}}", *history) == []
    assert fires("{did: {automatic: any}}", *history) == ["auto"]
    assert fires("{did: {kind: note}}", *history) == ["note"]
    assert fires("{did: {moderation: spam}}", *history) == ["spam"]


def test_what_a_trigger_caused_never_starts_it_again() -> None:
    history = [seen("a", 0, caused_by=frozenset({"t"})), seen("b", 1, caused_by=frozenset({"another"}))]

    assert fires("{did: {kind: message}}", *history) == ["b"]


def test_something_dated_in_the_future_waits_for_its_time() -> None:
    (found,) = decide("{did: {kind: message}}", seen("a", DAY), now=0)

    assert isinstance(found, Wait)
    assert found.due_at == MONDAY + DAY


# silence


def test_our_silence_waits_and_fires_at_its_due_time() -> None:
    (waiting,) = decide(COMPLAINT, seen("a", 0), now=2 * HOUR - 1)
    (fired,) = decide(COMPLAINT, seen("a", 0), now=2 * HOUR)

    assert isinstance(waiting, Wait)
    assert waiting.due_at == MONDAY + 2 * HOUR
    assert isinstance(fired, Fire)
    assert fired.at == MONDAY + 2 * HOUR
    (absence,) = fired.evidence.absences
    assert (absence.of, absence.since, absence.until) == ("us", MONDAY, MONDAY + 2 * HOUR)
    assert fired.evidence.interactions == ("a",)


def test_an_answer_on_any_channel_settles_our_silence_up_to_the_last_moment() -> None:
    answer = seen("x", 2 * HOUR, Kind.COMMENT, channel="twitter", **US)

    (settled,) = decide(COMPLAINT, seen("a", 0), answer)

    assert isinstance(settled, Settled)
    assert (settled.reason, settled.by) == ("moved_on", "x")


def test_an_answer_after_the_due_time_takes_nothing_back() -> None:
    assert fires(COMPLAINT, seen("a", 0), seen("x", 2 * HOUR + 1, **US)) == ["a"]


def test_an_automatic_answer_or_a_note_of_ours_does_not_break_our_silence() -> None:
    history = [seen("a", 0), seen("x", MINUTE, automatic=True, **US), seen("y", 2, Kind.NOTE, **US)]

    assert fires(COMPLAINT, *history) == ["a"]


def test_who_writes_three_times_waits_since_the_first() -> None:
    history = [seen("a", 0), seen("b", HOUR), seen("c", 3 * HOUR)]

    found = decide(COMPLAINT, *history)

    assert [one.episode for one in found] == ["a", "c"]
    fired, again = found
    assert isinstance(fired, Fire)
    assert (fired.episode, fired.at) == ("a", MONDAY + 2 * HOUR)
    assert fired.evidence.interactions == ("a", "b")
    assert isinstance(again, Fire)  # the third came when it had fired, and begins anew
    assert (again.episode, again.at) == ("c", MONDAY + 5 * HOUR)


def test_after_an_answer_the_next_message_opens_a_new_episode() -> None:
    assert fires(COMPLAINT, seen("a", 0), seen("x", HOUR, **US), seen("b", 5 * HOUR)) == ["b"]


def test_a_late_answer_cancels_a_silence_that_still_waits() -> None:
    late = seen("x", HOUR, **US)

    (settled,) = decide(COMPLAINT, seen("a", 0), late, now=90 * MINUTE)

    assert isinstance(settled, Settled)


def test_an_answer_whose_clock_runs_behind_still_answers() -> None:
    early = seen("x", -5 * MINUTE, answers="a", **US)

    (settled,) = decide(COMPLAINT, seen("a", 0), early)

    assert isinstance(settled, Settled)
    assert settled.by == "x"


def test_what_we_did_at_the_same_moment_is_an_answer_only_if_it_says_so() -> None:
    assert fires(COMPLAINT, seen("a", 0), seen("x", 0, **US)) == ["a"]
    assert fires(COMPLAINT, seen("a", 0), seen("x", 0, answers="a", **US)) == []


def test_their_silence_counts_from_the_last_thing_they_did() -> None:
    found = decide(QUIET, seen("a", 0), seen("b", DAY), now=10 * DAY)

    assert [type(one) for one in found] == [Settled, Fire]
    assert [one.episode for one in found] == ["a", "b"]


def test_each_of_their_silences_fires_once() -> None:
    days = {"a": 0, "b": 1, "c": 8, "d": 20}

    assert fires(QUIET, *(seen(name, at * DAY) for name, at in days.items())) == ["b", "c", "d"]


def test_an_out_of_office_note_is_no_sign_of_life() -> None:
    assert fires(QUIET, seen("a", 0), seen("auto", DAY, automatic=True)) == ["a"]


def test_their_silence_after_our_message_is_broken_on_any_channel() -> None:
    when = "{silence: {of: them, after: {direction: outbound}, for: 3d}}"

    assert fires(when, seen("x", 0, **US)) == ["x"]
    assert fires(when, seen("x", 0, **US), seen("a", DAY, Kind.REACTION, channel="twitter")) == []


def test_our_next_message_starts_the_clock_anew() -> None:
    when = "{silence: {of: them, after: {direction: outbound}, for: 3d}}"

    found = decide(when, seen("x", 0, **US), seen("y", DAY, **US), now=2 * DAY)

    assert isinstance(found[0], Settled)
    assert found[0].reason == "restarted"
    assert isinstance(found[1], Wait)
    assert found[1].due_at == MONDAY + 4 * DAY


def test_a_reminder_does_not_remind_of_itself() -> None:
    when = "{silence: {of: them, after: {direction: outbound, automatic: any}, for: 3d}}"
    reminder = seen("r", 4 * DAY, automatic=True, caused_by=frozenset({"t"}), **US)

    assert fires(when, seen("x", 0, **US), reminder) == ["x"]


def test_a_silence_of_anyone_is_broken_by_us_by_them_and_by_a_third() -> None:
    when = "{silence: {of: anyone, for: 1d, rearm: first}}"
    third = seen("c", HOUR, Kind.COMMENT, direction=Direction.AMONG, role=Role.MENTIONED)

    assert fires(when, seen("a", 0)) == ["a"]
    assert fires(when, seen("a", 0), seen("x", HOUR, **US)) == []
    assert fires(when, seen("a", 0), third) == []


def test_broken_by_narrows_what_breaks_a_silence() -> None:
    when = "{silence: {of: them, after: {kind: order}, broken_by: {kind: order}, for: 90d}}"

    history = [seen("a", 0, Kind.ORDER), seen("b", 10 * DAY)]

    assert fires(when, *history) == ["a"]
    (fired,) = decide(when, *history)
    assert isinstance(fired, Fire)
    assert "order" in fired.evidence.absences[0].looked_for


# all, any, not


def test_all_fires_when_the_last_part_comes_about() -> None:
    when = "{all: [{did: {kind: order, count: 1}}, {did: {kind: review, count: 1}}]}"
    order, review = seen("o", 0, Kind.ORDER), seen("r", DAY, Kind.REVIEW)

    (fired,) = decide(when, review, order)

    assert isinstance(fired, Fire)
    assert fired.at == MONDAY + DAY
    assert set(fired.evidence.interactions) == {"o", "r"}


def test_all_with_not_passes_over_whom_it_names() -> None:
    when = "{all: [{silence: {of: them, for: 3d}}, {not: {did: {kind: order, count: 1}}}]}"

    assert fires(when, seen("a", 0)) == ["a"]
    assert fires(when, seen("o", -DAY, Kind.ORDER), seen("a", 0)) == []
    assert fires(when, seen("a", 0), seen("o", 30 * DAY, Kind.ORDER)) == ["a"]  # it was true then


def test_any_gives_one_outcome_per_episode() -> None:
    when = "{any: [{silence: {of: us, after: {kind: message}, for: 2h}}, {silence: {of: us, after: {kind: message}, for: 4h}}]}"

    assert fires(when, seen("a", 0)) == ["a"]
    (waiting,) = decide(when, seen("a", 0), now=HOUR)
    assert isinstance(waiting, Wait)
    assert waiting.due_at == MONDAY + 2 * HOUR
    (fired,) = decide(when, seen("a", 0), now=3 * HOUR)  # the longer one still waits
    assert isinstance(fired, Fire)


def test_a_window_holds_as_long_as_the_number_is_in_it() -> None:
    when = "{all: [{did: {kind: order}}, {did: {kind: message, count: 2, within: 1d}}]}"
    messages = [seen("a", 0), seen("b", HOUR)]

    assert "o" in fires(when, *messages, seen("o", DAY - 1, Kind.ORDER))
    assert fires(when, *messages, seen("o", DAY, Kind.ORDER)) == []


def test_all_asks_whether_a_silence_held_when_something_was_done() -> None:
    theirs = "{all: [{did: {kind: order}}, {silence: {of: them, for: 3d}}]}"
    ours = "{all: [{did: {kind: order}}, {silence: {of: us, after: {kind: message}, for: 3d}}]}"
    history = [seen("a", 0), seen("o", 10 * DAY, Kind.ORDER)]

    assert fires(theirs, *history, now=11 * DAY) == []  # by ordering they broke theirs
    assert fires(ours, *history, now=11 * DAY) == ["o"]


# who, once, proof


def test_who_is_asked_of_the_person_of_that_day() -> None:
    then, now = PersonState(business="none"), PersonState(business="customer")
    dated = [(0, then), (MONDAY + 5 * DAY, now)]
    history = [seen("a", 0), seen("b", 4 * DAY), seen("c", 9 * DAY)]

    found = decide("{did: {kind: message}}", *history, who='business == "customer"', person=dated)

    assert [(one.episode, type(one)) for one in found] == [("a", Settled), ("b", Settled), ("c", Fire)]
    assert found[0].reason == "not_addressed"  # type: ignore[union-attr]
    assert found[2].evidence.read["person.business"] == "customer"


def test_the_once_key_follows_once_per() -> None:
    history = [seen("a1", 0), seen("a2", 1), seen("b1", 2)]
    keys = {
        "episode": ["a1", "a2", "b1"],
        "conversation": ["about-a", "about-a", "about-b"],
        "person": ["", "", ""],
        "7d": ["a1", "a2", "b1"],
    }

    for word, expected in keys.items():
        found = decide("{did: {kind: message}}", *history, limits=f"{{once_per: {word}}}")
        assert [one.once for one in found if isinstance(one, Fire)] == expected
    assert trigger("{did: {kind: order}}", limits="{once_per: 7d}").once_within == 7 * DAY


def test_a_claimed_interaction_fires_unproved() -> None:
    (fired,) = decide("{did: {kind: message}}", seen("a", 0, **CLAIMED))

    assert isinstance(fired, Fire)
    assert not fired.proved


def test_a_claimed_interaction_moves_no_stage() -> None:
    stage = "stage: {track: business, to: lead}"

    history = [seen("a", 0, **CLAIMED), seen("b", 1)]

    assert reached("{did: {kind: message, count: 1}}", *history, do=stage) == ["b"]
    assert fires("{silence: {of: them, for: 1d}}", seen("a", 0, **CLAIMED), do=stage) == []


def test_a_claimed_word_sets_a_proved_clock_anew() -> None:
    history = [seen("a", 0), seen("b", 2 * DAY, **CLAIMED)]

    found = decide(QUIET, *history, do="stage: {track: business, to: lapsing}", now=10 * DAY)

    assert isinstance(found[1], Fire)
    assert (found[1].episode, found[1].proved) == ("b", True)


def test_outcomes_before_since_are_left_out() -> None:
    history = History.of([seen("a", 0), seen("b", 10 * DAY)])

    found = evaluate(trigger("{did: {kind: message}}"), history, MONDAY + 20 * DAY, since=MONDAY + DAY)

    assert [one.episode for one in found] == ["b"]


def test_an_action_with_if_is_asked_when_it_is_done() -> None:
    when = "{did: {kind: message}}"
    action = trigger(when, do="message: {template: hello, class: service, if: not answered}").actions[0]

    assert action.applies(PersonState(), answered=False)
    assert not action.applies(PersonState(), answered=True)

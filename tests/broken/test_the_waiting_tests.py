"""The hub is broken at who waits, and the tests of waiting must see it."""

from typing import Any

import pytest

from breaking import checks_of, fails
from kinline.hub import Hub
from kinline.waiting import beside, events, keep, lines, rules, touched, window
from kinline.waiting.fold import End
from saying import connect_accounts

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WAITING, LAW = checks_of("core/test_waiting.py"), checks_of("core/test_waiting_law.py")


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """The desk of those tests."""
    connect_accounts(hub)
    return hub


@pytest.fixture
def world(hub: Hub) -> Hub:
    """The world of the law."""
    from kinline.accounts import connected

    with hub.store.write() as session:
        for name, (channel, given) in LAW.ACCOUNTS.items():
            connected.connect(session, hub.secret, channel, name, given)
    return hub


def test_an_answer_that_goes_to_everybody_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "settles", lambda line, person, place: line.ours and line.place == place)

    fails(WAITING.test_in_a_private_place_all_are_answered_and_in_mail_those_who_got_it, desk)


def test_an_answer_elsewhere_that_ends_it_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "settles", lambda line, person, place: line.ours and person in line.reached)

    fails(WAITING.test_an_answer_elsewhere_lets_it_rest_for_four_hours_and_ends_nothing, desk)


def test_an_answer_to_one_word_that_settles_all_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(End, "leaves", lambda self, running: False)

    fails(WAITING.test_a_public_answer_settles_what_it_names_and_nothing_later, desk)


def test_help_that_nobody_notices_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "helps", lambda line, question, find: False)

    for direction in WAITING.Direction.AMONG, WAITING.Direction.INBOUND:
        fails(WAITING.test_somebody_elses_answer_lets_it_rest_whatever_the_direction_and_says_so, desk, direction)


def test_spam_that_waits_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "moderated_away", lambda moderation: False)

    fails(WAITING.test_what_asks_nothing_starts_nothing, desk, {"moderation": "spam"})


def test_a_forged_answer_that_counts_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "UNSURE", frozenset())

    fails(WAITING.test_what_only_claims_to_be_from_us_answers_nothing, desk)


def test_a_mailing_that_answers_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_mailing", lambda line: False)

    fails(WAITING.test_to_many_at_once_is_no_answer, desk)


def test_a_clock_that_is_believed_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events.World, "asked_at", lambda self, line, further=0: line.at)

    fails(WAITING.test_a_clock_that_is_behind_does_not_hide_who_answers_us, desk)


def test_history_that_nobody_vouches_for_for_ever_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_surely_sent", lambda session, rows, flags: set())

    fails(WAITING.test_of_history_what_nobody_vouched_for_counts_once_it_was_answered, desk)


def test_a_merge_that_forgets_who_waits_is_seen(desk: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "settle_person", lambda session, identity: None)

    fails(WAITING.test_an_answer_elsewhere_lets_it_rest_for_four_hours_and_ends_nothing, desk)


BROKEN: list[tuple[Any, str, Any]] = [
    (touched.Touched, "changed", lambda self, interactions: []),
    (touched, "_goes_on", lambda running, first, news: running.open),
    (lines, "answering", lambda session, interactions: set()),
    (window, "_said_by_us", lambda session, standing, starts: []),
    (keep, "part", lambda session, conversation, fresh: None),
]


@pytest.mark.parametrize(("where", "what", "broken"), BROKEN, ids=[what for _, what, _ in BROKEN])
def test_the_law_sees_what_is_not_kept_up(
    world: Hub, monkeypatch: pytest.MonkeyPatch, where: Any, what: str, broken: Any
) -> None:
    monkeypatch.setattr(where, what, broken)

    fails(LAW.test_kept_up_is_what_is_folded_from_nothing, world)

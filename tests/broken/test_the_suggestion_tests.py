"""The hub is broken at who may be one person, and the tests of suggestions must see it."""

from typing import Any

import pytest

from breaking import checks_of, fails
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.hub import Hub
from kinline.identity import merges, suggestion_answers
from kinline.identity.parties import home_person
from kinline.identity.suggestions import index, keep, keys, rows, rules

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TESTS, LAW = checks_of("core/test_suggestions.py"), checks_of("core/test_suggestions_law.py")


@pytest.fixture
def desk(hub: Hub) -> AccountRef:
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "support", "desk", {})


@pytest.fixture
def world(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(rules, "HOT", 4)
    return hub


def test_a_suggestion_that_joins_is_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rows.keep

    def joining(session: Any, found: Any) -> None:
        real(session, found)
        for one, other in found:
            merges.merge(session, home_person(one), home_person(other), evidence={}, made_by="hub")

    monkeypatch.setattr(rows, "keep", joining)

    fails(TESTS.test_two_who_are_alike_are_suggested, hub, desk, "in another case")


def test_a_refusal_that_is_forgotten_is_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merges, "keep_apart", lambda *given, **more: None)

    fails(TESTS.test_a_refusal_is_for_ever_whatever_is_joined_or_parted, hub, desk)


def test_an_answer_that_is_asked_again_is_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestion_answers, "ACCEPTED", rows.OPEN)

    fails(TESTS.test_what_was_accepted_and_undone_is_not_suggested_again, hub, desk)


def test_merges_that_settle_nothing_are_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "settle", lambda session, persons: None)

    fails(TESTS.test_whom_another_merge_joined_are_not_suggested_until_it_is_undone, hub, desk)


def test_common_names_that_weigh_as_rare_ones_are_seen(
    hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_rare", lambda most, count, fall=1.0: most)

    fails(TESTS.test_a_common_name_weighs_less_and_at_last_nothing, hub, desk)


def test_a_typed_name_that_counts_in_full_is_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys.Candidate, "is_claimed", property(lambda self: False))

    fails(TESTS.test_a_name_that_somebody_typed_suggests_weakly, hub, desk)


def test_first_names_that_count_as_logins_are_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_login_bits", lambda login, words, count: 12.0)

    fails(TESTS.test_what_many_share_suggests_nothing, hub, desk, "a first name as a login")


def test_ghosts_are_seen(hub: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    from kinline.identity import meeting
    from kinline.identity.parties import Who, identify
    from kinline.record import batch

    def haunted(session: Any, met: Any) -> None:
        found = [(identify(each), at) for party, at in met for each in party.also]
        meeting.meet(session, [(Who(TESTS.Party(role=TESTS.Role.AUTHOR), k.handle, k.id), at) for k, at in found if k])

    monkeypatch.setattr(batch, "remember_aliases", haunted)

    fails(
        TESTS.test_what_a_source_shows_with_a_handle_makes_no_person_and_is_suggested_once_that_one_takes_part,
        hub,
        desk,
    )


def test_counts_that_nobody_looks_at_again_are_seen(world: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_matters", lambda key, before, after: False)

    fails(LAW.test_what_is_kept_up_is_what_is_found_from_nothing, world)


def test_keys_that_stay_behind_are_seen(world: Hub, desk: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        def run_many(self, session: Any, many: Any) -> None:
            """Forgets nothing."""

    monkeypatch.setattr(index, "_FORGET", Never())
    monkeypatch.setattr(keep, "_DROP", type("_Never", (), {"run": staticmethod(lambda *given, **more: 0)}))

    fails(TESTS.test_a_day_of_birth_and_a_place_speak_for_and_against, world, desk)

"""Going live on an existing base, broken on purpose: its tests must see it."""

from typing import Any

import pytest
from msgspec.structs import replace

from breaking import checks_of, fails
from kinline.accounts.connected import AccountRef
from kinline.backtest import backtest, replay_input
from kinline.catalogue import backfills
from kinline.decide import backfill, verdicts
from kinline.history import relevant
from kinline.hub import Hub
from kinline.store import sql
from kinline.triggers.history import Waited
from kinline.words import Origin
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CHECKS = checks_of("core/test_backfill.py")
pytestmark = on_sqlite


def test_a_trigger_that_looks_at_news_only_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "start", lambda *given: None)

    fails(CHECKS.test_whoever_is_in_that_state_is_armed_and_noticed_when_it_is_due, hub, inbox, time, Origin.LIVE)


def test_a_covering_query_that_leaves_too_many_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relevant, "_of_identities", lambda *given: [])

    fails(CHECKS.test_whoever_is_in_that_state_is_armed_and_noticed_when_it_is_due, hub, inbox, time, Origin.LIVE)


def test_history_that_is_forgotten_for_ever_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "is_history", lambda about, fire: about.origin is Origin.IMPORT)

    fails(CHECKS.test_whoever_is_in_that_state_is_armed_and_noticed_when_it_is_due, hub, inbox, time, Origin.IMPORT)


def test_all_who_were_there_at_once_are_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "SHARE", 1000.0)

    fails(CHECKS.test_what_was_due_shortly_before_is_acted_on_where_the_trigger_says_so, hub, inbox, time)


def test_pushing_before_other_work_is_seen(
    hub: Hub, inbox: AccountRef, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PATIENCE", 10**15)

    fails(CHECKS.test_other_work_comes_first, hub, inbox, time)


def test_a_page_that_is_counted_by_two_is_seen(hub: Hub, inbox: AccountRef, monkeypatch: pytest.MonkeyPatch) -> None:
    real = backfills._MOVE.run

    def whoever_comes(session: Any, **values: Any) -> int:
        [(seen,)] = sql.run(session, "SELECT cursor FROM backfill WHERE state = 'running'") or [("",)]
        return real(session, **{**values, "seen": seen})

    class Loose:
        run = staticmethod(whoever_comes)

    monkeypatch.setattr(backfills, "_MOVE", Loose)
    with monkeypatch.context() as patched:
        fails(CHECKS.test_it_goes_on_where_it_stopped_and_two_at_once_do_each_page_once, hub, inbox, patched)


@pytest.mark.parametrize("origin", [Origin.LIVE, Origin.IMPORT])
def test_the_law_sees_a_trigger_that_looks_at_news_only(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, origin: Origin
) -> None:
    monkeypatch.setattr(backfills, "start", lambda *given: None)

    fails(
        checks_of("core/test_live_on_a_base.py").test_a_back_test_says_what_is_decided_after_going_live_on_a_base,
        hub,
        origin,
    )


def test_the_law_sees_history_that_fires(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A back-test that takes all that was imported for live, also what was history when its time began."""
    real = replay_input.past

    def all_live(session: Any, root: str, trigger: Any, **more: Any) -> Any:
        found = real(session, root, trigger, **more)
        seen = tuple(replace(one, origin=Origin.LIVE, recorded_at=one.at) for one in found.history.seen)
        waited = tuple(
            Waited(place=one.conversation or one.id, asked=one.id, since=one.at)
            for one in seen
            if one.direction == "inbound"
        )
        known = {one.id: min(one.at, found.known_at[one.id]) for one in seen}
        return replace(found, history=replace(found.history, seen=seen, waited=waited), known_at=found.known_at | known)

    monkeypatch.setattr(backtest, "past", all_live)
    fails(
        checks_of("core/test_live_on_a_base.py").test_a_back_test_says_what_is_decided_after_going_live_on_a_base,
        hub, Origin.IMPORT,
    )  # fmt: skip

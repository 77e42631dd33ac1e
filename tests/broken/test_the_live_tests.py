"""Accounts that live, and the way out over HTTP, broken on purpose: each time a test has to see it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import Session

from boxes import Box
from breaking import checks_of, fails
from kinline import Connection, addresses, clock
from kinline.accounts import connected
from kinline.accounts.ready import ReadyAccount
from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline.intake.receive import receive
from kinline.live import polling, state
from kinline_workers import sweeper
from kinline_workers.broker import broker_for
from settable import Time

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIVE = "core/test_live_accounts.py"


@pytest.fixture
def channel() -> Iterator[Box]:
    found = Box()
    channels().loaded["box"] = found
    yield found
    del channels().loaded["box"]


@pytest.fixture
def account(hub: Hub, channel: Box) -> str:
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "box", "the box", {}).id


@on_sqlite
def test_a_cursor_that_runs_ahead_of_what_was_kept_is_seen(
    hub: Hub, account: str, channel: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinline.live.polling.receive", lambda *_, **__: "nowhere")

    fails(checks_of(LIVE).test_what_comes_is_kept_once_and_the_next_look_goes_on_behind_it, hub, account, channel.box)


@on_sqlite
def test_two_who_look_after_one_account_are_seen(
    hub: Hub, account: str, channel: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(session: Session, account_id: str, owner: str, seconds: int) -> bool:
        state.ensure(session, account_id).owner = owner
        return True

    checks = checks_of(LIVE)
    monkeypatch.setattr(state, "claim", take)

    fails(checks.test_only_one_looks_after_an_account_and_who_lost_it_writes_nothing, hub, account, channel.box)


@on_sqlite
def test_a_past_that_comes_in_as_news_is_seen(
    hub: Hub, account: str, channel: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_news: Any = lambda session, to, body, source, **_: receive(session, to, body, source)  # noqa: E731
    monkeypatch.setattr("kinline.live.polling.receive", as_news)

    fails(checks_of(LIVE).test_the_past_comes_in_pieces_goes_on_and_starts_nothing, hub, account, channel.box)


@on_sqlite
def test_saying_in_sync_without_looking_is_seen(
    hub: Hub, account: str, channel: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(hub: Hub, account: ReadyAccount, connection: Connection, owner: str) -> None:
        with hub.store.write() as session:
            state.write(session, account.row.id, owner, missing=0, compared_at=clock.now())

    monkeypatch.setattr("kinline.live.keeping.compare", blind)

    fails(checks_of(LIVE).test_the_newest_there_are_held_against_the_newest_here, hub, account, channel.box)


@on_sqlite
def test_a_cap_that_nobody_minds_is_seen(hub: Hub, account: str, channel: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "_afford", lambda hub, account: None)

    fails(checks_of(LIVE).test_a_cap_pauses_the_account_and_says_so, hub, account, channel, channel.box)


def test_a_guard_that_believes_ipaddress_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = checks_of("core/test_http.py")
    monkeypatch.setattr(addresses, "is_public", lambda address: address.is_global)

    fails(checks.test_an_address_that_may_be_inside_is_not_public, "64:ff9b::7f00:1")


def test_a_guard_that_is_asleep_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = checks_of("core/test_http.py")
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    site = checks.Site()
    site.start()
    try:
        fails(checks.test_a_host_out_of_a_message_that_is_ours_is_never_called, site, "127.0.0.1")
    finally:
        site.stop()


@on_sqlite
def test_a_sweeper_that_wakes_all_of_a_backlog_is_seen(hub: Hub, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    module = checks_of("workers/test_sweeper.py")
    monkeypatch.setattr(sweeper, "unfetched", lambda broker: 0)

    fails(module.test_a_backlog_waits_in_the_database_not_in_the_queue, hub, broker_for(hub.settings), time)


@on_sqlite
def test_a_sweeper_that_wakes_once_is_seen(hub: Hub, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    module = checks_of("workers/test_sweeper.py")
    monkeypatch.setattr(sweeper, "AGAIN", clock.DAY)

    fails(module.test_what_was_woken_and_not_done_is_woken_again, hub, broker_for(hub.settings), time)

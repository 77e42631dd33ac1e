"""The worker that looks after accounts: finds them, wakes, stops, and leaves them to others when it is gone."""

from collections.abc import Iterator

import pytest

from boxes import Box
from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.errors import ChannelError
from kinline.hub import Hub
from kinline.live import state
from kinline.pretend import until
from kinline.store import sql
from kinline.store.models import AccountLive
from kinline_workers.running import Running


@pytest.fixture
def box() -> Iterator[Box]:
    found = Box()
    channels().loaded["box"] = found
    yield found
    del channels().loaded["box"]


@pytest.fixture
def account(hub: Hub, box: Box) -> str:
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "box", "the box", {}).id


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return Hub(hub.settings.model_copy(update={"sweep": 0.05}), hub.secret, hub.store)


@pytest.fixture
def worker(hub: Hub, account: str) -> Iterator[Running]:
    running = Running(hub).start()
    yield running
    running.stop()


def row(hub: Hub, account: str) -> AccountLive:
    with hub.store.read() as session:
        return session.get(AccountLive, account) or AccountLive(account_id=account)


def interactions(hub: Hub) -> int:
    with hub.store.read() as session:
        return int(sql.run(session, "SELECT count(*) FROM interaction")[0][0])


def test_what_a_provider_has_becomes_an_interaction_at_once(hub: Hub, box: Box, worker: Running) -> None:
    box.box.lines.append("one")
    box.box.news.set()
    assert until(lambda: interactions(hub) == 1)

    box.box.lines.append("two")
    box.box.news.set()

    assert until(lambda: interactions(hub) == 2)
    assert box.box.opened == 1


def test_an_account_that_failed_is_tried_again_when_somebody_says_so(
    hub: Hub, account: str, box: Box, worker: Running
) -> None:
    assert until(lambda: row(hub, account).ok_at is not None)
    box.box.lines, box.box.trouble = ["one"], ChannelError("Away.", permanent=True)
    box.box.news.set()
    assert until(lambda: row(hub, account).error_kind == "refused")

    box.box.trouble = None
    with hub.store.write() as session:
        state.wake(session, account)

    assert until(lambda: interactions(hub) == 1)
    assert row(hub, account).error_kind == ""


def test_a_paused_account_is_let_go_and_a_resumed_one_taken_again(
    hub: Hub, account: str, box: Box, worker: Running
) -> None:
    assert until(lambda: row(hub, account).owner != "")
    _put(hub, account, connected.PAUSED)
    assert until(lambda: row(hub, account).owner == "")

    _put(hub, account, connected.ACTIVE)
    box.box.lines.append("one")

    assert until(lambda: interactions(hub) == 1)


def test_a_worker_that_stops_leaves_its_accounts_to_the_next(hub: Hub, account: str, box: Box) -> None:
    first = Running(hub).start()
    assert until(lambda: row(hub, account).owner != "")
    first.stop()
    assert row(hub, account).owner == ""

    second = Running(hub).start()
    box.box.lines.append("one")
    assert until(lambda: interactions(hub) == 1)
    second.stop()


def test_two_workers_share_the_accounts_and_bring_nothing_twice(hub: Hub, account: str, box: Box) -> None:
    workers = [Running(hub).start() for _ in range(2)]
    box.box.lines = [str(number) for number in range(30)]
    box.box.news.set()

    assert until(lambda: interactions(hub) == 30)
    assert box.box.opened == 1
    for each in workers:
        each.stop()

    with hub.store.read() as session:
        assert sql.run(session, "SELECT count(*) FROM intake") == [(30,)]


def _put(hub: Hub, account: str, word: str) -> None:
    with hub.store.write() as session:
        connected.named(session, account).state = word

"""Accounts that are kept connected: what they bring, where they go on, how they say what is wrong."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from boxes import Box, PostBox
from kinline import clock, handlers
from kinline.accounts import connected, spend
from kinline.accounts.ready import ready
from kinline.contract.plugins import channels
from kinline.errors import ChannelError, Conflict
from kinline.hub import Hub
from kinline.intake.ledger import ledger
from kinline.live import history, state
from kinline.live.health import Health, health
from kinline.live.keeping import Keeper
from kinline.messages import Estimate
from kinline.store import sql
from kinline.store.models import AccountLive

OWNER = "this-test"


@pytest.fixture
def channel() -> Iterator[Box]:
    found = Box()
    channels().loaded["box"] = found
    yield found
    del channels().loaded["box"]


@pytest.fixture
def box(channel: Box) -> PostBox:
    return channel.box


@pytest.fixture
def account(hub: Hub, channel: Box) -> str:
    with hub.store.write() as session:
        return connected.connect(session, hub.secret, "box", "the box", {}).id


def keep(hub: Hub, account: str, *, until: Any, owner: str = OWNER) -> None:
    """Have a keeper look after the account until something is so."""
    keeper = Keeper(hub, account, owner, news=lambda: None)
    thread = threading.Thread(target=keeper.keep)
    thread.start()
    for _ in range(500):
        if until() or not thread.is_alive():
            break
        thread.join(0.02)
    keeper.stop.set()
    keeper.woken.set()
    thread.join(10)
    assert not thread.is_alive()


def row(hub: Hub, account: str) -> AccountLive:
    with hub.store.read() as session:
        return session.get(AccountLive, account) or AccountLive(account_id=account)


def health_of(hub: Hub, account: str) -> Health:
    with hub.store.read() as session:
        return health(session, hub.secret, connected.named(session, account))


def recorded(hub: Hub) -> int:
    with hub.store.read() as session:
        [line] = ledger(session)
        assert line.holds
        return line.recorded


def test_what_comes_is_kept_once_and_the_next_look_goes_on_behind_it(hub: Hub, account: str, box: PostBox) -> None:
    # Given two lines, and later a third
    box.lines = ["one", "two"]
    keep(hub, account, until=lambda: row(hub, account).cursor == "2")
    box.lines.append("three")
    keep(hub, account, until=lambda: row(hub, account).cursor == "3")
    handlers.drain(hub)

    # Then there are three, and the provider was asked by two connections only
    assert recorded(hub) == 3
    assert box.opened == 2
    assert health_of(hub, account).limits == {"left": 99}


def test_news_are_brought_in_without_a_new_connection(hub: Hub, account: str, box: PostBox) -> None:
    def say_something() -> bool:
        if row(hub, account).ok_at and not box.lines:
            box.lines.append("news")
            box.news.set()
        return row(hub, account).cursor == "1"

    keep(hub, account, until=say_something)

    assert (row(hub, account).cursor, box.opened) == ("1", 1)


def test_a_crash_between_two_pieces_loses_none_and_doubles_none(hub: Hub, account: str, box: PostBox) -> None:
    # Given a provider that breaks after the second line
    box.lines = ["one", "two"]
    keep(hub, account, until=lambda: row(hub, account).cursor == "2")
    box.trouble, box.lines = RuntimeError("it broke"), ["one", "two", "three"]
    keep(hub, account, until=lambda: False)

    # When it is mended, also if what was kept is brought once more
    box.trouble = None
    with hub.store.write() as session:
        sql.changed(session, "UPDATE account_live SET cursor = '1' WHERE account_id = {p}", account)
    keep(hub, account, until=lambda: row(hub, account).cursor == "3")
    handlers.drain(hub)

    assert recorded(hub) == 3


@pytest.mark.parametrize(
    ("trouble", "kind", "verdict"),
    [
        (ChannelError("No such password.", permanent=True, code="not_authorised"), "not_authorised", "needs_you"),
        (ChannelError("You may not.", permanent=True), "refused", "needs_you"),
        (ChannelError("Slowly.", retry_after=900), "waiting", "waiting"),
        (ChannelError("Nobody answers."), "unreachable", "failing"),
        (RuntimeError("x is None"), "unreachable", "failing"),
    ],
)
def test_what_is_wrong_is_said_with_what_helps_and_when_it_is_tried_again(
    hub: Hub, account: str, box: PostBox, trouble: Exception, kind: str, verdict: str
) -> None:
    box.lines, box.trouble = ["one"], trouble

    keep(hub, account, until=lambda: False)

    found = health_of(hub, account)
    assert (row(hub, account).error_kind, found.verdict, found.failures) == (kind, verdict, 1)
    assert str(trouble) in found.says
    assert row(hub, account).next_at > clock.now()
    assert row(hub, account).owner == ""


def test_only_one_looks_after_an_account_and_who_lost_it_writes_nothing(hub: Hub, account: str, box: PostBox) -> None:
    # Given somebody else who looks after it
    with hub.store.write() as session:
        assert state.claim(session, account, "somebody-else", 60)

    # Then we do nothing
    box.lines = ["one"]
    keep(hub, account, until=lambda: False)
    assert (box.opened, row(hub, account).cursor) == (0, "")

    # And when they stop in the middle, a write of theirs fails once it is ours
    with hub.store.write() as session:
        sql.changed(session, "UPDATE account_live SET lease_until = 0 WHERE account_id = {p}", account)
        assert state.claim(session, account, OWNER, 60)
        with pytest.raises(state.Lost):
            state.write(session, account, "somebody-else", cursor="9")


def test_the_newest_there_are_held_against_the_newest_here(hub: Hub, account: str, box: PostBox) -> None:
    # Given one line that is here
    box.lines = ["one"]
    keep(hub, account, until=lambda: row(hub, account).cursor == "1")
    handlers.drain(hub)
    keep(hub, account, until=lambda: row(hub, account).compared_at)
    assert health_of(hub, account).in_sync is True

    # When the provider has one that its cursor hid from us
    box.lines = ["hidden", *box.lines]
    with hub.store.write() as session:
        sql.changed(session, "UPDATE account_live SET cursor = '2', compared_at = NULL")
    keep(hub, account, until=lambda: row(hub, account).compared_at)

    # Then nobody says that all is here
    found = health_of(hub, account)
    assert (found.in_sync, found.missing, found.verdict) == (False, 1, "behind")


def test_the_past_comes_in_pieces_goes_on_and_starts_nothing(hub: Hub, account: str, box: PostBox) -> None:
    # Given a past of three lines, the second of which breaks the line
    box.old = ["a", "b", "c"]
    found = ready(hub, account)
    told = history.estimate(found)
    history.start(hub, found, told)
    with pytest.raises(Conflict):
        history.start(hub, found, told)

    keep(hub, account, until=lambda: row(hub, account).history_state == "done")
    handlers.drain(hub)

    # Then all of it is here, as history
    assert recorded(hub) == 3
    assert health_of(hub, account).history == {
        "state": "done", "bodies": 3, "expected": 3,
        "began_at": clock.to_text(row(hub, account).history_at), "ended_at": clock.to_text(row(hub, account).history_ended_at),
    }  # fmt: skip
    with hub.store.read() as session:
        assert sql.run(session, "SELECT DISTINCT origin FROM interaction") == [("import",)]


def test_a_cap_pauses_the_account_and_says_so(hub: Hub, account: str, channel: Box, box: PostBox) -> None:
    # Given money for two reads
    channel.limit, box.cost, box.lines = 200, 100, ["one", "two", "three"]

    keep(hub, account, until=lambda: False)

    # Then two came, and the rest waits for next month
    found = health_of(hub, account)
    assert (row(hub, account).cursor, found.verdict) == ("2", "over_cap")
    assert "cap" in found.says
    assert found.spent == {
        "month": spend.month_of(clock.now()), "reads": 2, "writes": 0, "cost": 200, "cap": 200
    }  # fmt: skip

    # And a past that costs more than is left is refused before it begins
    channel.limit, box.old = 250, ["a"]
    with pytest.raises(Conflict, match="cap"):
        history.start(hub, ready(hub, account), Estimate(items=1, cost=100))


def test_what_comparing_costs_is_counted_too(hub: Hub, account: str, box: PostBox) -> None:
    box.asides = 7

    keep(hub, account, until=lambda: row(hub, account).compared_at)

    found = health_of(hub, account).spent
    assert found is not None
    assert (found["reads"], found["cost"]) == (1, 7)


def test_where_nobody_can_compare_nobody_says_that_all_is_here(
    hub: Hub, account: str, box: PostBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "recent", lambda count: None)

    keep(hub, account, until=lambda: row(hub, account).compared_at)

    assert health_of(hub, account).in_sync is None


def test_a_connection_with_nothing_to_wait_on_is_not_waited_on(hub: Hub, account: str, box: PostBox) -> None:
    box.watches = False

    keep(hub, account, until=lambda: row(hub, account).ok_at)

    assert row(hub, account).error_kind == ""


def test_a_paused_account_is_left_alone(hub: Hub, account: str, box: PostBox) -> None:
    with hub.store.write() as session:
        connected.named(session, account).state = connected.PAUSED

    keep(hub, account, until=lambda: False)

    assert box.opened == 0
    assert health_of(hub, account).verdict == "paused"


def test_an_account_that_is_unusually_quiet_says_so(hub: Hub, account: str, box: PostBox) -> None:
    # Given one that got something every two minutes, a day ago
    box.lines = [str(number) for number in range(20)]
    keep(hub, account, until=lambda: row(hub, account).cursor == "20")
    with hub.store.write() as session:
        ids = [intake for (intake,) in sql.run(session, "SELECT id FROM intake ORDER BY id")]
        for number, intake in enumerate(ids):
            at = clock.now() - clock.DAY + number * 2 * clock.MINUTE
            sql.changed(session, "UPDATE intake SET received_at = {p} WHERE id = {p}", at, intake)

    found = health_of(hub, account)

    assert (found.verdict, found.usual_gap) == ("quiet", 120.0)
    assert found.says == "Nothing came for 23 h; usually something comes every 2 min."

"""``kinline account`` for accounts that live."""

from collections.abc import Iterator

import pytest
from tests.cli.conftest import Kinline

from boxes import Box
from kinline.contract.plugins import channels


@pytest.fixture
def box(cli: Kinline) -> Iterator[Box]:
    found = Box()
    channels().loaded["box"] = found
    assert cli("account", "connect", "box", "the-box").code == 0
    yield found
    del channels().loaded["box"]


def test_health_lists_every_account_and_fails_when_one_needs_somebody(cli: Kinline, box: Box) -> None:
    assert "Nothing has come in yet." in cli("account", "health").out
    assert cli("account", "health", "the-box").code == 0

    # When its provider refuses us
    box.box.lines, box.box.trouble = ["one"], RuntimeError("it broke")
    cli("account", "history", "the-box")

    ended = cli("account", "health", "--json")
    assert ended.code == 1
    assert [each["verdict"] for each in ended.json] == ["failing"]


def test_the_past_comes_in_without_a_worker(cli: Kinline, box: Box) -> None:
    box.box.old = ["a", "b", "c"]

    assert cli("account", "history", "the-box", "--estimate", "--json").json["items"] == 3
    ended = cli("account", "history", "the-box", "--json")

    assert (ended.code, ended.json["state"], ended.json["bodies"]) == (0, "done", 3)
    assert cli("ledger", "--json").json[0]["recorded"] == 3


def test_a_test_quotes_the_provider(cli: Kinline, box: Box) -> None:
    assert cli("account", "test", "the-box").out == "A box with 0 lines\n"


def test_settings_are_changed_and_secrets_rotated(cli: Kinline) -> None:
    assert cli("account", "connect", "twitter", "x", "--set", "consumer_secret=old").code == 0

    shown = cli("account", "set", "x", "--set", "consumer_secret=new", "--json")

    assert shown.json == {"consumer_secret": "********"}
    assert cli("account", "set", "x", "--set", "no_such=1").code != 0


def test_a_consent_needs_a_public_address(cli: Kinline, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = cli("account", "authorise", "the-box")

    assert ended.code != 0
    assert "KINLINE_PUBLIC_URL" in ended.err


def test_a_poll_wakes_the_worker(cli: Kinline, box: Box) -> None:
    assert cli("account", "poll", "the-box", "--json").json == {"account": "the-box", "woken": True}

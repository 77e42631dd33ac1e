"""``kinline owed``: what an imported mailbox owes."""

from pathlib import Path

import pytest
from tests.cli.conftest import Kinline


@pytest.fixture
def imported(cli: Kinline, mails: Path) -> Kinline:
    cli("import", "email", mails, "--set", "address=help@kinline.example")
    return cli


def test_who_waits_is_shown_to_people_and_to_programs(imported: Kinline) -> None:
    [first, _] = imported("owed", "--json").json
    told = imported("owed")

    assert (first["name"], first["since"], first["what"]) == ("Ann", "2025-03-01T10:00:00Z", "answer")
    assert "2025-03-01 10:00" in told.out
    assert "It should have been here on Friday." in told.out
    assert imported("owed", "--limit", "1").err == "There is more. Show it with --limit.\n"


NARROWED = {
    ("--channel", "email"): 2, ("--channel", "blog"): 0, ("--person", "ann@example.org"): 2, ("--what", "promise"): 0,
    ("--overdue",): 0, ("--team", "north"): 0,
}  # fmt: skip


def test_it_is_narrowed(imported: Kinline) -> None:
    assert {options: len(imported("owed", *options, "--json").json) for options in NARROWED} == NARROWED


def test_nothing_owed_is_said(cli: Kinline) -> None:
    assert cli("owed").out == "Nothing is owed to anybody.\n"

"""``kinline waiting``: who waits in an imported mailbox."""

from pathlib import Path

import pytest
from tests.cli.conftest import Kinline


@pytest.fixture
def imported(cli: Kinline, mails: Path) -> Kinline:
    cli("import", "email", mails, "--set", "address=help@kinline.example")
    return cli


def test_history_stands_in_a_list_of_its_own_to_which_the_first_points(imported: Kinline) -> None:
    told = imported("waiting")

    assert told.out == "Nobody waits for us.\n"
    assert told.err == "Besides: 2 unanswered in what was imported (--list imported).\n"


def test_who_waits_is_shown_to_people_and_to_programs(imported: Kinline) -> None:
    [first, _] = imported("waiting", "--list", "imported", "--json").json
    told = imported("waiting", "--list", "imported")

    assert (first["name"], first["since"], first["what"]) == ("Ann", "2025-03-01T10:00:00Z", "answer")
    assert "2025-03-01 10:00" in told.out
    assert "It should have been here on Friday." in told.out
    assert imported("waiting", "--list", "imported", "--limit", "1").err == "There is more. Show it with --limit.\n"


NARROWED = {
    ("--channel", "email"): 2, ("--channel", "blog"): 0, ("--person", "ann@example.org"): 2, ("--what", "promise"): 0,
    ("--overdue",): 0, ("--team", "north"): 0,
}  # fmt: skip


def test_it_is_narrowed(imported: Kinline) -> None:
    found = {options: len(imported("waiting", "--list", "imported", *options, "--json").json) for options in NARROWED}
    assert found == NARROWED

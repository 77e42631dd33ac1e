"""``kinline conversation``: read one, answer in it, end it."""

from pathlib import Path

import pytest
from tests.cli.conftest import Kinline

ASKING = """From: Ann <ann@example.org>
To: help@kinline.example
Cc: ben@example.org
Subject: Where is my parcel?
Date: Sat, 01 Mar 2025 10:00:00 +0000
Message-ID: <1@example.org>

It should have been here on Friday.
"""


@pytest.fixture
def number(cli: Kinline, tmp_path: Path) -> str:
    """The number of a conversation that Ann began, with Ben in copy."""
    (tmp_path / "1.eml").write_text(ASKING)
    cli("import", "email", tmp_path / "1.eml", "--set", "address=help@kinline.example")
    [line] = cli("waiting", "--list", "imported", "--json").json
    return str(line["number"])


def test_it_is_read_by_its_number(cli: Kinline, number: str) -> None:
    told = cli("conversation", "show", number)

    assert "Where is my parcel?" in told.out
    assert "It should have been here on Friday." in told.out
    assert cli("conversation", "show", number, "--json").json["conversation"]["number"] == number
    assert cli("conversation", "show", "0000-0000").code == 1


def test_whom_an_answer_goes_to_is_told_and_done(cli: Kinline, number: str) -> None:
    told = cli("conversation", "reply", number, "It left.", "--dry-run")
    assert told.out.startswith("It would go to email:ann@example.org, email:ben@example.org, over ")
    assert cli("conversation", "reply", number, "It left.", "--dry-run", "--no-cc", "--json").json["cc"] == []

    sent = cli("conversation", "reply", number, "It left.", "--cc", "ben@example.org", "--json").json
    assert (sent["to"], sent["cc"]) == ("email:ann@example.org", ["email:ben@example.org"])


def test_whoever_takes_no_part_is_refused_and_the_others_are_offered(cli: Kinline, number: str) -> None:
    told = cli("conversation", "reply", number, "It left.", "--to", "eve@example.org")

    assert told.code == 1
    assert "--to email:ann@example.org, waiting since 2025-03-01 10:00" in told.err
    assert "They take no part in this conversation." in told.err


def test_it_is_dismissed_and_closed(cli: Kinline, number: str) -> None:
    told = cli("conversation", "dismiss", number, "--person", "ann@example.org", "--reason", "Long over")
    assert told.out == "They wait no more.\n"
    assert cli("conversation", "dismiss", number, "--person", "ann@example.org", "--reason", "Again").code == 1

    assert cli("conversation", "close", number, "--outcome", "none").out == f"{number} is closed.\n"
    assert cli("conversation", "show", number, "--json").json["conversation"]["state"] == "closed"

"""``kinline suggestions``: one address in two spellings, in mails that were imported."""

from pathlib import Path

import pytest
from tests.cli.conftest import Kinline

MAIL = """From: Ann Archer <{address}>
To: help@kinline.example
Subject: Parcel 42
Date: Mon, 02 Nov 2026 10:00:00 +0000
Message-ID: <{number}@x.example>

Mail {number}.
"""


@pytest.fixture
def imported(cli: Kinline, tmp_path: Path) -> Kinline:
    folder = tmp_path / "mails"
    folder.mkdir()
    for number, address in enumerate(("Ann.Archer@Example.org", "ann.archer@example.org", "ann.archer+x@example.org")):
        (folder / f"{number}.eml").write_text(MAIL.format(number=number, address=address))
    ended = cli("import", "email", folder, "--set", "address=help@kinline.example")
    assert ended.code == 0, ended.err
    return cli


def test_two_spellings_are_two_people_and_a_suggestion_with_its_reason(imported: Kinline) -> None:
    found = imported("suggestions", "list", "--json").json
    told = imported("suggestions", "list", "--least", "0.9", "--limit", "2")

    assert len(imported("people", "--json").json) == len(found) == 3
    assert {each["kind"] for each in found} == {"same_mailbox"}
    assert any("but for upper and lower case" in each["reason"] for each in found)
    assert "are one address but for" in told.out
    assert told.err == "There are more. Show them with --limit.\n"


def test_one_is_shown_accepted_and_refused(imported: Kinline) -> None:
    first, second, third = (each["id"] for each in imported("suggestions", "list", "--json").json)

    shown = imported("suggestions", "show", first)
    assert "bits" in shown.out
    assert "handles" in shown.out
    assert len(imported("suggestions", "show", first, "--json").json["timeline"]) == 2
    assert imported("suggestions", "refuse", first).out == "They are two, and are not suggested again.\n"
    assert imported("suggestions", "accept", second).out.endswith("Accepted 1, skipped 0.\n")

    # the third would join those who are two
    assert imported("suggestions", "list").out == "Nobody is suggested.\n"
    assert imported("suggestions", "accept", third).code == 1
    assert [each["id"] for each in imported("suggestions", "list", "--state", "refused", "--json").json] == [first]


def test_many_are_accepted_after_a_dry_run(imported: Kinline) -> None:
    tried = imported("suggestions", "accept", "--least", "0.9", "--dry-run")
    assert tried.out.endswith("None was accepted: it was a dry run.\n")
    assert len(imported("people", "--json").json) == 3

    done = imported("suggestions", "accept", "--least", "0.9", "--kind", "same_mailbox")
    assert done.out.endswith("Accepted 2, skipped 1.\n")
    assert len(imported("people", "--json").json) == 1


@pytest.mark.parametrize("words", [(), ("0" * 32, "--least", "0.9"), ("--least", "0.1"), ("--least", "2")])
def test_which_to_accept_has_to_be_said(imported: Kinline, words: tuple[str, ...]) -> None:
    assert imported("suggestions", "accept", *words).code == 2


def test_nobody_by_that_id(imported: Kinline) -> None:
    assert imported("suggestions", "show", "0" * 32).err.startswith("There is no such suggestion.")

"""Importing history: everything is counted, nothing twice, and a stopped import goes on."""

from pathlib import Path

import pytest
from tests.cli.conftest import ANN, Kinline

from kinline.settings import Settings


def test_an_import_tells_where_every_item_went(cli: Kinline, mails: Path) -> None:
    # When a folder of two mails and a picture is imported
    ended = cli("import", "email", mails, "--json")

    # Then both mails are recorded, and the picture is set aside with its reason
    told = ended.json
    assert ended.code == 0
    assert (told["files"], told["items"], told["recorded"], told["quarantined"]) == (3, 3, 2, 1)
    assert told["reasons"] == [
        {"file": "picture.gif", "position": 0, "code": "not_mail", "reason": told["reasons"][0]["reason"]}
    ]

    # And the ledger of the account says the same
    assert cli("ledger", "--json").json == [
        {
            "account": "email", "received": 3, "recorded": 2, "duplicate": 0, "applied": 0, "quarantined": 1,
            "refused": 0, "in_flight": 0,
        }
    ]  # fmt: skip


def test_for_people_it_says_the_same_in_words(cli: Kinline, mails: Path) -> None:
    ended = cli("import", "email", mails)

    assert ended.code == 0
    assert "recorded" in ended.out
    assert "3 files" in ended.err
    assert "1 items are in quarantine" in ended.err
    assert "picture.gif #0: not_mail" in ended.err


def test_the_same_import_again_records_nothing(cli: Kinline, mails: Path) -> None:
    cli("import", "email", mails)
    before = cli("timeline", "ann@example.org", "--json").out

    again = cli("import", "email", mails, "--json").json

    assert (again["recorded"], again["duplicate"], again["quarantined"]) == (0, 2, 1)
    assert cli("timeline", "ann@example.org", "--json").out == before


def test_any_order_of_files_gives_the_same_timeline(
    bare: Kinline, mails: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare("import", "email", mails / "1.eml", mails / "2.eml")
    one = bare("timeline", "ann@example.org", "--json").out

    monkeypatch.setenv("KINLINE_HOME", str(tmp_path / "other"))
    bare("import", "email", mails / "2.eml", mails / "1.eml")

    assert bare("timeline", "ann@example.org", "--json").out == one


def test_an_import_that_was_killed_goes_on_where_it_was(
    cli: Kinline, settings: Settings, mails: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an import that dies after it kept the first file
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("kinline_cli.history.understand", die)
        assert cli("import", "email", mails / "1.eml").code == 130
    [line] = cli("ledger", "--json").json
    assert (line["received"], line["in_flight"]) == (1, 1)

    # When it is run again on the next file
    told = cli("import", "email", mails / "2.eml", "--json").json

    # Then what was left is done first, and nothing is lost
    assert (told["resumed"], told["files"], told["recorded"]) == (1, 1, 2)
    [line] = cli("ledger", "--json").json
    assert (line["received"], line["recorded"], line["in_flight"]) == (2, 2, 0)


def test_history_moves_people_through_the_life_cycle_and_starts_nothing_else(cli: Kinline, mails: Path) -> None:
    cli("migrate")

    told = cli("import", "email", mails, "--json", "--set", "address=help@kinline.example").json

    lines = cli("timeline", "ann@example.org", "--json").json
    assert told["people_looked_at"] >= 1
    assert [line["type"] for line in lines].count("interaction") == 2
    assert "followup" not in {line["type"] for line in lines}


def test_a_running_worker_may_do_the_looking(cli: Kinline, mails: Path) -> None:
    cli("migrate")

    told = cli("import", "email", mails, "--json", "--no-work").json

    assert told["people_looked_at"] == 0
    assert told["recorded"] == 2


def test_settings_for_a_new_account_come_along(cli: Kinline, mails: Path) -> None:
    cli("import", "email", mails, "--account", "inbox", "--set", "address=help@kinline.example")

    shown = cli("account", "show", "inbox", "--json").json

    assert shown["settings"] == {"address": "help@kinline.example"}
    assert cli("import", "email", mails, "--account", "inbox", "--set", "address=help@kinline.example").code == 0
    refused = cli("import", "email", mails, "--account", "inbox", "--set", "address=other@kinline.example")
    assert refused.code == 1
    assert "other settings" in refused.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "smoke", "."), "There is no channel “smoke”"),
        (("import", "email", "nowhere-at-all"), "There is no file or folder “nowhere-at-all”"),
        (("import", "email", ".", "--set", "colour=red"), "is no setting of the email channel"),
        (("import", "email", ".", "--set", "smtp_port=many"), "The setting smtp_port of the email channel"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_a_sentence(cli: Kinline, arguments: tuple[str, ...], said: str) -> None:
    ended = cli(*arguments)

    assert ended.code == 1
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_an_account_of_another_channel_is_not_taken(cli: Kinline, mails: Path) -> None:
    cli("account", "connect", "blog", "words")

    ended = cli("import", "email", mails, "--account", "words")

    assert ended.code == 1
    assert "is of the channel blog, not email" in ended.err


def test_a_stranger_to_the_command_line_is_told_what_is_missing(cli: Kinline) -> None:
    ended = cli("import", "email")

    assert ended.code == 2
    assert "PATH" in ended.err


def test_two_mails_are_needed_for_two_lines(cli: Kinline, mails: Path) -> None:
    (mails / "3.eml").write_text(ANN.format(number=1))

    told = cli("import", "email", mails, "--json").json

    assert (told["recorded"], told["duplicate"]) == (2, 1)

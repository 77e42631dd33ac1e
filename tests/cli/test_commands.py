"""The daily commands, each as a person and as a program meets it."""

import json
import os
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import ANN, Kinline

from kinline.hub import Hub
from kinline.identity.persons import find
from kinline.store.migrate import downgrade
from kinline.timeline.reading import everything
from kinline_cli.endings import Ending


@pytest.fixture
def imported(cli: Kinline, mails: Path) -> Kinline:
    cli("import", "email", mails, "--set", "address=help@kinline.example")
    return cli


def test_a_person_is_found_by_name_by_handle_and_by_id(imported: Kinline) -> None:
    [ann] = imported("people", "ann", "--json").json

    by_id = imported("timeline", ann["id"], "--json").out

    assert ann["name"] == "Ann"
    assert imported("timeline", "ann@example.org", "--json").out == by_id
    assert imported("timeline", "email:ann@example.org", "--json").out == by_id
    assert len(json.loads(by_id)) == 2


def test_a_timeline_is_the_bytes_that_the_store_gives(imported: Kinline, hub: Hub) -> None:
    with hub.store.read() as session:
        lines = [entry.json().decode() for entry in everything(session, find(session, "email:ann@example.org"))]

    assert imported("timeline", "ann@example.org", "--json").out == "[\n" + ",\n".join(lines) + "\n]\n"


def test_a_timeline_reads_like_a_story(imported: Kinline) -> None:
    ended = imported("timeline", "ann@example.org")

    assert "2025-03-01 10:00" in ended.out
    assert "→ Ann to us" in ended.out
    assert "Where is my parcel?" in ended.out


@pytest.mark.parametrize(
    ("filters", "lines"),
    [
        (("--kind", "message"), 2),
        (("--kind", "order"), 0),
        (("--direction", "inbound"), 2),
        (("--channel", "blog"), 0),
        (("--limit", "1"), 1),
        (("--limit", "0"), 2),
        (("--since", "2025-03-01"), 2),
        (("--since", "2025-03-01T10:00:01Z"), 0),
        (("--until", "2025-03-01T10:00:00Z"), 0),
        (("--text", "FRIDAY"), 2),
        (("--text", "monday"), 0),
    ],
)
def test_a_timeline_can_be_narrowed(imported: Kinline, filters: tuple[str, ...], lines: int) -> None:
    assert len(imported("timeline", "ann@example.org", "--json", *filters).json) == lines


def test_what_people_write_cannot_steer_the_terminal(cli: Kinline, tmp_path: Path) -> None:
    # Given a mail whose subject tries colours, markup and a change of direction
    mail = ANN.format(number=9).replace("Where is my parcel?", "=?utf-8?q?=1B[31mred_[bold]x[/bold]_=E2=80=AEtxt?=")
    (tmp_path / "evil.eml").write_text(mail)
    cli("import", "email", tmp_path / "evil.eml")

    # When it is shown
    shown = cli("timeline", "ann@example.org").out

    # Then it is text
    assert "\x1b" not in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown
    assert "[bold]x[/bold]" in shown


@pytest.mark.parametrize("who", ["ben@example.org", "email:ben@example.org", "0" * 32, "x_id:17"])
def test_nobody_is_nobody(imported: Kinline, who: str) -> None:
    ended = imported("timeline", who)

    assert ended.code == Ending.REFUSED
    assert ended.out == ""
    assert ended.err.endswith(".\n")


def test_what_is_no_handle_is_said_with_what_would_be(imported: Kinline) -> None:
    ended = imported("timeline", "Ann")

    assert ended.code == Ending.REFUSED
    assert "write TYPE:VALUE" in ended.err


@pytest.mark.parametrize("moment", ["yesterday", "2025-13-01", "90y", "5000000000w", "99999w"])
def test_what_is_no_moment_is_a_usage_error(imported: Kinline, moment: str) -> None:
    assert imported("timeline", "ann@example.org", "--since", moment).code == Ending.USAGE


def test_the_ledger_shows_that_it_adds_up(imported: Kinline) -> None:
    ended = imported("ledger")

    assert ended.code == 0
    assert "✓" in ended.out


def test_a_key_is_shown_once_and_can_be_revoked(cli: Kinline) -> None:
    made = cli(
        "key", "create", "--name", "shop", "--scope", "record", "--scope", "read", "--team", "sales", "--json"
    ).json

    [listed] = cli("key", "list", "--json").json
    cli("key", "revoke", listed["id"])
    [revoked] = cli("key", "list", "--json").json

    assert made["key"].startswith(f"kl_{listed['id']}_")
    assert (listed["name"], listed["scopes"], len(listed["teams"])) == ("shop", ["read", "record"], 1)
    assert made["key"] not in cli("key", "list", "--json").out
    assert listed["revoked_at"] is None
    assert revoked["revoked_at"] is not None
    assert cli("key", "revoke", "nothing").code == Ending.REFUSED
    assert cli("key", "create", "--name", "x", "--scope", "everything").code == Ending.USAGE


def test_a_secret_setting_is_never_shown(cli: Kinline, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2 and more\n")

    cli("account", "connect", "email", "inbox", "--set", f"smtp_password=@{tmp_path / 'password'}", "--set",
        "own_addresses=a@kinline.example, b@kinline.example", "--set", "smtp_port=25")  # fmt: skip
    ended = cli("account", "show", "inbox", "--json")

    assert ended.json["settings"] == {
        "smtp_password": "********", "own_addresses": ["a@kinline.example", "b@kinline.example"], "smtp_port": 25
    }  # fmt: skip
    assert "hunter2" not in ended.out


def test_an_account_can_be_paused_and_resumed(cli: Kinline) -> None:
    cli("account", "connect", "email", "inbox")

    paused = cli("account", "pause", "inbox", "--json").json
    again = cli("account", "pause", "inbox")
    resumed = cli("account", "resume", "inbox", "--json").json

    assert (paused["state"], again.code, resumed["state"]) == ("paused", Ending.REFUSED, "active")
    assert [row["name"] for row in cli("account", "list", "--json").json] == ["inbox"]


def test_what_is_in_quarantine_is_listed_and_tried_again(imported: Kinline) -> None:
    [item] = imported("quarantine", "list", "--json").json

    tried = imported("quarantine", "replay", item["intake"], "--json").json
    everything = imported("quarantine", "replay", "--all", "--json").json

    assert (item["account"], item["name"], item["code"]) == ("email", "picture.gif", "not_mail")
    assert tried == everything == {"intakes": 1, "tried": 1, "still_quarantined": 1}
    assert imported("quarantine", "replay").code == Ending.USAGE
    assert imported("quarantine", "replay", "0" * 32).code == Ending.REFUSED
    [line] = imported("ledger", "--json").json
    assert line["received"] == line["recorded"] + line["quarantined"] == 3


def test_the_doctor_finds_a_good_hub_good(imported: Kinline) -> None:
    found = {one["check"]: one["state"] for one in imported("doctor", "--json").json}

    assert found.pop("ledger") == "look"  # the picture in quarantine
    assert set(found.values()) == {"ok"}
    assert set(found) == {
        "settings",
        "secret",
        "disk",
        "plugins",
        "scorer",
        "redis",
        "database",
        "schema",
        "clock",
        "jobs",
    }


def test_the_doctor_names_a_wrong_setting(cli: Kinline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINLINE_TIME_ZONE", "Mars/Olympus")

    ended = cli("doctor", "--json")

    assert ended.code == Ending.MISCONFIGURED
    assert "KINLINE_TIME_ZONE" in ended.json[0]["detail"]


def test_a_secret_file_that_others_can_read_is_seen(bare: Kinline) -> None:
    bare("migrate")
    secret = Path(os.environ["KINLINE_HOME"]) / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.chmod(0o644)

    [found] = [one for one in bare("doctor", "--json").json if one["check"] == "secret"]

    assert found["state"] == "look"
    assert "chmod 600" in found["cure"]


def test_a_database_that_is_away_is_said_with_its_own_number(cli: Kinline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINLINE_DATABASE_URL", "postgresql://postgres:geheim@127.0.0.1:9/kinline")

    ledger, doctor = cli("ledger"), cli("doctor")

    assert (ledger.code, doctor.code) == (Ending.DATABASE_AWAY, Ending.DATABASE_AWAY)
    assert "The database cannot answer now" in ledger.err
    assert "geheim" not in doctor.out + doctor.err


def test_a_weak_secret_is_refused_with_the_cure(cli: Kinline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINLINE_SECRET", "changeme")

    ended = cli("ledger")

    assert ended.code == Ending.MISCONFIGURED
    assert "openssl rand -hex 32" in ended.err


def test_migrating_brings_schema_and_life_cycle_and_does_it_once(bare: Kinline) -> None:
    first, second = bare("migrate", "--json").json, bare("migrate", "--json").json

    assert first["before"] is None
    assert first["after"] == first["head"] == second["before"] == second["after"]
    assert "order-makes-customer" in first["new_triggers"]
    assert second["new_triggers"] == []


def test_an_old_schema_is_refused_with_the_cure(cli: Kinline, hub: Hub) -> None:
    downgrade(hub.store, "base")

    for command in ("api", "worker"):
        ended = cli(command)
        assert ended.code == Ending.MISCONFIGURED
        assert "run `kinline migrate`" in ended.err


def test_an_error_that_nobody_foresaw_shows_no_traceback_unless_asked(
    cli: Kinline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("kinline_cli.commands.ledger.lines_of", fail)

    ended = cli("ledger")

    assert ended.code == Ending.REFUSED
    assert "ZeroDivisionError: by zero" in ended.err
    assert "Traceback" not in ended.err
    with pytest.raises(ZeroDivisionError):
        cli("--debug", "ledger")


def test_the_version_tells_what_it_stands_on(bare: Kinline) -> None:
    assert set(bare("version", "--json").json) == {"kinline", "contract", "python", "sqlite"}

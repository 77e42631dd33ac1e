"""Templates and endpoints on the command line."""

from pathlib import Path

import pytest
from tests.cli.conftest import Kinline

from kinline_cli.endings import Ending

HELLO = """name: hello
about: A greeting.
default: en
languages:
  en: {text: "Hello {{ person.first_name | default: 'there' }}", subject: "Hi"}
  es: {text: "Hola"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hello.yaml"
    path.write_text(HELLO)
    return path


def test_a_template_goes_from_a_file_to_a_version_and_away(cli: Kinline, file: Path) -> None:
    assert "well written" in cli("template", "check", file).out
    assert cli("template", "save", file, "--json").json["version"] == 1
    assert cli("template", "save", file, "--json").json["version"] == 1
    file.write_text(HELLO.replace("Hola", "Buenas"))
    assert "version 2, in en, es" in cli("template", "save", file).out

    assert "Buenas" in cli("template", "show", "hello").out
    assert cli("template", "show", "hello", "--version", "1", "--json").json["languages"]["es"]["text"] == "Hola"
    assert cli("template", "list", "--json").json[0]["languages"] == ["en", "es"]
    assert "hello" in cli("template", "list").out
    assert cli("template", "remove", "hello").code == Ending.OK
    assert "There are no templates." in cli("template", "list").out


def test_a_template_is_looked_at_for_a_person(cli: Kinline, file: Path, mails: Path) -> None:
    cli("import", "email", mails)
    cli("template", "save", file)

    shown = cli("template", "preview", "hello", "email:ann@example.org")

    assert shown.out.splitlines() == ["Hi", "Hello there"]
    assert cli("template", "preview", "hello", "ann@example.org", "--language", "es", "--json").json["text"] == "Hola"
    assert cli("template", "preview", "hello", "ann@example.org", "--language", "fr").code == Ending.REFUSED


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Hola", "{{ person.name", "6:15: "),
        ("default: en", "default: fr", "3:10: the default language fr is none of its languages"),
        ("about:", "abuot:", "Object contains unknown field"),
        ("name: hello", "name: [", "not YAML"),
        ("Hola", "x" * 70_000, "longer than 64 kB"),
    ],
)
def test_a_mistake_is_told_with_its_place(cli: Kinline, file: Path, old: str, new: str, said: str) -> None:
    file.write_text(HELLO.replace(old, new))

    for command in ("check", "save"):
        ended = cli("template", command, file)
        assert ended.code == Ending.REFUSED
        assert said in ended.err
    assert cli("template", "check", file, "--json").json["ok"] is False


def test_an_endpoint_is_made_moved_rotated_and_removed(cli: Kinline) -> None:
    made = cli("endpoint", "add", "crm", "https://crm.example.org/hooks", "--json").json
    rotated = cli("endpoint", "rotate", "crm", "--overlap", "0")

    assert made["secret"].startswith("whsec_")
    assert rotated.out.startswith("whsec_")
    assert made["secret"] not in rotated.out
    assert "other.example.org" in cli("endpoint", "move", "crm", "https://other.example.org/").out
    assert "disabled" in cli("endpoint", "disable", "crm", "--reason", "away").out
    assert cli("endpoint", "list", "--json").json[0]["reason"] == "away"
    assert "away" in cli("endpoint", "list").out
    assert cli("endpoint", "enable", "crm", "--json").json["state"] == "active"
    assert cli("endpoint", "remove", "crm", "--json").json == {"name": "crm", "removed": True}
    assert cli("endpoint", "add", "crm", "nowhere").code != Ending.OK

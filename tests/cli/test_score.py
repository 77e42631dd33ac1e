"""``kinline score``: the past is judged, a text is tried, and who writes a scorer has one at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import ANN, Kinline

from kinline_cli.endings import Ending


@pytest.fixture
def mails(cli: Kinline, tmp_path: Path) -> None:
    """Two mails of Ann's, imported before anybody judged."""
    folder = tmp_path / "mails"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.eml").write_text(ANN.format(number=number))
    assert cli("import", "email", folder, "--no-work").code == 0


def test_the_past_is_judged_once_and_again_only_by_another_version(cli: Kinline, mails: None) -> None:
    first, again = cli("score", "--json").json, cli("score", "--again", "--json").json

    assert (first["looked_at"], first["judged"], first["languages"]) == (2, 2, {"en": 2})
    assert again["judged"] == 0
    assert "2 of 2" not in cli("score").err


def test_a_text_is_tried_and_nothing_is_kept(cli: Kinline) -> None:
    found = cli("score", "--try", "My parcel never arrived, I want my money back!", "--json").json

    assert (found["scorer"], found["version"]) == ("lexicon", "1")
    assert {each["what"] for each in found["scores"]} == {"language", "topic", "sentiment"}
    assert "complaint" in cli("score", "--try", "My parcel never arrived, this is unacceptable.").out


@pytest.mark.parametrize("wrong", ["no_such", "none"])
def test_without_a_scorer_it_says_what_to_set(cli: Kinline, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("KINLINE_SCORER", wrong)

    ended = cli("score")

    assert ended.code == Ending.MISCONFIGURED
    assert "KINLINE_SCORER" in ended.err


def test_words_of_ones_own_are_heard_and_wrong_ones_refused(
    cli: Kinline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = tmp_path / "words.yaml"
    monkeypatch.setenv("KINLINE_SCORER_WORDS", str(words))
    words.write_text("topics: {en: {warranty: [guarantee]}}\n")
    assert "warranty" in cli("score", "--try", "I want to know about the guarantee.").out

    for text, said in (("topics: [", "no YAML"), ("topic: {}", "topic"), ("- a", "an object")):
        words.write_text(text)
        ended = cli("score", "--try", "x")
        assert (ended.code, said in ended.err) == (Ending.MISCONFIGURED, True), ended.err
    words.unlink()
    assert "KINLINE_SCORER_WORDS" in cli("score", "--try", "x").err


def test_a_new_scorer_passes_the_suite_as_it_is_written(bare: Kinline, tmp_path: Path) -> None:
    told = bare("plugin", "new", "shouting", "--scorer", "--into", tmp_path, "--json").json
    folder = Path(told["folder"])

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, capture_output=True, text=True,
        timeout=120, env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip

    assert tested.returncode == 0, tested.stdout
    assert bare("plugin", "new", "lexicon", "--scorer", "--into", tmp_path).code == Ending.REFUSED


def test_the_scorer_is_listed_and_the_doctor_looks_at_it(cli: Kinline, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "lexicon" in cli("plugin", "list").out
    assert "lexicon 1, wanted" in cli("doctor").out
    monkeypatch.setenv("KINLINE_SCORER", "no_such")
    assert "installed: lexicon" in cli("doctor").out

"""What was reached stays reached: the scores in docs/scores.md, where the corpora lie beside the repository."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORPORA = ROOT.parent / "shared" / "corpora"
KEPT = ROOT / "docs" / "scores.md"


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench" / "scores.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.skipif(not CORPORA.is_dir(), reason="no ../shared/corpora beside the repository")
def test_no_score_falls_below_what_is_kept() -> None:
    found = asked("--check")

    print(found.stdout)
    assert found.returncode == 0, found.stderr
    assert "no line in docs/scores.md" not in found.stderr


def test_without_corpora_nothing_is_asked_and_that_is_said(tmp_path: Path) -> None:
    before = KEPT.read_text(encoding="utf-8")

    found = asked("--corpora", str(tmp_path / "absent"))

    assert found.returncode == 0
    assert "nothing was asked" in found.stdout
    assert KEPT.read_text(encoding="utf-8") == before


def test_a_set_that_answers_less_than_it_did_fails_and_is_named(tmp_path: Path) -> None:
    """One broken mail stands for a set of another size: fewer answers than were kept."""
    folder = tmp_path / "email-django-helpdesk"
    folder.mkdir()
    (folder / "one.eml").write_bytes(b"From: ann@example.org\n\nHello\n")

    found = asked("--corpora", str(tmp_path), "--only", "email-django-helpdesk")

    assert found.returncode == 1
    assert found.stdout == "email-django-helpdesk 1/1\n"
    assert "email-django-helpdesk fell from" in found.stderr

"""What docs/habits.md says of the model of broken habits is what is measured, and with which evaluator."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORPORA = ROOT.parent / "shared" / "corpora"
KEPT = ROOT / "docs" / "habits.md"


def measured(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench" / "habits.py"), "--check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.skipif(not CORPORA.is_dir(), reason="no ../shared/corpora beside the repository")
def test_cdnow_is_as_the_page_says() -> None:
    found = measured("--only", "cdnow")

    assert found.returncode == 0, found.stderr
    assert "2,357 people" in found.stdout
    assert "as counted here" in found.stdout


def test_people_with_a_rhythm_are_as_the_page_says_and_mostly_missed_earlier(tmp_path: Path) -> None:
    found = measured("--quick", "--only", "made, with a rhythm", "--corpora", str(tmp_path))

    assert found.returncode == 0, found.stderr
    assert "no corpora" in found.stderr
    row = re.search(
        r"\| 0\.03 \| \*\*shipped\*\* \|[^|]*\| (\d+) \|[^|]*\|[^|]*\| (\d+), (\d+) d \| (\d+),", found.stdout
    )
    assert row is not None
    lapses, earlier, days, later = map(int, row.groups())
    assert lapses > 280
    assert earlier > 10 * later
    assert days > 30


def test_every_population_has_its_table_on_the_page() -> None:
    tables = re.findall(r"<!-- (.+?) -->\n\n([\d,]+ people.+?)<!-- end -->", KEPT.read_text("utf-8"), re.DOTALL)

    assert [name for name, _ in tables] == ["cdnow", "grocery", "made, with a rhythm", "made, without a rhythm"]
    assert {text.count("\n| 0.0") for _, text in tables} == {27}

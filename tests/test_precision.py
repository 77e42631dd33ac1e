"""What docs/scorers.md says of the scorer that ships is what comes out when it is asked."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Lines about texts that are no part of this repository, or of a library that is not installed for it.
ELSEWHERE = ("UMSAB", "VADER")


def test_the_figures_that_are_told_are_the_figures() -> None:
    asked = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "precision.py")], capture_output=True, text=True, timeout=120, check=True
    )
    found = [line for line in asked.stdout.splitlines() if line.startswith("|") and not _elsewhere(line)]
    page = (ROOT / "docs" / "scorers.md").read_text(encoding="utf-8")
    told = [line for line in re.findall(r"^\| e[ns], .*$", page, re.MULTILINE) if not _elsewhere(line)]

    assert told == found


def _elsewhere(line: str) -> bool:
    return any(word in line for word in ELSEWHERE)

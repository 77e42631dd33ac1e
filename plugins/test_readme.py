"""The channel that plugins/README.md shows works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).with_name("README.md")
FILES = dict(re.findall(r"^\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL))


def run_the_suite(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_channel_of_the_readme_passes_the_suite(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    written = run_the_suite(tmp_path, KINLINE_WRITE_EXPECTED="1")
    compared = run_the_suite(tmp_path)

    assert set(FILES) == {"samples/two-pages.json", "pyproject.toml", "kinline_pager/__init__.py", "test_pager.py"}
    assert written.returncode == 0, written.stdout + written.stderr
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "page:7001" in (tmp_path / "samples" / "two-pages.json.expected").read_text()

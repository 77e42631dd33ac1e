"""What is in the tree is in the package, and found where everybody else's channels are found."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from zipfile import ZipFile

import pytest

from kinline.contract.hookspecs import PROJECT as GROUP
from kinline.contract.plugins import channels, load

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLUGINS = sorted(each.name for each in (ROOT / "plugins").iterdir() if each.is_dir() and each.name != "__pycache__")


def test_there_are_channels() -> None:
    assert {"email", "twitter", "blog", "support"} <= set(PLUGINS)


@pytest.mark.parametrize("name", PLUGINS)
def test_each_plugin_is_declared_packed_and_found(name: str) -> None:
    # Given a folder below plugins
    assert f"plugins/{name}/kinline_{name}" in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert f"plugins/{name}" in PROJECT["tool"]["mypy"]["mypy_path"]

    # Then it is an entry point, loads, and calls itself as its folder is called
    assert PROJECT["project"]["entry-points"][GROUP][name] == f"kinline_{name}"
    found = load(entry_points(group=GROUP, name=name))
    assert not found.failed
    assert [*found.loaded, *found.scorers] == [name]


def test_nothing_is_declared_that_is_not_there() -> None:
    packed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert all((ROOT / path / "__init__.py").exists() for path in packed)
    assert sorted(PROJECT["project"]["entry-points"][GROUP]) == PLUGINS
    assert set(PLUGINS) <= {*channels().loaded, *channels().scorers}
    assert not channels().failed


def test_a_wheel_carries_the_licence_and_what_is_no_code(tmp_path: Path) -> None:
    hatchling = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    subprocess.run(hatchling, cwd=ROOT, check=True, capture_output=True)

    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as packed:
        [licence] = [name for name in packed.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
        assert packed.read(licence) == (ROOT / "LICENSE").read_bytes()
        packages = {name.partition("/")[0] for name in packed.namelist() if ".dist-info/" not in name}
        assert packages == {
            path.rpartition("/")[2] for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        }
        assert "kinline_api/static/LICENSE" in packed.namelist()


def test_the_version_is_one() -> None:
    assert version("kinline") == PROJECT["project"]["version"]


def test_libraries_of_tests_are_not_needed_to_run() -> None:
    needed = " ".join(PROJECT["project"]["dependencies"])

    assert not [name for name in ("pytest", "hypothesis", "factory-boy", "mypy", "ruff") if name in needed]

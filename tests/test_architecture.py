"""The rules of the house, as tests: who may know whom, how long a thing may be, what lies where."""

import ast
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import shape

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: Where our import packages lie, and which doors there are.
HOMES = (
    "core",
    "api",
    "workers",
    *(
        f"plugins/{each.name}"
        for each in sorted((ROOT / "plugins").iterdir())
        if each.is_dir() and each.name != "__pycache__"
    ),
)
DOORS = {"core": {"kinline", "kinline_cli"}, "api": {"kinline_api", "kinline_smtp"}, "workers": {"kinline_workers"}}
#: Lines of a file; tests may be somewhat longer, for what belongs together. Migrations are generated.
LONGEST_FILE, LONGEST_TEST, LONGEST_FUNCTION = 400, 500, 60
GENERATED = ("migrations/versions/",)
#: Plugins that take no payloads, so have no samples of any.
SCORERS = {"plugins/lexicon"}


def sources() -> Iterator[Path]:
    for home in ("core", "api", "workers", "plugins", "tests"):
        yield from sorted((ROOT / home).rglob("*.py"))


def packages(home: str) -> set[str]:
    """The import packages of a folder."""
    return {each.name for each in (ROOT / home).iterdir() if (each / "__init__.py").exists()}


def test_the_layers_hold() -> None:
    """The contracts of import-linter, as `make check` runs them."""
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run((linter, "--no-cache"), cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_cover_every_package() -> None:
    """A new top-level package has to say where it stands."""
    found = {package for home in HOMES for package in packages(home)}
    linted = PROJECT["tool"]["importlinter"]
    contracts = {contract["type"]: contract for contract in linted["contracts"]}
    channels = {package for home in HOMES if home.startswith("plugins/") for package in packages(home)}

    assert found == set(linted["root_packages"])
    assert channels == set(contracts["independence"]["modules"]) == set(contracts["forbidden"]["forbidden_modules"])
    assert found - channels == set(contracts["forbidden"]["source_modules"])
    layers = next(c for c in linted["contracts"] if c["type"] == "layers" and "containers" not in c)["layers"]
    assert found - channels == {name.strip() for layer in layers for name in layer.split("|")}


def test_the_store_has_no_folder_without_a_layer() -> None:
    inside = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if "containers" in c)

    assert inside["exhaustive"] is True
    layered = {name.strip() for layer in inside["layers"] for name in layer.split(":")}
    below = (ROOT / "core" / "kinline").iterdir()
    found = {each.stem for each in below if each.suffix == ".py" or (each / "__init__.py").exists()} - {"__init__"}
    assert found == layered


@pytest.mark.parametrize("home", HOMES)
def test_each_package_lies_where_its_name_says(home: str) -> None:
    wanted = DOORS.get(home) or {f"kinline_{home.removeprefix('plugins/')}"}

    assert packages(home) == wanted
    if home.startswith("plugins/"):
        assert (ROOT / home / "README.md").exists()
        assert home in SCORERS or (ROOT / home / "samples").is_dir()


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


#: What a channel may use of ours: the contract and its vocabulary; its tests also the conformance suite.
CONTRACT = {
    "kinline", "kinline.contract", "kinline.errors", "kinline.handles", "kinline.messages", "kinline.words",
    "kinline.clock", "kinline.domains", "kinline.ids", "kinline.http", "kinline.pretend",
}  # fmt: skip


@pytest.mark.parametrize("home", [home for home in HOMES if home.startswith("plugins/")])
def test_a_channel_imports_the_contract_and_itself_only(home: str) -> None:
    [own] = packages(home)
    for path in sorted((ROOT / home / own).rglob("*.py")):
        for name in imported(ast.parse(path.read_text())):
            if name.partition(".")[0].startswith("kinline") and name.partition(".")[0] != own:
                inside = any(name == each or (each != "kinline" and name.startswith(f"{each}.")) for each in CONTRACT)
                public = name.startswith("kinline.") and name.count(".") == 1 and name.rpartition(".")[2] in exported()
                assert inside or public, f"{path.relative_to(ROOT)} imports {name}"


def exported() -> set[str]:
    """The names that ``import kinline`` gives plugin authors."""
    import kinline

    return set(kinline.__all__)


def test_a_type_name_means_one_thing() -> None:
    """Over core, api and workers: whoever reads it somewhere knows it everywhere."""
    assert shape.type_names() == {}


def test_the_house_has_the_shape_that_is_kept() -> None:
    """What `make shape` prints; a number that grows says why where it is kept."""
    assert shape.grown(shape.shape(), yaml.safe_load(shape.KEPT.read_text())) == []


def test_no_file_is_too_long() -> None:
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        most = LONGEST_TEST if "test_" in name or name.startswith("tests/") else LONGEST_FILE
        if not any(each in name for each in GENERATED):
            assert len(path.read_text().splitlines()) <= most, f"{name} is longer than {most} lines"


def test_no_function_is_too_long() -> None:
    for path in sources():
        if any(each in path.as_posix() for each in GENERATED):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{path.relative_to(ROOT)}: {node.name} has {length} lines"


def test_every_module_says_what_it_is_for() -> None:
    for path in sources():
        text = path.read_text()
        if text.strip() and not path.name.startswith("test_"):
            assert ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} has no docstring"


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base_utils"}

    assert not [path for path in sources() if path.stem in drawers or drawers & set(path.relative_to(ROOT).parts)]


def test_the_store_imports_no_door(tmp_path: Path) -> None:
    """Importing the whole store loads no door, no web server and no queue."""
    store = ROOT / "core" / "kinline"
    modules = [
        ".".join(("kinline", *path.relative_to(store).with_suffix("").parts)).removesuffix(".__init__")
        for path in sorted(store.rglob("*.py"))
        if not {"testing", "migrations"} & set(path.relative_to(store).parts)
    ]
    foreign = (
        "litestar",
        "dramatiq",
        "uvicorn",
        "redis",
        "pytest",
        "kinline_api",
        "kinline_smtp",
        "kinline_workers",
        "kinline_cli",
        "aiosmtpd",
    )
    code = f"import sys, {', '.join(modules)}; print([name for name in {foreign} if name in sys.modules])"
    done = subprocess.run((sys.executable, "-c", code), cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"

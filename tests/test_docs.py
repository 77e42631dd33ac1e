"""What the pages say is what there is: settings, commands, hooks, and the files to deploy with."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kinline.contract import hookspecs
from kinline.settings import PREFIX, Settings
from kinline_cli.lazy import LazyGroup
from kinline_cli.root import COMMANDS, kinline

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SETTINGS = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
#: Read before the settings are: it names their file.
CONFIG = PREFIX + "CONFIG"


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def shown(default: Any) -> str:
    """A default as one writes it into the environment."""
    if hasattr(default, "get_secret_value"):
        return str(default.get_secret_value())
    return str(default).replace("'", '"') if isinstance(default, list) else str(default)


EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", text_of("deploy/env.example"), re.MULTILINE))
TABLE = dict(re.findall(r"^\| `(KINLINE_[A-Z_]+)` \| ([^|]+) \|", text_of("docs/settings.md"), re.MULTILINE))


def test_every_setting_is_in_the_table_and_in_the_example_and_no_other() -> None:
    assert set(TABLE) == set(SETTINGS) | {CONFIG}
    assert set(EXAMPLE) == set(SETTINGS) | {CONFIG, "POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_default_that_is_told_is_the_default(name: str) -> None:
    default = shown(SETTINGS[name].default)

    told = TABLE[name].strip()

    assert ("" if told == "empty" else told.strip("`")) == default
    assert EXAMPLE[name] == default


def test_the_example_is_settings_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EXAMPLE.items():
        if name in SETTINGS:
            monkeypatch.setenv(name, value)

    assert Settings().database.startswith("sqlite:///")


def sections() -> dict[str, str]:
    """The sections of docs/cli.md by the words of the command that they are about."""
    parts = re.split(r"^##+ kinline ([a-z ]+?)(?: [A-Z[].*)?\n", text_of("docs/cli.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands() -> dict[str, click.Command]:
    assert isinstance(kinline, LazyGroup)
    found = {name: kinline.load(name) for name in COMMANDS}
    for name, command in list(found.items()):
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": each for below, each in command.commands.items()}
    return found


def test_every_command_has_its_section_and_no_other_has() -> None:
    assert set(sections()) == set(commands())


@pytest.mark.parametrize("words", commands())
def test_a_section_names_every_option(words: str) -> None:
    for option in commands()[words].params:
        if isinstance(option, click.Option) and not option.hidden and option.name != "as_json":
            assert f"`{', '.join(option.opts)}`" in sections()[words]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "plugins").glob("**/README.md"))]
#: Command lines as the pages have them: in blocks, alone or behind a `#`.
LINES = sorted(
    {
        line.strip()
        for page in PAGES
        for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        for line in re.findall(r"(?:^|# )(kinline [a-z].*)$", block.replace("\\\n", " "), re.MULTILINE)
    }
)


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_of_the_pages_can_be_typed(line: str) -> None:
    words = [word for word in shlex.split(line, comments=True)[1:] if word != "…"]
    known = commands()
    name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
    command = known[name]
    context = click.Context(command)

    given, over, _ = command.make_parser(context).parse_args(words[len(name.split()) :])

    assert not over
    missing = [each.name for each in command.params if each.required and each.name not in given]
    assert not missing or "…" in line


def test_every_hook_is_told_to_plugin_authors() -> None:
    hooks = [name for name, each in vars(hookspecs).items() if hasattr(each, "kinline_spec")]

    assert hooks == ["kinline_channel", "kinline_scorer", "kinline_condition"]
    for hook in hooks:
        assert f"def {hook}()" in text_of("plugins/README.md")


TEXTS = sorted(
    {*ROOT.glob("*.md"), *(each for home in ("docs", "plugins", "tests") for each in (ROOT / home).rglob("*.md"))}
)


def headings(page: Path) -> set[str]:
    """What a link may name behind a `#`, as GitHub makes it of each heading."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_the_pages_lead_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
            assert not heading or heading in headings(page.parent / target if target else page), f"{target}#{heading}"


def test_the_index_names_every_page_and_every_page_leads_back() -> None:
    pages = {page.name: page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"}
    index = text_of("docs/README.md")

    assert [name for name in pages if f"]({name})" not in index] == []
    assert [name for name, text in pages.items() if "](README.md)" not in text.strip().splitlines()[-1]] == []


RECORDS = {page.name[:4]: page for page in sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))}


def test_the_decisions_are_numbered_listed_and_short() -> None:
    listed = re.findall(r"\]\((\d{4}-[a-z-]+\.md)\) (.+)$", text_of("docs/decisions/README.md"), re.MULTILINE)

    assert listed == [(page.name, page.read_text("utf-8").splitlines()[0][8:]) for page in RECORDS.values()]
    assert [*RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]
    assert all(len(page.read_text("utf-8").splitlines()) <= 30 for page in RECORDS.values())


def test_what_code_says_of_decisions_and_promises_stands_in_the_repository() -> None:
    for home in ("core", "api", "workers", "plugins", "tests", "bench"):
        for path in sorted((ROOT / home).rglob("*.py")):
            text = path.read_text("utf-8")
            assert set(re.findall(r"docs/decisions/(\d{4})", text)) <= set(RECORDS), path
            assert not re.search(r"\(decision \d|design decision \d|promises? [A-Z]\d", text), path


#: Files that pages name in backticks, from the root.
NAMED = re.compile(r"`((?:core|api|workers|plugins|tests|bench|docs|deploy)/[\w./-]+)`")


@pytest.mark.parametrize(
    "page", [each for each in TEXTS if each.name != "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    missing = [name for name in NAMED.findall(page.read_text("utf-8")) if not (ROOT / name).exists()]

    assert [name for name in missing if "NNNN" not in name and "NAME" not in name] == []


def test_compose_sets_only_what_exists_and_redis_never_evicts() -> None:
    compose = yaml.safe_load(text_of("deploy/compose.yaml"))

    for service in ("api", "worker", "migrate", "mail"):
        assert set(compose["services"][service]["environment"]) <= set(SETTINGS)
        assert compose["services"][service]["command"][0] in COMMANDS
    redis = " ".join(compose["services"]["redis"]["command"])
    assert "--maxmemory-policy noeviction" in redis
    assert "--appendonly yes" in redis


def test_the_chart_sets_only_what_exists() -> None:
    values = yaml.safe_load(text_of("deploy/helm/kinline/values.yaml"))
    templates = "".join(path.read_text() for path in (DEPLOY / "helm/kinline/templates").iterdir())

    assert {*values["settings"], *(name for name in values["secret"] if name != "existing")} <= set(SETTINGS)
    assert set(re.findall(r"\b(KINLINE_[A-Z_]+[A-Z])\b", templates)) <= set(SETTINGS)
    assert len(re.findall(r"\{\{.*?\}\}", templates)) == templates.count("{{")
    assert set(re.findall(r"args: \[(\w+)\]", templates)) == {"api", "worker", "migrate"}


@pytest.mark.parametrize("name", ["kinline-api", "kinline-smtp", "kinline-worker"])
def test_the_units_run_what_exists(name: str) -> None:
    unit = text_of(f"deploy/systemd/{name}.service")

    assert set(re.findall(r"bin/kinline (\w+)", unit)) <= set(COMMANDS)
    assert set(re.findall(r"\bKINLINE_[A-Z]+\b", unit)) <= set(SETTINGS)


def test_the_image_needs_no_other_file_than_it_copies() -> None:
    dockerfile, ignored = text_of("deploy/Dockerfile"), text_of(".dockerignore")

    copied = {word for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE) for word in line.split()}

    assert copied == set(re.findall(r"^!(.+)$", ignored, re.MULTILINE))
    assert all((ROOT / name).exists() for name in copied)
    assert "USER 10001" in dockerfile


def test_the_lock_pins_everything_with_hashes_and_names_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = text_of(name)
        pins = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==[^ ]+", lock, re.MULTILINE)
        heads = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
        assert len(heads) == len(pins) > 50
        assert lock.count("--hash=sha256:") >= len(pins)
        assert "://" not in lock


def test_the_lock_has_every_dependency() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))
    groups = [each for group in project["dependency-groups"].values() for each in group if isinstance(each, str)]
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["testing"], *groups]

    pinned = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z]+\])?==", text_of("requirements-dev.lock"), re.MULTILINE))

    names = {re.match(r"[A-Za-z0-9._-]+", each)[0] for each in wanted}  # type: ignore[index]  # each has a name
    assert {re.sub(r"[._]", "-", name.lower()) for name in names} <= pinned

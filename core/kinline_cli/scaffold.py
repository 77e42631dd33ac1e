"""A new channel, scorer or condition from the templates: a package of its own that works at once, for its author to change."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from kinline.contract.channel import CONTRACT
from kinline.contract.condition import SHIPPED
from kinline.contract.plugins import NAME, channels
from kinline.errors import Conflict, Invalid

SUFFIX = ".tmpl"
#: Where the templates lie, by what is made of them.
FOLDERS = {"channel": "plugin", "scorer": "scorer", "condition": "condition"}
#: Names of template files that would be taken for something else while they lie here.
_WRITTEN_AS = {"package": "@package@", "gitignore": ".gitignore"}


def write(name: str, into: Path, title: str = "", sort: str = "channel") -> list[Path]:
    """Write the package of the channel (or, by ``sort``, scorer or condition) ``name`` below ``into``. Returns its files, the folder
    first.

    Raises `Invalid` for what can be no name of one, `Conflict` where something is in the way.
    """
    if not NAME.fullmatch(name):
        raise Invalid(
            f"“{name[:60]}” is no {sort} name: small letters, digits and _, a letter first.", code="invalid_name"
        )
    found = channels()
    if (
        name
        in {"channel": {*found.loaded}, "scorer": {*found.scorers}, "condition": {*found.conditions, *SHIPPED}}[sort]
    ):
        raise Conflict(f"There is a {sort} “{name}” already: kinline plugin list", code=f"{sort}_exists")
    words = words_of(name, title)
    folder = into / words["distribution"]
    if folder.exists():
        raise Conflict(f"{folder} is there already, and nothing in it was touched.", code="folder_exists")
    written = [folder]
    for path, text in _rendered(words, FOLDERS[sort]):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def words_of(name: str, title: str = "") -> dict[str, str]:
    """What stands in the templates' places."""
    parts = [part for part in name.split("_") if part]
    return {
        "name": name,
        "title": re.sub(r'["\\\n\r]', "", title) or " ".join(parts).capitalize(),
        "Class": "".join(part.capitalize() for part in parts),
        "package": f"kinline_{name}",
        "distribution": f"kinline-{'-'.join(parts)}",
        "contract": str(CONTRACT),
        "version": version("kinline"),
    }


def _rendered(words: dict[str, str], folder: str) -> Iterator[tuple[str, str]]:
    for path, template in _templates(files("kinline_cli") / "templates" / folder, ""):
        yield _filled(path, words), _filled(template.read_text(encoding="utf-8"), words)


def _templates(folder: Traversable, below: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = entry.name.removesuffix(SUFFIX)
        path = f"{below}{_WRITTEN_AS.get(name, name)}"
        if entry.is_dir():
            yield from _templates(entry, f"{path}/")
        elif entry.name.endswith(SUFFIX):
            yield path, entry


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda found: words.get(found[1], found[0]), text)

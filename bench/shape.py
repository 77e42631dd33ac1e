"""The shape of the house in numbers, beside those that are kept (``shape.yaml``): none may grow without a word why.

``make shape`` prints them; ``make shape ARGS=--keep`` keeps what is now. A number that grew is a failure, but for the lines
of core: what is new needs some.
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import yaml

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("shape.yaml")
PACKAGES = ("kinline", "kinline_api", "kinline_smtp", "kinline_workers", "kinline_cli")
STATEMENT = re.compile(r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS)\b", re.DOTALL)
LINES = "lines of core"
#: Text SQL is at home here, and in what was generated.
TEXT_SQL = ("store/bulk.py", "migrations/versions/")


def sources(*homes: str) -> Iterator[tuple[Path, ast.Module]]:
    for home in homes:
        for path in sorted((ROOT / home).rglob("*.py")):
            if "templates" not in path.parts:
                yield path, ast.parse(path.read_text())


def text_sql() -> int:
    """Lines of core in which a statement stands as text."""
    found = set[tuple[Path, int]]()
    for path, tree in sources("core"):
        if any(each in path.as_posix() for each in TEXT_SQL):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and STATEMENT.search(_text(node)):
                found |= {(path, line) for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return len(found)


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def uses_of_any() -> int:
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for _, tree in sources("core", "api", "workers")
        for node in ast.walk(tree)
    )


def type_names() -> dict[str, list[str]]:
    """By name, where it is the name of a type; those with several."""
    found: dict[str, list[str]] = {}
    for path, tree in sources("core", "api", "workers"):
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    return {name: places for name, places in found.items() if len(places) > 1}


def dialect_branches() -> int:
    """Places where one database is treated otherwise than the other."""
    told = re.compile(r"\bon_sqlite\(|\.dialect\s*==|dialect\.name")
    return sum(len(told.findall(path.read_text())) for path, _ in sources("core") if "migrations" not in path.parts)


def modules_in_cycles() -> int:
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False)
    below = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    return sum(each in _reached(below, each) for each in below)


def _reached(below: dict[str, set[str]], start: str) -> set[str]:
    seen, left = set[str](), list(below[start])
    while left:
        each = left.pop()
        if each not in seen:
            seen.add(each)
            left += below[each]
    return seen


def layers() -> int:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return max(len(each.get("layers", ())) for each in told)


def functions() -> list[int]:
    made = ((path, tree) for path, tree in sources("core", "api", "workers") if "migrations" not in path.parts)
    found = (node for _, tree in made for node in ast.walk(tree))
    return sorted((node.end_lineno or 0) - node.lineno + 1 for node in found if isinstance(node, ast.FunctionDef))


def shape() -> dict[str, int]:
    lengths = functions()
    return {
        "lines of text SQL in core": text_sql(),
        "uses of Any in core, api and workers": uses_of_any(),
        "type names with several meanings": len(type_names()),
        "modules in cycles": modules_in_cycles(),
        "branches by database in core": dialect_branches(),
        "layers": layers(),
        LINES: sum(len(path.read_text().splitlines()) for path, _ in sources("core")),
        "lines of a function, the middle": lengths[len(lengths) // 2],
        "lines of a function, the longest": lengths[-1],
    }


def grown(now: dict[str, int], kept: dict[str, int]) -> list[str]:
    return [name for name, number in now.items() if number > kept.get(name, number) and name != LINES]


def main(arguments: list[str]) -> int:
    now, kept = shape(), Counter[str](yaml.safe_load(KEPT.read_text()))
    for name, number in now.items():
        print(f"{name:42} {number:7,}   {kept.get(name, number):7,} kept")
    if "--keep" in arguments:
        KEPT.write_text(yaml.safe_dump(now, sort_keys=False))
        return 0
    for name in grown(now, kept):
        print(f"It grew: {name}. Make it smaller, or keep it (--keep) and say why in the commit.")
    return bool(grown(now, kept))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

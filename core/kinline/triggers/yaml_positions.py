"""YAML as plain data that remembers where everything stands.

Built from the parser's events with a stack of our own, so that depth is bounded before anything is nested.
Only what JSON can say is understood, by the rules of the YAML 1.2 core schema (so ``no`` is a word and
``2:30`` is no number). Aliases, anchors and tags are refused: a few lines of aliases can unfold to
gigabytes, and tags can name classes.
"""

import re
from typing import Any, NamedTuple

import yaml

from kinline.errors import Invalid

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Place(NamedTuple):
    """Where a value begins: line and column from 1. ``inset``: how far inside its text begins; -1 for blocks."""

    line: int
    column: int
    inset: int = 0


class Marked(NamedTuple):
    """Plain data; and by JSON pointer where each value, and the key that names it, stand."""

    data: Any
    values: dict[str, Place]
    keys: dict[str, Place]


class _Level:
    """One open mapping or list."""

    def __init__(self, pointer: str, holds: Any) -> None:
        self.pointer = pointer
        self.holds = holds
        self.key: str | None = None


class _Builder:
    def __init__(self) -> None:
        self.root: Any = None
        self.levels: list[_Level] = []
        self.values: dict[str, Place] = {}
        self.keys: dict[str, Place] = {}
        self.documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _refusal(event, "many_documents", "one trigger per file")
        elif isinstance(event, yaml.AliasEvent):
            raise _refusal(event, "alias", "aliases (*name) are not allowed; write it out")
        elif isinstance(event, yaml.CollectionEndEvent):
            self.levels.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: Any) -> None:
        if event.anchor is not None:
            raise _refusal(event, "alias", "anchors (&name) are not allowed; write it out")
        if event.tag is not None and event.tag != "!":
            raise _refusal(event, "tag", "tags (!name) are not allowed")
        if self.levels and isinstance(self.levels[-1].holds, dict) and self.levels[-1].key is None:
            return self._key(event)
        scalar = isinstance(event, yaml.ScalarEvent)
        value: Any = _scalar(event) if scalar else ({} if isinstance(event, yaml.MappingStartEvent) else [])
        pointer = self._attach(value)
        self.values[pointer] = _place(event)
        if not scalar:
            if len(self.levels) >= MAX_DEPTH:
                raise _refusal(event, "too_deep", f"nested deeper than {MAX_DEPTH}", pointer)
            self.levels.append(_Level(pointer, value))
        return None

    def _key(self, event: Any) -> None:
        level = self.levels[-1]
        if not isinstance(event, yaml.ScalarEvent):
            raise _refusal(event, "not_yaml", "a name must be a plain word", level.pointer)
        pointer = f"{level.pointer}/{escape(event.value)}"
        if event.value in level.holds:
            raise _refusal(event, "duplicate_key", f"`{event.value[:60]}` stands here twice", pointer)
        level.key = event.value
        self.keys[pointer] = _place(event)

    def _attach(self, value: Any) -> str:
        if not self.levels:
            self.root = value
            return ""
        level = self.levels[-1]
        if isinstance(level.holds, list):
            level.holds.append(value)
            return f"{level.pointer}/{len(level.holds) - 1}"
        key, level.key = level.key or "", None
        level.holds[key] = value
        return f"{level.pointer}/{escape(key)}"


def load(text: str) -> Marked:
    """Read a YAML (or JSON) text. Raises `Invalid` with ``line`` and ``column``."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Invalid(f"longer than {MAX_BYTES // 1024} kB", code="too_large")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        place: dict[str, Any] = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise Invalid(f"not YAML: {wrong.problem or wrong.context}", code="not_yaml", **place) from wrong
    except yaml.YAMLError as wrong:
        raise Invalid("not YAML: it contains characters that no text has", code="not_yaml") from wrong
    return Marked(builder.root, builder.values, builder.keys)


def escape(word: str) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return word.replace("~", "~0").replace("/", "~1")


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0]:  # quoted or block: words, whatever they look like
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _place(event: Any) -> Place:
    style = getattr(event, "style", None)
    inset = -1 if style in ("|", ">") else 1 if style in ("'", '"') else 0
    return Place(event.start_mark.line + 1, event.start_mark.column + 1, inset)


def _refusal(event: Any, code: str, detail: str, pointer: str = "") -> Invalid:
    place = _place(event)
    return Invalid(detail, code=code, pointer=pointer, line=place.line, column=place.column)

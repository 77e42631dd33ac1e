"""From an author's text to a checked definition, with mistakes that say where, what, and what was meant.

Every refusal is `Invalid` with a stable ``code``, a JSON pointer, and in ``more``: ``line`` and ``column``
(from 1) where a text was read, and ``suggestion`` where a known word comes close.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec

from kinline.contract.condition import SHIPPED as SHIPPED_WORDS
from kinline.contract.plugins import NAME
from kinline.errors import Invalid
from kinline.triggers.compiled import Trigger, compile_trigger
from kinline.triggers.conditions import ConditionDefinition, condition_types
from kinline.triggers.conditions.plugin import missing_type
from kinline.triggers.definition import Definition
from kinline.triggers.durations import Duration, span
from kinline.triggers.percentages import Share, share
from kinline.triggers.shapes import choices_at, words_at
from kinline.triggers.yaml_positions import MAX_DEPTH, Marked, Place, load

_AT = re.compile(r"^(.*) - at `(?:key in )?\$([^`]*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_CHOICE = re.compile(r"^Invalid enum value '?(.*?)'?$", re.DOTALL)


def read(text: str | bytes) -> Definition:
    """The definition in a YAML or JSON text. Shapes are checked, expressions and templates not yet."""
    marked = load(_decoded(text))
    try:
        return read_data(marked.data)
    except Invalid as wrong:
        raise placed(wrong, marked) from wrong


def read_trigger(text: str | bytes, trigger_id: str = "", *, also: Callable[[Trigger], None] | None = None) -> Trigger:
    """The compiled trigger in a text: everything that can be wrong is found, with its line and column.

    ``also`` asks further questions, which need a hub; what it refuses gets its line and column too.
    """
    marked = load(_decoded(text))
    try:
        made = compile_trigger(read_data(marked.data), trigger_id)
        if also:
            also(made)
    except Invalid as wrong:
        raise placed(wrong, marked) from wrong
    return made


@lru_cache(maxsize=5000)
def compiled(trigger_id: str, source: str) -> Trigger:
    """`read_trigger` for a text that is stored: compiled once in this process.

    A condition whose plugin is not here, or does not take it any more, stands in it and says nothing.
    """
    try:
        return read_trigger(source, trigger_id)
    except Invalid:
        return compile_trigger(read_data(load(source).data, stored=True), trigger_id)


def read_data(data: Any, *, stored: bool = False) -> Definition:
    """The definition in plain data, as a JSON body carries it. ``stored``: conditions that do not ship are only kept."""
    _bounded(data)
    try:
        return msgspec.convert(data, Definition, dec_hook=_kept if stored else _custom, strict=True)
    except msgspec.ValidationError as wrong:
        raise _explained(str(wrong)) from wrong


def as_data(definition: Definition) -> dict[str, Any]:
    """The definition as plain data, which `read_data` reads again."""
    data: dict[str, Any] = msgspec.to_builtins(definition, enc_hook=_plain)
    return data


def placed(wrong: Invalid, marked: Marked) -> Invalid:
    """The same refusal with the line and column of what its pointer names."""
    named = marked.keys if _is_about_a_word(wrong) else marked.values
    place = named.get(wrong.pointer) or _nearest(wrong.pointer, marked.values)
    more, inner = wrong.more, wrong.more.get("within")
    line, column = _inside(place, inner) if inner else (place.line, place.column)
    return Invalid(wrong.detail, code=wrong.code, pointer=wrong.pointer, **{**more, "line": line, "column": column})


def _is_about_a_word(wrong: Invalid) -> bool:
    """Whether the pointer's last word itself is wrong, and not the value under it."""
    return wrong.code in ("unknown_field", "unknown_condition")


def _nearest(pointer: str, values: dict[str, Place]) -> Place:
    while pointer and pointer not in values:
        pointer = pointer.rpartition("/")[0]
    return values.get(pointer, Place(1, 1))


def _inside(place: Place, inner: tuple[int, int]) -> tuple[int, int]:
    """Where a spot inside a text stands in the file. Of a block we know the line, and count columns in it."""
    line, column = inner
    if place.inset < 0:
        return place.line + line, column
    return (place.line, place.column + place.inset + column - 1) if line == 1 else (place.line, place.column)


def _decoded(text: str | bytes) -> str:
    try:
        return text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as wrong:
        raise Invalid("the file is not UTF-8", code="not_utf8") from wrong


def _bounded(data: Any) -> None:
    """Refuse depth before anything recurses."""
    level, depth = [data], 0
    while level:
        if depth > MAX_DEPTH:
            raise Invalid(f"nested deeper than {MAX_DEPTH}", code="too_deep")
        holders = [item for item in level if isinstance(item, dict | list)]
        level = [item for holder in holders for item in (holder.values() if isinstance(holder, dict) else holder)]
        depth += 1


def _custom(kind: type, value: object) -> object:
    if kind is Duration:
        return span(value)
    if kind is Share:
        return share(value)
    if kind is ConditionDefinition:
        try:
            return _condition(value, _custom)
        except msgspec.ValidationError as wrong:  # else msgspec lets it pass, without its place
            raise ValueError(str(wrong)) from wrong
    raise NotImplementedError(kind)


def _kept(kind: type, value: object) -> object:
    """As `_custom`, but what does not ship may be anything."""
    if kind is not ConditionDefinition:
        return _custom(kind, value)
    if isinstance(value, dict) and len(value) == 1:
        [(word, below)] = value.items()
        if NAME.fullmatch(word) and word not in SHIPPED_WORDS:
            return ConditionDefinition(missing_type(word), below)
    return _condition(value, _kept)


def _condition(value: object, hook: Callable[[type, object], object]) -> ConditionDefinition:
    """Exactly one word, and what is written under it. Raises ValueError, which names the place as msgspec does."""
    known = condition_types()
    given = msgspec.convert(value, dict[str, object], strict=True)
    if unknown := [word for word in given if word not in known]:
        raise ValueError(f"Object contains unknown field `{unknown[0]}`")
    if len(given) != 1:
        raise ValueError(f"a condition has exactly one of {', '.join(known)}")
    [(word, below)] = given.items()
    try:
        return ConditionDefinition(known[word], msgspec.convert(below, known[word].shape, dec_hook=hook, strict=True))
    except msgspec.ValidationError as wrong:
        raise ValueError(f"{wrong} - at `$.{word}`") from wrong
    except Exception as wrong:
        if not known[word].from_plugin:
            raise
        raise ValueError(f"the plugin of `{word}` fails at this: {type(wrong).__name__} - at `$.{word}`") from wrong


def _plain(value: object) -> object:
    if isinstance(value, ConditionDefinition):
        return {value.word: value.written}
    if isinstance(value, Duration | Share):
        return value.text
    raise NotImplementedError(type(value))


def _explained(message: str) -> Invalid:
    """A sentence for the author out of the reader's terse one."""
    detail, pointer = message, ""
    while found := _AT.match(detail):
        detail, pointer = found[1], pointer + _pointer(found[2])
    if unknown := _UNKNOWN.match(detail):
        return _unknown_word(unknown[1], pointer)
    if missing := _MISSING.match(detail):
        return Invalid(f"`{missing[1]}` is missing", code="missing_field", pointer=pointer)
    choices = choices_at(pointer)
    if choices and (chosen := _CHOICE.match(detail)):
        said = f"`{pointer.rpartition('/')[2]}` is one of {', '.join(choices)}; this is {chosen[1][:60]!r}"
        return Invalid(said, code="wrong_value", pointer=pointer, **_suggestion(chosen[1], choices))
    code = "wrong_type" if detail.startswith("Expected") and "got" in detail else "wrong_value"
    if detail == "`do` is missing":
        code = "missing_field"
    if pointer == "/name":
        detail = "a name is small letters, digits and hyphens, like rescue-quiet-complaint"
    return Invalid(detail, code=code, pointer=pointer)


def _unknown_word(word: str, pointer: str) -> Invalid:
    known, of_condition = words_at(pointer)
    more = _suggestion(word, known)
    here, shown = f"{pointer}/{word}", word[:60]
    if of_condition:
        detail = f"there is no condition `{shown}`; there are {', '.join(known)}"
        return Invalid(detail, code="unknown_condition", pointer=here, **more)
    return Invalid(f"`{shown}` is no word here; known: {', '.join(known)}", code="unknown_field", pointer=here, **more)


def _suggestion(word: str, known: Iterable[str]) -> dict[str, str]:
    close = difflib.get_close_matches(word[:60], list(known), n=1)
    return {"suggestion": close[0]} if close else {}


def _pointer(path: str) -> str:
    """``.do[0].message`` as ``/do/0/message``."""
    return path.replace("[", "/").replace("]", "").replace(".", "/")

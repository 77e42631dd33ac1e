"""From an author's text to a checked definition, with mistakes that say where, what, and what was meant.

Every refusal is `Invalid` with a stable ``code``, a JSON pointer, and in ``more``: ``line`` and ``column``
(from 1) where a text was read, and ``suggestion`` where a known word comes close.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, get_args

import msgspec

from kinline.errors import Invalid
from kinline.triggers import actions
from kinline.triggers import definition as written
from kinline.triggers.compiled import Trigger, compile_trigger
from kinline.triggers.definition import Definition
from kinline.triggers.durations import Duration, span
from kinline.triggers.percentages import Share, share
from kinline.triggers.yaml_positions import MAX_DEPTH, Marked, Place, load
from kinline.words import Direction, Kind, Role, Standing, Track

#: Which struct stands under which name; numbers in a pointer are passed over.
_PARTS: dict[str, type[msgspec.Struct]] = {
    "when": written.ConditionDefinition,
    "all": written.ConditionDefinition,
    "any": written.ConditionDefinition,
    "not": written.ConditionDefinition,
    "did": written.Did,
    "silence": written.Silence,
    "broken_habit": written.BrokenHabit,
    "sequence": written.Sequence,
    "steps": written.Filter,
    "without": written.Filter,
    "answered_by_peer": written.AnsweredByPeer,
    "time": written.Time,
    "receipt": written.ReceiptIs,
    "asked": written.Filter,
    "of": written.Filter,  # of a broken habit; of a silence it is a word
    "after": written.Filter,
    "broken_by": written.Filter,
    "sentiment": written.Compare,
    "topic": written.TopicIs,
    "said": written.Filter,
    "do": actions.ActionPart,
    "message": actions.MessageAction,
    "task": actions.TaskAction,
    "tag": actions.TagAction,
    "stage": actions.StageAction,
    "attribute": actions.AttributeAction,
    "webhook": actions.Webhook,
    "start": actions.Start,
    "stop": actions.StopAction,
    "publish": actions.Publish,
    "wait": actions.Pause,
    "limits": written.Limits,
    "existing": written.Existing,
    "experiment": written.ExperimentDefinition,
    "variants": written.Variant,
    "outcome": written.Desired,
}
_CHOICES: dict[str, Iterable[str]] = {
    "kind": Kind,
    "direction": Direction,
    "role": Role,
    "standing": Standing,
    "track": Track,
    "of": get_args(written.Whose),
    "rearm": ("first", "last"),
    "clock": ("always", "business-hours"),
    "class": ("service", "transactional", "marketing"),
}
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
    """`read_trigger` for a text that is stored: compiled once in this process."""
    return read_trigger(source, trigger_id)


def read_data(data: Any) -> Definition:
    """The definition in plain data, as a JSON body carries it."""
    _bounded(data)
    try:
        return msgspec.convert(data, Definition, dec_hook=_custom, strict=True)
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


def _custom(kind: type, value: Any) -> Any:
    if kind is Duration:
        return span(value)
    if kind is Share:
        return share(value)
    raise NotImplementedError(kind)


def _plain(value: object) -> str:
    if isinstance(value, Duration | Share):
        return value.text
    raise NotImplementedError(type(value))


def _explained(message: str) -> Invalid:
    """A sentence for the author out of the reader's terse one."""
    found = _AT.match(message)
    detail, pointer = (found[1], _pointer(found[2])) if found else (message, "")
    if unknown := _UNKNOWN.match(detail):
        return _unknown_word(unknown[1], pointer)
    if missing := _MISSING.match(detail):
        return Invalid(f"`{missing[1]}` is missing", code="missing_field", pointer=pointer)
    choices = list(map(str, _CHOICES.get(_last(pointer), ())))
    if choices and (chosen := _CHOICE.match(detail)):
        said = f"`{_last(pointer)}` is one of {', '.join(choices)}; this is {chosen[1][:60]!r}"
        return Invalid(said, code="wrong_value", pointer=pointer, **_suggestion(chosen[1], choices))
    code = "wrong_type" if detail.startswith("Expected") and "got" in detail else "wrong_value"
    if detail == "`do` is missing":
        code = "missing_field"
    if pointer == "/name":
        detail = "a name is small letters, digits and hyphens, like rescue-quiet-complaint"
    return Invalid(detail, code=code, pointer=pointer)


def _unknown_word(word: str, pointer: str) -> Invalid:
    part = _part(pointer)
    known = list(part.__struct_encode_fields__)
    more = _suggestion(word, known)
    here = f"{pointer}/{word}"
    shown = word[:60]
    if part is not written.ConditionDefinition:
        return Invalid(
            f"`{shown}` is no word here; known: {', '.join(known)}", code="unknown_field", pointer=here, **more
        )
    detail = f"there is no condition `{shown}`; there are {', '.join(known)}"
    return Invalid(detail, code="unknown_condition", pointer=here, **more)


def _part(pointer: str) -> type[msgspec.Struct]:
    """What stands at this place. ``stage`` is a condition in ``when`` and an action in ``do``, ``sentiment`` a condition
    and a line of a filter."""
    if _last(pointer) == "stage" and pointer.startswith("/when"):
        return written.StageIs
    if pointer == "/experiment/outcome/did":
        return written.Filter
    if _last(pointer) == "sentiment" and _last(pointer.rpartition("/sentiment")[0]) in ("when", "all", "any", "not"):
        return written.SentimentIs
    return _PARTS.get(_last(pointer), Definition)


def _suggestion(word: str, known: Iterable[str]) -> dict[str, str]:
    close = difflib.get_close_matches(word[:60], list(known), n=1)
    return {"suggestion": close[0]} if close else {}


def _pointer(path: str) -> str:
    """``.do[0].message`` as ``/do/0/message``."""
    return path.replace("[", "/").replace("]", "").replace(".", "/")


def _last(pointer: str) -> str:
    names = [name for name in pointer.split("/") if name and not name.isdigit() and name != "..."]
    return names[-1] if names else ""

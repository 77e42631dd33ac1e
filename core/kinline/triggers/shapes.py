"""What may stand at a place of a trigger, found in the types that it is read into: for mistakes that say what was meant."""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

import msgspec

from kinline.triggers.conditions import ConditionDefinition, condition_types
from kinline.triggers.definition import Definition


def words_at(pointer: str) -> tuple[list[str], bool]:
    """The words that are known there, and whether each is a condition."""
    for kind in _types_at(pointer):
        if kind is ConditionDefinition:
            return list(condition_types()), True
        if _is_struct(kind):
            return list(kind.__struct_encode_fields__), False
    return [], False


def choices_at(pointer: str) -> list[str]:
    """The values among which one is chosen there; none where it is free."""
    found: list[str] = []
    for kind in _types_at(pointer):
        if get_origin(kind) is Literal:
            found += [each for each in get_args(kind) if isinstance(each, str)]
        elif isinstance(kind, type) and issubclass(kind, Enum):
            found += [str(each.value) for each in kind]
    return list(dict.fromkeys(found))


def _types_at(pointer: str) -> list[object]:
    kinds: list[object] = [Definition]
    for step in pointer.split("/")[1:]:
        kinds = [each for kind in kinds for below in _below(kind, step) for each in _alternatives(below)]
    return [each for kind in kinds for each in (kind, *_items(kind))]


def _below(kind: object, step: str) -> Iterator[object]:
    if kind is ConditionDefinition:
        if step in condition_types():
            yield condition_types()[step].shape
    elif _is_struct(kind):
        names = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
        if step in names:
            yield _hints(kind)[names[step]]
    elif step.isdigit() or step == "...":
        yield from _items(kind)


def _items(kind: object) -> Iterator[object]:
    """What stands in a list."""
    if get_origin(kind) is tuple:
        yield from _alternatives(get_args(kind)[0])


def _alternatives(hint: object) -> Iterator[object]:
    if get_origin(hint) is Annotated:
        yield from _alternatives(get_args(hint)[0])
    elif get_origin(hint) in (Union, UnionType):
        for each in get_args(hint):
            yield from _alternatives(each)
    else:
        yield hint


def _is_struct(kind: object) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind, include_extras=True)

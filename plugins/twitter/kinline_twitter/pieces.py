"""Making items, and saying what is none."""

from collections.abc import Iterator
from typing import Any

from kinline import Broken, Item
from kinline_twitter.fields import Json

Pieces = Iterator[Item | Broken]


def item(form: str, it: Json, **more: Any) -> Item:
    return Item(form=form, body={"is": it, **{key: value for key, value in more.items() if value}})


def unknown(value: Any) -> Broken:
    said = (
        f"keys {', '.join(value)}"
        if isinstance(value, dict)
        else f"{len(value)} entries that are no objects"
        if isinstance(value, list)
        else f"a {type(value).__name__}"
    )
    return Broken(code="unknown_shape", detail=f"No payload of X has this shape: {said[:120]}.")

"""What everything that an author writes is made of: strict parts, and texts of a certain form."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=500)]
Text = Annotated[str, Meta(max_length=32_000)]
Cel = Annotated[str, Meta(max_length=2048)]
Count = Annotated[int, Meta(ge=1, le=1000)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything written: frozen, strict."""


def many(value: Any) -> tuple[Any, ...]:
    """One or several, as several."""
    return value if isinstance(value, tuple) else (value,)


def words_of(part: msgspec.Struct) -> list[str]:
    """Which of its words stand in it."""
    return [name for name in part.__struct_fields__ if getattr(part, name) is not UNSET]


def exactly_one(part: msgspec.Struct, what: str) -> None:
    """Raises ValueError with a sentence for the author."""
    if len(words_of(part)) != 1:
        raise ValueError(f"{what} has exactly one of {', '.join(part.__struct_encode_fields__)}")

"""Shares as people write them: ``10%``, ``2.5%``. Kept exactly, in hundredths of a per cent."""

import re

WHOLE = 10_000  #: hundredths of a per cent in everything there is
PATTERN = r"^[0-9]{1,2}(\.[0-9]{1,2})?%$"
SAID = "a share is a percentage from 0.01% to 99.99%, like 10% or 2.5%"

_share = re.compile(PATTERN)


class Share:
    """A part of everybody: as it was written, and in hundredths of a per cent. Two of one size are equal."""

    __slots__ = ("parts", "text")

    def __init__(self, text: str, parts: int) -> None:
        self.text = text
        self.parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Share) and other.parts == self.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return self.text


def share(value: object) -> Share:
    """Read a share. Raises ValueError with a sentence for its author."""
    if not isinstance(value, str) or not _share.match(value):
        raise ValueError(f"{SAID}; this is {str(value)[:40]!r}")
    whole, _, part = value[:-1].partition(".")
    parts = int(whole) * 100 + int(part.ljust(2, "0"))
    if not 0 < parts < WHOLE:
        raise ValueError(f"{SAID}; this is {value!r}")
    return Share(value, parts)

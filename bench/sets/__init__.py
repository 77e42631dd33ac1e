"""One function for each set of the corpora. It asks the product itself, and gives a `Case` for each thing asked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One question to the product. ``wrong`` says how the answer differs; it is empty when the answer is right."""

    name: str
    wrong: str = ""


Cases = Iterator[Case]
Set = Callable[[Path], Iterable[Case]]


def equal(name: str, found: object, expected: object) -> Case:
    return Case(name, "" if found == expected else f"{_short(found)} instead of {_short(expected)}")


def _short(value: object) -> str:
    return repr(value)[:300]

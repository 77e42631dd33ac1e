"""What commands print: JSON that a program can read, or tables for people. One of both, never mixed.

What people wrote to us is hostile: on a terminal it loses its control characters and is never taken as markup.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table
from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])
json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table for people."
)
#: Columns of a table that goes into a file or a pipe, where no terminal says how wide it is.
WIDE = 160
#: Characters that change how a terminal shows what follows: control, bidirectional overrides, lone surrogates.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def json(data: Any) -> None:
    """One JSON value on one line."""
    _write(msgspec.json.encode(data) + b"\n")


def json_lines(values: Iterable[bytes]) -> None:
    """A JSON list of values that are JSON already, one on a line, written as they come."""
    before = b"["
    for value in values:
        _write(before + b"\n" + value)
        before = b","
    _write(b"[]\n" if before == b"[" else b"\n]\n")


def json_list(values: Iterable[Any]) -> None:
    """A JSON list of these values, one on a line."""
    json_lines(map(msgspec.json.encode, values))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table; ``empty`` is the sentence to say when there are no rows. Numbers stand on the right."""
    listed = [list(row) for row in rows]
    if not listed:
        line(empty)
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        numbers = all(isinstance(row[place], int) for row in listed)
        made.add_column(name, justify="right" if numbers else "left", no_wrap=numbers or name == "id", overflow="fold")
    for row in listed:
        made.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    console().print(made)


def line(*parts: str | tuple[str, str]) -> None:
    """One line; a part may be (text, style)."""
    safe = [_seen(part) if isinstance(part, str) else (_seen(part[0]), part[1]) for part in parts]
    console().print(Text.assemble(*safe), soft_wrap=True)


def console(*, stderr: bool = False) -> Console:
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDE
    return made


def plain(value: Any) -> str:
    """A value as one line of harmless text."""
    return _seen(" ".join(str("" if value is None else value).split()))


def short(value: Any, length: int) -> str:
    text = plain(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def _seen(text: str) -> str:
    return "".join(char if unicodedata.category(char) not in _UNSEEN else "\N{REPLACEMENT CHARACTER}" for char in text)


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

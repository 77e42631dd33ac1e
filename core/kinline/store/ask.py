"""Statements as SQLModel writes them, compiled once for each database and run on the driver; rows by name.

::

    OPEN = Ask(
        select(Waiting.id, Waiting.since).where(among(Waiting.place, "places")).order_by(Waiting.since), Found
    )
    for row in OPEN.rows(session, places=places):
        row.since

The columns of a statement and the fields of its row are compared when it is made, so a row is never read by position.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Dialect, Text, TypeDecorator, bindparam, literal, tuple_
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped
from sqlmodel import Session, SQLModel, col

from kinline.store import sql

R = TypeVar("R", bound=msgspec.Struct)
_DIALECTS: dict[bool, Dialect] = {True: sqlite.dialect(), False: psycopg.dialect(paramstyle="format")}  # type: ignore[no-untyped-call]


class Id(msgspec.Struct, frozen=True):
    """A row of which only the id is asked."""

    id: str


class IdPair(msgspec.Struct, frozen=True):
    """A row that says that two ids belong together."""

    one: str
    other: str


class Count(msgspec.Struct, frozen=True):
    """How many rows there are."""

    count: int


class _Texts(TypeDecorator[Any]):
    """Any number of texts as one parameter."""

    impl = Text
    cache_ok = True


class Among(ColumnElement[bool]):
    """That a column is one of the texts given under a name."""

    inherit_cache = True

    def __init__(self, column: Any, name: str) -> None:
        self.column, self.given = column, bindparam(name, type_=_Texts())


@compiles(Among, "sqlite")
def _among_sqlite(element: Among, compiler: Any, **more: Any) -> str:
    column, given = compiler.process(element.column, **more), compiler.process(element.given, **more)
    return f"{column} IN (SELECT value FROM json_each({given}))"


@compiles(Among, "postgresql")
def _among_postgresql(element: Among, compiler: Any, **more: Any) -> str:
    column, given = compiler.process(element.column, **more), compiler.process(element.given, **more)
    return f"{column} = ANY(({given})::text[])"


def among(column: Any, name: str) -> ColumnElement[bool]:
    """The column is one of the texts that are given as ``name`` (any iterable of texts; none of them: never)."""
    return Among(column, name)


def columns(table: type[SQLModel], row: type[msgspec.Struct]) -> list[Mapped[object]]:
    """The columns of a table (or of an alias of it) that are the fields of a row."""
    return [col(getattr(table, name)) for name in row.__struct_fields__]


def verbatim(value: str) -> ColumnElement[str]:
    """A value that stands in the text of a statement, so that an index with a condition on it is used."""
    return literal(value, literal_execute=True)


def keyset(*columns: Any, descending: bool = False) -> ColumnElement[bool]:
    """What comes after a place in a list that is ordered by these columns; `place` gives its parameters."""
    here = tuple_(*columns)
    there = tuple_(*[bindparam(f"after_{number}", type_=each.type) for number, each in enumerate(columns)])
    return here < there if descending else here > there


def place(values: Iterable[Any]) -> dict[str, Any]:
    """The parameters of a `keyset`: the place after which a page begins."""
    return {f"after_{number}": value for number, value in enumerate(values)}


class _Compiled:
    """A statement in the words of one database, with its parameters in their order."""

    __slots__ = ("_constant", "_lists", "_order", "_written", "text")

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        to_give = {name for name, bind in compiled.binds.items() if bind.required}
        whole = compiled.construct_expanded_state(dict.fromkeys(to_give))  # with what ``in_`` compares written out
        self.text: str = whole.statement
        self._order: Sequence[str] = whole.positiontup or ()
        self._constant = {name: value for name, value in whole.parameters.items() if name not in to_give}
        self._lists = [name for name, bind in compiled.binds.items() if isinstance(bind.type, _Texts)]
        self._written: Callable[[list[str]], str] = _as_json if dialect.name == "sqlite" else sql.array

    def given(self, values: dict[str, Any]) -> list[Any]:
        """The parameters as the driver takes them. Raises `KeyError` for one that was not given."""
        values = self._constant | values
        for name in self._lists:
            values[name] = self._written(list(values[name]))
        return [values[name] for name in self._order]


def _as_json(texts: list[str]) -> str:
    return msgspec.json.encode(texts).decode()


class Statement:
    """A statement, compiled for each database when it is first run there."""

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[bool, _Compiled] = {}

    def _run(self, session: Session, values: dict[str, Any]) -> Any:
        cursor, on_sqlite = sql.driver(session)
        found = self._compiled_for(on_sqlite)
        cursor.execute(found.text, found.given(values))
        return cursor

    def _compiled_for(self, on_sqlite: bool) -> _Compiled:
        found = self._compiled.get(on_sqlite)
        if found is None:
            found = self._compiled[on_sqlite] = _Compiled(self._statement, _DIALECTS[on_sqlite])
        return found


class Change(Statement):
    """An insert, update or delete."""

    def run(self, session: Session, **values: Any) -> int:
        """Run it; how many rows it changed."""
        cursor = self._run(session, values)
        count: int = cursor.rowcount
        cursor.close()
        return count

    def run_many(self, session: Session, many: Sequence[dict[str, Any]]) -> None:
        """Run it once for each of these parameters, in one go."""
        if many:
            cursor, on_sqlite = sql.driver(session)
            found = self._compiled_for(on_sqlite)
            cursor.executemany(found.text, [found.given(values) for values in many])
            cursor.close()


class Ask(Statement, Generic[R]):
    """A select whose rows are of the type ``row``, whose fields are named as its columns and in their order."""

    __slots__ = ("_row",)

    def __init__(self, statement: Any, row: type[R]) -> None:
        super().__init__(statement)
        columns = tuple(column.key for column in statement.selected_columns)
        if columns != row.__struct_fields__:
            raise TypeError(f"the columns {columns} are not the fields of {row.__name__} {row.__struct_fields__}")
        self._row = row

    def rows(self, session: Session, **values: Any) -> list[R]:
        """All rows."""
        cursor = self._run(session, values)
        row = self._row
        found = [row(*each) for each in cursor.fetchall()]
        cursor.close()
        return found

    def first(self, session: Session, **values: Any) -> R | None:
        """The first row, or None."""
        cursor = self._run(session, values)
        found = cursor.fetchone()
        cursor.close()
        return self._row(*found) if found is not None else None

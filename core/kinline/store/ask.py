"""Statements as SQLModel writes them, compiled once for each database and run on the driver; rows by name.

::

    OPEN = Ask(
        select(Waiting.id, Waiting.since).where(among(Waiting.place, "places")).order_by(Waiting.since), Found
    )
    for row in OPEN.rows(session, places=places):
        row.since

The columns of a statement and the fields of its row are compared when it is made, so a row is never read by position.
What a statement compares with and does not take as a parameter stands in its words: a partial index is found by them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Dialect, Table, Text, TypeDecorator, Update, bindparam, tuple_
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session, SQLModel, col

from kinline.store import sql

R = TypeVar("R", bound=msgspec.Struct)


class _WithConstants:
    """A compiler that writes what is known when a statement is made into its words."""

    def visit_bindparam(self, bindparam: Any, literal_binds: bool = False, **more: Any) -> str:
        written = literal_binds or not bindparam.required
        said: str = super().visit_bindparam(bindparam, literal_binds=written, **more)  # type: ignore[misc]
        return said


class _SQLiteWords(_WithConstants, SQLiteCompiler):  # type: ignore[misc]  # it takes fewer arguments by name
    pass


class _PostgresqlWords(_WithConstants, PGCompiler_psycopg):  # type: ignore[misc]  # likewise
    pass


_DIALECTS: dict[bool, Dialect] = {True: sqlite.dialect(), False: psycopg.dialect(paramstyle="format")}  # type: ignore[no-untyped-call]
_DIALECTS[True].statement_compiler, _DIALECTS[False].statement_compiler = _SQLiteWords, _PostgresqlWords


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


class CountOf(msgspec.Struct, frozen=True):
    """How many rows there are of a key."""

    key: str
    count: int


class OneText(msgspec.Struct, frozen=True):
    """A row of which one text is asked."""

    text: str


class OneNumber(msgspec.Struct, frozen=True):
    """A row of which one number is asked."""

    number: int


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


def columns(table: type[SQLModel], row: type[msgspec.Struct], **others: Any) -> list[Any]:
    """What a row asks for: each field the column of that name of a table (or of an alias of it), but for the ``others``."""
    return [others[name].label(name) if name in others else col(getattr(table, name)) for name in row.__struct_fields__]


def setting(table: Table, names: Iterable[str]) -> Update:
    """An update of these columns, each to the parameter ``new_`` with its name (`new`)."""
    return table.update().values({name: bindparam(f"new_{name}") for name in names})


def new(**values: Any) -> dict[str, Any]:
    """The parameters of `setting`."""
    return {f"new_{name}": value for name, value in values.items()}


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

    __slots__ = ("_lists", "_order", "_written", "text")

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text: str = compiled.string
        self._order: Sequence[str] = compiled.positiontup or ()
        self._lists = [name for name, bind in compiled.binds.items() if isinstance(bind.type, _Texts)]
        self._written: Callable[[list[str]], str] = _as_json if dialect.name == "sqlite" else sql.array

    def given(self, values: dict[str, Any]) -> list[Any]:
        """The parameters as the driver takes them. Raises `KeyError` for one that was not given."""
        if self._lists:
            values = values | {name: self._written(list(values[name])) for name in self._lists}
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
    """A select, or a change that returns, whose rows are of the type ``row``: its fields are named as the columns and
    in their order."""

    __slots__ = ("_row",)

    def __init__(self, statement: Any, row: type[R]) -> None:
        super().__init__(statement)
        columns = tuple(column.key for column in statement.exported_columns)
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

    def one(self, session: Session, **values: Any) -> R:
        """The row of a statement that always has one, as a count has. Raises `LookupError` where it has none."""
        found = self.first(session, **values)
        if found is None:
            raise LookupError("There is no such row.")
        return found

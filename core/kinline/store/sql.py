"""Thin executors for the hot paths: sets of rows in and out, without ORM objects.

Each call is one statement, or a few, for all its rows: on SQLite one with many ``VALUES``, on PostgreSQL one
with an array for each column. Both answer the same. Few statements matter on SQLite too: each step of one gives
the interpreter to another thread, and a writer that steps row by row waits for its turn row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
import psycopg
from sqlalchemy import BigInteger, Integer, LargeBinary, Table, UniqueConstraint
from sqlmodel import Session

Values = Sequence[Any]
#: How many rows one ``INSERT`` has on SQLite: few enough numbers for all those statements to stay prepared.
AT_ONCE = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
_DRIVER = "kinline_driver"


def driver(session: Session) -> tuple[Any, bool]:
    """The driver's own cursor inside this session's transaction, and whether it is SQLite's.

    A session of a `Store` has one connection and one transaction, so it is asked for them once.
    """
    found = session.info.get(_DRIVER)
    if found is None:
        connection = session.connection()
        found = session.info[_DRIVER] = connection.connection.cursor, connection.dialect.name == "sqlite"
    cursor, sqlite = found
    return cursor(), sqlite


def on_sqlite(session: Session) -> bool:
    """Whether this is SQLite, where nobody else writes meanwhile."""
    return session.get_bind().dialect.name == "sqlite"


def insert(session: Session, table: Table, rows: Sequence[Values]) -> None:
    """Insert those rows that are new by any unique key; rows in column order of the table."""
    if not rows:
        return
    cursor, sqlite = driver(session)
    if sqlite:
        _insert_sqlite(cursor, table, rows)
    else:
        cursor.execute(_postgresql_insert(table, 0), _arrays(table, rows))
    cursor.close()


def upsert(session: Session, table: Table, names: tuple[str, ...], rows: Sequence[Values], clause: str) -> None:
    """Insert rows of these columns; the ``ON CONFLICT`` clause says what becomes of those that are there already.

    ``{least}`` in it stands for the smaller of two values. No two of the rows may be in conflict with each other.
    """
    if not rows:
        return
    cursor, sqlite = driver(session)
    if sqlite:
        for piece in _in_pieces(rows):
            cursor.execute(_sqlite_upsert(table, names, len(piece), clause), tuple(chain.from_iterable(piece)))
    else:
        columns = zip(*rows, strict=True)
        arrays = [
            _WRITERS[_sort(table.columns[name].type)](values) for name, values in zip(names, columns, strict=True)
        ]
        cursor.execute(_postgresql_upsert(table, names, clause), arrays)
    cursor.close()


def insert_new(session: Session, table: Table, rows: Sequence[Values], key: int) -> set[tuple[Any, ...]]:
    """Insert like `insert`, and tell which rows were new, by their first ``key`` columns."""
    if not rows:
        return set()
    cursor, sqlite = driver(session)
    if not sqlite:
        cursor.execute(_postgresql_insert(table, key), _arrays(table, rows))
        new = set(cursor.fetchall())
    elif _only_by(table, key) and (absent := _absent(cursor, table, rows, key)) is not None:
        _insert_sqlite(cursor, table, [row for row in rows if tuple(row[:key]) in absent])
        new = absent
    else:
        statement = _sqlite_insert(table, 1)
        new = {tuple(row[:key]) for row in rows if cursor.execute(statement, row).rowcount == 1}
    cursor.close()
    return new


def select_in(session: Session, statement: str, values: Iterable[str], *more: Any) -> list[tuple[Any, ...]]:
    """Run a select whose ``{in}`` stands for "is one of these texts" and whose ``{p}`` for one more parameter."""
    listed = list(values)
    if not listed:
        return []
    cursor, sqlite = driver(session)
    if sqlite:
        text = _filled(statement, "IN (SELECT value FROM json_each(?))", "?")
        cursor.execute(text, (msgspec.json.encode(listed).decode(), *more))
    else:
        cursor.execute(_filled(statement, "= ANY(%s::text[])", "%s"), (array(listed), *more))
    found: list[tuple[Any, ...]] = cursor.fetchall()
    cursor.close()
    return found


def update_in(session: Session, statement: str, values: Iterable[str], *before: Any) -> int:
    """Run a change whose ``{in}`` stands for "is one of these texts", after a ``{p}`` for each other parameter.

    Tells how many rows it changed. PostgreSQL locks them as it finds them: where others change several of them too,
    the statement has to find them in one order.
    """
    listed = list(values)
    if not listed:
        return 0
    cursor, sqlite = driver(session)
    if sqlite:
        text = _filled(statement, "IN (SELECT value FROM json_each(?))", "?")
        cursor.execute(text, (*before, msgspec.json.encode(listed).decode()))
    else:
        cursor.execute(_filled(statement, "= ANY(%s::text[])", "%s"), (*before, array(listed)))
    count: int = cursor.rowcount
    cursor.close()
    return count


def run(session: Session, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement with ``{p}`` for each parameter; its rows, if it has any."""
    cursor, sqlite = driver(session)
    cursor.execute(_filled(statement, "", "?" if sqlite else "%s"), values)
    found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
    cursor.close()
    return found


def changed(session: Session, statement: str, *values: Any) -> int:
    """Run one statement with ``{p}`` for each parameter, and tell how many rows it changed."""
    cursor, sqlite = driver(session)
    cursor.execute(_filled(statement, "", "?" if sqlite else "%s"), values)
    count: int = cursor.rowcount
    cursor.close()
    return count


@lru_cache(maxsize=512)
def _filled(statement: str, within: str, parameter: str) -> str:
    return statement.replace("{in}", within).replace("{p}", parameter)


def _in_pieces(rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
    """The rows in pieces, the largest first, each of one of the lengths that have a statement."""
    at = 0
    while left := len(rows) - at:
        size = next(size for size in AT_ONCE if size <= left)
        yield rows[at : at + size]
        at += size


def _insert_sqlite(cursor: Any, table: Table, rows: Sequence[Values]) -> None:
    if _nothing_optional(table) and any(None in row for row in rows):
        raise ValueError(f"a row of {table.name} lacks a value")
    for piece in _in_pieces(rows):
        cursor.execute(_sqlite_insert(table, len(piece)), tuple(chain.from_iterable(piece)))


def _absent(cursor: Any, table: Table, rows: Sequence[Values], key: int) -> set[tuple[Any, ...]] | None:
    """Which keys are not there yet, in one step. None: SQLite's JSON cannot carry one of them."""
    keys = msgspec.json.encode([row[:key] for row in rows])
    if b"\\u0000" in keys:
        return None
    [(found,)] = cursor.execute(_sqlite_absent(table, key), (keys.decode(),)).fetchall()
    return {tuple(each) for each in msgspec.json.decode(found)}


@lru_cache(maxsize=128)
def _only_by(table: Table, key: int) -> bool:
    """Whether the first ``key`` columns are the primary key and nothing else is unique."""
    primary = [column.name for column in table.primary_key.columns]
    unique = any(index.unique for index in table.indexes) or any(
        isinstance(x, UniqueConstraint) for x in table.constraints
    )
    return not unique and primary == [column.name for column in table.columns][:key]


@lru_cache(maxsize=128)
def _sqlite_absent(table: Table, key: int) -> str:
    names = [column.name for column in table.columns][:key]
    same = " AND ".join(f"t.\"{name}\" = json_extract(j.value, '$[{n}]')" for n, name in enumerate(names))
    return (
        "SELECT json_group_array(json(j.value)) FROM json_each(?) j "
        f'WHERE NOT EXISTS (SELECT 1 FROM "{table.name}" t WHERE {same})'
    )


@lru_cache(maxsize=512)
def _sqlite_insert(table: Table, rows: int) -> str:
    names = [column.name for column in table.columns]
    marks = ",".join([f"({','.join('?' * len(names))})"] * rows)
    # OR IGNORE swallows missing values too, so it is for tables where we looked for them. It saves SQLite a journal
    # for undoing half a statement, which made inserting into a table of many indexes twice as slow.
    ignoring, doing = ("OR IGNORE", "") if _nothing_optional(table) else ("", " ON CONFLICT DO NOTHING")
    return f'INSERT {ignoring} INTO "{table.name}" ({_quoted(names)}) VALUES {marks}{doing}'


@lru_cache(maxsize=512)
def _sqlite_upsert(table: Table, names: tuple[str, ...], rows: int, clause: str) -> str:
    marks = ",".join([f"({','.join('?' * len(names))})"] * rows)
    return f'INSERT INTO "{table.name}" ({_quoted(names)}) VALUES {marks} {clause.replace("{least}", "min")}'


@lru_cache(maxsize=128)
def _postgresql_upsert(table: Table, names: tuple[str, ...], clause: str) -> str:
    columns = ",".join(_parameter(_sort(table.columns[name].type)) for name in names)
    head = f'INSERT INTO "{table.name}" ({_quoted(names)}) SELECT * FROM unnest({columns})'
    return f"{head} {clause.replace('{least}', 'LEAST')}"


@lru_cache(maxsize=128)
def _nothing_optional(table: Table) -> bool:
    return not any(column.nullable for column in table.columns)


@lru_cache(maxsize=128)
def _postgresql_insert(table: Table, key: int) -> str:
    names = [column.name for column in table.columns]
    columns = ",".join(_parameter(sort) for sort in _sorts(table))
    text = f'INSERT INTO "{table.name}" ({_quoted(names)}) SELECT * FROM unnest({columns}) ON CONFLICT DO NOTHING'
    return text + (f" RETURNING {_quoted(names[:key])}" if key else "")


def _arrays(table: Table, rows: Sequence[Values]) -> list[Any]:
    """An array for each column, written as PostgreSQL reads it (the driver would take longer than the server)."""
    columns = zip(*rows, strict=True)
    return [_WRITERS[sort](values) for sort, values in zip(_sorts(table), columns, strict=True)]


def _parameter(sort: str) -> str:
    """Bytes travel as they are: as text, two digits for each, they took five times as long."""
    return f"{'%b' if sort == 'bytea' else '%s'}::{sort}[]"


@lru_cache(maxsize=128)
def _sorts(table: Table) -> tuple[str, ...]:
    return tuple(_sort(column.type) for column in table.columns)


def _sort(kind: Any) -> str:
    if isinstance(kind, LargeBinary):
        return "bytea"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"


def array(texts: Sequence[str | None]) -> str:
    """PostgreSQL manual, section 8.15.6: quoted elements, backslash before quote and backslash."""
    if not texts:
        return "{}"
    if None in texts:
        return "{" + ",".join("NULL" if text is None else array([text])[1:-1] for text in texts) + "}"
    joined = "\x00".join(texts)  # type: ignore[arg-type]  # None was looked for
    if joined.count("\x00") != len(texts) - 1:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")  # as the driver says it
    return '{"' + joined.replace("\\", "\\\\").replace('"', '\\"').replace("\x00", '","') + '"}'


def _numbers(numbers: Sequence[int | None]) -> str:
    return "{" + ",".join(map(str, numbers)).replace("None", "NULL") + "}"


_WRITERS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "text": array,
    "bigint": _numbers,
    "integer": _numbers,
    "bytea": list,
}


def _quoted(names: Iterable[str]) -> str:
    return ",".join(f'"{name}"' for name in names)

"""How much a database works for a statement, which no other process on the machine can disturb."""

import re
from typing import Any

import msgspec
import pytest

from kinline.store import Store, sql


def cost(session: Any, store: Store, statement: str, *values: Any) -> int:
    """Steps of its machine on SQLite, pages touched on PostgreSQL."""
    cursor, sqlite = sql.driver(session)
    if sqlite:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        cursor.connection.set_progress_handler(step, 10)
        cursor.execute(statement.replace("{p}", "?"), values).fetchall()
        cursor.connection.set_progress_handler(None, 0)
        return steps
    cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("{p}", "%s"), values)
    [(plan,)] = cursor.fetchall()
    found = plan if isinstance(plan, list) else msgspec.json.decode(plan)
    return int(found[0]["Plan"]["Shared Hit Blocks"] + found[0]["Plan"]["Shared Read Blocks"])


def explained(session: Any, store: Store, statement: str, values: tuple[Any, ...]) -> list[str]:
    """The database's plan for a statement, line by line."""
    prefix = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
    return [str(row[-1]) for row in sql.run(session, prefix + statement, *values)]


def overheard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What the database is asked from now on by the thin executors, each statement with its values."""
    heard: list[tuple[str, tuple[Any, ...]]] = []
    real = sql.driver

    class Listening:
        def __init__(self, cursor: Any) -> None:
            self._cursor = cursor

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cursor, name)

        def execute(self, statement: str, values: Any = ()) -> Any:
            heard.append((statement, tuple(values)))
            return self._cursor.execute(statement, values)

    def driver(session: Any) -> tuple[Any, bool]:
        cursor, sqlite = real(session)
        return Listening(cursor), sqlite

    monkeypatch.setattr(sql, "driver", driver)
    return heard


def read_whole(store: Store, statement: str, values: tuple[Any, ...]) -> set[str]:
    """The tables of which this statement has to read every row."""
    with store.write() as session:
        plan = explained(session, store, statement, values)
    if store.dialect == "sqlite":
        names = [found[1] for line in plan if (found := re.match(r"SCAN (\w+)", line))]
        return {_table(statement, name) for name in names}
    # With enable_seqscan off, only what no index leads to; a small index read whole to join or sort is no fault.
    return {found[1] for line in plan if (found := re.search(r"Seq Scan on (\w+)", line))}


def _table(statement: str, name: str) -> str:
    """SQLite tells the alias."""
    found = re.search(rf'(?:FROM|JOIN|INTO|UPDATE|,)\s+"?(\w+)"?\s+(?:AS\s+)?{name}\b', statement)
    return found[1] if found else name

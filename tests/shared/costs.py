"""How much a database works for a statement, which no other process on the machine can disturb."""

from typing import Any

import msgspec

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

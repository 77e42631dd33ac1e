"""Rows that decisions add, kept until all of a set have said theirs: then each table is written with one statement."""

from collections.abc import Sequence

from sqlalchemy import Table
from sqlmodel import Session

from kinline.store import sql


class NewRows:
    """Rows by table, each in column order."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[Sequence[object]]] = {}

    def add(self, table: Table, *rows: Sequence[object]) -> None:
        """Write these with the others; those that are there by then stay as they are."""
        self._rows.setdefault(table, []).extend(rows)

    def write(self, session: Session) -> None:
        """Write what was added since the last time, in order of its keys, so that nobody waits for somebody who waits for us."""
        for table, rows in sorted(self._rows.items(), key=lambda each: each[0].name):
            sql.insert(session, table, sorted(rows, key=lambda row: str(row[0])))
        self._rows.clear()

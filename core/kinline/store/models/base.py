"""What all tables share: types that mean the same on SQLite and PostgreSQL, names of constraints.

- `Key`: text compared byte by byte (collation C), so both databases sort ids and handles alike.
- `Instant`: microseconds since 1970 UTC, 64 bit. `Count`: 64 bit.
- `Json`: JSON as text; what it holds is typed where it is written and read.

SQLite tables are STRICT (https://sqlite.org/stricttables.html): a text in a number column is an error
there too, as on PostgreSQL.
"""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

Key = Text().with_variant(String(collation="C"), "postgresql")
Instant = BigInteger().with_variant(Integer(), "sqlite")
Count = Instant
Flag = Integer  #: 0 or 1
Words = Text
Json = Text
Bytes = LargeBinary

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """Base of all tables. Never a request body and never an answer: those have models of their own."""

    metadata: ClassVar[MetaData] = metadata


def table(*rules: Any, rowid: bool = True) -> tuple[Any, ...]:
    """``__table_args__``: constraints and indexes, STRICT, and stored in key order where ``rowid`` is False."""
    return (*rules, {"sqlite_strict": True, "sqlite_with_rowid": rowid})


def column(sort: Any, *, primary: bool = False, default: Any = ..., **more: Any) -> Any:
    """A column of that type; required unless it has a default, nullable where the default is None."""
    nullable = default is None and not primary
    return Field(default=default, sa_type=sort, primary_key=primary, nullable=nullable, **more)

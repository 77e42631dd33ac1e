"""Trouble of the database that passes by itself: away, full, locked. Nobody's own fault, so nobody is blamed.

Our hot paths use the driver's own cursor, so the drivers' errors come through as well as SQLAlchemy's.
"""

import sqlite3

import psycopg
from psycopg import errors as postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kinline.errors import Unavailable

#: What may pass by itself. A statement that is wrong, or a value no column takes, is of another class.
PASSING = (sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError)
#: PostgreSQL files values too large for an index under OperationalError too (class 54): that is the value's fault.
VALUE = (postgresql.ProgramLimitExceeded,)
#: Two transactions that got into each other's way: the same work succeeds when it is done again.
CLASH = (postgresql.DeadlockDetected, postgresql.SerializationFailure)
CLASHED = "database_clash"


def passing(error: BaseException) -> Unavailable | None:
    """The error to show instead, when this one is trouble of the database that passes; else None."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, CLASH):
        return Unavailable(f"Another write came first: {cause}", code=CLASHED)
    if isinstance(error, PoolTimeout) or (isinstance(cause, PASSING) and not isinstance(cause, VALUE)):
        return Unavailable(f"The database cannot answer now: {cause}", code="database_down")
    return None

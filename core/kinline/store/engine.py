"""The store: one database, SQLite or PostgreSQL, with the same promises.

``read()`` gives a session that sees one state of the data, however many statements it runs; ``write()`` one
that commits when its block ends, and nothing when it raises. Keep writes short: no network and no plugin call
inside. A database that is away, full or locked raises `Unavailable`, whoever noticed it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlmodel import Session

from kinline.errors import Misconfigured
from kinline.store.fairlock import FairLock
from kinline.store.memory import Memory
from kinline.store.trouble import passing

#: Read back at start: the hub refuses to run without them (docs/decisions/0004).
PRAGMAS: dict[str, Any] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 10000,
    "secure_delete": 1,
}
#: KiB that SQLite keeps of the file for each connection. Readers have the operating system's cache below theirs.
READ_CACHE, WRITE_CACHE = 2_000, 16_000
#: A transaction that begins by reading and goes on to write may find that it cannot.
READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
POSTGRESQL = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
#: Without it each statement of a PostgreSQL read would see another state, and the ledger's sums would not hold.
SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Store:
    """Opens sessions. One for each process; safe to use from many threads."""

    def __init__(self, url: str, *, pool: int = 8) -> None:
        self.url = url
        self.dialect = make_url(url).get_backend_name()
        self.memory = Memory()
        self._turn: FairLock | None = None
        if self.dialect == "sqlite":
            self._turn = FairLock(_file(url))
            self.engine = self._reading = _sqlite(url, pool, READ, cache=READ_CACHE)
            # Always the same connection, for SQLite forgets what it had read when another one has written.
            self._changing = _sqlite(url, 1, WRITE, cache=WRITE_CACHE)
        else:
            self.engine = self._changing = _postgresql(url, pool)
            self._reading = self.engine.execution_options(**SNAPSHOT)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._open(self._reading) as connection:
            yield Session(bind=connection, expire_on_commit=False, autoflush=False)
            # Nothing to keep, but psycopg forgets all prepared statements of a connection that rolls back.
            connection.commit()

    @contextmanager
    def write(self) -> Iterator[Session]:
        if self._turn is None:
            with self._writing() as session:
                yield session
        else:
            with self._turn(), self._writing() as session:
                yield session

    @contextmanager
    def rehearse(self) -> Iterator[Session]:
        """A transaction that leaves nothing behind: what would come of something is seen by doing it."""
        with self._turn() if self._turn else nullcontext(), self._open(self._changing) as connection:
            session = Session(bind=connection, expire_on_commit=False)
            self.memory.attach(session)
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._open(self._changing) as connection:
            session = Session(bind=connection, expire_on_commit=False)
            self.memory.attach(session)
            yield session
            session.flush()
            connection.commit()
            self.memory.keep(session)

    @contextmanager
    def _open(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.connect() as connection:
                yield connection
        except Exception as error:
            shown = passing(error)
            if shown is None:
                raise
            raise shown from error

    def check(self) -> None:
        """Read the durability settings back. Raises `Misconfigured` naming the one that is wrong."""
        wanted: dict[str, Any] = PRAGMAS if self.dialect == "sqlite" else POSTGRESQL
        ask = "PRAGMA " if self.dialect == "sqlite" else "SHOW "
        with self._open(self.engine) as connection:
            for name, value in wanted.items():
                found = connection.exec_driver_sql(ask + name).scalar()
                if found != value:
                    raise Misconfigured(
                        f"The database has {name} = {found}, and the hub promises nothing without {value}.",
                        code="not_durable",
                    )

    def close(self) -> None:
        self.engine.dispose()
        self._changing.dispose()


def _file(url: str) -> str:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise Misconfigured(
            "The hub's SQLite database must be a file: sqlite:///path/kinline.db", code="wrong_settings"
        )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return path


def _sqlite(url: str, pool: int, begin: str, *, cache: int) -> Engine:
    """Connections whose transactions all begin with that statement; ``cache`` is the memory of each, in KiB."""
    engine = create_engine(
        url,
        pool_size=pool,
        max_overflow=16,
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's habit loses updates
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name}={value}")
        connection.execute(f"PRAGMA cache_size=-{cache}")
        connection.execute("PRAGMA temp_store=memory")
        # 64 MB of log before it is worked into the database: a page that changes often is written there once.
        connection.execute("PRAGMA wal_autocheckpoint=16000")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin if "kinline_writes" not in connection.get_execution_options() else WRITE)

    return engine


def _postgresql(url: str, pool: int) -> Engine:
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool,
        max_overflow=8,
        pool_timeout=5,
        pool_pre_ping=True,
        pool_use_lifo=True,
        connect_args={
            "connect_timeout": 5,
            # A plan made while a table was empty is kept until the table is analysed: reading all of it looked cheap
            # then, and made recording slower with each row. All we ask often has an index. What has none looks so dear
            # to the planner then that compiling it would take half a second (jit).
            "options": "-c timezone=UTC -c enable_seqscan=off -c jit=off -c lock_timeout=5s -c statement_timeout=30s "
            "-c idle_in_transaction_session_timeout=60s",
        },
    )

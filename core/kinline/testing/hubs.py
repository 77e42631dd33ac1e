"""Hubs for tests: real databases, built by the migrations, empty for each test.

``hub`` runs a test on SQLite and on PostgreSQL. Without a PostgreSQL at ``KINLINE_TEST_POSTGRESQL`` (default
``postgresql://postgres@127.0.0.1/postgres``) those runs skip, saying what to start; in CI they fail.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from kinline.hub import Hub
from kinline.secret import Secret
from kinline.settings import Settings
from kinline.store import Store
from kinline.store.migrate import upgrade

SECRET = "a secret that only tests have"
SERVER = os.environ.get("KINLINE_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1/postgres")


def missing(what: str, cure: str) -> None:
    """A server that a test needs is not there: that fails in CI, and skips on a laptop."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is required in CI: {cure}")
    pytest.skip(f"{what} is not running: {cure}")


@cache
def postgresql() -> str:
    """ "" when a server answers, else why not."""
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        return str(error).splitlines()[0]
    return ""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "kinline.db"
    store = Store(f"sqlite:///{path}")
    upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


class Shared:
    """One PostgreSQL database that test after test finds empty: emptying takes milliseconds, making one a second."""

    #: A table with more rows is truncated, which takes longer and leaves nothing to clean up.
    FEW = 1000

    def __init__(self) -> None:
        self._name = ""
        self._tables: set[str] = set()
        self._version: list[tuple[object, ...]] = []

    def empty(self) -> str:
        """The address of a migrated, empty database that nobody else is connected to."""
        if not self._name or not self._emptied():
            self._make()
        return address(self._name)

    def drop(self) -> None:
        if not self._name:
            return
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')

    def _make(self) -> None:
        self.drop()
        self._name = f"kinline_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{self._name}"')
        store = Store(address(self._name))
        upgrade(store)
        store.close()
        with psycopg.connect(address(self._name)) as database:
            self._tables, self._version = _tables(database), _version(database)

    def _emptied(self) -> bool:
        """False when a test left another schema behind."""
        with psycopg.connect(address(self._name), autocommit=True) as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if _tables(database) != self._tables or _version(database) != self._version:
                return False
            database.execute(f'ALTER DATABASE "{self._name}" RESET ALL')
            database.execute("SET session_replication_role = replica")  # foreign keys do not matter: all goes
            for table in sorted(self._tables - {"alembic_version"}):
                self._empty_table(database, table)
        return True

    def _empty_table(self, database: "psycopg.Connection[tuple[int]]", table: str) -> None:
        found = database.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{table}" LIMIT {self.FEW + 1}) AS rows')
        [count] = found.fetchone() or (0,)
        if count > self.FEW:
            database.execute(f'TRUNCATE "{table}" CASCADE')
        elif count:
            database.execute(f'DELETE FROM "{table}"')


def _tables(database: "psycopg.Connection[tuple[int]]") -> set[str]:
    rows = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {str(name) for (name,) in rows}


def _version(database: "psycopg.Connection[tuple[int]]") -> list[tuple[object, ...]]:
    return [tuple(row) for row in database.execute("SELECT version_num FROM alembic_version").fetchall()]


@pytest.fixture(scope="session")
def postgresql_shared() -> Iterator[Shared]:
    if postgresql():
        missing("PostgreSQL", f"start one, or name it in KINLINE_TEST_POSTGRESQL ({postgresql()})")
    shared = Shared()
    yield shared
    shared.drop()


def address(database: str) -> str:
    return SERVER.rsplit("/", 1)[0] + "/" + database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database that is this test's alone."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "kinline.db")
        yield f"sqlite:///{tmp_path / 'kinline.db'}"
        return
    yield request.getfixturevalue("postgresql_shared").empty()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url, secret=SecretStr(SECRET))


@pytest.fixture
def hub(settings: Settings) -> Iterator[Hub]:
    opened = Hub.open(settings)
    yield opened
    opened.close()


@pytest.fixture
def secret() -> Secret:
    return Secret(SECRET)

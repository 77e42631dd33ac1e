"""Fresh hubs to measure on: an own database each, with the shipped life cycle live, an account and a key."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pydantic import SecretStr

from kinline.accounts import connected, keys
from kinline.accounts.connected import AccountRef
from kinline.catalogue.trigger_store import install_shipped
from kinline.hub import Hub
from kinline.settings import Settings
from kinline.store.migrate import upgrade
from kinline.testing.hubs import SERVER, address, postgresql

SECRET = "a secret that only measurements have"  # noqa: S105
DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Bench:
    """A hub with what measuring needs."""

    hub: Hub
    account: AccountRef
    key: str
    home: Path

    @property
    def settings(self) -> Settings:
        return self.hub.settings

    def count(self, statement: str) -> int:
        with self.hub.store.engine.connect() as connection:
            return int(connection.exec_driver_sql(statement).scalar_one())

    def environment(self) -> dict[str, str]:
        """What a process needs to open the same hub."""
        return {
            "KINLINE_HOME": str(self.home), "KINLINE_DATABASE_URL": self.settings.database, "KINLINE_SECRET": SECRET,
        }  # fmt: skip


@contextmanager
def fresh(database: str, *, triggers: bool = True) -> Iterator[Bench]:
    """A new hub on that kind of database; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="kinline-bench-"))
    try:
        with empty(database, home) as url:
            hub = Hub.open(Settings(home=home, database_url=url, secret=SecretStr(SECRET)))
            try:
                yield _furnished(hub, home, triggers)
            finally:
                hub.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def available() -> list[str]:
    """The databases that answer here."""
    return [name for name in DATABASES if name == "sqlite" or not postgresql()]


@contextmanager
def empty(database: str, home: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if database == "sqlite":
        home.mkdir(exist_ok=True)
        yield f"sqlite:///{home / 'kinline.db'}"
        return
    name = f"kinline_bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield address(name)
    finally:
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _furnished(hub: Hub, home: Path, triggers: bool) -> Bench:
    upgrade(hub.store)
    with hub.store.write() as session:
        if triggers:
            install_shipped(session)
        account = connected.connect(session, hub.secret, "email", "inbox", {"address": "help@hub.example"})
        key = keys.create(session, "bench", ("admin",))
    return Bench(hub, account, key, home)

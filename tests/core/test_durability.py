"""The settings that promises rest on are read back, and a wrong one is named."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import event

from kinline.errors import Misconfigured, Unavailable
from kinline.hub import Hub
from kinline.settings import Settings, load
from kinline.store import Store, migrate, schema
from kinline.testing.hubs import SECRET, SERVER


def test_a_hub_with_good_settings_opens(hub: Hub) -> None:
    hub.store.check()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "named"),
    [
        ("synchronous=NORMAL", "synchronous = 1"),
        ("foreign_keys=OFF", "foreign_keys = 0"),
        ("secure_delete=OFF", "secure_delete = 0"),
        ("busy_timeout=5000", "busy_timeout = 5000"),
    ],
)
def test_a_sqlite_store_that_may_forget_is_refused(database_url: str, pragma: str, named: str) -> None:
    # Given something that loosens a setting behind our back
    store = Store(database_url)

    @event.listens_for(store.engine, "connect")
    def loosen(connection: Any, record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    # Then the store says which
    with pytest.raises(Misconfigured, match=named) as refused:
        store.check()
    assert refused.value.code == "not_durable"
    store.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_postgresql_store_that_may_forget_is_refused(database_url: str, settings: Settings) -> None:
    # Given a database that does not wait for the disk
    name = database_url.rpartition("/")[2]
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')

    # Then the hub does not open
    with pytest.raises(Misconfigured, match="synchronous_commit = off"):
        Hub.open(settings)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        Store(url)


def test_a_database_that_is_away_is_unavailable_and_no_riddle(tmp_path: Path) -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable) as refused, store.read():
        pass
    assert refused.value.code == "database_down"
    store.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "mysql://here/there"),
        ("redis_url", "http://here"),
        ("time_zone", "Mars/Olympus"),
        ("port", "70000"),
        ("lease", "0"),
        ("sweep", "soon"),
        ("outbound", "maybe"),
        ("quiet_from", "25"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"KINLINE_{name.upper()}", value)

    with pytest.raises(Misconfigured) as refused:
        load()
    assert name in str(refused.value).lower()


def test_a_weak_secret_is_refused() -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings(secret=SecretStr("changeme")).hub_secret()
    assert refused.value.code == "weak_secret"
    assert Settings(secret=SecretStr(SECRET)).hub_secret()


def test_the_schema_that_a_hub_asks_for_is_the_newest() -> None:
    assert migrate.head() == schema.HEAD


def test_models_and_migrations_say_the_same(hub: Hub) -> None:
    schema.require_current(hub.store)
    migrate.drift(hub.store)


def test_the_schema_can_be_taken_down_and_built_again(hub: Hub) -> None:
    migrate.downgrade(hub.store, "base")
    with pytest.raises(Misconfigured, match="run `kinline migrate`"):
        schema.require_current(hub.store)
    migrate.upgrade(hub.store)
    schema.require_current(hub.store)
    migrate.drift(hub.store)

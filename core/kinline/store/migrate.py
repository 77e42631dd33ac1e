"""Brings a database to the schema this version needs. No ini file: the scripts ship in the package."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from kinline.store.engine import Store


def _config(store: Store) -> Config:
    config = Config()
    config.set_main_option("script_location", "kinline.store:migrations")
    config.attributes["store"] = store
    return config


def upgrade(store: Store, revision: str = "head") -> None:
    command.upgrade(_config(store), revision)


def downgrade(store: Store, revision: str) -> None:
    command.downgrade(_config(store), revision)


def drift(store: Store) -> None:
    """Raise if models and migrations do not say the same."""
    command.check(_config(store))


def head() -> str | None:
    """The newest revision of the scripts; `kinline.store.schema.HEAD` must say the same."""
    config = Config()
    config.set_main_option("script_location", "kinline.store:migrations")
    return ScriptDirectory.from_config(config).get_current_head()

"""How a command gets its hub: settings read, logs away from the output, schema checked, closed at the end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import inspect

from kinline import logs
from kinline.catalogue.trigger_store import install_shipped
from kinline.hub import Hub
from kinline.settings import Settings
from kinline.store.schema import require_current
from kinline.upgrades import run
from kinline_cli import progress


@contextmanager
def opened(settings: Settings | None = None, *, build: bool = True, level: int = logging.WARNING) -> Iterator[Hub]:
    """The hub of this environment. Raises `Misconfigured` on a schema of another version.

    ``build``: a SQLite file that holds nothing yet gets its schema, so that the first command works on a bare
    machine. A server's database is somebody's decision: there it takes ``kinline migrate``. ``level``: which logs.
    """
    logs.configure(level)
    hub = Hub.open(settings)
    try:
        if build and is_empty(hub) and hub.store.dialect == "sqlite":
            bring_up(hub)
        require_current(hub.store)
        yield hub
    finally:
        hub.close()


def bring_up(hub: Hub) -> list[str]:
    """The schema of this version, stored data in its shape, and the shipped life cycle. Returns the triggers that are
    new. On a terminal each step over stored data shows how far it is."""
    from kinline.store.migrate import upgrade  # only here: Alembic takes memory

    upgrade(hub.store)
    for step in run.unfinished(hub.store):
        with progress.of_things(step.about, run.total(hub.store, step)) as told:
            run.take(hub.store, step, told)
    with hub.store.write() as session:
        return install_shipped(session)


def is_empty(hub: Hub) -> bool:
    """Whether the database has no table at all."""
    with hub.store.read() as session:
        return not inspect(session.connection()).get_table_names()

"""Alembic's entry: the same scripts for SQLite (in batches) and PostgreSQL (with a lock timeout)."""

from alembic import context
from sqlalchemy import text

from kinline.store.models import metadata

store = context.config.attributes["store"]
with store.engine.execution_options(kinline_writes=True).connect() as connection:
    if store.dialect == "postgresql":
        connection.execute(text("SET lock_timeout = '5s'"))
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=store.dialect == "sqlite")
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()

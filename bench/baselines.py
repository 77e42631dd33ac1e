"""What the hub is measured against, kept here so that everybody can look at it.

``bare``: Litestar, the same body decoded into a msgspec Struct, nothing kept. ``sqlmodel``: what a first version
does: a SQLModel session and one commit for each request, looking its identity up, with SQLite as durable as ours.
``page``: Litestar, answering a page of a timeline that it has in memory as rows.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, get, post
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, create_engine, select


class Party(msgspec.Struct):
    role: str
    handle: str
    name: str = ""
    standing: str = ""


class Posted(msgspec.Struct):
    account: str
    source_id: str
    kind: str
    direction: str
    parties: list[Party]
    occurred_at: str
    text: str = ""
    subject: str = ""


class Done(msgspec.Struct):
    id: int


@post("/v1/interactions")
async def nothing(data: Posted) -> Done:
    return Done(1)


def bare() -> Litestar:
    return Litestar([nothing], openapi_config=None, logging_config=None)


class Identity(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    handle: str = Field(unique=True)


class Event(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    source_id: str = Field(unique=True)
    identity_id: int = Field(index=True)
    channel: str = Field(index=True)
    kind: str
    direction: str
    occurred_at: str = Field(index=True)
    subject: str
    text: str


def sqlmodel() -> Litestar:
    url = os.environ["BENCH_DATABASE"]
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=40)
    if url.startswith("sqlite"):
        event.listen(engine, "connect", _durable)
    SQLModel.metadata.create_all(engine)

    @post("/v1/interactions", sync_to_thread=True)
    def record(data: Posted) -> Done:
        with Session(engine) as session:
            known = session.exec(select(Event).where(Event.source_id == data.source_id)).first()
            if known is None:
                known = _new(session, data)
            return Done(known.id or 0)

    return Litestar([record], openapi_config=None, logging_config=None)


def _new(session: Session, data: Posted) -> Event:
    handle = data.parties[0].handle
    identity = session.exec(select(Identity).where(Identity.handle == handle)).first()
    if identity is None:
        identity = Identity(handle=handle)
        session.add(identity)
        session.flush()
    made = Event(
        source_id=data.source_id, identity_id=identity.id or 0, channel="email", kind=data.kind,
        direction=data.direction, occurred_at=data.occurred_at, subject=data.subject, text=data.text,
    )  # fmt: skip
    session.add(made)
    session.commit()
    return made


def _durable(connection: Any, record: Any) -> None:
    for pragma in ("journal_mode=wal", "synchronous=FULL", "busy_timeout=20000"):
        connection.execute(f"PRAGMA {pragma}")


def page() -> Litestar:
    rows = msgspec.json.decode(Path(os.environ["BENCH_PAGE"]).read_bytes())

    @get("/page")
    async def same() -> dict[str, Any]:
        return dict(rows)

    return Litestar([same], openapi_config=None, logging_config=None)


APPS: dict[str, Callable[[], Litestar]] = {"bare": bare, "sqlmodel": sqlmodel, "page": page}

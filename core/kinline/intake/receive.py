"""Receiving: the raw bytes and their intake are durable before anybody tries to understand them."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec
from sqlmodel import Session

from kinline import blobs, clock, ids
from kinline.accounts.connected import AccountRef
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.jobs import queue
from kinline.messages import Source
from kinline.store import Store, sql
from kinline.store.models import Intake, metadata
from kinline.words import Origin

_INTAKE = metadata.tables[str(Intake.__tablename__)]
NEW = "new"
UNDERSTOOD = "understood"
#: The jobs that bring an intake on. Hints are fetched one at a time, for the network is slow.
UNDERSTAND, COMPLETE = "intake.understand", "intake.complete"


def receive(session: Session, account: AccountRef, body: bytes, source: Source, *, origin: Origin = Origin.LIVE) -> str:
    """Keep one body and plan its understanding, in the caller's transaction. Acknowledge after it commits."""
    return receive_all(session, [(account, body, source)], origin=origin)[0]


def receive_all(
    session: Session, deliveries: Sequence[tuple[AccountRef, bytes, Source]], *, origin: Origin = Origin.LIVE
) -> list[str]:
    """`receive` for several bodies at once."""
    intakes = _keep(session, deliveries, origin)
    hints = [is_hint(account, source) for account, _, source in deliveries]
    queue.plan(session, COMPLETE, [intake for intake, hint in zip(intakes, hints, strict=True) if hint])
    queue.plan(session, UNDERSTAND, [intake for intake, hint in zip(intakes, hints, strict=True) if not hint])
    return intakes


def is_hint(account: AccountRef, source: Source) -> bool:
    """Whether its channel fetches more before this is understood (see `kinline.intake.completing`)."""
    channel = channels().loaded.get(account.channel)
    try:
        return channel is not None and Ability.COMPLETE in channel.can and channel.completes(source)
    except Exception:  # a foreign plugin may raise anything; then it is understood as it is
        return False


def receive_file(hub: Store, account: AccountRef, content: BinaryIO, source: Source, *, origin: Origin) -> str:
    """Keep one file of any size. Nothing is planned: the importer understands it at once."""
    digest, _ = blobs.store(hub, content, source.media_type)
    row = _row(account, source, origin, digest)
    with hub.write() as session:
        sql.insert(session, _INTAKE, [row])
    return str(row[0])


def receive_small(
    hub: Store, account: AccountRef, bodies: Sequence[tuple[bytes, Source]], *, origin: Origin
) -> list[str]:
    """Keep several small files in one transaction: a disk makes hundreds of those a second, not thousands."""
    with hub.write() as session:
        return _keep(session, [(account, body, source) for body, source in bodies], origin)


def _keep(session: Session, deliveries: Sequence[tuple[AccountRef, bytes, Source]], origin: Origin) -> list[str]:
    digests = blobs.put_all(session, [(body, source.media_type) for _, body, source in deliveries])
    rows = [
        _row(account, source, origin, digest) for (account, _, source), digest in zip(deliveries, digests, strict=True)
    ]
    sql.insert(session, _INTAKE, rows)
    return [row[0] for row in rows]


def _row(account: AccountRef, source: Source, origin: Origin, digest: str) -> tuple[Any, ...]:
    """The intake's row, in the order of its table."""
    headers = msgspec.json.encode(source.headers).decode()
    return (
        ids.new(), account.id, clock.now(), origin, source.name[:255], source.media_type[:255], headers, digest, NEW,
        1, 0, None,
    )  # fmt: skip

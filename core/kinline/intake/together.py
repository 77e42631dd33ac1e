"""Several small intakes understood at once, as a queue of mails or webhook calls is: one transaction for many.

What is large, was begun before, or could not be written with the others is left to `understand`, one by one.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import msgspec
from sqlmodel import Session

from kinline.blobs import CHUNK as SMALL
from kinline.intake.understand import CHUNK, Piece, Reading, begin, enter, pieces_of, understood
from kinline.record.writer import write_all
from kinline.secret import Secret
from kinline.store import Store, sql


class _Whole(msgspec.Struct, frozen=True):
    """A small intake with all its items."""

    reading: Reading
    pieces: list[Piece]


def understand_together(
    hub: Store, secret: Secret, intake_ids: Iterable[str], *, arrived_at: int | None = None,
    also: Callable[[Session, list[str]], object] | None = None,
) -> set[str]:  # fmt: skip
    """Understand the small ones among these intakes; returns which were done.

    ``also`` is told of them in the transaction that records them (a worker finishes its jobs there).
    """
    wholes = [whole for whole in _small(hub, secret, sorted(intake_ids), arrived_at) if len(whole.pieces) <= CHUNK]

    def work(session: Session, units: Sequence[_Whole]) -> list[bool]:
        enter(session, [(unit.reading, piece) for unit in units for piece in unit.pieces])
        done = [unit.reading.intake_id for unit in units]
        understood(session, done, read=1)
        if also:
            also(session, done)
        return [True] * len(units)

    written: list[bool | BaseException] = write_all(hub, work, wholes) if wholes else []
    return {whole.reading.intake_id for whole, done in zip(wholes, written, strict=True) if done is True}


def _small(hub: Store, secret: Secret, intake_ids: list[str], arrived_at: int | None) -> list[_Whole]:
    """Those that fit into one piece of a blob and have nothing in the ledger yet, read and understood."""
    with hub.read() as session:
        rows = sql.select_in(
            session,
            "SELECT i.id, c.piece FROM intake i JOIN blob b ON b.hash = i.blob_hash AND b.size <= {p} "
            "JOIN blob_chunk c ON c.hash = b.hash AND c.position = 0 WHERE i.id {in} "
            "AND NOT EXISTS (SELECT 1 FROM item WHERE item.intake_id = i.id)".replace("{p}", str(SMALL)),
            intake_ids,
        )
        readings = begin(session, secret, [intake for intake, _ in rows], arrived_at)
    opened = [(readings.get(intake), bytes(piece)) for intake, piece in rows]
    return [
        _Whole(reading, found)
        for reading, raw in opened
        if reading and (found := list(islice(pieces_of(reading, io.BytesIO(raw)), CHUNK + 1)))
    ]

"""How somebody waited for an answer of ours, for the silences that triggers look at."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from kinline.store.ask import Ask, among
from kinline.store.models import WaitingRow
from kinline.triggers.history import Waited
from kinline.waiting.fold import Ended
from kinline.waiting.rules import Level


class _WaitedRow(msgspec.Struct, frozen=True):
    who: str
    place: str
    asked_id: str
    since: int
    paused_at: int | None
    paused_until: int | None
    rests: str
    ended_at: int | None
    ended_how: str
    ended_by: str


_rests = msgspec.json.Decoder(tuple[tuple[int, int], ...])
#: What was imported runs no clock, so it begins no silence of ours.
_OF = Ask(
    select(*[col(getattr(WaitingRow, name)) for name in _WaitedRow.__struct_fields__]).where(
        among(col(WaitingRow.who), "identities"),
        col(WaitingRow.level) == Level.DIRECT.value,
        col(WaitingRow.imported) == 0,
    ),
    _WaitedRow,
)


def of(session: Session, identities: Iterable[str]) -> list[Waited]:
    """The times that whoever holds these identities asked us directly and waited, also those that are over."""
    return [each for waits in of_many(session, identities).values() for each in waits]


def of_many(session: Session, identities: Iterable[str]) -> dict[str, list[Waited]]:
    """The same, by identity; those who never asked are left out."""
    listed, found = sorted(set(identities)), defaultdict[str, list[Waited]](list)
    for row in _OF.rows(session, identities=listed) if listed else ():
        found[row.who].append(_waited(row))
    return found


def _waited(row: _WaitedRow) -> Waited:
    """``said_from`` is no beginning: words that were not meant for us may lie before it was asked of us."""
    pauses: list[tuple[int, int | None]] = [*_rests.decode(row.rests)]
    if row.paused_at is not None:
        over = [at for at in (row.paused_until, row.ended_at) if at is not None]
        pauses.append((row.paused_at, min(over, default=None)))
    return Waited(
        place=row.place, asked=row.asked_id, since=row.since, until=row.ended_at, ended_at=row.ended_at,
        answered_by=row.ended_by if row.ended_how == Ended.US else "", pauses=tuple(pauses),
    )  # fmt: skip

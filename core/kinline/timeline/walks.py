"""Walking the timelines of all identities of a person at once, newest first: one statement, no sort of much.

Everything a filter needs stands in the index that is walked. On SQLite the walks are merged as they go, so that ten
identities cost ten steps more than one. PostgreSQL would sort all lines of all for the same words; there each walk
ends where the page would, and only those few are sorted.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlmodel import Session

from kinline.identity.persons import FOREVER, Span
from kinline.store import sql
from kinline.timeline.entries import CONVERSATION, SHOWN, Place, TimelineLine
from kinline.timeline.filters import Filters

#: Identities in one statement: SQLite takes 500 selects in one.
AT_ONCE = 200
_LINE = "sort_at, sequence, interaction_id, role, standing"
_NEWEST = "ORDER BY sort_at DESC, sequence DESC, interaction_id DESC"
_FOUND = f"t.sort_at, t.sequence, t.interaction_id, t.role, t.standing, {SHOWN}"
_place = itemgetter(0, 1, 2)

#: A line, and its interaction as `kinline.timeline.entries.COLUMNS` has it.
Found = tuple[TimelineLine, Sequence[Any]]


def walked(session: Session, held: Sequence[Span], filters: Filters, before: Place, limit: int) -> list[Found]:
    """The newest lines before a place over all these identities, newest first, ``limit`` at most."""
    rows: list[tuple[Any, ...]] = []
    for at in range(0, len(held), AT_ONCE):
        rows += _walk(session, held[at : at + AT_ONCE], filters, before, limit)
    rows.sort(key=_place, reverse=True)  # joining promises no order
    return [(TimelineLine(*row[:5]), row[5:]) for row in rows[:limit]]


def _walk(session: Session, held: Sequence[Span], filters: Filters, before: Place, limit: int) -> list[tuple[Any, ...]]:
    bounds = [_bounds(span, filters, before) for span in held]
    equal = filters.equal
    names, values = [name for name, _ in equal], [value for _, value in equal]
    sqlite = session.connection().dialect.name == "sqlite"
    if sqlite or len(held) == 1:
        walk = " UNION ALL ".join([_one(names)] * len(held))
        given: list[Any] = [value for bound in bounds for value in (*bound, *values)]
    else:
        walk, given = _each(names, limit), [*map(list, zip(*bounds, strict=True)), *values]
    # The limit as a number in the words: PostgreSQL plans for a tenth of the table where it is a parameter.
    source = (
        f"FROM ({walk} {_NEWEST} LIMIT {limit}) t CROSS JOIN interaction i {CONVERSATION} WHERE i.id = t.interaction_id"
    )
    if not sqlite:
        return sql.run(session, f"SELECT {_FOUND} {source}", *given)
    # All in one step: after each one, another thread may take the interpreter, and give it back when it likes.
    [(found,)] = sql.run(session, f"SELECT json_group_array(json_array({_FOUND})) {source}", *given)
    rows: list[tuple[Any, ...]] = msgspec.json.decode(found, type=list[tuple[Any, ...]])
    return rows


def _bounds(span: Span, filters: Filters, before: Place) -> tuple[str, int, int, str, int]:
    """Identity, upper bound (exclusive), lower bound. One upper bound: of two, SQLite walks the index from one and
    checks the other line by line."""
    since, until = filters.between(span.since, span.until)
    return span.identity_id, *min(before, (until, -FOREVER, "")), since


def _one(names: Sequence[str]) -> str:
    """The lines of one identity. The first name has its index, which is walked; the others are checked on its lines."""
    equal = "".join(f" AND {name} = {{p}}" for name in names)
    return (
        f"SELECT {_LINE} FROM participant WHERE identity_id = {{p}} "
        f"AND (sort_at, sequence, interaction_id) < ({{p}}, {{p}}, {{p}}) AND sort_at >= {{p}}{equal}"
    )


def _each(names: Sequence[str], limit: int) -> str:
    """PostgreSQL: the newest lines of each identity of an array."""
    equal = "".join(f" AND {name} = {{p}}" for name in names)
    return (
        f"SELECT {_LINE} FROM unnest({{p}}::text[], {{p}}::bigint[], {{p}}::bigint[], {{p}}::text[], {{p}}::bigint[]) "
        f"AS held(identity, until, before, beyond, since) CROSS JOIN LATERAL (SELECT {_LINE} FROM participant "
        f"WHERE identity_id = held.identity AND (sort_at, sequence, interaction_id) < (held.until, held.before, held.beyond) "
        f"AND sort_at >= held.since{equal} {_NEWEST} LIMIT {limit}) each_of"
    )

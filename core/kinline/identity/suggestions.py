"""Two persons may be one: what was seen together without a proof is put before a human.

Handles that a source shows beside one another (a desk's user with an address, a blog account with one) suggest
that their persons are one. A suggestion joins nobody. A human accepts it, which merges, or rejects it, which
keeps them apart for good.
"""

from collections.abc import Iterable

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Conflict, NotFound
from kinline.identity import merges
from kinline.identity.parties import Known, Who, home_person, identify
from kinline.identity.persons import members, root_of
from kinline.messages import Party
from kinline.store import sql
from kinline.store.models import MergeLog, Suggestion, metadata
from kinline.words import HandleType, Role, Standing

_SUGGESTION = metadata.tables[str(Suggestion.__tablename__)]
OPEN, MERGED, NOT_SAME = "open", "merged", "not_same"
#: Handles that belong to one person; X names and home pages may change hands and suggest nothing.
PERSONAL = frozenset({HandleType.EMAIL, HandleType.PHONE, HandleType.X_ID, HandleType.EXTERNAL})


class Suggested(msgspec.Struct, frozen=True):
    """A suggestion as a human sees it: two persons, as they are joined now, and why."""

    id: str
    person_a: str
    person_b: str
    reason: str
    made_at: str


def beside(party: Party) -> list[Who]:
    """The further persons that a participant line names, to be met with the others, in one order."""
    return [Who(Party(role=Role.MENTIONED, handle=each.handle), each.handle, each.id) for _, each in _pairs(party)]


def suggest(session: Session, seen: Iterable[Party]) -> None:
    """Keep a suggestion for each pair of personal handles that came side by side; once for each pair, ever.

    Everybody `beside` names must have been met before.
    """
    pairs = {pair for party in seen for pair in _pairs(party)}
    if not pairs:
        return
    now = clock.now()
    rows = [
        (
            ids.derived("suggestion", *sorted((one.id, other.id))), home_person(one.id), home_person(other.id),
            f"{one.handle} was shown together with {other.handle}", OPEN, now,
        )
        for one, other in pairs
    ]  # fmt: skip
    sql.insert(session, _SUGGESTION, sorted(rows))


def suggest_pair(session: Session, one: str, other: str, reason: str) -> None:
    """Keep a suggestion for two identities; once for each pair, ever."""
    first, second = sorted((one, other))
    row = (ids.derived("suggestion", first, second), home_person(first), home_person(second), reason, OPEN, clock.now())
    sql.insert(session, _SUGGESTION, [row])


def open_ones(session: Session, *, person: str = "", after: str = "", limit: int = 50) -> list[Suggested]:
    """Suggestions that nobody has answered, and that a merge has not settled, by id."""
    found: list[Suggested] = []
    while len(found) < limit:
        rows = sql.run(
            session,
            "SELECT s.id, a.root_id, b.root_id, s.reason, s.made_at FROM suggestion s JOIN person a ON a.id = s.person_a "
            "JOIN person b ON b.id = s.person_b WHERE s.state = 'open' AND s.id > {p} AND a.root_id <> b.root_id "
            "ORDER BY s.id LIMIT {p}",
            after,
            limit,
        )
        if not rows:
            break
        after = rows[-1][0]
        concerned = (row for row in rows if person in ("", row[1], row[2]) and not _kept_apart(session, row[1], row[2]))
        found += [Suggested(each, a, b, why, clock.to_text(at) or "") for each, a, b, why, at in concerned]
    return found[:limit]


def accept(session: Session, suggestion_id: str, *, made_by: str) -> MergeLog:
    """A human says that they are one."""
    row = _open(session, suggestion_id)
    evidence = {"suggestion": row.id, "reason": row.reason}
    line = merges.merge(
        session, row.person_a, row.person_b, evidence=evidence, made_by=made_by, standing=Standing.VERIFIED
    )
    row.state = MERGED
    session.add(row)
    return line


def reject(session: Session, suggestion_id: str, *, made_by: str) -> None:
    """A human says that they are two; nothing joins them until that is withdrawn."""
    row = _open(session, suggestion_id)
    merges.keep_apart(session, row.person_a, row.person_b, made_by=made_by)
    row.state = NOT_SAME
    session.add(row)


def _open(session: Session, suggestion_id: str) -> Suggestion:
    row = session.get(Suggestion, suggestion_id)
    if row is None:
        raise NotFound("There is no such suggestion.", code="no_such_suggestion")
    if row.state != OPEN:
        raise Conflict(f"This suggestion was answered: {row.state}.", code="already_answered")
    return row


def _pairs(party: Party) -> Iterable[tuple[Known, Known]]:
    one = identify(party.handle) if party.handle and not party.ours else None
    if one is None or one.blocked or one.handle.type not in PERSONAL:
        return
    for handle in party.also:
        other = identify(handle)
        if other and not other.blocked and other.handle.type in PERSONAL and other.id != one.id:
            yield one, other


def _kept_apart(session: Session, one: str, other: str) -> bool:
    left, right = set(members(session, root_of(session, one))), set(members(session, root_of(session, other)))
    rows = sql.select_in(
        session,
        "SELECT person_a, person_b FROM not_same WHERE withdrawn_at IS NULL AND person_a {in}",
        sorted(left | right),
    )
    return any((a in left and b in right) or (a in right and b in left) for a, b in rows)

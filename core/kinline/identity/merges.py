"""Joining persons and undoing it (docs/decisions/0005).

A merge is one line in the merge log, an edge between two persons. No interaction is touched, so it costs the
same for ten interactions and for a million. An undo takes that edge away; whatever other edges hold stays
joined: so any order of undoing gives the same.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Conflict, Invalid, NotFound
from kinline.identity.locking import one_at_a_time
from kinline.identity.persons import members
from kinline.identity.suggestions import rows as suggested
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import MergeLog, NotSame
from kinline.words import HandleType, Standing

#: Which identity makes the better name for a joined person; lower is stronger.
STRENGTH = {HandleType.EXTERNAL: 0, HandleType.EMAIL: 1, HandleType.PHONE: 2, HandleType.X_ID: 3, HandleType.URL: 4}


def merge(
    session: Session, one: str, other: str, *, evidence: dict[str, Any], made_by: str,
    standing: Standing = Standing.VERIFIED,
) -> MergeLog:  # fmt: skip
    """Say that two persons are one. Only a human or a proof may call this."""
    roots = _lock(session, [one, other])
    if roots[one] == roots[other]:
        raise (Invalid if one == other else Conflict)("These are one person already.", code="already_merged")
    joined = _joined(session, roots.values())
    _refuse_if_two(session, joined[roots[one]], joined[roots[other]])
    line = MergeLog(
        id=ids.new(), person_a=one, person_b=other, standing=standing, evidence=msgspec.json.encode(evidence).decode(),
        made_by=made_by, made_at=clock.now(),
    )  # fmt: skip
    session.add(line)
    session.flush()
    _settle(session, [person for persons in joined.values() for person in persons])
    return line


def undo(session: Session, merge_id: str, *, made_by: str) -> MergeLog:
    """Take one merge back. What arrived in between goes to whoever holds the identity it came with."""
    line = session.get(MergeLog, merge_id)
    if line is None:
        raise NotFound("There is no such merge.", code="no_such_merge")
    roots = _lock(session, [line.person_a, line.person_b])
    session.refresh(line)
    if line.undone_at is not None:
        raise Conflict("This merge was undone before.", code="already_undone")
    line.undone_at, line.undone_by = clock.now(), made_by
    session.add(line)
    session.flush()
    _settle(session, [person for persons in _joined(session, roots.values()).values() for person in persons])
    return line


def history(session: Session, root: str) -> list[dict[str, Any]]:
    """The merges and undoings that concern any id of this person, oldest first."""
    everyone = members(session, root)
    rows = sql.select_in(
        session,
        "SELECT id, person_a, person_b, standing, evidence, made_by, made_at, undone_by, undone_at FROM merge_log "
        "WHERE person_a {in} ORDER BY id",
        everyone,
    ) + sql.select_in(
        session,
        "SELECT id, person_a, person_b, standing, evidence, made_by, made_at, undone_by, undone_at FROM merge_log "
        "WHERE person_b {in} ORDER BY id",
        everyone,
    )
    names = ("id", "person_a", "person_b", "standing", "evidence", "made_by", "made_at", "undone_by", "undone_at")
    found = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    return [line | {"evidence": msgspec.json.decode(line["evidence"])} for _, line in sorted(found.items())]


def keep_apart(session: Session, one: str, other: str, *, made_by: str) -> None:
    """Decide that these are two persons. Nothing joins them until that is withdrawn."""
    roots = _lock(session, [one, other])
    if roots[one] == roots[other]:
        raise Conflict("They are joined: undo that merge first.", code="already_merged")
    low, high = sorted((one, other))
    row = session.get(NotSame, (low, high)) or NotSame(
        person_a=low, person_b=high, made_by=made_by, made_at=clock.now()
    )
    row.made_by, row.withdrawn_at = made_by, None
    session.add(row)
    session.flush()
    suggested.settle(session, (one, other))


def let_join(session: Session, one: str, other: str) -> None:
    """Withdraw every decision that keeps these two persons, or anybody joined with them, apart."""
    roots = _lock(session, [one, other])
    joined = _joined(session, roots.values())
    found = _kept_apart(session, joined[roots[one]], joined[roots[other]])
    if not found:
        raise NotFound("Nobody said that these are two persons.", code="not_found")
    for pair in found:
        row = session.get_one(NotSame, pair)
        row.withdrawn_at = clock.now()
        session.add(row)
    session.flush()
    suggested.settle(session, (one, other))


def _lock(session: Session, persons: Collection[str]) -> dict[str, str]:
    """The roots of these persons, which stay what they are until the transaction ends."""
    one_at_a_time(session)
    rows = sql.select_in(session, "SELECT id, root_id FROM person WHERE id {in}", persons)
    found = {str(person): str(root) for person, root in rows}
    if not found.keys() >= set(persons):
        raise NotFound("There is no such person.", code="no_such_person")
    return found


def _joined(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """All ids that are joined in each of these roots."""
    found: dict[str, list[str]] = {root: [] for root in sorted(set(roots))}
    rows = sql.select_in(session, "SELECT root_id, id FROM person WHERE root_id {in} ORDER BY id", found)
    for root, person in rows:
        found[root].append(person)
    return found


def _refuse_if_two(session: Session, left: list[str], right: list[str]) -> None:
    if _kept_apart(session, left, right):
        raise Conflict("Somebody decided that these are two persons. Withdraw that first.", code="not_the_same")


def _kept_apart(session: Session, left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """The decisions that keep anybody of the one side apart from anybody of the other."""
    rows = sql.select_in(
        session,
        "SELECT person_a, person_b FROM not_same WHERE withdrawn_at IS NULL AND person_a {in}",
        left + right,
    )
    return [(a, b) for a, b in rows if (a in left and b in right) or (a in right and b in left)]


def _settle(session: Session, persons: list[str]) -> None:
    """Work out the roots anew from the active merges among these persons, and have their behaviour looked at."""
    edges = sql.select_in(
        session, "SELECT person_a, person_b FROM merge_log WHERE undone_at IS NULL AND person_a {in}", persons
    )
    links = sql.select_in(
        session,
        "SELECT l.person_id, i.type, i.id FROM identity_link l JOIN identity i ON i.id = l.identity_id "
        "WHERE l.withdrawn_at IS NULL AND l.person_id {in}",
        persons,
    )
    ranks = _ranks(links)
    for component in _components(persons, edges):
        root = min(component, key=lambda person: (ranks.get(person, 9), person))
        members = sorted(component)
        sql.update_in(session, "UPDATE person SET root_id = {p} WHERE root_id <> {p} AND id {in}", members, root, root)
    suggested.settle(session, persons)
    queue.plan(session, "person.rederive", [identity for _, _, identity in links])


def _components(persons: list[str], edges: Iterable[tuple[str, ...]]) -> list[set[str]]:
    home = {person: {person} for person in persons}
    for one, other in edges:
        left, right = home[one], home[other]
        if left is not right:
            left |= right
            home |= dict.fromkeys(right, left)
    return list({id(component): component for component in home.values()}.values())


def _ranks(links: Iterable[tuple[str, ...]]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for person, kind, _ in links:
        ranks[person] = min(ranks.get(person, 9), STRENGTH.get(HandleType(kind), 9))
    return ranks

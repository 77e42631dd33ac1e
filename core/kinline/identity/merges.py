"""Joining persons and undoing it (docs/decisions/0005).

A merge is one line in the merge log, an edge between two persons. No interaction is touched, so it costs the
same for ten interactions and for a million. An undo takes that edge away; whatever other edges hold stays
joined: so any order of undoing gives the same.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.errors import Conflict, Invalid, NotFound
from kinline.identity.locking import one_at_a_time
from kinline.identity.persons import members, members_of, roots_of
from kinline.identity.suggestions import rows as suggested
from kinline.jobs import queue
from kinline.store.ask import Ask, Change, IdPair, among, setting
from kinline.store.models import Identity, IdentityLink, MergeLog, NotSame, Person, metadata
from kinline.words import HandleType, Standing

#: Which identity makes the better name for a joined person; lower is stronger.
STRENGTH = {HandleType.EXTERNAL: 0, HandleType.EMAIL: 1, HandleType.PHONE: 2, HandleType.X_ID: 3, HandleType.URL: 4}


class _MergeRow(msgspec.Struct, frozen=True):
    id: str
    person_a: str
    person_b: str
    standing: str
    evidence: str
    made_by: str
    made_at: int
    undone_by: str | None
    undone_at: int | None


class _LinkRow(msgspec.Struct, frozen=True):
    person_id: str
    type: str
    identity_id: str


_MERGES = [
    Ask(
        select(*[col(getattr(MergeLog, name)) for name in _MergeRow.__struct_fields__]).where(among(side, "persons")),
        _MergeRow,
    )
    for side in (MergeLog.person_a, MergeLog.person_b)
]
_EDGES, _APART = (
    Ask(
        select(pairs.c.person_a.label("one"), pairs.c.person_b.label("other")).where(
            pairs.c[ended].is_(None), among(pairs.c.person_a, "persons")
        ),
        IdPair,
    )
    for pairs, ended in ((metadata.tables["merge_log"], "undone_at"), (metadata.tables["not_same"], "withdrawn_at"))
)
_LINKS = Ask(
    select(col(IdentityLink.person_id), col(Identity.type), col(IdentityLink.identity_id))
    .join(Identity, col(Identity.id) == col(IdentityLink.identity_id))
    .where(col(IdentityLink.withdrawn_at).is_(None), among(IdentityLink.person_id, "persons")),
    _LinkRow,
)
_PERSON = metadata.tables[str(Person.__tablename__)]
_ROOT = Change(
    setting(_PERSON, ("root_id",)).where(among(_PERSON.c.id, "persons"), _PERSON.c.root_id != bindparam("new_root_id"))
)


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
    rows = [row for statement in _MERGES for row in statement.rows(session, persons=everyone)]
    found = {row.id: msgspec.structs.asdict(row) for row in rows}
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
    found = roots_of(session, persons)
    if not found.keys() >= set(persons):
        raise NotFound("There is no such person.", code="no_such_person")
    return found


def _joined(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """All ids that are joined in each of these roots."""
    wanted = sorted(set(roots))
    return {root: [] for root in wanted} | members_of(session, wanted)


def _refuse_if_two(session: Session, left: list[str], right: list[str]) -> None:
    if _kept_apart(session, left, right):
        raise Conflict("Somebody decided that these are two persons. Withdraw that first.", code="not_the_same")


def _kept_apart(session: Session, left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """The decisions that keep anybody of the one side apart from anybody of the other."""
    rows = [(row.one, row.other) for row in _APART.rows(session, persons=left + right)]
    return [(a, b) for a, b in rows if (a in left and b in right) or (a in right and b in left)]


def _settle(session: Session, persons: list[str]) -> None:
    """Work out the roots anew from the active merges among these persons, and have their behaviour looked at."""
    edges = [(row.one, row.other) for row in _EDGES.rows(session, persons=persons)]
    links = _LINKS.rows(session, persons=persons)
    ranks = _ranks(links)
    for component in _components(persons, edges):
        root = min(component, key=lambda person: (ranks.get(person, 9), person))
        members = sorted(component)
        _ROOT.run(session, persons=members, new_root_id=root)
    suggested.settle(session, persons)
    queue.plan(session, "person.rederive", [link.identity_id for link in links])


def _components(persons: list[str], edges: Iterable[tuple[str, ...]]) -> list[set[str]]:
    home = {person: {person} for person in persons}
    for one, other in edges:
        left, right = home[one], home[other]
        if left is not right:
            left |= right
            home |= dict.fromkeys(right, left)
    return list({id(component): component for component in home.values()}.values())


def _ranks(links: Iterable[_LinkRow]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for link in links:
        ranks[link.person_id] = min(ranks.get(link.person_id, 9), STRENGTH.get(HandleType(link.type), 9))
    return ranks

"""Laws that hold after whatever happened: call them at the end of a test that did something wild."""

from sqlalchemy import text
from sqlmodel import Session

from kinline.handles import Handle
from kinline.identity.persons import of_identity
from kinline.intake.ledger import ledger
from kinline.store import Store, sql
from kinline.store.models import metadata
from kinline.timeline.reading import everything
from kinline.words import HandleType


def the_ledger_adds_up(store: Store) -> None:
    """Everything received is in exactly one place."""
    with store.read() as session:
        for line in ledger(session):
            assert line.holds, f"received is not the sum of its parts: {line}"


def people_are_whole(store: Store) -> None:
    """Each identity has one person, each person one root, roots are roots, and joined are exactly the merged."""
    with store.read() as session:
        root_of = dict(sql.run(session, "SELECT id, root_id FROM person"))
        edges = sql.run(session, "SELECT person_a, person_b FROM merge_log WHERE undone_at IS NULL")
        links = sql.run(
            session,
            "SELECT i.id, count(l.id) FROM identity i LEFT JOIN identity_link l "
            "ON l.identity_id = i.id AND l.withdrawn_at IS NULL GROUP BY i.id",
        )
        strays = sql.run(
            session,
            "SELECT count(*) FROM participant p LEFT JOIN identity i ON i.id = p.identity_id "
            "LEFT JOIN interaction x ON x.id = p.interaction_id WHERE i.id IS NULL OR x.id IS NULL",
        )
    assert strays == [(0,)], "participants without identity or interaction"
    assert not [identity for identity, count in links if count != 1], "identities without exactly one person"
    assert all(root_of.get(root) == root for root in root_of.values()), "a root that is none"
    for person, joined in _joined(list(root_of), edges).items():
        assert len({root_of[each] for each in joined}) == 1, f"merged and not under one root: {person}"
    assert len(set(root_of.values())) == len({frozenset(each) for each in _joined(list(root_of), edges).values()}), (
        "persons share a root whom nobody merged"
    )


def _joined(persons: list[str], edges: list[tuple[str, ...]]) -> dict[str, set[str]]:
    joined = {person: {person} for person in persons}
    for one, other in edges:
        both = joined[one] | joined[other]
        joined |= dict.fromkeys(both, both)
    return joined


def timelines(store: Store) -> dict[str, list[bytes]]:
    """The whole timeline of whoever holds each identity, by handle, as it would be answered."""
    with store.read() as session:
        identities = sql.run(session, "SELECT id, type, value, issuer FROM identity ORDER BY id")
        return {
            str(Handle(HandleType(kind), value, issuer)): _lines(session, identity)
            for identity, kind, value, issuer in identities
        }


def _lines(session: Session, identity: str) -> list[bytes]:
    return [entry.json() for entry in everything(session, of_identity(session, identity))]


def empty(store: Store) -> None:
    """Take everything out of the database, for the next example on the same one."""
    with store.write() as session:
        for table in reversed(metadata.sorted_tables):
            session.execute(text(f'DELETE FROM "{table.name}"'))
    store.memory.forget()

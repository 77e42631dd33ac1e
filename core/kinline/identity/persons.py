"""Persons as they stand now: which identities they have, which ids answer for them.

A person is a component of active merges. Its root answers for all; every id it ever had resolves to it.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlmodel import Session

from kinline import handles, ids
from kinline.errors import Invalid, NotFound
from kinline.handles import Handle
from kinline.identity.meeting import fold
from kinline.identity.names import Names, names_of, shown_name
from kinline.store import sql
from kinline.words import HandleType, Standing

FOREVER = 2**62
#: Handles that can change owner, and lead to whoever was seen with them last. Others belong to whoever takes part by them.
CHANGEABLE = frozenset({HandleType.X_HANDLE, HandleType.URL})


class Span(msgspec.Struct, frozen=True):
    """That an identity belonged to the person from a time (inclusive) to a time (exclusive)."""

    identity_id: str
    since: int
    until: int


class IdentityView(msgspec.Struct, frozen=True):
    """An identity. ``names`` came with verified lines; ``claimed_names`` somebody typed, maybe somebody else. The newest
    stand first."""

    id: str
    handle: str
    names: list[str]
    claimed_names: list[str]
    standing: str
    aliases: list[str]


class PersonView(msgspec.Struct, frozen=True):
    """A person as the API shows one. ``merged`` are further ids that resolve to it.

    ``name_standing`` says how far the name is proved: ``verified``, ``claimed`` (somebody typed it; it never goes out), or
    "" where nobody said one and a handle stands in its place.
    """

    id: str
    name: str
    name_standing: str
    identities: list[IdentityView]
    merged: list[str]

    @property
    def proved_name(self) -> str:
        """The name that may go out; "" where none was proved."""
        return self.name if self.name_standing == Standing.VERIFIED else ""


def root_of(session: Session, person_id: str) -> str:
    """The person that answers for this id, merged or not."""
    found = sql.run(session, "SELECT root_id FROM person WHERE id = {p}", person_id)
    if not found:
        raise NotFound("There is no such person.", code="no_such_person")
    return str(found[0][0])


def roots_of(session: Session, person_ids: Iterable[str]) -> dict[str, str]:
    """The persons that answer for these ids."""
    return dict(sql.select_in(session, "SELECT id, root_id FROM person WHERE id {in}", sorted(set(person_ids))))


def members(session: Session, root: str) -> list[str]:
    """All ids joined in this root, itself included."""
    return [person for (person,) in sql.run(session, "SELECT id FROM person WHERE root_id = {p} ORDER BY id", root)]


def roots(session: Session, *, after: str = "", limit: int = 200) -> list[str]:
    """Persons that answer for themselves, by id after ``after``."""
    statement = "SELECT id FROM person WHERE id = root_id AND id > {p} ORDER BY id LIMIT {p}"
    return [root for (root,) in sql.run(session, statement, after, limit)]


def spans(session: Session, root: str) -> list[Span]:
    """The identities of a person, each with the time it belonged to them."""
    rows = sql.run(
        session,
        "SELECT l.identity_id, l.valid_from, l.valid_to FROM identity_link l JOIN person p ON p.id = l.person_id "
        "WHERE p.root_id = {p} AND l.withdrawn_at IS NULL ORDER BY l.identity_id, l.valid_from",
        root,
    )
    return [
        Span(i, -FOREVER if since is None else since, FOREVER if until is None else until) for i, since, until in rows
    ]


def identities_of(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """All identities of each of these persons."""
    rows = sql.select_in(
        session,
        "SELECT p.root_id, l.identity_id FROM person p JOIN identity_link l ON l.person_id = p.id "
        "AND l.withdrawn_at IS NULL WHERE p.root_id {in} ORDER BY l.identity_id",
        roots,
    )
    return _grouped(dict.fromkeys((root, identity) for root, identity in rows))


def of_identity(session: Session, identity_id: str, at: int | None = None) -> str:
    """The root of the person who holds this identity now, or held it ``at`` a time."""
    return _held(session, identity_id, at)[1]


def holder_of(session: Session, identity_id: str, at: int | None = None) -> str:
    """The very person that the identity is linked to, whoever that one is joined with. The latest link counts."""
    return _held(session, identity_id, at)[0]


def _held(session: Session, identity_id: str, at: int | None) -> tuple[str, str]:
    """The person, and the root that answers for them."""
    rows = sql.run(
        session,
        "SELECT l.person_id, p.root_id, l.valid_from, l.valid_to, l.id FROM identity_link l "
        "JOIN person p ON p.id = l.person_id WHERE l.identity_id = {p} AND l.withdrawn_at IS NULL",
        identity_id,
    )
    moment = FOREVER - 1 if at is None else at
    held = [
        (-FOREVER if since is None else since, link, person, root)
        for person, root, since, until, link in rows
        if (since is None or since <= moment) and (until is None or moment < until)
    ]
    if not held:
        raise NotFound("Nobody holds this identity at that time.", code="no_such_person")
    return max(held)[2:]


def find(session: Session, text: str, *, region: str | None = None) -> str:
    """The root that ``text`` names: a person id, or a handle such as ``email:ann@example.org``."""
    return _find(session, text, region)[1]


def named(session: Session, text: str, *, region: str | None = None) -> str:
    """The very person that ``text`` names, whoever they are joined with: what one decides about somebody binds those
    whom one named, and stays with them when others are joined or parted."""
    return _find(session, text, region)[0]


def _find(session: Session, text: str, region: str | None) -> tuple[str, str]:
    """The person that is named, and the root that answers for them."""
    if ids.looks_like(text):
        return text, root_of(session, text)
    if ":" not in text and "@" in text[1:]:
        text = f"email:{text}"
    handle = _parsed(text, region)
    try:
        return _held(session, handle.id, None)
    except NotFound:
        if sql.run(session, "SELECT 1 FROM identity WHERE id = {p}", handle.id):
            raise
    alias = sql.run(
        session, "SELECT identity_id FROM alias WHERE type = {p} AND value = {p} ORDER BY seen_to DESC, identity_id LIMIT 1",
        handle.type, handle.value,
    ) if handle.type in CHANGEABLE else []  # fmt: skip
    if not alias:
        raise NotFound(f"Nobody is known as {handle}.", code="no_such_person")
    return _held(session, alias[0][0], None)


@lru_cache(maxsize=10_000)
def _parsed(text: str, region: str | None) -> Handle:
    """Checking an address takes longer than looking up whose it is."""
    return handles.parse(text, region=region)


def view(session: Session, root: str) -> PersonView:
    return views(session, [root])[0]


def views(session: Session, roots: Iterable[str]) -> list[PersonView]:
    """Several persons at once, in the order given."""
    wanted = list(roots)
    merged = _grouped(sql.select_in(session, "SELECT root_id, id FROM person WHERE root_id {in} ORDER BY id", wanted))
    links = sql.select_in(
        session,
        "SELECT p.root_id, i.id, i.type, i.issuer, i.value, l.standing FROM identity_link l "
        "JOIN person p ON p.id = l.person_id JOIN identity i ON i.id = l.identity_id "
        "WHERE p.root_id {in} AND l.withdrawn_at IS NULL ORDER BY i.type, i.issuer, i.value",
        wanted,
    )
    identity_ids = [row[1] for row in links]
    names = names_of(session, identity_ids)
    aliases = _grouped(
        sql.select_in(
            session, "SELECT identity_id, type || ':' || value FROM alias WHERE identity_id {in}", identity_ids
        )
    )
    identities: dict[str, list[IdentityView]] = {}
    for root, identity, kind, issuer, value, standing in links:
        handle = f"{kind}:{issuer + '/' if issuer else ''}{value}"
        called = names.get(identity, Names())
        shown = IdentityView(
            identity,
            handle,
            called.proved,
            called.claimed,
            standing,
            sorted(aliases.get(identity, [])),
        )
        identities.setdefault(root, []).append(shown)
    return [_person(root, identities.get(root, []), merged.get(root, [])) for root in wanted]


def search(session: Session, text: str = "", *, after: str = "", limit: int = 50) -> list[PersonView]:
    """Persons whose name or handle contains ``text``, by id after ``after``. All persons when it is empty."""
    if len(text) > 200:
        raise Invalid("Search for 200 characters at most.", code="too_long", pointer="/q")
    if not text:
        rows = sql.run(
            session, "SELECT id FROM person WHERE id = root_id AND id > {p} ORDER BY id LIMIT {p}", after, limit
        )
    else:
        pattern = f"%{_literal(fold(text))}%"
        rows = sql.run(
            session,
            "SELECT DISTINCT p.root_id FROM person p JOIN identity_link l ON l.person_id = p.id AND l.withdrawn_at IS NULL "
            "JOIN identity i ON i.id = l.identity_id LEFT JOIN identity_name n ON n.identity_id = i.id "
            "WHERE p.root_id > {p} AND (n.folded LIKE {p} ESCAPE '!' OR lower(i.value) LIKE {p} ESCAPE '!') "
            "ORDER BY p.root_id LIMIT {p}",
            after, pattern, pattern, limit,
        )  # fmt: skip
    return views(session, [root for (root,) in rows])


def _person(root: str, identities: list[IdentityView], merged: list[str]) -> PersonView:
    handle = identities[0].handle.partition(":")[2] if identities else ""
    known = (Names(identity.names, identity.claimed_names) for identity in identities)
    name, standing = shown_name(known, handle)
    return PersonView(root, name, standing, identities, [each for each in merged if each != root])


def _grouped(rows: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")

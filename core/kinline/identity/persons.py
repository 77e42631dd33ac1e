"""Persons as they stand now: which identities they have, which ids answer for them.

A person is a component of active merges. Its root answers for all; every id it ever had resolves to it.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from sqlalchemy import BigInteger, Text, and_, bindparam, func, join, or_, select
from sqlmodel import Session, col

from kinline import handles, ids
from kinline.errors import Invalid, NotFound
from kinline.handles import Handle
from kinline.identity.meeting import fold
from kinline.identity.names import Names, names_of, shown_name
from kinline.store.ask import Ask, Id, IdPair, among
from kinline.store.models import Alias, Identity, IdentityLink, IdentityName, Person, metadata
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


class _HandleRow(msgspec.Struct, frozen=True):
    root_id: str
    id: str
    type: str
    issuer: str
    value: str
    standing: str


_persons, _links, _identities, _aliases = (
    metadata.tables[str(each.__tablename__)].c for each in (Person, IdentityLink, Identity, Alias)
)
_ROOT = Ask(select(_persons.root_id.label("id")).where(_persons.id == bindparam("person")), Id)
_KNOWN = Ask(select(_identities.id).where(_identities.id == bindparam("identity")), Id)
_ROOTS_OF = Ask(
    select(_persons.id.label("one"), _persons.root_id.label("other")).where(among(_persons.id, "persons")), IdPair
)
_MEMBERS = Ask(
    select(_persons.root_id.label("one"), _persons.id.label("other"))
    .where(among(_persons.root_id, "roots"))
    .order_by(_persons.id),
    IdPair,
)
_ROOTS = Ask(
    select(_persons.id)
    .where(_persons.id == _persons.root_id, _persons.id > bindparam("after"))
    .order_by(_persons.id)
    .limit(bindparam("most")),
    Id,
)
_HOLDS = and_(_links.person_id == _persons.id, _links.withdrawn_at.is_(None))
_SINCE, _UNTIL = func.coalesce(_links.valid_from, -FOREVER), func.coalesce(_links.valid_to, FOREVER)
_SPANS = Ask(
    select(_links.identity_id, _SINCE.label("since"), _UNTIL.label("until"))
    .where(_HOLDS, _persons.root_id == bindparam("root"))
    .order_by(_links.identity_id, _links.valid_from),
    Span,
)
_IDENTITIES_OF = Ask(
    select(_persons.root_id.label("one"), _links.identity_id.label("other"))
    .where(_HOLDS, among(_persons.root_id, "roots"))
    .order_by(_links.identity_id),
    IdPair,
)
_MOMENT = bindparam("moment", type_=BigInteger())
_HELD = Ask(
    select(_links.person_id.label("one"), _persons.root_id.label("other"))
    .where(_HOLDS, _links.identity_id == bindparam("identity"), _SINCE <= _MOMENT, _UNTIL > _MOMENT)
    .order_by(_SINCE.desc(), _links.id.desc())
    .limit(1),
    IdPair,
)
_SEEN_LAST = Ask(
    select(_aliases.identity_id.label("id"))
    .where(_aliases.type == bindparam("handle_type"), _aliases.value == bindparam("handle"))
    .order_by(_aliases.seen_to.desc(), _aliases.identity_id)
    .limit(1),
    Id,
)
_LINKS = Ask(
    select(_persons.root_id, _identities.id, _identities.type, _identities.issuer, _identities.value, _links.standing)
    .where(_HOLDS, _identities.id == _links.identity_id, among(_persons.root_id, "roots"))
    .order_by(_identities.type, _identities.issuer, _identities.value),
    _HandleRow,
)
_ALIASES = Ask(
    select(_aliases.identity_id.label("one"), (_aliases.type + ":" + _aliases.value).label("other")).where(
        among(_aliases.identity_id, "identities")
    ),
    IdPair,
)
_LIKE = bindparam("pattern", type_=Text())
_SEARCH = Ask(
    select(_persons.root_id.label("id"))
    .select_from(
        join(Person, IdentityLink, _HOLDS)
        .join(Identity, _identities.id == _links.identity_id)
        .outerjoin(IdentityName, col(IdentityName.identity_id) == _identities.id)
    )
    .where(
        _persons.root_id > bindparam("after"),
        or_(col(IdentityName.folded).like(_LIKE, escape="!"), func.lower(_identities.value).like(_LIKE, escape="!")),
    )
    .distinct()
    .order_by(_persons.root_id)
    .limit(bindparam("most")),
    Id,
)


def root_of(session: Session, person_id: str) -> str:
    """The person that answers for this id, merged or not."""
    found = _ROOT.first(session, person=person_id)
    if found is None:
        raise NotFound("There is no such person.", code="no_such_person")
    return found.id


def is_known(session: Session, identity_id: str) -> bool:
    """Whether somebody has or had this identity."""
    return _KNOWN.first(session, identity=identity_id) is not None


def roots_of(session: Session, person_ids: Iterable[str]) -> dict[str, str]:
    """The persons that answer for these ids."""
    return {row.one: row.other for row in _ROOTS_OF.rows(session, persons=sorted(set(person_ids)))}


def members(session: Session, root: str) -> list[str]:
    """All ids joined in this root, itself included."""
    return [row.other for row in _MEMBERS.rows(session, roots=[root])]


def members_of(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """All ids joined in each of these roots."""
    return _grouped(_MEMBERS.rows(session, roots=roots))


def roots(session: Session, *, after: str = "", limit: int = 200) -> list[str]:
    """Persons that answer for themselves, by id after ``after``."""
    return [row.id for row in _ROOTS.rows(session, after=after, most=limit)]


def spans(session: Session, root: str) -> list[Span]:
    """The identities of a person, each with the time it belonged to them."""
    return _SPANS.rows(session, root=root)


def identities_of(session: Session, roots: Iterable[str]) -> dict[str, list[str]]:
    """All identities of each of these persons."""
    return _grouped(dict.fromkeys(_IDENTITIES_OF.rows(session, roots=roots)))


def of_identity(session: Session, identity_id: str, at: int | None = None) -> str:
    """The root of the person who holds this identity now, or held it ``at`` a time."""
    return _held(session, identity_id, at)[1]


def holder_of(session: Session, identity_id: str, at: int | None = None) -> str:
    """The very person that the identity is linked to, whoever that one is joined with. The latest link counts."""
    return _held(session, identity_id, at)[0]


def _held(session: Session, identity_id: str, at: int | None) -> tuple[str, str]:
    """The person, and the root that answers for them."""
    held = _HELD.first(session, identity=identity_id, moment=FOREVER - 1 if at is None else at)
    if held is None:
        raise NotFound("Nobody holds this identity at that time.", code="no_such_person")
    return held.one, held.other


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
        if is_known(session, handle.id):
            raise
    changeable = handle.type in CHANGEABLE
    alias = _SEEN_LAST.first(session, handle_type=handle.type, handle=handle.value) if changeable else None
    if alias is None:
        raise NotFound(f"Nobody is known as {handle}.", code="no_such_person")
    return _held(session, alias.id, None)


@lru_cache(maxsize=10_000)
def _parsed(text: str, region: str | None) -> Handle:
    """Checking an address takes longer than looking up whose it is."""
    return handles.parse(text, region=region)


def view(session: Session, root: str) -> PersonView:
    return views(session, [root])[0]


def views(session: Session, roots: Iterable[str]) -> list[PersonView]:
    """Several persons at once, in the order given."""
    wanted = list(roots)
    merged = members_of(session, wanted)
    links = _LINKS.rows(session, roots=wanted)
    identity_ids = [row.id for row in links]
    names = names_of(session, identity_ids)
    aliases = _grouped(_ALIASES.rows(session, identities=identity_ids))
    identities: dict[str, list[IdentityView]] = {}
    for row in links:
        handle = f"{row.type}:{row.issuer + '/' if row.issuer else ''}{row.value}"
        called, beside = names.get(row.id, Names()), sorted(aliases.get(row.id, []))
        shown = IdentityView(row.id, handle, called.proved, called.claimed, row.standing, beside)
        identities.setdefault(row.root_id, []).append(shown)
    return [_person(root, identities.get(root, []), merged.get(root, [])) for root in wanted]


def search(session: Session, text: str = "", *, after: str = "", limit: int = 50) -> list[PersonView]:
    """Persons whose name or handle contains ``text``, by id after ``after``. All persons when it is empty."""
    if len(text) > 200:
        raise Invalid("Search for 200 characters at most.", code="too_long", pointer="/q")
    if not text:
        return views(session, roots(session, after=after, limit=limit))
    found = _SEARCH.rows(session, after=after, pattern=f"%{_literal(fold(text))}%", most=limit)
    return views(session, [row.id for row in found])


def _person(root: str, identities: list[IdentityView], merged: list[str]) -> PersonView:
    handle = identities[0].handle.partition(":")[2] if identities else ""
    known = (Names(identity.names, identity.claimed_names) for identity in identities)
    name, standing = shown_name(known, handle)
    return PersonView(root, name, standing, identities, [each for each in merged if each != root])


def _grouped(rows: Iterable[IdPair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.one, []).append(row.other)
    return found


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")

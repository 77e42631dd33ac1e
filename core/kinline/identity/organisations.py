"""Organisations: companies that persons belong to, from a date to a date (both dates may be unknown).

A membership belongs to the person it was said of; who was merged with them since belongs too. Old memberships are
kept with their end, so that history can be read as of any date.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.errors import Invalid, NotFound
from kinline.identity.persons import holder_of, root_of
from kinline.identity.persons import members as ids_of
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.ask import Ask, Change, among, setting
from kinline.store.models import Membership, Organisation, Person, metadata

_ORGANISATION = metadata.tables[str(Organisation.__tablename__)]
_MEMBERSHIP = metadata.tables[str(Membership.__tablename__)]


class _MemberRow(msgspec.Struct, frozen=True):
    id: str
    organisation_id: str
    root_id: str
    valid_from: int | None
    valid_to: int | None


_member = _MEMBERSHIP.c
_ALL = (
    select(_member.id, _member.organisation_id, col(Person.root_id), _member.valid_from, _member.valid_to)
    .join(Person, col(Person.id) == _member.person_id)
    .order_by(_member.id)
)
_PAGE = _ALL.where(_member.organisation_id == bindparam("organisation"), _member.id > bindparam("after"))
_PAGE = _PAGE.limit(bindparam("most"))
_MOMENT = bindparam("moment", type_=_member.valid_to.type)
_MEMBERS = Ask(_PAGE, _MemberRow)
_MEMBERS_THEN = Ask(
    _PAGE.where(
        or_(_member.valid_from.is_(None), _member.valid_from <= _MOMENT),
        or_(_member.valid_to.is_(None), _member.valid_to > _MOMENT),
    ),
    _MemberRow,
)
_OF_PERSON = Ask(_ALL.where(among(_member.person_id, "persons")), _MemberRow)
_RENAME = Change(
    setting(_ORGANISATION, ("name",)).where(
        _ORGANISATION.c.id == bindparam("organisation"), _ORGANISATION.c.name != bindparam("new_name")
    )
)
_EARLIER = Change(
    setting(_MEMBERSHIP, ("valid_from",)).where(
        _member.id == bindparam("membership"), _member.valid_from > bindparam("new_valid_from")
    )
)


class OrganisationView(msgspec.Struct, frozen=True):
    id: str
    name: str
    created_at: str | None


class MemberView(msgspec.Struct, frozen=True):
    """That a person belongs, or belonged, to an organisation. ``person`` is who answers for them now."""

    id: str
    organisation: str
    person: str
    since: str | None
    until: str | None


def create(session: Session, name: str) -> OrganisationView:
    """Make an organisation. Two may have one name: names are no handles."""
    row = Organisation(id=ids.new(), name=_named(name), created_at=clock.now())
    session.add(row)
    session.flush()
    return OrganisationView(row.id, row.name, clock.to_text(row.created_at))


def get(session: Session, organisation_id: str) -> OrganisationView:
    row = session.get(Organisation, organisation_id)
    if row is None:
        raise NotFound("There is no such organisation.", code="no_such_organisation")
    return OrganisationView(row.id, row.name, clock.to_text(row.created_at))


def every(session: Session, *, after: str = "", limit: int = 50) -> list[OrganisationView]:
    """Organisations by id, which is by age, after ``after``."""
    page = select(Organisation).where(col(Organisation.id) > after).order_by(Organisation.id).limit(limit)
    return [OrganisationView(row.id, row.name, clock.to_text(row.created_at)) for row in session.scalars(page)]


def join(
    session: Session, organisation_id: str, person_id: str, *, since: int | None = None, until: int | None = None,
    evidence: dict[str, Any],
) -> MemberView:  # fmt: skip
    """Say that a person belongs to an organisation. ``since`` is included, ``until`` is not; None: unknown, or open."""
    get(session, organisation_id)
    root = root_of(session, person_id)
    if since is not None and until is not None and since >= until:
        raise Invalid("A membership ends after it began.", code="invalid_span", pointer="/until")
    row = Membership(
        id=ids.new(), person_id=person_id, organisation_id=organisation_id, valid_from=since, valid_to=until,
        evidence=msgspec.json.encode(evidence).decode(), made_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    queue.plan(session, "person.decide", [(root, row.made_at)])  # an organisation's silence may be theirs to notice
    return _shown(_MemberRow(row.id, organisation_id, root, since, until))


def belongs(session: Session, identity_id: str, issuer: str, key: str, name: str, *, at: int, source: str) -> bool:
    """A source says that whoever holds this identity belongs to the organisation it calls ``key``, since a time at the
    latest. The organisation is made where it is new. True: that was not known."""
    organisation, now = ids.derived("organisation", issuer, key), clock.now()
    called = (name.strip() or key)[:200]
    new = sql.insert_new(session, _ORGANISATION, [(organisation, called, now)], 1)
    if name.strip() and not new:
        _RENAME.run(session, organisation=organisation, new_name=called)
    membership = ids.derived("membership", organisation, identity_id)
    evidence = msgspec.json.encode({"source": source, "identity": identity_id}).decode()
    row = (membership, holder_of(session, identity_id), organisation, at, None, evidence, now)
    if sql.insert_new(session, _MEMBERSHIP, [row], 1):
        return True
    return bool(_EARLIER.run(session, membership=membership, new_valid_from=at))


def leave(session: Session, organisation_id: str, membership_id: str, *, until: int | None = None) -> MemberView:
    """End a membership, now or at a date."""
    row = session.get(Membership, membership_id)
    if row is None or row.organisation_id != organisation_id:
        raise NotFound("There is no such membership.", code="no_such_membership")
    end = clock.now() if until is None else until
    if row.valid_from is not None and end <= row.valid_from:
        raise Invalid("A membership ends after it began.", code="invalid_span", pointer="/until")
    row.valid_to = end
    session.add(row)
    session.flush()
    return _shown(_MemberRow(row.id, organisation_id, root_of(session, row.person_id), row.valid_from, end))


def members(
    session: Session, organisation_id: str, *, at: int | None = None, after: str = "", limit: int = 50
) -> list[MemberView]:
    """The memberships of an organisation, by id after ``after``; all of them, or those that hold at a time."""
    get(session, organisation_id)
    asked, moment = (_MEMBERS, {}) if at is None else (_MEMBERS_THEN, {"moment": at})
    rows = asked.rows(session, organisation=organisation_id, after=after, most=limit, **moment)
    return [_shown(row) for row in rows]


def of_person(session: Session, root: str) -> list[MemberView]:
    """Where a person belongs and belonged, over all ids that were joined in them."""
    return [_shown(row) for row in _OF_PERSON.rows(session, persons=ids_of(session, root))]


def _shown(row: _MemberRow) -> MemberView:
    since, until = clock.to_text(row.valid_from), clock.to_text(row.valid_to)
    return MemberView(row.id, row.organisation_id, row.root_id, since, until)


def _named(name: str) -> str:
    if not name.strip() or len(name) > 200:
        raise Invalid("An organisation needs a name of 1 to 200 characters.", code="invalid_name", pointer="/name")
    return name.strip()

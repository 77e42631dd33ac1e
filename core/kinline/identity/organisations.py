"""Organisations: companies that persons belong to, from a date to a date (both dates may be unknown).

A membership belongs to the person it was said of; who was merged with them since belongs too. Old memberships are
kept with their end, so that history can be read as of any date.
"""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Invalid, NotFound
from kinline.identity.persons import holder_of, root_of
from kinline.identity.persons import members as ids_of
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import Membership, Organisation, metadata

_ORGANISATION = metadata.tables[str(Organisation.__tablename__)]
_MEMBERSHIP = metadata.tables[str(Membership.__tablename__)]


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
    rows = sql.run(
        session, "SELECT id, name, created_at FROM organisation WHERE id > {p} ORDER BY id LIMIT {p}", after, limit
    )
    return [OrganisationView(organisation, name, clock.to_text(at)) for organisation, name, at in rows]


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
    return _member(row.id, organisation_id, root, since, until)


def belongs(session: Session, identity_id: str, issuer: str, key: str, name: str, *, at: int, source: str) -> bool:
    """A source says that whoever holds this identity belongs to the organisation it calls ``key``, since a time at the
    latest. The organisation is made where it is new. True: that was not known."""
    organisation, now = ids.derived("organisation", issuer, key), clock.now()
    called = (name.strip() or key)[:200]
    new = sql.insert_new(session, _ORGANISATION, [(organisation, called, now)], 1)
    if name.strip() and not new:
        sql.changed(
            session, "UPDATE organisation SET name = {p} WHERE id = {p} AND name <> {p}", called, organisation, called
        )
    membership = ids.derived("membership", organisation, identity_id)
    evidence = msgspec.json.encode({"source": source, "identity": identity_id}).decode()
    row = (membership, holder_of(session, identity_id), organisation, at, None, evidence, now)
    if sql.insert_new(session, _MEMBERSHIP, [row], 1):
        return True
    earlier = "UPDATE membership SET valid_from = {p} WHERE id = {p} AND valid_from > {p}"
    return bool(sql.changed(session, earlier, at, membership, at))


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
    return _member(row.id, organisation_id, root_of(session, row.person_id), row.valid_from, end)


def members(
    session: Session, organisation_id: str, *, at: int | None = None, after: str = "", limit: int = 50
) -> list[MemberView]:
    """The memberships of an organisation, by id after ``after``; all of them, or those that hold at a time."""
    get(session, organisation_id)
    held = "" if at is None else "AND coalesce(m.valid_from, {p}) <= {p} AND coalesce(m.valid_to, {p}) > {p} "
    moments = () if at is None else (at, at, at + 1, at)
    rows = sql.run(
        session,
        "SELECT m.id, m.organisation_id, p.root_id, m.valid_from, m.valid_to FROM membership m "
        f"JOIN person p ON p.id = m.person_id WHERE m.organisation_id = {{p}} AND m.id > {{p}} {held}"
        "ORDER BY m.id LIMIT {p}",
        organisation_id, after, *moments, limit,
    )  # fmt: skip
    return [_member(*row) for row in rows]


def of_person(session: Session, root: str) -> list[MemberView]:
    """Where a person belongs and belonged, over all ids that were joined in them."""
    rows = sql.select_in(
        session,
        "SELECT m.id, m.organisation_id, p.root_id, m.valid_from, m.valid_to FROM membership m "
        "JOIN person p ON p.id = m.person_id WHERE m.person_id {in} ORDER BY m.id",
        ids_of(session, root),
    )
    return [_member(*row) for row in rows]


def _member(membership: str, organisation: str, person: str, since: int | None, until: int | None) -> MemberView:
    return MemberView(membership, organisation, person, clock.to_text(since), clock.to_text(until))


def _named(name: str) -> str:
    if not name.strip() or len(name) > 200:
        raise Invalid("An organisation needs a name of 1 to 200 characters.", code="invalid_name", pointer="/name")
    return name.strip()

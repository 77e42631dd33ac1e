"""Organisations and who belongs to them, from a date to a date."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kinline.errors import Malformed
from kinline.identity import organisations
from kinline.identity.organisations import MemberView, OrganisationView
from kinline.timeline import cursor, seen
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.query import Paged
from kinline_api.route import Id, get, post
from kinline_api.typed import moment_of

Moment = Annotated[datetime, Meta(tz=True)]


class NewOrganisation(Body, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=200)]


class Organisations(msgspec.Struct, frozen=True):
    organisations: list[OrganisationView]
    next: str | None


class NewMember(Body, frozen=True):
    """``person`` is an id or a handle. ``since`` is included, ``until`` is not; left out: unknown, or open."""

    person: Annotated[str, Meta(min_length=1, max_length=500)]
    reason: Annotated[str, Meta(max_length=1000)] = ""
    since: Moment | UnsetType = UNSET
    until: Moment | UnsetType = UNSET


class LeaveIn(Body, frozen=True):
    """``until`` left out: now."""

    until: Moment | UnsetType = UNSET


class MembersQuery(Paged, frozen=True):
    """``at``: only who belonged at that time."""

    at: Moment | None = None


class Members(msgspec.Struct, frozen=True):
    members: list[MemberView]
    next: str | None


@get("/v1/organisations", scope="read")
def list_organisations(call: Call, query: Paged) -> Organisations:
    """List the organisations, oldest first."""
    secret = call.hub.secret
    after = _place(cursor.read(secret, "organisations", query.cursor)) if query.cursor else ""
    with call.read() as session:
        found = organisations.every(session, after=after, limit=query.limit + 1)
    page = found[: query.limit]
    more = len(found) > query.limit
    return Organisations(page, cursor.write(secret, "organisations", (page[-1].id,)) if more else None)


@post("/v1/organisations", scope="people", status=201)
def create_organisation(call: Call, body: NewOrganisation) -> OrganisationView:
    """Make an organisation. Two may have one name."""
    with call.write() as session:
        return organisations.create(session, body.name)


@get("/v1/organisations/{organisation}", scope="read")
def read_organisation(call: Call, organisation: Id) -> OrganisationView:
    """Read one organisation."""
    with call.read() as session:
        return organisations.get(session, organisation)


@get("/v1/organisations/{organisation}/members", scope="read")
def list_members(call: Call, organisation: Id, query: MembersQuery) -> Members:
    """List who belongs, or belonged, to an organisation."""
    at = None if query.at is None else moment_of(query.at, "/at")
    about, secret = f"members:{organisation}:{at}", call.hub.secret
    after = _place(cursor.read(secret, about, query.cursor)) if query.cursor else ""
    with call.read() as session:
        found = organisations.members(session, organisation, at=at, after=after, limit=query.limit + 1)
        page = found[: query.limit]
        known = set(seen.visible(session, {each.person for each in page}, call.reader))
    shown = [each for each in page if each.person in known]
    return Members(shown, cursor.write(secret, about, (page[-1].id,)) if len(found) > query.limit else None)


@post("/v1/organisations/{organisation}/members", scope="people", status=201)
def add_member(call: Call, organisation: Id, body: NewMember) -> MemberView:
    """Say that a person belongs, or belonged, to an organisation."""
    since = None if body.since is UNSET else moment_of(body.since, "/since")
    until = None if body.until is UNSET else moment_of(body.until, "/until")
    evidence = {"said_by": call.made_by, "reason": body.reason}
    with call.write() as session:
        person = call.person(session, body.person)
        seen.require(session, person, call.reader)
        return organisations.join(session, organisation, person, since=since, until=until, evidence=evidence)


@post("/v1/organisations/{organisation}/members/{membership}/leave", scope="people")
def end_membership(call: Call, organisation: Id, membership: Id, body: LeaveIn) -> MemberView:
    """End a membership, now or at a date; it stays in the history."""
    until = None if body.until is UNSET else moment_of(body.until, "/until")
    with call.write() as session:
        return organisations.leave(session, organisation, membership, until=until)


def _place(parts: list[object]) -> str:
    match parts:
        case [str(place)]:
            return place
    raise Malformed("This cursor is not one of this list.", code="invalid_cursor")

"""What people allow."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlmodel import Session

from kinline import clock
from kinline.errors import Invalid, NotFound
from kinline.followups.routes import handle_of as handle_with
from kinline.identity import consents, persons
from kinline.timeline import seen
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.route import delete, get, post
from kinline_api.typed import AHEAD, handle_of, moment_of

Word = Annotated[str, Meta(min_length=1, max_length=100)]


class NewConsent(Body, frozen=True):
    """A statement. ``purpose`` ``*`` with ``allowed`` false means: do not write to me. ``evidence``: how we know."""

    purpose: Word
    allowed: bool
    evidence: Annotated[dict[str, Any], Meta(min_length=1, max_length=50)]
    handle: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET
    channel: Word = consents.ANY
    at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET


class ConsentShown(msgspec.Struct, frozen=True):
    """What was kept, and for which of the person's identities."""

    identity: str
    purpose: str
    channel: str
    allowed: bool
    at: str | None


class Suppressed(msgspec.Struct, frozen=True):
    """That a handle is not written to, why, since when, and until when; null: for ever."""

    handle: str
    reason: str
    at: str | None
    expires_at: str | None


class Allowed(msgspec.Struct, frozen=True):
    """What a person stated, the newest first, and which of their handles are not written to whatever they state."""

    consents: list[ConsentShown]
    suppressed: list[Suppressed]


class NewSuppression(Body, frozen=True):
    """A handle that must not be written to. ``until`` left out: for ever."""

    handle: Annotated[str, Meta(min_length=1, max_length=500)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    until: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET


@get("/v1/people/{person}/consents", scope="read")
def list_consents(call: Call, person: str) -> Allowed:
    """List what a person allowed and refused, and which of their handles are suppressed."""
    with call.read() as session:
        root = call.person(session, person)
        seen.require(session, root, call.reader)
        held = [span.identity_id for span in persons.spans(session, root)]
        stated = [
            ConsentShown(row.identity_id, row.purpose, row.channel, bool(row.allowed), clock.to_text(row.at))
            for row in consents.listed(session, held)
        ]
        return Allowed(stated, [one for each in held if (one := _suppressed(call, session, each))])


@post("/v1/people/{person}/suppressions", scope="people", status=201)
def suppress_handle(call: Call, person: str, body: NewSuppression) -> Suppressed:
    """Never write to one handle of this person again, or not before a time, whatever they allow."""
    until = None if body.until is UNSET else moment_of(body.until, "/until")
    if until is not None and until <= clock.now():
        raise Invalid("That is over already.", code="in_past", pointer="/until")
    with call.write() as session:
        identity = _theirs(call, session, person, body.handle)
        reason = f"{body.reason} ({call.made_by})"
        consents.suppress(session, call.hub.secret, handle_with(session, identity), reason, expires_at=until)
        shown = _suppressed(call, session, identity)
    assert shown is not None  # noqa: S101 - it was written a line before
    return shown


@delete("/v1/people/{person}/suppressions/{handle}", scope="people")
def lift_suppression(call: Call, person: str, handle: str) -> Allowed:
    """Write to a handle again that bounced, complained or was suppressed by hand. 404 when nothing holds it back."""
    with call.write() as session:
        identity = _theirs(call, session, person, handle)
        consents.lift(session, call.hub.secret, handle_with(session, identity), call.made_by)
    return list_consents(call, person)


def _theirs(call: Call, session: Session, person: str, handle: str) -> str:
    root = call.person(session, person)
    seen.require(session, root, call.reader)
    identity = handle_of(handle, call.hub.settings.phone_region, "/handle").id
    if identity not in {span.identity_id for span in persons.spans(session, root)}:
        raise NotFound("This person has no such handle.", code="no_such_handle", pointer="/handle")
    return identity


def _suppressed(call: Call, session: Session, identity: str) -> Suppressed | None:
    handle = handle_with(session, identity)
    row = consents.suppression(session, call.hub.secret, handle)
    return Suppressed(str(handle), row.reason, clock.to_text(row.at), clock.to_text(row.expires_at)) if row else None


@post("/v1/people/{person}/consents", scope="people", status=201)
def state_consent(call: Call, person: str, body: NewConsent) -> ConsentShown:
    """Keep what a person allowed or refused.

    It hangs on one handle of theirs; name it where they have several. The newest statement of each counts.
    """
    at = clock.now() if body.at is UNSET else moment_of(body.at, "/at")
    if at > clock.now() + AHEAD:
        raise Invalid("That is more than 10 minutes ahead.", code="in_future", pointer="/at")
    with call.write() as session:
        root = call.person(session, person)
        seen.require(session, root, call.reader)
        identity = _identity(call, session, root, body)
        evidence = {**body.evidence, "kept_by": call.made_by}
        consents.state(session, identity, body.purpose, body.allowed, channel=body.channel, evidence=evidence, at=at)
    return ConsentShown(identity, body.purpose, body.channel, body.allowed, clock.to_text(at))


def _identity(call: Call, session: Session, root: str, body: NewConsent) -> str:
    held = {span.identity_id for span in persons.spans(session, root)}
    if body.handle is UNSET:
        if len(held) != 1:
            raise Invalid("This person has several handles: name one.", code="required", pointer="/handle")
        return held.pop()
    identity = handle_of(body.handle, call.hub.settings.phone_region, "/handle").id
    if identity not in held:
        raise NotFound("This person has no such handle.", code="no_such_handle", pointer="/handle")
    return identity

"""Who is one person and who is not: decisions of people, and the proofs that make some unnecessary."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Conflict, Invalid, NotFound, StalePrecondition
from kinline.identity import merges, persons, proofs
from kinline.identity.proofs import LIFETIME
from kinline.store.models import MergeLog
from kinline.timeline import seen
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.query import Query
from kinline_api.route import Id, delete, get, post
from kinline_api.typed import handle_of
from kinline_api.versions import version_of

Who = Annotated[str, Meta(min_length=1, max_length=500)]


class Merge(Body, frozen=True):
    """Who else this is (an id or a handle), and why you say so."""

    with_: Who = msgspec.field(name="with")
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class Other(Body, frozen=True):
    """The other person, by id or handle."""

    with_: Who = msgspec.field(name="with")


class OtherQuery(Query, frozen=True):
    """The other person, by id or handle."""

    with_: Who = msgspec.field(name="with")


class ForHandle(Body, frozen=True):
    """One handle of the person."""

    handle: Who


class Merged(msgspec.Struct, frozen=True):
    """A line of the merge log. ``undone_at`` is null while it stands."""

    id: str
    person_a: str
    person_b: str
    standing: str
    evidence: dict[str, Any]
    made_by: str
    made_at: str | None
    undone_by: str | None
    undone_at: str | None


class Merges(msgspec.Struct, frozen=True):
    merges: list[Merged]


class Token(msgspec.Struct, frozen=True):
    """To be put into a message to the handle; whoever sends it back from elsewhere is the same person."""

    token: str
    expires_at: str | None


class MergeMade(msgspec.Struct, frozen=True):
    """The merges that an assertion made; none when all were one person before."""

    merges: list[str]


@post(
    "/v1/people/{person}/merge", scope="people", status=201,
    headers={"If-Match": "The ETag of the person as you saw them; 412 when they have changed since."},
)  # fmt: skip
def merge_people(call: Call, person: str, body: Merge) -> Merged:
    """Say that two persons are one.

    It touches no interaction, and can be undone exactly. It binds the two that were named and not those they are joined
    with: when another merge is undone, these stay one.
    """
    expected = call.header("If-Match")
    with call.write() as session:
        one, other = call.person_named(session, person), call.person_named(session, body.with_)
        root = _required(call, session, one)
        _required(call, session, other)
        if expected is not None:
            _require_version(expected, version_of(msgspec.json.encode(persons.view(session, root))))
        if one == other and not _same_words(call, person, body.with_):
            raise Conflict("These are one person already.", code="already_merged", pointer="/with")
        evidence = {"reason": body.reason, "decided": "by a person"}
        return line_shown(merges.merge(session, one, other, evidence=evidence, made_by=call.made_by))


@get("/v1/people/{person}/merges", scope="read")
def list_merges(call: Call, person: str) -> Merges:
    """List the merges and undoings that concern a person, oldest first."""
    with call.read() as session:
        root = call.person(session, person)
        seen.require(session, root, call.reader)
        return Merges([_shown(line) for line in merges.history(session, root)])


@post("/v1/merges/{merge}/undo", scope="people")
def undo_merge(call: Call, merge: Id) -> Merged:
    """Take one merge back.

    Other merges stay, so undoing in any order gives the same.
    """
    with call.write() as session:
        line = session.get(MergeLog, merge)
        if line is not None:
            seen.require(session, persons.root_of(session, line.person_a), call.reader)
        return line_shown(merges.undo(session, merge, made_by=call.made_by))


@post("/v1/people/{person}/not-same", scope="people")
def keep_people_apart(call: Call, person: str, body: Other) -> None:
    """Decide that two persons are two.

    Nothing joins them until that is withdrawn.
    """
    with call.write() as session:
        one, other = _two(call, session, person, body.with_)
        merges.keep_apart(session, one, other, made_by=call.made_by)


@delete("/v1/people/{person}/not-same", scope="people")
def let_people_join(call: Call, person: str, query: OtherQuery) -> None:
    """Withdraw the decision that two persons are two."""
    with call.write() as session:
        merges.let_join(session, *_two(call, session, person, query.with_))


@post("/v1/people/{person}/proofs", scope="people", status=201)
def issue_proof(call: Call, person: str, body: ForHandle) -> Token:
    """Issue a one-time link token for a handle of a person.

    Put it into a message to that handle. Whoever sends it back, verified, from another handle within 72 hours reads
    both, and the two are joined.
    """
    handle = handle_of(body.handle, call.hub.settings.phone_region, "/handle")
    with call.write() as session:
        root = call.person(session, person)
        seen.require(session, root, call.reader)
        if handle.id not in {span.identity_id for span in persons.spans(session, root)}:
            raise NotFound("This person has no such handle.", code="no_such_handle", pointer="/handle")
        return Token(proofs.issue(session, call.hub.secret, handle), clock.to_text(clock.now() + LIFETIME))


class SourceQuery(Query, frozen=True):
    """The trusted source, unless the header says it."""

    source: Annotated[str, Meta(max_length=100)] = ""


@post(
    "/v1/assertions", scope="record", answers=MergeMade, limit=100_000,
    headers={"Kinline-Signature": "`v1=` and the HMAC-SHA256 of the body in hex.", "Kinline-Source": "Its name."},
)  # fmt: skip
def assert_same_person(call: Call, query: SourceQuery, body: bytes) -> MergeMade:
    """Say, as a trusted source, that some handles are one person's.

    The body is `{"at": seconds since 1970, "handles": ["email:…", "external:shop/42"]}`, signed.
    """
    source = query.source or call.header("Kinline-Source") or ""
    signature = call.header("Kinline-Signature") or ""
    with call.write() as session:
        return MergeMade(proofs.assert_same(session, call.hub.secret, source, body, signature))


def _two(call: Call, session: Session, one: str, other: str) -> tuple[str, str]:
    found = call.person_named(session, one), call.person_named(session, other)
    if len({_required(call, session, person) for person in found}) == 1:
        raise Invalid("These are one person.", code="same_person", pointer="/with")
    return found


def _required(call: Call, session: Session, person: str) -> str:
    """The root of a person. Raises `NotFound` for one whom the caller may not know of."""
    root = persons.root_of(session, person)
    seen.require(session, root, call.reader)
    return root


def _same_words(call: Call, one: str, other: str) -> bool:
    """Whether both name the very same thing, not just the same person."""
    region = call.hub.settings.phone_region
    names = [text if ids.looks_like(text) else handle_of(text.replace("%2F", "/"), region, "") for text in (one, other)]
    return names[0] == names[1]


def _require_version(expected: str, current: str) -> None:
    if expected.strip() != "*" and current not in [each.strip() for each in expected.split(",")]:
        raise StalePrecondition("This person has changed since you looked.", current=current)


def line_shown(line: MergeLog) -> Merged:
    return _shown({name: getattr(line, name) for name in Merged.__struct_fields__} | {
        "evidence": msgspec.json.decode(line.evidence)
    })  # fmt: skip


def _shown(line: dict[str, Any]) -> Merged:
    times = {name: clock.to_text(line[name]) for name in ("made_at", "undone_at")}
    return Merged(**(line | times))

"""Where a person is in the life cycle, their tags, and what is known about them; and what people say by hand."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kinline.decide import facts
from kinline.decide.facts import MoveShown
from kinline.errors import Conflict, Invalid, KinlineError
from kinline.history import load_history
from kinline.identity import attributes
from kinline.identity.persons import spans
from kinline.words import Track
from kinline_api.call import Call
from kinline_api.idempotency import ByAgent, agent_of, person_seen
from kinline_api.json_body import Body
from kinline_api.route import delete, get, post, put
from kinline_api.typed import handle_of


class MoveIn(ByAgent, frozen=True, kw_only=True):
    """Where to, on which track."""

    track: Track
    stage: Annotated[str, Meta(max_length=100)]


class Stages(msgspec.Struct, frozen=True):
    """The stage on each track now, and all moves, oldest first."""

    now: dict[str, str]
    moves: list[MoveShown]


class Tags(msgspec.Struct, frozen=True):
    tags: list[str]


class ValueIn(Body, frozen=True):
    """A JSON value; null: it is not known any more. ``identity``: of which handle of theirs, else their first."""

    value: Any
    identity: Annotated[str, Meta(max_length=500)] = ""
    agent: Annotated[str, Meta(max_length=200)] = ""


class Attributes(msgspec.Struct, frozen=True):
    """What is known about the person, over all their identities."""

    attributes: dict[str, Any]


@get("/v1/people/{person}/stages", scope="read")
def read_stages(call: Call, person: str) -> Stages:
    """Read where a person is in the life cycle, on both tracks, and how they came there."""
    with call.read() as session:
        return _stages(session, person_seen(call, session, person))


@post("/v1/people/{person}/stages", scope="people", status=201)
def move_person(call: Call, person: str, body: MoveIn) -> Stages:
    """Move a person to a stage by hand, from now on. 409 when they are there already."""
    with call.write() as session:
        root = person_seen(call, session, person)
        facts.move(session, root, body.track, body.stage, by=agent_of(call, body))
        return _stages(session, root)


@get("/v1/people/{person}/tags", scope="read")
def read_tags(call: Call, person: str) -> Tags:
    """Read the tags of a person."""
    with call.read() as session:
        return Tags(load_history.tags(session, person_seen(call, session, person)))


@post("/v1/people/{person}/tags/{tag}", scope="people")
def tag_person(call: Call, person: str, tag: str) -> Tags:
    """Put a tag on a person. One that is there stays."""
    with call.write() as session:
        return Tags(facts.tag(session, person_seen(call, session, person), _word(tag), by=call.holder.name))


@delete("/v1/people/{person}/tags/{tag}", scope="people")
def untag_person(call: Call, person: str, tag: str) -> Tags:
    """Take a tag off a person. 404 when they have none of that name."""
    with call.write() as session:
        return Tags(facts.untag(session, person_seen(call, session, person), _word(tag), by=call.holder.name))


@get("/v1/people/{person}/attributes", scope="read")
def read_attributes(call: Call, person: str) -> Attributes:
    """Read what is known about a person."""
    with call.read() as session:
        return Attributes(load_history.attributes(session, person_seen(call, session, person)))


@put("/v1/people/{person}/attributes/{name}", scope="people")
def state_attribute(call: Call, person: str, name: str, body: ValueIn) -> Attributes:
    """State something about a person.

    What was stated before is kept as history. The hub itself reads `time_zone` and `preferred_channel`.
    """
    with call.write() as session:
        root = person_seen(call, session, person)
        identity = _identity(call, session, root, body.identity)
        source = body.agent.strip() or call.holder.name
        attributes.state(session, identity, name, body.value, source=source)
        return Attributes(load_history.attributes(session, root))


def _stages(session: Any, root: str) -> Stages:
    now = {str(track): stage for track, stage in load_history.stages(session, root).items()}
    return Stages(now, facts.moves(session, root))


def _identity(call: Call, session: Any, root: str, given: str) -> str:
    """The identity named by id or handle, which must be theirs; or their first."""
    held = [span.identity_id for span in spans(session, root)]
    if not given and held:
        return held[0]
    if not given:
        raise Conflict("This person has no identity left.", code="no_identity")
    if given in held:
        return given
    if ":" in given and handle_of(given, call.hub.settings.phone_region, "/identity").id in held:
        return handle_of(given, call.hub.settings.phone_region, "/identity").id
    raise _not_theirs()


def _not_theirs() -> KinlineError:
    return Invalid("This person has no such handle.", code="no_such_handle", pointer="/identity")


def _word(tag: str) -> str:
    return tag.replace("%2F", "/")

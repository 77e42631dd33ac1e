"""Who acts, on whom, on which version of it, and whether this is a repeated call."""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from kinline import clock, ids
from kinline.errors import Conflict, NotFound, StalePrecondition
from kinline.followups.addressee import identity_of
from kinline.store import sql
from kinline.store.ask import Change
from kinline.store.models import Idempotency, metadata
from kinline.timeline import seen
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.response import Answer
from kinline_api.typed import idempotency_key
from kinline_api.versions import version_of

IF_MATCH = {"If-Match": "The ETag of it as you saw it; 412 when it has changed since."}
IF_NONE_MATCH = {"If-None-Match": "The ETag you have; the answer is 304 when nothing changed."}
ONCE = {"Idempotency-Key": "A repeated request with the same key makes nothing new."}
T = TypeVar("T")
_KEYS = metadata.tables[str(Idempotency.__tablename__)]
_ANSWERED = Change(
    update(Idempotency)
    .where(col(Idempotency.api_key_id) == bindparam("holder"), col(Idempotency.key) == bindparam("of"))
    .values(body=bindparam("answer"), status=200)
)
Agent = Annotated[str, Meta(max_length=200)]


class ByAgent(Body, frozen=True):
    """Who of us does it; without ``agent`` it is the name of the key. ``{}`` is enough."""

    agent: Agent = ""


def agent_of(call: Call, body: ByAgent) -> str:
    return body.agent.strip() or call.holder.name


def person_seen(call: Call, session: Session, text: str) -> str:
    """The root of the person that a path or a query names. Raises `NotFound` for one the caller may not know of."""
    root = call.person(session, text)
    seen.require(session, root, call.reader)
    return root


def person_met(call: Call, session: Session, text: str) -> str:
    """The root of the person that a body names; whoever is named by a handle that is new is known from then on."""
    try:
        return person_seen(call, session, text)
    except NotFound as error:
        if error.code != "no_such_person" or ids.looks_like(text):
            raise
        identity_of(session, text if ":" in text else f"email:{text}", "/person")
        return person_seen(call, session, text)


def require_unchanged(call: Call, current: Any) -> None:
    """Raise `StalePrecondition`, with the version that stands, when the caller saw another one (RFC 9110, If-Match)."""
    expected = call.header("If-Match")
    if expected is None or expected.strip() == "*":
        return
    version = version_of(msgspec.json.encode(current))
    if version not in [each.strip() for each in expected.split(",")]:
        raise StalePrecondition("This has changed since you looked.", current=version)


def versioned(result: Any, status: int = 200) -> Answer:
    """An answer with the ETag by which `require_unchanged` knows it again."""
    body = msgspec.json.encode(result)
    return Answer(body, status, headers=(("etag", version_of(body)),))


def new_id(call: Call) -> tuple[str, bool]:
    """The id for something that is made, and whether it is named by an Idempotency-Key."""
    key = idempotency_key(call.header("Idempotency-Key"))
    return (ids.derived("asked for", call.holder.key_id, key), True) if key else (ids.new(), False)


def once(call: Call, about: str, body: Any, sort: type[T], do: Callable[[Session, str], T]) -> T:
    """Do it in one transaction; for a key that was used before, give the first answer and do nothing.

    ``do`` gets the id for what it makes. Raises `Conflict` for the same key with another body.
    """
    key = idempotency_key(call.header("Idempotency-Key"))
    with call.write() as session:
        if not key:
            return do(session, ids.new())
        digest = sha256(about.encode() + b"\0" + msgspec.json.encode(body)).hexdigest()
        mine = (call.holder.key_id, key)
        if not sql.insert_new(session, _KEYS, [(*mine, digest, 0, "", clock.now())], 2):
            return _first_answer(session.get_one(Idempotency, mine), digest, sort)
        result = do(session, ids.derived("asked for", *mine))
        answer = msgspec.json.encode(result).decode()
        _ANSWERED.run(session, holder=mine[0], of=mine[1], answer=answer)
        return result


def require_same(call: Call, session: Session, about: str, said: Any) -> None:
    """Raise `Conflict` where the Idempotency-Key of this call was used for something else than ``said``."""
    key = idempotency_key(call.header("Idempotency-Key"))
    if not key:
        return
    mine = (call.holder.key_id, key)
    digest = sha256(about.encode() + b"\0" + msgspec.json.encode(said)).hexdigest()
    new = sql.insert_new(session, _KEYS, [(*mine, digest, 0, "", clock.now())], 2)
    if not new and session.get_one(Idempotency, mine).request_hash != digest:
        raise key_conflict()


def key_conflict() -> Conflict:
    return Conflict("This Idempotency-Key was used for another request.", code="idempotency_conflict")


def _first_answer(row: Idempotency, digest: str, sort: type[T]) -> T:
    if row.request_hash != digest:
        raise key_conflict()
    return msgspec.json.decode(row.body, type=sort)

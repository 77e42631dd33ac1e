"""API keys: make one, see which there are, revoke one. And the sources whose assertions are trusted."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kinline import clock, ids
from kinline.accounts import keys
from kinline.accounts.keys import SCOPES
from kinline.errors import Conflict, Forbidden
from kinline.identity import proofs
from kinline.store.models import ApiKey
from kinline_api.call import Call
from kinline_api.json_body import Body
from kinline_api.route import Id, delete, get, post

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class NewKey(Body, frozen=True):
    """``teams`` limits what the key reads; without it the key reads what its maker reads."""

    name: Name
    scopes: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(min_length=1, max_length=20)]
    teams: Annotated[list[Name], Meta(max_length=100)] | None = None


class KeyMade(msgspec.Struct, frozen=True):
    """``key`` is shown this once."""

    id: str
    key: str


class KeyShown(msgspec.Struct, frozen=True):
    id: str
    name: str
    scopes: list[str]
    all_teams: bool
    created_at: str | None
    revoked_at: str | None


class Keys(msgspec.Struct, frozen=True):
    keys: list[KeyShown]


class NewSource(Body, frozen=True):
    """A system whose word joins persons, for handles of these types."""

    name: Name
    handle_types: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(min_length=1, max_length=20)]


class SourceMade(msgspec.Struct, frozen=True):
    """``secret`` signs its assertions, and is shown this once."""

    id: str
    name: str
    handle_types: list[str]
    secret: str


@post("/v1/keys", scope="admin", status=201)
def create_key(call: Call, body: NewKey) -> KeyMade:
    """Make an API key.

    It cannot do or read more than the key that makes it.
    """
    _refuse_more(call, body)
    wanted = None if body.teams is None else tuple(dict.fromkeys(body.teams))
    with call.write() as session:
        text = keys.create(session, body.name, tuple(dict.fromkeys(body.scopes)), wanted)
    return KeyMade(text.split("_")[1], text)


@get("/v1/keys", scope="admin")
def list_keys(call: Call) -> Keys:
    """List the API keys, revoked ones too. Their secrets are not kept anywhere."""
    with call.read() as session:
        return Keys([_shown(row) for row in keys.every(session)])


@delete("/v1/keys/{key}", scope="admin")
def revoke_key(call: Call, key: Id) -> None:
    """Revoke an API key.

    All processes refuse it within five seconds. The last key that may do everything stays.
    """
    with call.write() as session:
        left = [row for row in keys.every(session) if _rules(row) and row.id != key]
        if key == call.holder.key_id and not left:
            raise Conflict("This is the last key that may make others. Make another first.", code="last_admin")
        keys.revoke(session, key)
    call.app_state.auth.forget()


@post("/v1/trusted-sources", scope="admin", status=201)
def trust_source(call: Call, body: NewSource) -> SourceMade:
    """Trust a system's word on who is one person, for some types of handle."""
    with call.write() as session:
        source, secret = proofs.trust(session, call.hub.secret, body.name, tuple(dict.fromkeys(body.handle_types)))
        return SourceMade(source.id, source.name, msgspec.json.decode(source.handle_types), secret)


def _refuse_more(call: Call, body: NewKey) -> None:
    """What the caller cannot do, no key of theirs can."""
    more = [scope for scope in body.scopes if scope in SCOPES and not call.holder.may(scope)]
    if more:
        raise Forbidden(f"Your key itself may not {', '.join(more)}.", code="scope_exceeded", pointer="/scopes")
    if call.holder.teams is not None:
        wanted = {ids.derived("team", name) for name in body.teams or ()}
        if body.teams is None or not wanted <= set(call.holder.teams):
            raise Forbidden("Your key itself reads for fewer teams.", code="teams_exceeded", pointer="/teams")


def _rules(row: ApiKey) -> bool:
    return row.revoked_at is None and row.teams is None and "admin" in msgspec.json.decode(row.scopes)


def _shown(row: ApiKey) -> KeyShown:
    times = clock.to_text(row.created_at), clock.to_text(row.revoked_at)
    return KeyShown(row.id, row.name, msgspec.json.decode(row.scopes), row.teams is None, *times)

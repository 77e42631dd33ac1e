"""Keys to the API: random, shown once, stored as a hash, scoped, revocable."""

import hmac
import re
import secrets
from hashlib import sha256

import msgspec
from sqlmodel import Session, select

from kinline import clock, ids
from kinline.accounts.connected import team_named
from kinline.errors import Invalid, NotFound, Unauthorized
from kinline.store.models import ApiKey

#: What a key may be allowed to do. ``admin`` includes all others.
SCOPES = ("read", "record", "people", "desk", "triggers", "channels", "admin")
SHAPE = re.compile(r"kl_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


class Holder(msgspec.Struct, frozen=True):
    """Who holds a valid key, and what it allows."""

    key_id: str
    name: str
    scopes: frozenset[str]
    teams: tuple[str, ...] | None

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


def create(session: Session, name: str, scopes: tuple[str, ...], teams: tuple[str, ...] | None = None) -> str:
    """Make a key and return its text, the only time it can be seen. ``teams`` are names."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(
            f"Unknown scopes {unknown}. There are: {', '.join(SCOPES)}.", code="unknown_scope", pointer="/scopes"
        )
    key_id, hidden = ids.new(), secrets.token_urlsafe(32)
    listed = None if teams is None else [team_named(session, team).id for team in teams]
    session.add(
        ApiKey(
            id=key_id,
            name=name,
            digest=_digest(hidden),
            scopes=msgspec.json.encode(sorted(scopes)).decode(),
            teams=None if listed is None else msgspec.json.encode(listed).decode(),
            created_at=clock.now(),
        )
    )
    return f"kl_{key_id}_{hidden}"


def holder_of(session: Session, text: str) -> Holder:
    """Who holds this key. Raises `Unauthorized`, always with the same words."""
    shape = SHAPE.fullmatch(text)
    row = session.get(ApiKey, shape[1]) if shape else None
    digest = row.digest if row else "0" * 64
    if not hmac.compare_digest(digest, _digest(shape[2] if shape else "")) or row is None or row.revoked_at is not None:
        raise Unauthorized("This needs a valid API key: Authorization: Bearer kl_…", code="invalid_key")
    teams = None if row.teams is None else tuple(msgspec.json.decode(row.teams))
    return Holder(row.id, row.name, frozenset(msgspec.json.decode(row.scopes)), teams)


def revoke(session: Session, key_id: str) -> None:
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound("There is no such key.", code="no_such_key")
    row.revoked_at = row.revoked_at or clock.now()
    session.add(row)


def every(session: Session) -> list[ApiKey]:
    return list(session.exec(select(ApiKey).order_by(ApiKey.created_at)))  # type: ignore[arg-type]


def _digest(hidden: str) -> str:
    return sha256(hidden.encode()).hexdigest()

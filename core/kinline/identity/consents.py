"""What people allow, and whom never to write to. Consents hang on identities and are read over the person."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, or_
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.errors import NotFound
from kinline.handles import Handle
from kinline.secret import Secret
from kinline.store.ask import Ask, among
from kinline.store.models import Consent, Suppression

ANY = "*"
#: Statements of one person that are listed.
MOST = 500


class _StatedRow(msgspec.Struct, frozen=True):
    identity_id: str
    purpose: str
    channel: str
    allowed: int


_ALLOWS = Ask(
    select(Consent.identity_id, Consent.purpose, Consent.channel, Consent.allowed)
    .where(
        among(Consent.identity_id, "identities"),
        or_(col(Consent.purpose) == bindparam("to"), col(Consent.purpose) == ANY),
        or_(col(Consent.channel) == bindparam("over"), col(Consent.channel) == ANY),
    )
    .order_by(col(Consent.at), col(Consent.allowed).desc()),
    _StatedRow,
)


def state(
    session: Session, identity_id: str, purpose: str, allowed: bool, *, channel: str = ANY, evidence: dict[str, Any],
    at: int | None = None,
) -> None:  # fmt: skip
    """Keep a statement. ``purpose`` ``*`` with ``allowed=False`` is an explicit "do not write to me"."""
    moment = clock.now() if at is None else at
    session.add(
        Consent(
            id=ids.new(),
            identity_id=identity_id,
            purpose=purpose,
            channel=channel,
            allowed=int(allowed),
            at=moment,
            recorded_at=clock.now(),
            evidence=msgspec.json.encode(evidence).decode(),
        )
    )
    session.flush()


def allows(session: Session, identities: list[str], purpose: str, channel: str) -> bool | None:
    """What the person allows for this purpose and channel. None: never said.

    The newest statement of each identity counts, at equal times the stricter; over identities the stricter.
    """
    rows = _ALLOWS.rows(session, identities=identities, to=purpose, over=channel) if identities else []
    newest = {(row.identity_id, row.purpose, row.channel): bool(row.allowed) for row in rows}
    return all(newest.values()) if newest else None


def hashed(secret: Secret, handle: Handle) -> str:
    """A handle as suppression keeps it: keyed, so that it can outlive an erasure and tell nobody anything."""
    return secret.sign("suppression", str(handle).casefold().encode()).hex()


def suppress(
    session: Session,
    secret: Secret,
    handle: Handle,
    reason: str,
    *,
    expires_at: int | None = None,
    only_longer: bool = False,
) -> None:
    """Never write to this handle again, or not before ``expires_at``. With ``only_longer`` nothing is shortened."""
    key = hashed(secret, handle)
    held = suppression(session, secret, handle)
    if only_longer and held and (held.expires_at is None or held.expires_at >= (expires_at or 0)):
        return
    row = session.get(Suppression, key) or Suppression(handle_hash=key, reason=reason, at=clock.now())
    row.reason, row.at, row.expires_at, row.lifted_at = reason, clock.now(), expires_at, None
    session.add(row)
    session.flush()


def suppressed(session: Session, secret: Secret, handle: Handle) -> str | None:
    """Why this handle must not be written to, or None."""
    row = suppression(session, secret, handle)
    return row.reason if row else None


def suppression(session: Session, secret: Secret, handle: Handle) -> Suppression | None:
    """What holds for this handle now."""
    row = session.get(Suppression, hashed(secret, handle))
    if row is None or row.lifted_at is not None or (row.expires_at is not None and row.expires_at <= clock.now()):
        return None
    return row


def lift(session: Session, secret: Secret, handle: Handle, by: str) -> None:
    """Write to this handle again. Raises `NotFound` where nothing holds it back."""
    row = suppression(session, secret, handle)
    if row is None:
        raise NotFound(f"{handle} is not suppressed.", code="not_suppressed")
    row.lifted_at, row.reason = clock.now(), f"{row.reason} (lifted by {by})"[:500]
    session.add(row)
    session.flush()


def listed(session: Session, identities: list[str]) -> list[Consent]:
    """What was stated for these identities, the newest first."""
    newest = select(Consent).where(col(Consent.identity_id).in_(identities))
    return list(session.exec(newest.order_by(col(Consent.recorded_at).desc(), col(Consent.id).desc()).limit(MOST)))

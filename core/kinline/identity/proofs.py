"""What joins persons without a human: proofs (docs/decisions/0005).

- A signed one-time link: given to whoever reads one identity's channel, and coming back, verified, over
  another. Whoever wrote it reads both.
- A verified answer to our reply token: the token went to one mailbox only, and comes back over another that is proved.
  Forwarding does that too, so it counts once, for as long as a link, and not between two names; else it is suggested.
- A signed assertion: a source the operator trusts for these types of handle says that they are one person's.

Everything else is a suggestion.
"""

import base64
import re
import secrets
from contextlib import suppress
from typing import Any

import msgspec
from sqlmodel import Session, select

from kinline import clock, handles, ids
from kinline.clock import HOUR, MINUTE, SECOND
from kinline.errors import Conflict, Invalid, NotFound, Unauthorized
from kinline.handles import Handle
from kinline.identity import merges, persons
from kinline.identity.locking import one_at_a_time
from kinline.identity.meeting import meet
from kinline.identity.names import names_of, shown_name
from kinline.identity.parties import Who
from kinline.identity.suggestions.rows import suggest_pair
from kinline.messages import Party
from kinline.secret import Secret
from kinline.store import sql
from kinline.store.models import Proof, TrustedSource
from kinline.words import HandleType, Role, Standing

TOKEN = re.compile(r"kl1_([a-z2-7]{26})_([a-z2-7]{26})")
LIFETIME = 72 * HOUR
#: An assertion older or newer than this is refused: its sender's clock is wrong, or it is a replay.
TOLERANCE = 5 * MINUTE


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a trusted source asserts: these handles are one person's. ``at`` in seconds since 1970."""

    at: int
    handles: tuple[str, ...]


def issue(session: Session, secret: Secret, handle: Handle) -> str:
    """A token for whoever reads this handle's channel. Put it into a message to them; it works once, for 72 h."""
    identity = handles.normalise(handle).id
    if not sql.run(session, "SELECT 1 FROM identity WHERE id = {p}", identity):
        raise NotFound(f"Nobody is known as {handle}.", code="no_such_person")
    name = _base32(secrets.token_bytes(16))
    now = clock.now()
    session.add(Proof(id=name, identity_id=identity, issued_at=now, expires_at=now + LIFETIME))
    session.flush()
    return f"kl1_{name}_{_signature(secret, name)}"


def came_back(session: Session, secret: Secret, text: str, writer: str, *, at: int, interaction_id: str) -> list[str]:
    """Join what the tokens in a *verified* text prove. ``writer`` is the identity that wrote it. Returns merge ids.

    Where a human decided that they are two persons, that stands, and the token is used up.
    """
    joined: list[str] = []
    found = sorted(set(TOKEN.findall(text)[:10]))
    if found:
        one_at_a_time(session)  # before looking: two texts with one token at once must not both use it
    for name, signature in found:
        proof = session.get(Proof, name, populate_existing=True)
        if proof is None or not secrets.compare_digest(signature, _signature(secret, name)):
            continue
        if proof.used_at is not None or at > proof.expires_at or proof.identity_id == writer:
            continue
        proof.used_at, proof.used_by = clock.now(), writer
        session.add(proof)
        session.flush()
        evidence = {"proof": "one-time link", "given_to": proof.identity_id, "came_back_in": interaction_id}
        with suppress(Conflict):
            joined += _join(session, [proof.identity_id, writer], evidence, "proof")
    return joined


def answered(
    session: Session, token: str, given_to: str, sent_at: int, writer: str, *, at: int, interaction_id: str
) -> list[str]:
    """A *verified* answer of ``writer`` to what was sent to ``given_to`` came back with our reply token. Merge ids.

    The first such answer in time joins, where both go by one name: whoever got a mail can pass it on. Any other is put
    before a human.
    """
    if given_to == writer:
        return []
    one_at_a_time(session)  # as for links
    expires = sent_at + LIFETIME
    known = session.get(Proof, token, populate_existing=True)
    if known is not None and known.used_by == writer:
        return []
    if known is not None or at > expires or not _named_alike(session, given_to, writer):
        suggest_pair(session, given_to, writer, "answer_came_back")
        return []
    now = clock.now()
    session.add(
        Proof(id=token, identity_id=given_to, issued_at=sent_at, expires_at=expires, used_at=now, used_by=writer)
    )
    session.flush()
    evidence = {"proof": "reply token", "given_to": given_to, "came_back_in": interaction_id}
    with suppress(Conflict):
        return _join(session, [given_to, writer], evidence, "proof")
    return []


def _named_alike(session: Session, one: str, other: str) -> bool:
    """Whether both are known under one name: else they may well be two."""
    known = names_of(session, (one, other))
    called = [shown_name([known[each]] if each in known else [], "")[0] for each in (one, other)]
    folded = [" ".join(name.casefold().split()) for name in called]
    return "" not in folded and folded[0] == folded[1]


def trust(session: Session, secret: Secret, name: str, handle_types: tuple[str, ...]) -> tuple[TrustedSource, str]:
    """Trust a source for these types of handle. Returns it with its signing secret, shown once."""
    unknown = sorted(set(handle_types) - set(HandleType))
    if unknown or not handle_types:
        raise Invalid(
            f"Unknown handle types {unknown}. There are: {', '.join(HandleType)}.", code="unknown_handle_type"
        )
    if session.exec(select(TrustedSource).where(TrustedSource.name == name)).first():
        raise Conflict(f"A source “{name}” is trusted already.", code="source_exists")
    shared = secrets.token_urlsafe(32)
    source = TrustedSource(
        id=ids.new(), name=name, handle_types=msgspec.json.encode(sorted(handle_types)).decode(),
        sealed_secret=secret.seal(shared), created_at=clock.now(),
    )  # fmt: skip
    session.add(source)
    session.flush()
    return source, shared


def sign_assertion(shared: str, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256 of the body in hex: what a trusted source puts in ``Kinline-Signature``."""
    import hmac

    return "v1=" + hmac.new(shared.encode(), body, "sha256").hexdigest()


def assert_same(session: Session, secret: Secret, source_name: str, body: bytes, signature: str) -> list[str]:
    """Join the handles that a trusted source asserts. Returns merge ids; none when they were joined before."""
    source = session.exec(select(TrustedSource).where(TrustedSource.name == source_name)).first()
    shared = secret.unseal(source.sealed_secret) if source else ""
    given = signature.encode("utf-8", "replace")
    if not secrets.compare_digest(given, sign_assertion(shared, body).encode()) or source is None or source.revoked_at:
        raise Unauthorized("The assertion is not signed by a trusted source.", code="bad_signature")
    claims = _claims(body)
    if abs(clock.now() - claims.at * SECOND) > TOLERANCE:
        raise Unauthorized("The assertion's time is more than 5 minutes from ours.", code="stale_timestamp")
    one_at_a_time(session)  # before meeting anybody, as everybody takes it
    found = [_asserted(text, msgspec.json.decode(source.handle_types)) for text in claims.handles]
    meet(session, [(_line(handle), clock.now()) for handle in found])
    evidence = {"proof": "signed assertion", "source": source.name, "at": claims.at}
    return _join(session, [handle.id for handle in found], evidence, f"source:{source.name}")


def _claims(body: bytes) -> Claims:
    try:
        claims = msgspec.json.decode(body, type=Claims)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"An assertion is {{at, handles}}: {error}.", code="invalid_assertion") from None
    if not 2 <= len(claims.handles) <= 20:
        raise Invalid("An assertion names 2 to 20 handles.", code="invalid_assertion", pointer="/handles")
    return claims


def _asserted(text: str, types: list[str]) -> Handle:
    handle = handles.parse(text)
    if handle.type is HandleType.X_HANDLE:
        raise Invalid("X names can change owner; assert the x_id.", code="not_trusted_for_type")
    if handle.type not in types:
        raise Invalid(f"This source is not trusted for {handle.type} handles.", code="not_trusted_for_type")
    if handles.is_blocked(handle):
        raise Invalid(f"{handle} stands for many or for nobody and joins no one.", code="blocked_handle")
    return handle


def _line(handle: Handle) -> Who:
    return Who(Party(role=Role.AUTHOR, handle=handle, standing=Standing.VERIFIED), handle, handle.id)


def _join(session: Session, identities: list[str], evidence: dict[str, Any], made_by: str) -> list[str]:
    """Join the very persons who hold these identities, not their roots: what is undone elsewhere stays apart."""
    joined = []
    first = persons.holder_of(session, identities[0])
    for identity in identities[1:]:
        other = persons.holder_of(session, identity)
        if persons.root_of(session, first) != persons.root_of(session, other):
            joined.append(merges.merge(session, first, other, evidence=evidence, made_by=made_by).id)
    return joined


def _signature(secret: Secret, name: str) -> str:
    return _base32(secret.sign("proof-link", name.encode())[:16])


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()

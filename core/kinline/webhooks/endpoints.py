"""Endpoints: a name, an address on the public internet, and the secrets that sign what goes there.

Secrets are made here (24 to 64 random bytes, as Standard Webhooks asks), shown once, stored encrypted. A new one signs
beside the old one for a time, so that whoever verifies can change over without a gap.
"""

import base64
import re
import secrets as random
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
from sqlmodel import Session, col, delete, select

from kinline import clock, ids
from kinline.clock import DAY, HOUR
from kinline.errors import Conflict, Invalid, NotFound
from kinline.secret import Secret
from kinline.signatures import PREFIX
from kinline.store.models import DeliveryRow, DeliveryTry, EndpointRow

ACTIVE, DISABLED = "active", "disabled"
NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
LONGEST_URL = 2000
#: Bytes of a secret.
STRENGTH = 32
#: An endpoint that took nothing for so long is called no more, until somebody enables it again.
PATIENCE = 3 * DAY
#: Hours that an old secret signs on, where nothing else is said.
OVERLAP = 24


class Kept(msgspec.Struct):
    """A secret as it is stored. ``until``: when it signs no more; None while it is the newest."""

    sealed: str
    until: int | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where calls go. ``reason`` says why it is disabled; ``secrets``: how many sign now."""

    id: str
    name: str
    url: str
    state: str
    reason: str
    failing_since: str | None
    secrets: int
    created_at: str | None
    changed_at: str | None


def add(session: Session, secret: Secret, name: str, url: str) -> tuple[Endpoint, str]:
    """Make one; its secret is shown this once. Raises `Invalid` or `Conflict`."""
    if not NAME.fullmatch(name):
        raise Invalid(
            "A name is small letters, digits and hyphens, like our-crm.", code="invalid_name", pointer="/name"
        )
    if session.exec(select(EndpointRow).where(EndpointRow.name == name)).first():
        raise Conflict(f"There is an endpoint “{name}” already.", code="endpoint_exists")
    made, now = _made(), clock.now()
    row = EndpointRow(
        id=ids.derived("endpoint", name), name=name, url=_address(url), secrets=_kept([Kept(secret.seal(made))]),
        state=ACTIVE, created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return shown(row), made


def named(session: Session, name: str) -> EndpointRow:
    row = session.exec(select(EndpointRow).where((EndpointRow.name == name) | (EndpointRow.id == name))).first()
    if row is None:
        raise NotFound(f"There is no endpoint “{name[:80]}”.", code="no_such_endpoint")
    return row


def names(session: Session) -> list[str]:
    return list(session.exec(select(EndpointRow.name).order_by(EndpointRow.name)))


def page(session: Session, *, after: str = "", limit: int = 50) -> list[Endpoint]:
    """By name, after a name."""
    found = select(EndpointRow).where(EndpointRow.name > after).order_by(EndpointRow.name).limit(limit)
    return [shown(row) for row in session.exec(found)]


def move(session: Session, name: str, url: str) -> Endpoint:
    """Give it another address."""
    row = named(session, name)
    row.url = _address(url)
    return _changed(session, row)


def rotate(session: Session, secret: Secret, name: str, *, overlap: int = OVERLAP) -> tuple[Endpoint, str]:
    """Make a new secret, shown this once; those before it sign on for ``overlap`` hours."""
    row, made, now = named(session, name), _made(), clock.now()
    old = [Kept(each.sealed, each.until or now + overlap * HOUR) for each in _signing(row, now)]
    row.secrets = _kept([*(each for each in old if (each.until or 0) > now), Kept(secret.seal(made))])
    return _changed(session, row), made


def put(session: Session, name: str, state: str, *, reason: str = "") -> Endpoint:
    """Enable or disable it. What waits for a disabled one waits on, until it expires."""
    row = named(session, name)
    if row.state == state:
        raise Conflict(f"The endpoint “{row.name}” is {state} already.", code="already_so")
    row.state, row.reason, row.failing_since = state, reason, None
    return _changed(session, row)


def remove(session: Session, name: str, used_by: Iterator[str]) -> None:
    """Forget it, with the calls that were made to it. Raises `Conflict` while a trigger names it."""
    row = named(session, name)
    user = next(used_by, None)
    if user is not None:
        raise Conflict(f"The trigger “{user}” names this endpoint. Change that first.", code="in_use")
    calls = col(DeliveryRow.endpoint_id) == row.id
    tries = col(DeliveryTry.delivery_id).in_(select(DeliveryRow.id).where(calls))
    for table, gone in ((DeliveryTry, tries), (DeliveryRow, calls), (EndpointRow, col(EndpointRow.id) == row.id)):
        session.exec(delete(table).where(gone))


def secrets_of(row: EndpointRow, secret: Secret, now: int) -> list[str]:
    """Those that sign now, the newest first."""
    return [secret.unseal(each.sealed) for each in reversed(_signing(row, now))]


def shown(row: EndpointRow) -> Endpoint:
    return Endpoint(
        id=row.id, name=row.name, url=row.url, state=row.state, reason=row.reason,
        failing_since=clock.to_text(row.failing_since), secrets=len(_signing(row, clock.now())),
        created_at=clock.to_text(row.created_at), changed_at=clock.to_text(row.changed_at),
    )  # fmt: skip


def _signing(row: EndpointRow, now: int) -> list[Kept]:
    every = msgspec.json.decode(row.secrets, type=list[Kept])
    return [each for each in every if each.until is None or each.until > now]


def _made() -> str:
    return PREFIX + base64.b64encode(random.token_bytes(STRENGTH)).decode()


def _kept(every: list[Kept]) -> str:
    return msgspec.json.encode(every).decode()


def _changed(session: Session, row: EndpointRow) -> Endpoint:
    row.changed_at = clock.now()
    session.add(row)
    session.flush()
    return shown(row)


def _address(url: str) -> str:
    """An address that can be called. Whether it is a public one is looked at again at every call."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None or port == 0:
        raise Invalid(
            "An endpoint is an address like https://crm.example.org/hooks.", code="invalid_url", pointer="/url"
        )
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        said = f"An address is printable ASCII without blanks, {LONGEST_URL} characters at most."
        raise Invalid(said, code="invalid_url", pointer="/url")
    return url

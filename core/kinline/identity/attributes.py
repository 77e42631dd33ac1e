"""What is known about an identity: dated attributes, on both clocks. The newest value of each name counts."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Invalid
from kinline.identity.meeting import MATCH
from kinline.identity.suggestions.index import COMPARED
from kinline.jobs import queue
from kinline.store import sql
from kinline.store.models import Attribute, metadata

_ATTRIBUTE = metadata.tables[str(Attribute.__tablename__)]
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
#: Bytes of one value, as JSON.
LARGEST = 10_000


def state(session: Session, identity_id: str, name: str, value: Any, *, source: str, at: int | None = None) -> None:
    """Keep what somebody says is so from ``at`` (now) on. None: it is not known any more. Raises `Invalid`."""
    if not NAME.fullmatch(name):
        raise Invalid("An attribute's name is small letters, digits and _, 64 at most.", code="invalid_name")
    text = msgspec.json.encode(value).decode()
    if len(text) > LARGEST:
        raise Invalid(f"A value has {LARGEST} bytes at most.", code="too_long", pointer="/value")
    if value is not None and name in _CHECKS:
        _CHECKS[name](value)
    now = clock.now()
    session.add(
        Attribute(
            id=ids.new(), identity_id=identity_id, name=name, value=text, at=now if at is None else at,
            recorded_at=now, source=source,
        )
    )  # fmt: skip
    session.flush()
    _match(session, identity_id, [name])
    queue.plan(session, "person.decide", [(identity_id, now)])  # a date may be due, or not any more


def keep(session: Session, identity_id: str, values: dict[str, Any], *, said: str, source: str, at: int) -> list[str]:
    """Keep what a source says of somebody in the statement ``said``. Returns the names of those that are new.

    The same statement again changes nothing; a value that is too long or is none of its name is left out.
    """
    now = clock.now()
    fit = {name: text for name, value in sorted(values.items()) if (text := _fit(name, value))}
    rows = [
        (ids.derived("attribute", identity_id, source, said, name), identity_id, name, text, at, now, source)
        for name, text in fit.items()
    ]
    names = {row[0]: row[2] for row in rows}
    new = [names[each] for (each,) in sql.insert_new(session, _ATTRIBUTE, sorted(rows), 1)]
    if new:
        _match(session, identity_id, new)
        queue.plan(session, "person.decide", [(identity_id, now)])
    return sorted(new)


def _match(session: Session, identity_id: str, names: Iterable[str]) -> None:
    """What is compared with others' has changed."""
    if not COMPARED.isdisjoint(names):
        queue.plan(session, MATCH, [identity_id])


def _fit(name: str, value: Any) -> str:
    """The value as it is kept; "" where it cannot be."""
    text = msgspec.json.encode(value).decode()
    try:
        if value is not None and name in _CHECKS:
            _CHECKS[name](value)
    except Invalid:
        return ""
    return text if NAME.fullmatch(name) and len(text) <= LARGEST else ""


def _zone(value: Any) -> None:
    if clock.zone(value) is None:
        raise Invalid("A time zone is an IANA name, like Europe/Madrid.", code="invalid_time_zone", pointer="/value")


#: Attributes that the hub itself reads.
_CHECKS: dict[str, Callable[[Any], None]] = {"time_zone": _zone}

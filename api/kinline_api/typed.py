"""An interaction as a caller of the API writes it, and how it becomes one to record."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kinline import clock, handles
from kinline.accounts.connected import AccountRef
from kinline.clock import MINUTE
from kinline.errors import Invalid, KinlineError, Malformed
from kinline.handles import Handle
from kinline.identity.parties import MAX_PARTIES
from kinline.messages import Interaction, Party, Thread
from kinline.record.recording import Recording
from kinline.words import Direction, HandleType, Kind, Origin, Role, Standing
from kinline_api.json_body import Body, BodyDecoder, examine, keys_written, plain, refuse_other_encodings

#: How far a caller's clock may run ahead of ours.
AHEAD = 10 * MINUTE
Name = Annotated[str, Meta(max_length=200)]
Ref = Annotated[str, Meta(max_length=500)]
Line = Annotated[str, Meta(max_length=2000)]
Word = Annotated[str, Meta(max_length=100)]
Long = Annotated[str, Meta(max_length=500_000)]
Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class HandleIn(Body, frozen=True):
    """A handle in parts; as text it is ``email:ann@example.org`` or ``external:shop/42``."""

    type: HandleType
    value: Ref
    issuer: Ref | UnsetType = UNSET


class PartyIn(Body, frozen=True):
    """One participant. ``ours`` marks our own side. Without ``standing`` the line is *claimed*."""

    role: Role
    handle: Ref | HandleIn | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    standing: Standing | UnsetType = UNSET
    ours: bool | UnsetType = UNSET


class ThreadIn(Body, frozen=True):
    """Where in a conversation it stands: the key of this interaction, and of what it answers."""

    key: Annotated[str, Meta(min_length=1, max_length=500)]
    parent: Ref | UnsetType = UNSET
    ancestors: Annotated[tuple[Ref, ...], Meta(max_length=100)] | UnsetType = UNSET


class InteractionIn(Body, frozen=True):
    """One thing somebody did. ``source_id`` is yours, constant over retries, unique in the account.

    ``history``: it is brought in from the past: it sends nothing and makes no task, whatever its time.
    """

    account: Word
    source_id: Annotated[str, Meta(min_length=1, max_length=500)]
    kind: Kind
    direction: Direction
    parties: Annotated[tuple[PartyIn, ...], Meta(max_length=MAX_PARTIES)] | UnsetType = UNSET
    occurred_at: Moment | UnsetType = UNSET
    changed_at: Moment | UnsetType = UNSET
    text: Long | UnsetType = UNSET
    subject: Line | UnsetType = UNSET
    thread: ThreadIn | UnsetType = UNSET
    answers: Ref | UnsetType = UNSET
    about: Ref | UnsetType = UNSET
    url: Line | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=35)] | UnsetType = UNSET
    facts: Annotated[dict[str, Any], Meta(max_length=200)] | UnsetType = UNSET
    sequence: Count | UnsetType = UNSET
    automatic: Word | UnsetType = UNSET
    moderation: Word | UnsetType = UNSET
    history: bool | UnsetType = UNSET


_reader = BodyDecoder(InteractionIn)
_parts = msgspec.structs.astuple


def read_interaction(raw: bytes) -> InteractionIn:
    """Read one strictly. A plain body, as nearly all are, is decoded once; only others are examined first."""
    refuse_other_encodings(raw)
    if not plain(raw):
        examine(raw)
        return _reader.decode(raw)
    given = _reader.decode(raw)
    if keys_written(raw) != _keys_decoded(given):
        examine(raw)
    return given


def recording_of(
    given: InteractionIn, account: AccountRef, now: int, region: str, *, history: bool = False
) -> Recording:
    """The recording it asks for; ``history``: where it does not say itself. Raises `Invalid` with a pointer for what no
    decoder can know."""
    past = history if given.history is UNSET else bool(given.history)
    if past and given.occurred_at is UNSET:
        said = "What is history happened at a time: give `occurred_at`, or leave `history` out."
        raise Invalid(said, code="missing_field", pointer="/occurred_at")
    what = Interaction(
        source_id=given.source_id,
        kind=given.kind,
        direction=given.direction,
        parties=tuple([_party(each, at, region) for at, each in enumerate(given.parties or ())]),
        occurred_at=_checked(given.occurred_at, now, "/occurred_at"),
        changed_at=_checked(given.changed_at, now, "/changed_at"),
        sequence=given.sequence or 0,
        subject=given.subject or "",
        text=given.text or "",
        language=given.language or "",
        url=given.url or "",
        thread=_thread(given.thread) if given.thread else None,
        answers=given.answers or "",
        about=given.about or "",
        automatic=given.automatic or "",
        moderation=given.moderation or "",
        facts=given.facts or {},
    )
    origin = Origin.IMPORT if past else Origin.LIVE
    return Recording(account=account, what=what, arrived_at=now, exclusive=given.changed_at is UNSET, origin=origin)


def handle_of(given: str | HandleIn, region: str, pointer: str) -> Handle:
    """The handle in its one spelling. Raises `Invalid` with code ``invalid_handle``."""
    try:
        if isinstance(given, str):
            return _written(given, region)
        return _normalised(Handle(given.type, given.value, given.issuer or ""), region)
    except Invalid as error:
        raise Invalid(error.detail, code=error.code, pointer=pointer) from None


def moment_of(given: datetime, pointer: str) -> int:
    """Microseconds. Raises `Invalid` for times beyond the years that the hub keeps."""
    try:
        at = clock.from_datetime(given)
    except (OverflowError, ValueError):
        at = clock.LATEST + 1
    if not clock.EARLIEST <= at <= clock.LATEST:
        raise Invalid("Times lie between the years 1900 and 2100.", code="invalid_datetime", pointer=pointer)
    return at


def _keys_decoded(given: InteractionIn) -> int:
    """How many keys this was decoded from, if none of them stood twice."""
    count = _set(given)
    for party in given.parties or ():
        count += _set(party)
        if isinstance(party.handle, HandleIn):
            count += _set(party.handle)
    if given.thread:
        count += _set(given.thread)
    return count + (_keys_of(given.facts) if given.facts else 0)


def _set(struct: Body) -> int:
    parts = _parts(struct)
    return len(parts) - parts.count(UNSET)


def _keys_of(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_keys_of, value.values()))
    return sum(map(_keys_of, value)) if isinstance(value, list) else 0


def _party(given: PartyIn, number: int, region: str) -> Party:
    handle = handle_of(given.handle, region, f"/parties/{number}/handle") if given.handle is not UNSET else None
    return Party(
        role=given.role,
        handle=handle,
        name=given.name or "",
        standing=given.standing or Standing.CLAIMED,
        ours=given.ours or False,
    )


def _thread(given: ThreadIn) -> Thread:
    return Thread(key=given.key, parent=given.parent or "", ancestors=given.ancestors or ())


def _checked(given: datetime | UnsetType, now: int, pointer: str) -> datetime | None:
    if given is UNSET:
        return None
    if moment_of(given, pointer) > now + AHEAD:
        raise Invalid("That is more than 10 minutes ahead.", code="in_future", pointer=pointer)
    return given


@lru_cache(maxsize=10_000)
def _written(text: str, region: str) -> Handle:
    _refuse_controls(text)
    return handles.parse(text, region=region or None)


@lru_cache(maxsize=10_000)
def _normalised(handle: Handle, region: str) -> Handle:
    _refuse_controls(handle.value + handle.issuer)
    return handles.normalise(handle, region=region or None)


def _refuse_controls(text: str) -> None:
    """Before anybody strips: a line break in an address is an attack or an accident."""
    if not text.isprintable() and any(char < " " or char == "\x7f" for char in text):
        raise Invalid("A handle has no control characters.", code="invalid_handle")


def idempotency_key(given: str | None) -> str:
    """The key as it may be kept; "" for none. Raises `Malformed`."""
    if given is None:
        return ""
    if not 1 <= len(given) <= 255 or not given.isascii() or not given.isprintable():
        raise Malformed("An Idempotency-Key has 1 to 255 printable ASCII characters.", code="invalid_idempotency_key")
    return given


def refusal(error: KinlineError) -> dict[str, Any]:
    """An error as one line of a batch's answer."""
    shown = {"code": error.code, "detail": error.detail, "pointer": error.pointer}
    return {name: value for name, value in shown.items() if value}

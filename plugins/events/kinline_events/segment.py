"""Segment calls (segment.com/docs/connections/spec): identify, track, page, screen, group, alias, and batches of them.

Clocks are corrected as Segment does it: an event happened at receivedAt − (sentAt − its own timestamp), so that a device
whose clock is wrong by a day does no harm. ``messageId`` names an event for ever.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from kinline import (
    Direction,
    Handle,
    HandleType,
    Interaction,
    Kind,
    Normalised,
    Party,
    Profile,
    Role,
    Source,
    Standing,
    Unreadable,
)
from kinline_events.fields import fields, moment, snake, text, worth
from kinline_events.kinds import kind_of
from kinline_events.settings import EventsSettings

RECEIVED = "received-at"  #: the header in which the hub's door says when a body came
CALLS = ("identify", "track", "page", "screen", "group", "alias")
LONGEST_ID = 100  #: characters of a message id, as Segment has it
#: Traits that are no attributes: handles and names, told as such.
HANDLES = {"email": HandleType.EMAIL, "phone": HandleType.PHONE}
NAMES = frozenset({"name", "first_name", "last_name", "avatar", "id"})
RENAMED = {"timezone": "time_zone"}


class Call(msgspec.Struct, frozen=True):
    """One call, and when its batch was sent and received."""

    told: dict[str, Any]
    sort: str
    sent_at: str
    received_at: str


def calls(body: dict[str, Any], source: Source) -> Iterator[Call]:
    """The calls of a body: those of its batch, or itself."""
    received = source.headers.get(RECEIVED, "")
    if "batch" not in body:
        sort = text(body.get("type")) or (source.name if source.name in CALLS else "")
        yield Call(_without_key(body), sort, text(body.get("sentAt")), received)
        return
    batch = body["batch"]
    if not isinstance(batch, list):
        raise Unreadable("A batch is a list of calls.", code="expected_list", pointer="/batch")
    shared = {"context": fields(body.get("context"))} if body.get("context") else {}
    for each in batch:
        told = _without_key(shared | fields(each))
        yield Call(told, text(told.get("type")), text(body.get("sentAt")) or text(told.get("sentAt")), received)


def _without_key(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "writeKey"}


def meant(call: Call, settings: EventsSettings) -> Sequence[Normalised]:
    """What one call says. Raises `Unreadable` where Segment would not accept it."""
    told = call.told
    if call.sort not in CALLS:
        raise Unreadable(f"A call is one of {', '.join(CALLS)}.", code="unknown_type", pointer="/type")
    user, anonymous = (
        _handle(told, "userId", settings.issuer),
        _handle(told, "anonymousId", f"{settings.issuer}.anonymous"),
    )
    if user is None and anonymous is None:
        raise Unreadable("A call has a userId or an anonymousId.", code="no_user_anon_id", pointer="/userId")
    who = [handle for handle in (user, anonymous) if handle]
    about = _About(told, message_id(told), happened(call), [_party(each, settings) for each in who])
    match call.sort:
        case "identify":
            return [_identified(about, settings)]
        case "group":
            return [_grouped(about, settings)]
        case "alias":
            return [_aliased(about, settings)]
        case "track":
            return [_tracked(about, settings)]
    return [_viewed(about, call.sort)]


class _About(msgspec.Struct, frozen=True):
    """What all calls have: an id, a moment, and who it is about, the user before the anonymous visitor."""

    told: dict[str, Any]
    id: str
    at: datetime | None
    who: list[Party]

    @property
    def flags(self) -> tuple[str, ...]:
        return () if text(self.told.get("messageId")) else ("no_message_id",)


def message_id(told: dict[str, Any]) -> str:
    """The id that names this call; where its sender gave none, the hash of what it says."""
    given = text(told.get("messageId"))
    if len(given) > LONGEST_ID:
        raise Unreadable(f"A messageId has {LONGEST_ID} characters at most.", code="too_long", pointer="/messageId")
    return given or "sha256:" + sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def happened(call: Call) -> datetime | None:
    """When it happened by a right clock: receivedAt − (sentAt − originalTimestamp); never after it was received."""
    told = call.told.get("originalTimestamp") or call.told.get("timestamp")
    original, sent, received = moment(told), moment(call.sent_at), moment(call.received_at)
    if told is not None and original is None:
        raise Unreadable("The timestamp is no ISO 8601 time.", code="invalid_datetime", pointer="/timestamp")
    if original is None or received is None:
        return original or received
    try:
        return min(received - (sent - original) if sent else original, received)
    except OverflowError:
        raise Unreadable("The timestamp is beyond all clocks.", code="invalid_datetime", pointer="/timestamp") from None


def _tracked(about: _About, settings: EventsSettings) -> Interaction:
    name = text(about.told.get("event"))
    if not name:
        raise Unreadable("A track call has an event.", code="required", pointer="/event")
    properties = fields(about.told.get("properties"))
    kind = kind_of(name, settings.kinds)
    return _did(about, kind, {"event": name, **worth(properties)}, properties, text(properties.get("url")))


def _viewed(about: _About, sort: str) -> Interaction:
    properties, page = fields(about.told.get("properties")), fields(fields(about.told.get("context")).get("page"))
    known = {
        **page,
        **properties,
        "name": about.told.get("name") or properties.get("name"),
        "category": about.told.get("category"),
    }
    facts = {
        each: text(known.get(each))
        for each in ("name", "category", "path", "title", "referrer")
        if text(known.get(each))
    }
    return _did(about, Kind.PAGE_VIEW, {"event": sort, **facts}, properties, text(known.get("url")))


def _did(about: _About, kind: Kind, facts: dict[str, Any], properties: dict[str, Any], url: str) -> Interaction:
    author, *others = about.who
    beside = tuple(other.handle for other in others if other.handle)
    return Interaction(
        source_id=f"segment|{about.id}", kind=kind, direction=Direction.INBOUND, occurred_at=about.at, url=url[:2000],
        parties=(msgspec.structs.replace(author, also=beside),), flags=about.flags, once=True,
        facts=facts | ({"properties": properties} if properties else {}),
    )  # fmt: skip


def _identified(about: _About, settings: EventsSettings) -> Profile:
    traits = fields(about.told.get("traits")) or fields(fields(about.told.get("context")).get("traits"))
    named = {snake(name): value for name, value in traits.items()}
    who, *others = about.who
    told = [Handle(sort, text(named.get(name))) for name, sort in HANDLES.items() if text(named.get(name))]
    return Profile(
        source_id=about.id, who=msgspec.structs.replace(who, name=_name(named)), at=about.at,
        also=(*others, *(_party(handle, settings) for handle in told)), known=_kept(named, settings),
    )  # fmt: skip


def _kept(named: dict[str, Any], settings: EventsSettings) -> dict[str, Any]:
    """The traits that are attributes, as far as the account allows them."""
    allowed, blocked = (
        {snake(name) or name for name in settings.traits},
        {snake(name) for name in settings.traits_blocked},
    )
    return {
        RENAMED.get(name, name): value
        for name, value in sorted(named.items())
        if name not in HANDLES and name not in NAMES and name not in blocked and ("*" in allowed or name in allowed)
    }


def _grouped(about: _About, settings: EventsSettings) -> Profile:
    key = text(about.told.get("groupId"))
    if not key:
        raise Unreadable("A group call has a groupId.", code="required", pointer="/groupId")
    name = text(fields(about.told.get("traits")).get("name"))
    return Profile(
        source_id=about.id, who=about.who[0], at=about.at, organisation=key[:500], organisation_name=name[:200],
        issuer=settings.issuer,
    )  # fmt: skip


def _aliased(about: _About, settings: EventsSettings) -> Profile:
    """``previousId`` may be an anonymous visitor's or a user's; it does not say."""
    previous = text(about.told.get("previousId"))
    if not previous or not text(about.told.get("userId")):
        missing = "previousId" if not previous else "userId"
        raise Unreadable("An alias call has a previousId and a userId.", code="required", pointer=f"/{missing}")
    issuers = (settings.issuer, f"{settings.issuer}.anonymous")
    also = tuple(_party(Handle(HandleType.EXTERNAL, previous[:300], issuer), settings) for issuer in issuers)
    return Profile(source_id=about.id, who=about.who[0], also=also, at=about.at)


def _handle(told: dict[str, Any], name: str, issuer: str) -> Handle | None:
    value = text(told.get(name))
    return Handle(HandleType.EXTERNAL, value[:300], issuer) if value else None


def _party(handle: Handle, settings: EventsSettings) -> Party:
    standing = Standing.VERIFIED if handle.type in settings.trusted else Standing.CLAIMED
    return Party(role=Role.AUTHOR, handle=handle, standing=standing)


def _name(named: dict[str, Any]) -> str:
    return text(named.get("name")) or f"{text(named.get('first_name'))} {text(named.get('last_name'))}".strip()

"""Reading single fields of foreign objects: ids, times, words, people. Nothing here trusts a type."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from kinline import Handle, HandleType, Party, Role, Standing, Unreadable, clock
from kinline.errors import Invalid
from kinline.handles import normalise

Json = dict[str, Any]
Ours = frozenset[str]  #: the account ids that are ours

ID = re.compile(r"[0-9]{1,20}")
SNOWFLAKE_EPOCH = 1_288_834_974_657  # milliseconds; twitter-archive/snowflake, 2010
FIRST_SNOWFLAKE = 30_000_000_000  # ids up to here were handed out one by one, until November 2010
BEGINNING = datetime(2006, 3, 21, tzinfo=UTC)  # the first post ever
END = datetime(2100, 1, 1, tzinfo=UTC)
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seconds() -> float:
    """The present, in seconds since 1970, by the clock that the hub goes by."""
    return clock.now() / clock.SECOND


class Person(msgspec.Struct, frozen=True):
    """Somebody on X. The id is who they are; the handle is what they are called at the moment."""

    id: str
    name: str = ""
    handle: str = ""


def objects(value: Any) -> list[Json]:
    """The objects in what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def inside(value: Any, *path: str) -> Any:
    """What stands at this path, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def within(value: Any, *path: str) -> Json:
    """The object at this path, or an empty one."""
    found = inside(value, *path)
    return found if isinstance(found, dict) else {}


def words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def id_in(value: Any) -> str:
    """An exact id as a string, or "" where there is none. A float is refused: it has lost digits."""
    if isinstance(value, float):
        raise Unreadable("An id came as a floating point number, which cannot hold it exactly.", code="bad_id")
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**20:
        return str(value)
    if isinstance(value, str) and ID.fullmatch(value):
        return value.lstrip("0")
    return ""


def id_of(it: Json, key: str = "id") -> str:
    """The id under ``key``; its ``_str`` twin is preferred, for some writers round the number."""
    return id_in(it.get(f"{key}_str")) or id_in(it.get(key))


def required_id(it: Json, what: str, key: str = "id") -> str:
    """Raises `Unreadable`, ``missing_field`` or ``bad_id``, when it is not there or no id."""
    if found := id_of(it, key):
        return found
    if it.get(key) is None and it.get(f"{key}_str") is None:
        raise missing(what, key)
    raise Unreadable(f"The {key} of {what} is no id: digits only, twenty at most.", code="bad_id")


def missing(what: str, field: str) -> Unreadable:
    return Unreadable(f"{what[:1].upper()}{what[1:]} has no {field}.", code="missing_field")


def moment(value: Any) -> datetime | None:
    """A time in any of X's spellings, in UTC. None: unreadable, or outside of the time X exists."""
    try:
        found = _moment(value)
    except (ValueError, TypeError, OverflowError, IndexError, KeyError):
        return None
    return found if found is not None and BEGINNING <= found < END else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20):
        return _from_milliseconds(int(value))
    if not isinstance(value, str) or len(value) > 40:
        return None
    if value[:4].isdigit():
        found = datetime.fromisoformat(value)
    elif "," in value:
        found = parsedate_to_datetime(value)
    else:
        _, month, day, clock, zone, year = value.split()
        found = datetime.fromisoformat(
            f"{int(year):04}-{MONTHS.index(month):02}-{int(day):02}T{clock}{zone[:3]}:{zone[3:]}"
        )
    return found.astimezone(UTC) if found.tzinfo else None


def _from_milliseconds(count: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=count)


def moment_of_id(id: str) -> datetime | None:
    """When this id was made, to the second, as ``created_at`` has it. None for ids older than snowflakes."""
    if not id or int(id) <= FIRST_SNOWFLAKE:
        return None
    try:
        found = _from_milliseconds((int(id) >> 22) + SNOWFLAKE_EPOCH)
    except OverflowError:
        return None
    return found.replace(microsecond=0) if found < END else None


def sequence_of_id(id: str) -> int:
    """The order among the ids of one second."""
    number = int(id)
    if number <= FIRST_SNOWFLAKE:
        return number
    return (((number >> 22) + SNOWFLAKE_EPOCH) % 1000 << 22) + (number & 0x3FFFFF)


#: X escapes exactly these in texts; the ampersand comes last, so that nothing is undone twice.
ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))


def said(text: str) -> str:
    """A text as its author typed it."""
    for escaped, plain in ESCAPES:
        text = text.replace(escaped, plain)
    return text


def person(user: Any) -> Person | None:
    """The person in a user object of any version. None without an id: a handle alone is nobody."""
    if not isinstance(user, dict) or not (found := id_of(user)):
        return None
    return Person(found, words(user.get("name")), words(user.get("screen_name")) or words(user.get("username")))


def party(role: Role, who: Person, ours: Ours) -> Party:
    """One line of participants. X itself says who they are, so the line is verified."""
    return Party(
        role=role,
        handle=Handle(HandleType.X_ID, who.id),
        name=who.name,
        standing=Standing.VERIFIED,
        ours=who.id in ours,
        also=_alias(who.handle),
    )


def _alias(handle: str) -> tuple[Handle, ...]:
    try:
        return (normalise(Handle(HandleType.X_HANDLE, handle)),) if handle else ()
    except Invalid:
        return ()

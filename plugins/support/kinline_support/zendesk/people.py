"""Users, their mail addresses and telephones, and organisations: records, not interactions."""

from collections.abc import Sequence

from kinline import Applied, Handle, HandleType, Normalised, Party, Role, Standing, Unreadable
from kinline.errors import Invalid
from kinline.handles import is_blocked, normalise
from kinline_support import settings as desk
from kinline_support.fields import Record, ident, line, record, rows, word
from kinline_support.settings import SupportSettings

#: Whether a role is ours. Light agents and admins have the role ``agent`` or ``admin`` too.
OURS = {"end-user": False, "agent": True, "admin": True}

#: The types of a desk's “user identities” that the hub has a handle for.
HANDLES = {"email": HandleType.EMAIL, "phone_number": HandleType.PHONE}


def is_ours(user: str, people: Record, settings: SupportSettings) -> bool | None:
    """Whether this user is one of our agents: by the settings, then by the role in the export. None: unknown."""
    known = record(people.get(user))
    agents = {agent.strip().casefold() for agent in settings.agents}
    if {user.casefold(), line(known.get("email")).casefold()} & agents - {""}:
        return True
    return OURS.get(word(known.get("role")))


def of_user(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A user record: names and addresses for the one id. A deleted user's are not taken."""
    user = ident(item.get("id"))
    if not user:
        raise Unreadable("A user without an id.", code="no_id")
    if item.get("active") is False or item.get("permanently_deleted") is True:
        return [Applied(reason="user record: deleted")]
    believed = settings.trust_identities and item.get("suspended") is not True
    proved, said = _addresses(item, believed)
    ours = bool(is_ours(user, {user: item}, settings))
    parties = [
        Party(
            role=Role.AUTHOR,
            handle=desk.user(user, settings),
            name=line(item.get("name")),
            standing=standing,
            ours=ours,
            also=also,
        )
        for standing, also in ((Standing.VERIFIED, proved), (Standing.CLAIMED, said))
        if also or (standing is Standing.CLAIMED and not proved)
    ]
    return [Applied(reason=_reason(item), names=tuple(parties))]


def of_identity(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """One row of a user's identities, where the desk says for each address whether it was verified."""
    user = ident(item.get("user_id"))
    if not user:
        raise Unreadable("A user's address without the user's id.", code="no_id")
    proved, said = _identities([item], settings.trust_identities)
    standing = Standing.VERIFIED if proved else Standing.CLAIMED
    party = Party(role=Role.AUTHOR, handle=desk.user(user, settings), standing=standing, also=proved or said)
    return [Applied(reason="user identity", names=(party,) if party.also else ())]


def of_organisation(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    if not ident(item.get("id")):
        raise Unreadable("An organisation without an id.", code="no_id")
    return [Applied(reason="organisation record")]


def _reason(item: Record) -> str:
    return "user record: suspended" if item.get("suspended") is True else "user record"


def _addresses(item: Record, believed: bool) -> tuple[tuple[Handle, ...], tuple[Handle, ...]]:
    """Those that the desk verified and we believe, and those that somebody typed."""
    proved, said = _identities(rows(item.get("identities")), believed)
    email = _handle("email", item.get("email"))
    if email and email not in (*proved, *said):
        vouched = believed and item.get("verified") is True and not rows(item.get("identities"))
        proved, said = ((*proved, email), said) if vouched else (proved, (*said, email))
    phone = None if item.get("shared_phone_number") is True else _handle("phone_number", item.get("phone"))
    return proved, (*said, phone) if phone and phone not in (*proved, *said) else said


def _identities(found: list[object], believed: bool) -> tuple[tuple[Handle, ...], tuple[Handle, ...]]:
    proved, said = dict[Handle, None](), dict[Handle, None]()
    for row in map(record, found):
        if handle := _handle(word(row.get("type")), row.get("value")):
            (proved if believed and row.get("verified") is True else said)[handle] = None
    return tuple(proved), tuple(said)


def _handle(sort: str, value: object) -> Handle | None:
    """None for what is no address, or one that stands for many."""
    if sort not in HANDLES or not isinstance(value, str):
        return None
    try:
        handle = normalise(Handle(HANDLES[sort], value))
    except Invalid:
        return None
    return None if is_blocked(handle) else handle

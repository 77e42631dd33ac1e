"""Who wrote in a Chatwoot: contacts are theirs, users are ours, bots are machines of ours."""

from kinline import Handle, HandleType, Party, Role, Standing
from kinline.errors import Invalid
from kinline.handles import is_blocked, normalise
from kinline_support import settings as desk
from kinline_support.fields import Record, ident, line, word
from kinline_support.settings import SupportSettings

BOTS = frozenset({"agent_bot", "captain_assistant", "captain::assistant"})


def contact(found: Record, role: Role, settings: SupportSettings) -> Party | None:
    """A contact by its id. What they typed into a form is an alias that nobody vouches for."""
    who = ident(found.get("id"))
    if not who:
        return None
    also = (_handle(HandleType.EMAIL, found.get("email")), _handle(HandleType.PHONE, found.get("phone_number")))
    return Party(
        role=role,
        handle=desk.user(f"contact:{who}", settings),
        name=line(found.get("name")),
        standing=Standing.VERIFIED if role is Role.RECIPIENT else Standing.CLAIMED,
        also=tuple(each for each in also if each),
    )


def agent(found: Record, settings: SupportSettings) -> Party:
    who = ident(found.get("id"))
    return Party(
        role=Role.AUTHOR,
        handle=desk.user(f"user:{who}", settings) if who and not is_bot(found) else None,
        name=line(found.get("name")) or line(found.get("available_name")),
        standing=Standing.VERIFIED,
        ours=True,
    )


def is_bot(found: Record) -> bool:
    return word(found.get("type")) in BOTS


def _handle(sort: HandleType, value: object) -> Handle | None:
    """None for what is no address, or one that stands for many."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        handle = normalise(Handle(sort, value))
    except Invalid:
        return None
    return None if is_blocked(handle) else handle

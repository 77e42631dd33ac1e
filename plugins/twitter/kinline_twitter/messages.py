"""Direct messages, in the four shapes in which X has written them."""

from kinline import Direction, Handle, HandleType, Interaction, Kind, Party, Receipt, Role, Thread
from kinline_twitter.fields import (
    ID,
    Json,
    Ours,
    Person,
    id_in,
    id_of,
    inside,
    missing,
    moment,
    party,
    person,
    required_id,
    said,
    within,
    words,
)
from kinline_twitter.posts import direction_of, when


def message_id(id: str) -> str:
    return f"dm:{id}"


def conversation_key(told: str, one: Person, other: Person | None) -> str:
    """One key for all messages between the same two, whoever begins; a group's own id for groups."""
    if not told and other is not None:
        told = f"{one.id}-{other.id}"
    ends = told.split("-")
    if len(ends) == 2 and all(ID.fullmatch(end) for end in ends):
        ends.sort(key=int)
    return "dm:" + "-".join(ends) if told else ""


def from_v1(message: Json, ours: Ours) -> Interaction:
    """``GET direct_messages`` and ``{"direct_message": …}`` of the user stream, until 2018."""
    id = required_id(message, "a direct message")
    sender = _whole(message, "sender", id)
    return _interaction(
        id, sender, person(message.get("recipient")) or _bare(message, "recipient"), message, message, ours
    )


def from_event(event: Json, users: Json, ours: Ours) -> Interaction:
    """``message_create`` events: the webhook's, and ``GET direct_messages/events``."""
    id = required_id(event, "a direct message")
    create = within(event, "message_create")
    sender = required_id(create, f"direct message {id}", "sender_id")
    recipient = id_of(within(create, "target"), "recipient_id")
    return _interaction(
        id,
        person(users.get(sender)) or Person(sender),
        (person(users.get(recipient)) or Person(recipient)) if recipient else None,
        within(create, "message_data"),
        event,
        ours,
    )


def from_v2(event: Json, users: Json, ours: Ours) -> Interaction:
    """``MessageCreate`` events of API v2. Who else is in the conversation stands in its id, or in the list."""
    id = required_id(event, "a direct message")
    sender = required_id(event, f"direct message {id}", "sender_id")
    told = words(event.get("dm_conversation_id"))
    others = [end for end in told.split("-") if ID.fullmatch(end) and end != sender] if "-" in told else []
    listed = event.get("participant_ids")
    others += [found for one in (listed if isinstance(listed, list) else []) if (found := id_in(one))]
    known = [person(users.get(other)) or Person(other) for other in dict.fromkeys(others) if other != sender]
    writer = person(users.get(sender)) or Person(sender)
    return _interaction(id, writer, known[0] if known else None, event, event, ours, tuple(known[1:]))


def _whole(message: Json, side: str, id: str) -> Person:
    found = person(message.get(side)) or _bare(message, side)
    if found is None:
        raise missing(f"direct message {id}", side)
    return found


def _bare(message: Json, side: str) -> Person | None:
    id = id_of(message, f"{side}_id")
    return Person(id, "", words(message.get(f"{side}_screen_name"))) if id else None


def _interaction(
    id: str,
    sender: Person,
    recipient: Person | None,
    content: Json,
    event: Json,
    ours: Ours,
    more: tuple[Person, ...] = (),
) -> Interaction:
    if not isinstance(content.get("text"), str):
        raise missing(f"direct message {id}", "text")
    parties = _parties(sender, (recipient, *more), ours)
    occurred, flags = when(id, event.get("created_timestamp") or event.get("created_at"))
    return Interaction(
        source_id=message_id(id),
        kind=Kind.MESSAGE,
        direction=_direction(parties, ours),
        parties=parties,
        occurred_at=occurred,
        text=said(content["text"]),
        thread=Thread(
            key=message_id(id),
            parent=conversation_key(words(event.get("dm_conversation_id")), sender, recipient),
            private=True,
        ),
        facts={"dm_id": id} | ({"group": True} if more else {}),
        flags=flags,
    )


def _direction(parties: tuple[Party, ...], ours: Ours) -> Direction:
    """A message reached us because we take part, unless it plainly is between others."""
    found = direction_of(parties)
    between_others = bool(ours) and len(parties) > 1
    return Direction.INBOUND if found is Direction.AMONG and not between_others else found


def _parties(sender: Person, recipients: tuple[Person | None, ...], ours: Ours) -> tuple[Party, ...]:
    others = [party(Role.RECIPIENT, who, ours) for who in recipients if who is not None and who.id != sender.id]
    return (party(Role.AUTHOR, sender, ours), *others)


def read(event: Json) -> Receipt:
    """Somebody read the conversation up to this message."""
    id = required_id(event, "a read event", "last_read_event_id")
    reader = id_of(event, "sender_id")
    return Receipt(
        source_id=message_id(id),
        report="read",
        occurred_at=moment(event.get("created_timestamp")),
        recipient=Handle(HandleType.X_ID, reader) if reader else None,
    )


def is_message(event: Json) -> bool:
    return isinstance(inside(event, "message_create"), dict)

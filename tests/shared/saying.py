"""People and we say things, at hours after nine, on a mailbox, on X, at a desk; and who waits then."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from kinline import clock
from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.desk import conversation_list, worklist
from kinline.desk.conversations import View
from kinline.desk.worklist import WaitingShown, WorklistFilter
from kinline.hub import Hub
from kinline.messages import Party, Thread
from kinline.record.batch import record_batch
from kinline.testing.factories import MORNING, InteractionFactory, PartyFactory, RecordingFactory
from kinline.words import Direction, Kind, Origin, Role

ACCOUNTS = {
    "inbox": ("email", {"address": "help@hub.example"}),
    "x": ("twitter", {"user_id": "900"}),
    "desk": ("support", {"desk": "desk.example.org"}),
}
US = Party(role=Role.RECIPIENT, name="Support", ours=True)


def connect_accounts(hub: Hub) -> None:
    with hub.store.write() as session:
        for name, (channel, given) in ACCOUNTS.items():
            connected.connect(session, hub.secret, channel, name, given)


def account_of(session: Session, name: str) -> AccountRef:
    return connected.ref(connected.named(session, name))


def says(
    hub: Hub,
    source: str,
    hours: float,
    *,
    on: str = "inbox",
    below: str = "",
    origin: Origin = Origin.LIVE,
    **more: Any,
) -> None:
    """Somebody says something so many hours after nine, in a conversation of its own; ``below``: as an answer to that."""
    at = MORNING + timedelta(hours=hours)
    thread = Thread(key=source, parent=below, private=on != "x")
    given = {"source_id": source, "occurred_at": at, "thread": thread, "answers": below, **more}
    if on == "x":
        given = {"kind": Kind.MENTION, **given}
    what = InteractionFactory.build(**given)
    with hub.store.write() as session, clock.frozen(clock.from_datetime(at)):
        record_batch(session, [RecordingFactory.build(account=account_of(session, on), what=what, origin=origin)])


def under(parent: str, **more: Any) -> dict[str, Any]:
    """In the thread of something that was said."""
    key = f"{parent}-{len(more)}-{more.get('text', '')}-{more.get('ours', '')}"
    return {"thread": Thread(key=key, parent=parent, private=True), **more}


def by(*handles: Any, to_us: bool = True, direction: Direction = Direction.INBOUND) -> dict[str, Any]:
    """Said by the first to the others, and to us."""
    author, *others = handles
    parties = (
        PartyFactory.build(handle=author),
        *(PartyFactory.build(handle=each, role=Role.RECIPIENT) for each in others),
    )
    return {"parties": (*parties, US) if to_us else parties, "direction": direction}


def by_us(*handles: Any, **more: Any) -> dict[str, Any]:
    """Said by one of us to these."""
    author = Party(role=Role.AUTHOR, name="Support", ours=True)
    others = (PartyFactory.build(handle=each, role=Role.RECIPIENT) for each in handles)
    return {"parties": (author, *others), "direction": Direction.OUTBOUND, **more}


def who_waits(hub: Hub, hours: float | None = None, **wanted: Any) -> list[WaitingShown]:
    """The list, so many hours after nine."""
    at = clock.now() if hours is None else clock.from_datetime(MORNING + timedelta(hours=hours))
    with hub.store.read() as session, clock.frozen(at):
        return [each for _, each in worklist.listed(session, WorklistFilter(**wanted))]


def since(hub: Hub, hours: float | None = None, **wanted: Any) -> list[str]:
    """Since when they wait: the hour and the minute."""
    return [str(each.since)[11:16] for each in who_waits(hub, hours, **wanted)]


def shown(hub: Hub, hours: float = 0, number: int = 0) -> View:
    """A conversation of the list, so many hours after nine."""
    with hub.store.read() as session, clock.frozen(clock.from_datetime(MORNING + timedelta(hours=hours))):
        return conversation_list.listed(session)[number][1]

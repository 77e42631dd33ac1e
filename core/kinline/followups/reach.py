"""What an agent should know before typing: over which channels a person can be written to now, and why not."""

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.contract.channel import Ability, AnyChannel
from kinline.contract.plugins import channels
from kinline.followups.guards import hold
from kinline.followups.holding import Going, GuardResult
from kinline.followups.routes import Route, account_name, active_accounts, handle_of, ways
from kinline.hub import Hub
from kinline.store.models import FollowUp
from kinline.words import FollowUpState, SendClass


class Reach(msgspec.Struct, frozen=True):
    """One way to a person. ``guard`` and ``why_not`` say what stops a message; ``until`` when to try again."""

    channel: str
    account: str
    handle: str
    can_send: bool
    guard: str = ""
    why_not: str = ""
    until: str | None = None


def reachable(
    hub: Hub, session: Session, root: str, send_class: SendClass = SendClass.HUMAN, *, accounts: frozenset[str] | None
) -> list[Reach]:
    """Each way there is, and for a channel without any, what is missing. ``accounts``: those one may know of."""
    routes = [route for route in ways(session, root) if accounts is None or route.account_id in accounts]
    found = [_way(hub, session, root, route, send_class) for route in routes]
    sending = [each for each in channels().loaded.values() if Ability.SEND in each.can]
    missing = [_missing(session, each, accounts) for each in sending if each.name not in {way.channel for way in found}]
    return sorted([*found, *missing], key=lambda way: (way.channel, way.account, way.handle))


def _way(hub: Hub, session: Session, root: str, route: Route, send_class: SendClass) -> Reach:
    now = clock.now()
    thought = FollowUp(
        id="", person_id=root, identity_id=route.identity_id, account_id=route.account_id, channel=route.channel,
        send_class=send_class, automatic=int(send_class is not SendClass.HUMAN), body="", made_by="",
        state=FollowUpState.PENDING, due_at=now, expires_at=now, created_at=now,
    )  # fmt: skip
    held = hold(Going(hub, session, thought, root, now)) or GuardResult("", "")
    account = account_name(session, route.account_id)
    handle = str(handle_of(session, route.identity_id))
    return Reach(route.channel, account, handle, not held.guard, held.guard, held.reason, clock.to_text(held.until))


def _missing(session: Session, channel: AnyChannel, accounts: frozenset[str] | None) -> Reach:
    connected = (account for account in active_accounts(session) if account.channel == channel.name)
    if any(accounts is None or account.id in accounts for account in connected):
        why = f"they have no handle that {channel.title} reaches"
        if not channel.reaches:
            why = f"{channel.title} reaches people only by an answer to what they wrote there"
        return Reach(channel.name, "", "", False, "handle", why)
    return Reach(channel.name, "", "", False, "account", f"no account of {channel.title} is connected")

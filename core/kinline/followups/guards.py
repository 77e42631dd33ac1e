"""The one choke point: what must be true before anything goes out (docs/decisions/0013).

In this order for automatic messages: consent → suppression → contact budget → loop and storm guards → approval →
quiet hours: first what refuses, then who has to look, then when it goes. A human's reply is stopped by suppression
and an explicit "do not write to me" only, and waits for an approval where its author asked for one. The guards run
in the claiming transaction, under the person's lock, so a "stop" that was acknowledged stops. A follow-up of a
trigger that is not live any more is not sent, whatever stopped the trigger; one whose trigger was edited is sent as
it was decided.
"""

from collections.abc import Callable
from typing import Any

from kinline import clock, handles
from kinline.accounts import connected
from kinline.contract.plugins import channels
from kinline.followups.budget import budget
from kinline.followups.holding import Going, GuardResult
from kinline.followups.hours import quiet_until, zone_of
from kinline.followups.loops import loop
from kinline.followups.routes import handle_of
from kinline.followups.storms import storm
from kinline.handles import Handle
from kinline.identity import consents
from kinline.identity.persons import spans
from kinline.store import sql
from kinline.words import PUBLIC, FollowUpState, SendClass, TriggerState


def hold(going: Going) -> GuardResult | None:
    """The first guard that holds it back, or None: it may go."""
    send_class = going.followup.send_class
    for guard in _PUBLIC if send_class == PUBLIC else _GUARDS[SendClass(send_class)]:
        held = guard(going)
        if held:
            return held
    return None


def _stopped(going: Going) -> GuardResult | None:
    """Its trigger was paused, or put back, since it decided."""
    rows = sql.run(going.session, "SELECT state FROM trigger_rule WHERE id = {p}", going.followup.trigger_id or "")
    if not rows or rows[0][0] == TriggerState.LIVE:
        return None
    return GuardResult("trigger", f"its trigger is not live any more, it is {rows[0][0]}")


def _refused(going: Going) -> GuardResult | None:
    """An explicit "do not write to me", which stops every class."""
    identities = [span.identity_id for span in spans(going.session, going.root)]
    rows = sql.select_in(
        going.session,
        "SELECT identity_id, allowed FROM consent WHERE identity_id {in} AND purpose = '*' AND channel IN ({p}, '*') ORDER BY at, allowed DESC",
        identities,
        going.followup.channel,
    )
    refused = [identity for identity, allowed in dict(rows).items() if not allowed]
    return GuardResult("consent", "they asked not to be written to") if refused else None


def _consent(going: Going) -> GuardResult | None:
    identities = [span.identity_id for span in spans(going.session, going.root)]
    allowed = consents.allows(going.session, identities, "marketing", going.followup.channel)
    if allowed:
        return None
    return GuardResult("consent", "they never allowed marketing" if allowed is None else "they refused marketing")


def _their_thread(going: Going) -> GuardResult | None:
    """A service answer goes into a thread in which they wrote."""
    about = going.followup.answers_id
    wrote = sql.select_in(
        going.session,
        "SELECT 1 FROM interaction i WHERE i.author_id {in} AND i.id IN (SELECT {p} UNION ALL SELECT j.id FROM interaction a "
        "JOIN thread_key o ON o.id = a.thread_key_id JOIN thread_key k ON k.conversation_id = o.conversation_id "
        "JOIN interaction j ON j.thread_key_id = k.id WHERE a.id = {p}) LIMIT 1",
        [span.identity_id for span in spans(going.session, going.root)], about, about,
    )  # fmt: skip
    if about is not None and wrote:
        return None
    return GuardResult("consent", "a service message answers something they wrote; this answers nothing of theirs")


def _suppressed(going: Going) -> GuardResult | None:
    handle = handle_of(going.session, going.followup.identity_id)
    if handles.is_blocked(handle):
        return GuardResult("suppression", f"nobody reads {handle.value}")
    if _ours(going, handle):
        return GuardResult("suppression", f"{handle.value} is one of our own addresses")
    why = consents.suppressed(going.session, going.hub.secret, handle)
    return GuardResult("suppression", f"this handle is suppressed: {why}") if why else None


def _ours(going: Going, handle: Handle) -> bool:
    """Whether this is us, on whatever account: a hub that writes to itself has nobody who would stop."""
    for account in connected.every(going.session):
        channel = channels().loaded.get(account.channel)
        if channel is not None and channel.is_ours(handle, connected.settings_of(account, going.hub.secret)):
            return True
    return False


def _quiet(going: Going) -> GuardResult | None:
    """Not at night, in the person's zone; the company's where theirs is unknown."""
    settings = going.hub.settings
    zone = zone_of(going.session, settings, going.root)
    until = quiet_until(going.now, zone, settings.quiet_from, settings.quiet_until)
    if until is None:
        return None
    local = clock.to_datetime(going.now).astimezone(zone)
    return GuardResult("quiet hours", f"it is {local:%H:%M} where they are", until, FollowUpState.PENDING)


def _approval(going: Going) -> GuardResult | None:
    if going.followup.needs_approval and not going.followup.approved_by:
        until = going.followup.expires_at
        why = going.followup.unclear or "it waits for somebody's approval"
        return GuardResult("approval", why, until, FollowUpState.PENDING, may_expire=True)
    return None


Guard = Callable[[Going], GuardResult | None]
_AUTOMATIC: tuple[Guard, ...] = (_suppressed, budget, loop, storm, _approval, _quiet)
_GUARDS: dict[Any, tuple[Guard, ...]] = {
    SendClass.HUMAN: (_refused, _suppressed, _approval),
    SendClass.SERVICE: (_stopped, _refused, _their_thread, *_AUTOMATIC),
    SendClass.TRANSACTIONAL: (_stopped, _refused, _suppressed, loop, storm, _approval),
    SendClass.MARKETING: (_stopped, _refused, _consent, *_AUTOMATIC),
}
#: What goes to nobody in particular has nobody's consent, budget or night to look at.
_PUBLIC: tuple[Guard, ...] = (_stopped, storm, _approval)

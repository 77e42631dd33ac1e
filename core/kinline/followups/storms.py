"""The storm breaker: a trigger that suddenly reaches very many people pauses itself, and says so (promise P16)."""

from sqlmodel import Session

from kinline.clock import HOUR
from kinline.followups.holding import GONE_OUT, Going, Held
from kinline.record import interests
from kinline.store import sql

#: So near to its limit a trigger's messages are counted one after the other: no claim of another worker slips between.
NEAR = 64


def storm(going: Going) -> Held | None:
    """The guard: no trigger sends more than its limit in an hour, however many workers send."""
    trigger, limit = going.followup.trigger_id, going.hub.settings.storm_limit
    if trigger is None or (count := _sent(going, trigger, limit)) < limit - NEAR:
        return None
    if count < limit:
        hold_trigger(going.session, trigger)
        count = _sent(going, trigger, limit)
    if count < limit:
        return None
    return Held("storm", f"the trigger reached its limit: {pause(going.session, trigger, f'{count} messages')}")


def hold_trigger(session: Session, trigger: str) -> None:
    """Let others who count this trigger's deeds wait until this transaction ends."""
    if not sql.on_sqlite(session):
        sql.run(session, "SELECT 1 FROM trigger_rule WHERE id = {p} FOR UPDATE", trigger)


def pause(session: Session, trigger: str, what: str) -> str:
    """Put it to ``paused``; returns the reason that is shown with it."""
    reason = f"it paused itself: {what} in an hour"
    changed = sql.changed(
        session,
        "UPDATE trigger_rule SET state = 'paused', state_reason = {p} WHERE id = {p} AND state = 'live'",
        reason,
        trigger,
    )
    if changed:
        interests.changed(session)
    return reason


def _sent(going: Going, trigger: str, limit: int) -> int:
    """How many messages of it left within the hour; counted no further than the limit.

    In one statement, which sees one state: between two, a message that is being sent is sent, and is seen by neither.
    """
    since = going.now - HOUR
    found = sql.run(
        going.session,
        "SELECT 1 FROM (SELECT 1 FROM followup WHERE trigger_id = {p} AND state = 'sent' AND sent_at > {p} LIMIT {p}) gone "
        f"UNION ALL SELECT 1 FROM (SELECT 1 FROM followup WHERE trigger_id = {{p}} AND state IN {GONE_OUT} "
        "AND sent_at IS NULL AND (state = 'sending' OR due_at > {p}) LIMIT {p}) going",
        trigger, since, limit, trigger, since, limit,
    )  # fmt: skip
    return min(limit, len(found))

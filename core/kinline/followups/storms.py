"""The storm breaker: a trigger that suddenly reaches very many people pauses itself, and says so."""

from sqlmodel import Session

from kinline.clock import HOUR
from kinline.followups.holding import GONE_OUT, Going, GuardResult
from kinline.record import interests
from kinline.store import sql
from kinline.triggers import compiled

#: So near to its limit a trigger's messages are counted one after the other: no claim of another worker slips between.
NEAR = 64


def storm(going: Going) -> GuardResult | None:
    """The guard: no trigger sends more than its limit in an hour, however many workers send."""
    trigger = going.followup.trigger_id
    limit = _limit(going, trigger) if trigger else 0
    if trigger is None or (count := _sent(going, trigger, limit)) < limit - NEAR:
        return None
    if count < limit:
        hold_trigger(going.session, trigger)
        count = _sent(going, trigger, limit)
    if count < limit:
        return None
    return GuardResult("storm", f"the trigger reached its limit: {pause(going.session, trigger, f'{count} messages')}")


def _limit(going: Going, trigger: str) -> int:
    """Its own limit, where its text names one."""
    rows = sql.run(
        going.session,
        "SELECT v.source FROM trigger_rule r JOIN trigger_version v ON v.trigger_id = r.id AND v.version = r.version "
        "WHERE r.id = {p}",
        trigger,
    )
    own = [compiled(trigger, source).definition.limits.per_hour for (source,) in rows]
    return next((each for each in own if each), going.hub.settings.storm_limit)


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

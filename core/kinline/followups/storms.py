"""The storm breaker: a trigger that suddenly reaches very many people pauses itself, and says so."""

from sqlalchemy import and_, bindparam, func, or_, select, union_all, update
from sqlmodel import Session, col

from kinline.clock import HOUR
from kinline.followups.holding import GONE_OUT, Going, GuardResult
from kinline.record import interests
from kinline.store.ask import Ask, Change, Count, Id, OneText
from kinline.store.models import FollowUp, TriggerRow, TriggerVersion
from kinline.triggers import compiled
from kinline.words import FollowUpState, TriggerState

#: So near to its limit a trigger's messages are counted one after the other: no claim of another worker slips between.
NEAR = 64
_OF_TRIGGER = col(TriggerRow.id) == bindparam("trigger")
_SOURCE = Ask(
    select(col(TriggerVersion.source).label("text"))
    .join(
        TriggerRow,
        and_(
            col(TriggerRow.id) == col(TriggerVersion.trigger_id), col(TriggerRow.version) == col(TriggerVersion.version)
        ),
    )
    .where(_OF_TRIGGER),
    OneText,
)
_HELD = Ask(select(col(TriggerRow.id)).where(_OF_TRIGGER).with_for_update(), Id)
_PAUSE = Change(
    update(TriggerRow)
    .where(_OF_TRIGGER, col(TriggerRow.state) == TriggerState.LIVE.value)
    .values(state=TriggerState.PAUSED.value, state_reason=bindparam("why"))
)
_OF_IT = select(col(FollowUp.id)).where(col(FollowUp.trigger_id) == bindparam("trigger"))
_GONE = _OF_IT.where(col(FollowUp.state) == FollowUpState.SENT.value, col(FollowUp.sent_at) > bindparam("since")).limit(
    bindparam("most")
)
_LEAVING = _OF_IT.where(
    col(FollowUp.state).in_(GONE_OUT),
    col(FollowUp.sent_at).is_(None),
    or_(col(FollowUp.state) == FollowUpState.SENDING.value, col(FollowUp.due_at) > bindparam("since")),
).limit(bindparam("most"))
_BOTH = union_all(select(_GONE.subquery()), select(_LEAVING.subquery())).subquery()
_SENT = Ask(select(func.count().label("count")).select_from(_BOTH), Count)


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
    row = _SOURCE.first(going.session, trigger=trigger)
    own = compiled(trigger, row.text).definition.limits.per_hour if row else None
    return own or going.hub.settings.storm_limit


def hold_trigger(session: Session, trigger: str) -> None:
    """Let others who count this trigger's deeds wait until this transaction ends."""
    _HELD.first(session, trigger=trigger)


def pause(session: Session, trigger: str, what: str) -> str:
    """Put it to ``paused``; returns the reason that is shown with it."""
    reason = f"it paused itself: {what} in an hour"
    if _PAUSE.run(session, trigger=trigger, why=reason):
        interests.changed(session)
    return reason


def _sent(going: Going, trigger: str, limit: int) -> int:
    """How many messages of it left within the hour; counted no further than the limit.

    In one statement, which sees one state: between two, a message that is being sent is sent, and is seen by neither.
    """
    return min(limit, _SENT.one(going.session, trigger=trigger, since=going.now - HOUR, most=limit).count)

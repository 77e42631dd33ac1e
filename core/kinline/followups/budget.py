"""The contact budget: how many automatic messages one person gets, over all triggers and channels.

Counted over everybody who is this person now, in the transaction that claims the message and under the person's lock,
so that what is claimed at the same moment counts. Transactional messages are never held back, and count.

``contact_budget`` bounds the day: that of the calendar where the person lives, and any 24 hours, whichever holds more.
``contact_budget_week`` bounds any seven days. What is over the budget is skipped, not put off: a message that waits for
tomorrow takes tomorrow's place, and says yesterday's things.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import col

from kinline.clock import DAY
from kinline.followups.holding import GONE_OUT, Going, GuardResult
from kinline.followups.hours import midnight, zone_of
from kinline.identity.persons import members
from kinline.settings import Settings
from kinline.store.ask import Ask, among, columns
from kinline.store.models import Attempt, FollowUp
from kinline.words import PUBLIC

WEEK = 7 * DAY


class _LeftMessage(msgspec.Struct, frozen=True):
    at: int
    trigger_id: str | None


#: When a message left, or began to: its due time may be long past by then.
_BEGAN = select(func.max(col(Attempt.started_at))).where(col(Attempt.followup_id) == col(FollowUp.id)).scalar_subquery()
_LEFT_AT = func.coalesce(col(FollowUp.sent_at), _BEGAN, col(FollowUp.due_at))
_LEFT_SINCE = Ask(
    select(*columns(FollowUp, _LeftMessage, at=_LEFT_AT)).where(
        among(FollowUp.person_id, "persons"),
        col(FollowUp.automatic) == 1,
        col(FollowUp.send_class) != PUBLIC,
        col(FollowUp.state).in_(GONE_OUT),
        bindparam("since") < _LEFT_AT,
        col(FollowUp.id) != bindparam("own"),
    ),
    _LeftMessage,
)


def budget(going: Going) -> GuardResult | None:
    """Whether they had enough, or had a message of this trigger today."""
    sent = _sent(going)
    settings = going.hub.settings
    zone = zone_of(going.session, settings, going.root) if sent else ZoneInfo(settings.time_zone)
    reason = over(settings, zone, going.now, sent, going.followup.trigger_id)
    return GuardResult("budget", reason) if reason else None


def over(
    settings: Settings, zone: ZoneInfo, now: int, sent: Iterable[tuple[int, str | None]], trigger: str | None
) -> str:
    """Why a message of this trigger would be one too many at ``now``, or "". ``sent``: when, and of which trigger.

    What another worker claimed a moment later than ``now`` counts: whoever comes second in the lock is one too many.
    """
    week = [(at, by) for at, by in sent if at > now - WEEK]
    lately = [by for at, by in week if at > now - DAY]
    if len(lately) >= settings.contact_budget:
        return f"they had {len(lately)} automatic messages in 24 hours, over all channels"
    since = midnight(now, zone)  # of a calendar day, which has 25 hours once a year
    today = sum(1 for at, _ in week if at >= since)
    if today >= settings.contact_budget:
        return f"they had {today} automatic messages today, over all channels"
    if len(week) >= settings.contact_budget_week:
        return f"they had {len(week)} automatic messages in 7 days, over all channels"
    if trigger and trigger in lately:
        return "this trigger wrote to them within 24 hours"
    return ""


def _sent(going: Going) -> list[tuple[int, str | None]]:
    """When each automatic message of the last seven days left, and of which trigger."""
    persons = members(going.session, going.root)
    rows = _LEFT_SINCE.rows(going.session, persons=persons, since=going.now - WEEK, own=going.followup.id)
    return [(row.at, row.trigger_id) for row in rows]

"""What the limits would have done to the messages of a back-test: held back, or made to wait for the morning.

It knows the automatic messages that really went out, those of this very back-test, and the settings as they are now.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline.backtest.replay import Decided
from kinline.followups.budget import over
from kinline.followups.holding import GONE_OUT
from kinline.followups.hours import quiet_until, zone_of
from kinline.identity.persons import members
from kinline.settings import Settings
from kinline.store.ask import Ask, among, columns
from kinline.store.models import FollowUp
from kinline.triggers import Trigger
from kinline.words import PUBLIC, Verdict


class Limit(msgspec.Struct, frozen=True):
    """``held``: why the message would not have gone, or "". ``until``: quiet hours would have kept it till then."""

    held: str = ""
    until: int | None = None


FREE = Limit()


def limits(
    session: Session, settings: Settings, trigger: Trigger, root: str, decided: Iterable[Decided]
) -> list[Limit]:
    """One for each decision, in order. Nothing is held of what sends no message, and of what is transactional."""
    every = list(decided)
    if not any(action.word == "message" and action.doing.class_ != "transactional" for action in trigger.actions):  # type: ignore[union-attr]
        return [FREE] * len(every)
    zone = zone_of(session, settings, root)
    sent = _gone_out(session, root, trigger.id)
    return [_limit(settings, zone, each, sent, trigger.id) for each in every]


def _limit(
    settings: Settings, zone: ZoneInfo, decided: Decided, sent: list[tuple[int, str | None]], trigger: str
) -> Limit:
    """What holds this one; one that goes is added to ``sent``."""
    if decided.verdict is not Verdict.FIRED:
        return FREE
    until = quiet_until(decided.now, zone, settings.quiet_from, settings.quiet_until)
    goes = decided.now if until is None else until
    if reason := over(settings, zone, goes, [each for each in sent if each[0] <= goes], trigger):
        return Limit(reason, until)
    sent.append((goes, trigger))
    return FREE if until is None else Limit(until=until)


def _gone_out(session: Session, root: str, own: str) -> list[tuple[int, str | None]]:
    return [(row.at, row.trigger_id) for row in _GONE.rows(session, persons=members(session, root), own=own)]


class _GoneMessage(msgspec.Struct, frozen=True):
    at: int
    trigger_id: str | None


_GONE = Ask(
    select(*columns(FollowUp, _GoneMessage, at=func.coalesce(col(FollowUp.sent_at), col(FollowUp.due_at)))).where(
        among(FollowUp.person_id, "persons"),
        col(FollowUp.automatic) == 1,
        col(FollowUp.send_class) != PUBLIC,
        col(FollowUp.state).in_(GONE_OUT),
        func.coalesce(col(FollowUp.trigger_id), "") != bindparam("own"),
    ),
    _GoneMessage,
)

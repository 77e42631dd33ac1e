"""The person's own time: the zone they live in, when their day began, and until when they are left in peace."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from kinline import clock
from kinline.followups.routes import stated
from kinline.settings import Settings


def zone_of(session: Session, settings: Settings, root: str) -> ZoneInfo:
    """The person's zone by their attribute ``time_zone``; the company's where that is unknown, or is no zone."""
    found = clock.zone(stated(session, root, "time_zone"))
    return found or ZoneInfo(settings.time_zone)


def midnight(now: int, zone: ZoneInfo) -> int:
    """When the day that it is there began. Where midnight came twice, the first; where it was left out, the day's start."""
    local = clock.to_datetime(now).astimezone(zone)
    return min(now, clock.from_datetime(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)))


def quiet_until(now: int, zone: ZoneInfo, start: int, end: int) -> int | None:
    """The moment at which the quiet hours, in which it is there now, are over; None: it is not quiet.

    ``start`` and ``end`` are hours of the clock on the wall, which may jump: an hour that is left out ends at the
    jump, and of one that comes twice both belong to the night, if one does.
    """
    local = clock.to_datetime(now).astimezone(zone)
    if not _asleep(local, start, end):
        return None
    morning = local.replace(hour=end % 24, minute=0, second=0, microsecond=0, fold=0)
    if morning.replace(tzinfo=None) <= local.replace(tzinfo=None):
        morning += timedelta(days=1)
    return clock.from_datetime(morning)


def _asleep(local: datetime, start: int, end: int) -> bool:
    if start > end:
        return start <= local.hour or local.hour < end
    return start <= local.hour < end

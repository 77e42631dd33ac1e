"""The working calendars in which triggers count: are they there, who counts in them, and what a change moves."""

from collections.abc import Iterator

from sqlalchemy import and_, func, null, or_, select, update
from sqlmodel import Session, col

from kinline.errors import Conflict, Invalid
from kinline.store.ask import Change, among
from kinline.store.models import InteractionRow, WaitRow
from kinline.triggers import Trigger
from kinline.triggers.definition import CALENDAR
from kinline.waiting.policies import calendars


def missing(session: Session, trigger: Trigger) -> Iterator[tuple[str, str]]:
    """What is not there: where the trigger names it, and a sentence that says what helps."""
    known = calendars(session) if trigger.calendars else {}
    for pointer, name in trigger.calendars:
        if name not in known:
            others = f" or name one of {', '.join(sorted(known)[:10])} by `calendar`" if known else ""
            helps = f"save one of that name{others}" if name == CALENDAR or not others else f"save it{others}"
            yield pointer, f"there is no calendar “{name[:60]}”: {helps}"


def require(session: Session, trigger: Trigger) -> None:
    """Raises `Invalid` with a pointer where a calendar that it counts in is not there."""
    for pointer, said in missing(session, trigger):
        raise Invalid(said, code="no_such_calendar", pointer=pointer)


def refuse_while_counted_in(session: Session, calendar: str, users: list[tuple[str, str]]) -> None:
    """Raises `Conflict` where ``users`` (id and name of triggers) count in the calendar that is to be dropped."""
    if users:
        names = ", ".join(name for _, name in users[:5])
        detail = f"{len(users)} triggers count in this calendar ({names}): change or stop them first."
        raise Conflict(detail, code="in_use", calendar=calendar)


#: Where the clock of a wait began: its episode is an interaction, or ends with one.
_BEGAN = (
    select(col(InteractionRow.sort_at))
    .where(col(InteractionRow.id) == func.substr(col(WaitRow.episode), func.length(col(WaitRow.episode)) - 31))
    .scalar_subquery()
)
_COUNTED = or_(
    col(WaitRow.state) == "armed", and_(col(WaitRow.state) == "closed", col(WaitRow.reason) == "no_calendar")
)
_COUNT_ANEW = Change(
    update(WaitRow)
    .where(_COUNTED, among(col(WaitRow.trigger_id), "triggers"))
    .values(state="armed", reason="", closed_at=null(), due_at=func.coalesce(_BEGAN, col(WaitRow.due_at)))
)


def count_anew(session: Session, users: list[tuple[str, str]]) -> int:
    """A calendar changed: have all that waits in it looked at anew, by the sweep of due waits. Returns how many.

    Each is due since its clock began, so that whoever looks sees it again whatever its new time is. What could not
    wait because the calendar was not there waits again.
    """
    return _COUNT_ANEW.run(session, triggers=[trigger for trigger, _ in users])

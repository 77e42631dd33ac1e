"""The working calendars in which triggers count: are they there, who counts in them, and what a change moves."""

from collections.abc import Iterator

from sqlmodel import Session

from kinline.errors import Conflict, Invalid
from kinline.store import sql
from kinline.triggers import Trigger
from kinline.triggers.conditions.silence import CALENDAR
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
_BEGAN = "(SELECT i.sort_at FROM interaction i WHERE i.id = substr(wait.episode, length(wait.episode) - 31))"


def count_anew(session: Session, users: list[tuple[str, str]]) -> int:
    """A calendar changed: have all that waits in it looked at anew, by the sweep of due waits. Returns how many.

    Each is due since its clock began, so that whoever looks sees it again whatever its new time is. What could not
    wait because the calendar was not there waits again.
    """
    return sql.update_in(
        session,
        f"UPDATE wait SET state = 'armed', reason = '', closed_at = NULL, due_at = coalesce({_BEGAN}, due_at) "
        "WHERE (state = 'armed' OR (state = 'closed' AND reason = 'no_calendar')) AND trigger_id {in}",
        [trigger for trigger, _ in users],
    )

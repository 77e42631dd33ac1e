"""Zendesk's words for the state and priority of a ticket, both ways (developer.zendesk.com, “Tickets”, status)."""

from datetime import UTC, datetime, timedelta

from kinline import Party, Ticket
from kinline_support.fields import Record, ident, line, moment, record, word

LAST_OF_A_SECOND = timedelta(microseconds=999_999)
STATES = {
    "new": "open",
    "open": "open",
    "pending": "pending",
    "hold": "on_hold",
    "solved": "solved",
    "closed": "closed",
}
#: A ticket is closed by the desk alone, some days after it was solved.
BACK = {"open": "open", "pending": "pending", "on_hold": "hold", "solved": "solved", "closed": "solved"}


def told(found: Record, people: Record, *, names: tuple[Party, ...] = ()) -> Ticket:
    """What a ticket's record says of the conversation."""
    number = ident(found.get("id"))
    state = STATES.get(word(found.get("status")), "")
    return Ticket(
        thread=f"ticket:{number}",
        number=number,
        state=state,
        same=("closed",) if state == "solved" else (),
        priority=word(found.get("priority")),
        assignee=_assignee(found, people),
        changed_at=_changed(found.get("updated_at")),
        names=names,
    )


def _changed(value: object) -> datetime | None:
    """Events say the very moment; a record names the second, and was read after all that happened in it."""
    whole = moment(value)
    if whole is None or "." not in str(value):
        return whole and whole + LAST_OF_A_SECOND
    return datetime.fromisoformat(str(value)[:40]).astimezone(UTC)


def _assignee(found: Record, people: Record) -> str | None:
    """The agent's name; "" for nobody; None where the record does not say, or only an id that nothing names."""
    if "assignee_id" not in found:
        return None
    who = ident(found.get("assignee_id"))
    return (line(record(people.get(who)).get("name")) or None) if who else ""

"""When promised answers are due, worked out anew after what they are promised by changed."""

from collections.abc import Iterable

from sqlmodel import Session

from kinline.waiting import clocks, places, rows
from kinline.waiting.clocks import FOREVER
from kinline.waiting.policies import Policies


def aim(session: Session, conversations: Iterable[str]) -> int:
    """A team, a priority, a policy or a calendar changed: work out anew when answers are due. Returns of how many."""
    standing, policies, count = places.standing(session, conversations), Policies(session), 0
    moved = places.moves(session, standing)
    for row in rows.open_in(session, standing, FOREVER):
        terms = places.terms_of(session, standing[row.place], moved.get(row.place, []))
        due_at = clocks.due_at(policies, terms, row.episode)
        count += due_at is not None
        if due_at != row.due_at:
            rows.due(session, row.id, due_at)
    return count


def aim_all(session: Session) -> int:
    """A calendar or a policy changed: every answer that is promised gets its new time. Returns how many there are."""
    return sum(aim(session, conversations) for conversations in rows.places_open(session))

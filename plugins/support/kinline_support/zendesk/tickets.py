"""Tickets: their record, the judgement of the person served, and, where asked for, their description."""

from collections.abc import Sequence

import msgspec

from kinline import Applied, Direction, Interaction, Kind, Normalised, Thread, Unreadable
from kinline_support import settings as desk
from kinline_support.fields import Record, ident, moment, record, text, word
from kinline_support.settings import SupportSettings
from kinline_support.zendesk.comments import of_comment
from kinline_support.zendesk.sides import Ticket, author, recipients, ticket
from kinline_support.zendesk.states import told

#: A desk's scores, and whether they are a judgement (“offered” and “unoffered” are none).
SCORES = {
    f"{score}{ending}": score for score in ("good", "bad") for ending in ("", "_with_comment", "_without_comment")
}


def of_ticket(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """How the conversation stands, and the interactions that only the ticket tells.

    The description repeats the first comment, and nothing in a comment says that it is the first. So a
    description becomes an interaction only where the operator says that no comments will come
    (``descriptions``), and never where the comments are in the same document: whatever order files come
    in, nothing is there twice.
    """
    found, people = record(item.get("ticket")), record(item.get("people"))
    of = ticket(found)
    if not of.id:
        raise Unreadable("A ticket without an id.", code="no_id")
    if of.deleted:
        return [Applied(reason="ticket record: deleted")]
    covered = item.get("told") is True
    opening = _opening(found, people, settings) if settings.descriptions and not covered else []
    rating = _rating(record(found.get("satisfaction_rating")), found, of, settings, exact=False)
    return [*opening, *rating, told(found, people)]


def of_rating(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A row of a desk's list of satisfaction ratings, which has the rating's own time."""
    of = ticket({**item, "id": item.get("ticket_id")})
    if not of.id:
        raise Unreadable("A rating of no ticket.", code="no_id")
    return _rating(item, item, of, settings, exact=True) or [
        Applied(reason=f"satisfaction rating: {word(item.get('score')) or 'no score'}")
    ]


def of_ticket_event(item: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """A change of a ticket in which nobody said anything."""
    return [Applied(reason="ticket event")]


def _opening(found: Record, people: Record, settings: SupportSettings) -> Sequence[Normalised]:
    """The description as if it were a comment. Its author is the submitter (“Tickets”, submitter_id)."""
    if not text(found.get("description")):
        return []
    number = ident(found.get("id"))
    said = {
        "id": "description",
        "author_id": found.get("submitter_id") or found.get("requester_id"),
        "body": found.get("description"),
        "created_at": found.get("created_at"),
        "via": found.get("via"),
        "public": found.get("is_public"),
    }
    made = of_comment({"comment": said, "ticket": found, "people": people}, settings)
    key = f"ticket:{number}:description"
    thread = Thread(key=key, parent=f"ticket:{number}", private=True)
    return [msgspec.structs.replace(one, source_id=key, thread=thread) for one in made if isinstance(one, Interaction)]


def _rating(
    rating: Record, dated: Record, of: Ticket, settings: SupportSettings, *, exact: bool
) -> Sequence[Normalised]:
    """The requester's judgement. A ticket does not say when it was given, so its last change stands in."""
    score = SCORES.get(word(rating.get("score")))
    if not score:
        return []
    changed = moment(dated.get("updated_at"))
    at = (moment(dated.get("created_at")) if exact else None) or changed
    key = f"ticket:{of.id}:rating"
    flags = ("bad_date",) if at is None else () if exact else ("time_approximate",)
    return [
        Interaction(
            source_id=key,
            kind=Kind.REVIEW,
            direction=Direction.INBOUND,
            parties=(author(of.requester, False, {}, settings), *recipients(of.requester, False, of, {}, settings)),
            occurred_at=at,
            changed_at=changed,
            subject=of.subject,
            text=text(rating.get("comment")),
            url=desk.page(of.id, settings),
            thread=Thread(key=key, parent=f"ticket:{of.id}", private=True),
            facts={"ticket": of.id, "score": score},
            flags=flags,
        )
    ]

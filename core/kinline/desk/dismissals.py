"""What people of ours say of somebody who waits: that it needs no answer, that it may wait, and who really asked."""

from sqlmodel import Session

from kinline import clock, ids
from kinline.errors import Conflict, Invalid, NotFound
from kinline.identity.persons import identities_of
from kinline.store.models import Asker, Conversation, Dismissal
from kinline.waiting import keep as waiting
from kinline.waiting import rows
from kinline.waiting.fold import Ended
from kinline.waiting.rows import StoredEpisode
from kinline.waiting.rules import Level

#: How far ahead a conversation can be put off.
FURTHEST = 366 * clock.DAY


def dismiss(session: Session, waiting_id: str, *, reason: str, by: str) -> None:
    """What they asked needs no answer; their next word asks anew. Raises `Conflict` where nobody waits any more."""
    row = found(session, waiting_id)
    if not reason.strip():
        raise Invalid("Say why it needs no answer: the reason is empty.", code="empty_text", pointer="/reason")
    if not row.episode.open:
        raise Conflict("Nobody waits there any more.", code="already_so")
    session.add(
        Dismissal(id=ids.new(), who=row.who, place=row.place, at=clock.now(), reason=reason.strip(), made_by=by)
    )
    session.flush()
    waiting.settle_pairs(session, [row.pair])


def undismiss(session: Session, waiting_id: str, *, by: str) -> None:
    """It does need an answer: they wait since they did. Raises `Conflict` where nobody dismissed it."""
    row = found(session, waiting_id)
    made = session.get(Dismissal, row.episode.ended_by) if row.episode.ended_how == Ended.DISMISSED else None
    if made is None or made.undone_at is not None:
        raise Conflict("This was not dismissed.", code="not_dismissed")
    made.undone_at, made.undone_by = clock.now(), by
    session.add(made)
    session.flush()
    waiting.settle_pairs(session, [row.pair])


def name_asker(session: Session, waiting_id: str, person: str, *, by: str) -> str:
    """Say who asked what one of us passed on to our mailbox: it is their question from then on. Returns the id under
    which they wait."""
    row = found(session, waiting_id)
    if row.episode.level is not Level.FORWARDED or not row.episode.open:
        raise Conflict("Who asked this is known.", code="asker_known")
    identities = identities_of(session, [person]).get(person, [])
    if not identities:
        raise Conflict("This person has no identity left.", code="no_identity")
    asker = Asker(interaction_id=row.episode.asked_id, identity_id=identities[0], made_by=by, made_at=clock.now())
    session.merge(asker)
    session.flush()
    theirs = (identities[0], row.place)
    waiting.settle_pairs(session, [row.pair, theirs])
    return max((each for each in rows.every_in(session, [row.place]) if each.pair == theirs), key=_newest).id


def snooze(session: Session, conversation: Conversation, until: int) -> None:
    """Put a conversation off: it leaves the lists until then, or until their next word. No clock rests."""
    now = clock.now()
    if not now < until <= now + FURTHEST:
        raise Invalid("Put it off to a time within a year from now.", code="out_of_range", pointer="/until")
    conversation.snoozed_at, conversation.snoozed_until = now, until
    session.add(conversation)
    session.flush()


def wake(session: Session, conversation: Conversation) -> None:
    """It stands in the lists again."""
    if conversation.snoozed_until is None:
        raise Conflict("This conversation was not put off.", code="already_so")
    conversation.snoozed_at = conversation.snoozed_until = None
    session.add(conversation)
    session.flush()


def _newest(row: StoredEpisode) -> int:
    return row.episode.since


def found(session: Session, waiting_id: str) -> StoredEpisode:
    """Raises `NotFound`."""
    row = rows.one(session, waiting_id)
    if row is None:
        raise NotFound("Nobody waits, or waited, by this id.", code="nobody_waits")
    return row

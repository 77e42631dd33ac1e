"""A stored template written for a person, to look at before anybody gets it."""

from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope, seen_by
from kinline.catalogue import template_store
from kinline.catalogue.template_store import StoredTemplate, WrittenTemplate
from kinline.clock import DAY
from kinline.decide.action_context import spoken
from kinline.errors import Invalid
from kinline.history import load_history
from kinline.words import Direction

#: How far back the last thing they did is looked for.
BACK = 90 * DAY


def preview(
    session: Session, root: str, stored: StoredTemplate, *, language: str = "", reader: AccessScope = EVERYTHING
) -> WrittenTemplate:  # fmt: skip
    """As they are now, about the last thing they did that the reader may see. Raises `Invalid` as templates do."""
    now = clock.now()
    history = load_history.load(session, root, since=now - BACK, receipts=False)
    theirs = [seen for seen in history.seen if seen.direction is Direction.INBOUND]
    allowed = seen_by(session, [seen.id for seen in theirs], reader)
    about = next((seen for seen in reversed(theirs) if seen.id in allowed), None)
    person = history.person_at(now)
    wanted = (person.attributes.get("language"), about.language if about else "")
    chosen = language.lower() or template_store.language_for(stored, wanted)
    if chosen not in stored.languages:
        known = ", ".join(stored.languages)
        raise Invalid(f"It is in {known}, and not in {language}.", code="no_such_language", pointer="/language")
    data = spoken(session, root, person, about, about.conversation if about else "")
    return template_store.write(stored, chosen, data | {"trigger": {"name": "preview"}})

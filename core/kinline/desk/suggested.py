"""One suggestion with all that a human looks at before answering: both people, in what they differ, and one timeline."""

from collections.abc import Iterable

import msgspec
from sqlmodel import Session

from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.history import load_history
from kinline.identity import persons
from kinline.identity.persons import PersonView
from kinline.identity.suggestions import listing
from kinline.identity.suggestions.listing import Suggested
from kinline.timeline import reading

#: Lines of the timeline that is shown as it would be.
PREVIEWED = 20


class FieldShown(msgspec.Struct, frozen=True):
    """What is known of each of the two under one name: handles, names, and attributes by their names."""

    name: str
    one: list[str]
    other: list[str]


class SuggestionDetail(msgspec.Struct, frozen=True):
    """``fields`` are those in which they differ. ``timeline`` are the newest lines of both, as they would stand in one."""

    suggestion: Suggested
    one: PersonView
    other: PersonView
    fields: list[FieldShown]
    timeline: list[msgspec.Raw]


def detail(
    session: Session, suggestion: str, reader: AccessScope = EVERYTHING, language: str = "en"
) -> SuggestionDetail:
    """Raises `NotFound` when there is no such suggestion."""
    found = listing.one(session, suggestion, language)
    one, other = (persons.view(session, each) for each in (found.person_a, found.person_b))
    return SuggestionDetail(found, one, other, _fields(session, one, other), _timeline(session, (one, other), reader))


def _fields(session: Session, one: PersonView, other: PersonView) -> list[FieldShown]:
    left, right = _known(session, one), _known(session, other)
    return [
        FieldShown(name, left.get(name, []), right.get(name, []))
        for name in dict.fromkeys((*left, *right))
        if left.get(name) != right.get(name)
    ]


def _known(session: Session, person: PersonView) -> dict[str, list[str]]:
    found = {
        "names": sorted({name for each in person.identities for name in each.names}),
        "claimed names": sorted({name for each in person.identities for name in each.claimed_names}),
        "handles": sorted(each.handle for each in person.identities),
        "shown beside": sorted({alias for each in person.identities for alias in each.aliases}),
    }
    attributes = load_history.attributes(session, person.id)
    found |= {name: [msgspec.json.encode(value).decode()] for name, value in sorted(attributes.items())}
    return {name: values for name, values in found.items() if values}


def _timeline(session: Session, people: Iterable[PersonView], reader: AccessScope) -> list[msgspec.Raw]:
    roots = dict.fromkeys(person.id for person in people)
    entries = {
        entry.place: entry
        for root in roots
        for entry in reading.page(session, root, limit=PREVIEWED, reader=reader).entries
    }
    newest = sorted(entries, reverse=True)[:PREVIEWED]
    return [msgspec.Raw(entries[place].json()) for place in newest]

"""Histories of many persons at once, in a few statements: for looking at everybody.

Who belongs to organisations that are looked at, and whose own history is very long, is read alone (`kinline.history.load_history`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline.history import load_history
from kinline.history.load_history import Fact, HistoryContext, lines_among, persons_over_time
from kinline.identity.persons import FOREVER
from kinline.store.ask import Ask, among
from kinline.store.models import Attribute, IdentityLink, Participant, Person
from kinline.triggers import History, Seen
from kinline.waiting import policies, waited
from kinline.words import Role

#: So many lines are in memory at once; who has more is read alone.
LINES = 20_000


class _Link(msgspec.Struct, frozen=True):
    root_id: str
    identity_id: str
    valid_from: int | None
    valid_to: int | None


class _Member(msgspec.Struct, frozen=True):
    id: str
    root_id: str


class _Lines(msgspec.Struct, frozen=True):
    identity_id: str
    count: int


class _Told(msgspec.Struct, frozen=True):
    identity_id: str
    name: str
    value: str
    at: int
    id: str


_LINKS = Ask(
    select(col(Person.root_id), col(IdentityLink.identity_id), col(IdentityLink.valid_from), col(IdentityLink.valid_to))
    .join(Person, col(Person.id) == col(IdentityLink.person_id))
    .where(among(col(Person.root_id), "roots"), col(IdentityLink.withdrawn_at).is_(None)),
    _Link,
)
_MEMBERS = Ask(select(col(Person.id), col(Person.root_id)).where(among(col(Person.root_id), "roots")), _Member)
_COUNTS = Ask(
    select(col(Participant.identity_id), func.count().label("count"))
    .where(among(col(Participant.identity_id), "identities"), col(Participant.sort_at) >= bindparam("since"))
    .group_by(col(Participant.identity_id)),
    _Lines,
)
_ATTRIBUTES = Ask(
    select(*[col(getattr(Attribute, name)) for name in _Told.__struct_fields__]).where(
        among(col(Attribute.identity_id), "identities")
    ),
    _Told,
)


class HeldIdentities(msgspec.Struct):
    """The identities of a person, each with its spans, and everybody who is joined in it."""

    links: list[_Link] = []
    members: list[str] = []

    @property
    def identities(self) -> list[str]:
        return sorted({link.identity_id for link in self.links})


def held_by(session: Session, roots: Iterable[str]) -> dict[str, HeldIdentities]:
    """Who these persons are."""
    wanted = sorted(roots)
    found = {root: HeldIdentities() for root in wanted}
    for link in _LINKS.rows(session, roots=wanted):
        found[link.root_id].links.append(link)
    for member in _MEMBERS.rows(session, roots=wanted):
        found[member.root_id].members.append(member.id)
    return found


def load_many(
    session: Session, people: dict[str, HeldIdentities], *, since: int, wanted: HistoryContext
) -> Iterator[tuple[str, History]]:
    """The history of each, as `kinline.history.load_history.load` gives it."""
    for roots in _portions(session, people, since):
        if len(roots) == 1 or wanted["organisations"] or wanted["receipts"]:
            yield from ((root, load_history.load(session, root, since=since, **wanted)) for root in roots)
        else:
            yield from _load(session, {root: people[root] for root in roots}, since, wanted)


def _portions(session: Session, people: dict[str, HeldIdentities], since: int) -> Iterator[list[str]]:
    """These persons, so many at once as have few enough lines together."""
    identities = sorted({each for held in people.values() for each in held.identities})
    counts = {row.identity_id: row.count for row in _COUNTS.rows(session, identities=identities, since=since)}
    portion, lines = list[str](), 0
    for root, held in people.items():
        more = sum(counts.get(each, 0) for each in held.identities)
        if portion and lines + more > LINES:
            yield portion
            portion, lines = [], 0
        portion.append(root)
        lines += more
    if portion:
        yield portion


def _load(
    session: Session, people: dict[str, HeldIdentities], since: int, wanted: HistoryContext
) -> Iterator[tuple[str, History]]:  # fmt: skip
    identities = sorted({each for held in people.values() for each in held.identities})
    seen = _seen(session, people, identities, since, judgements=wanted["judgements"])
    facts = _facts(session, people)
    known: dict[str, list[_Told]] = defaultdict(list)
    for told in _ATTRIBUTES.rows(session, identities=identities):
        known[told.identity_id].append(told)
    waits = waited.of_many(session, identities) if wanted["waited"] else {}
    calendars = policies.working(session) if wanted["calendars"] else None
    for root, held in people.items():
        yield (
            root,
            History.of(
                seen[root],
                persons_over_time(facts[root], _attributes(known, held)),
                calendars=calendars,
                waited=[each for one in held.identities for each in waits.get(one, ())] if wanted["waited"] else None,
            ),
        )


def _seen(
    session: Session, people: dict[str, HeldIdentities], identities: list[str], since: int, *, judgements: bool
) -> dict[str, list[Seen]]:
    """What each did and got, each interaction once: as its author, where they are."""
    holders: dict[str, list[_Link]] = defaultdict(list)
    for held in people.values():
        for link in held.links:
            holders[link.identity_id].append(link)
    found: dict[str, dict[str, Seen]] = {root: {} for root in people}
    for identity, seen in lines_among(session, identities, since, judgements=judgements):
        for link in holders[identity]:
            if (link.valid_from or -FOREVER) <= seen.at < (FOREVER if link.valid_to is None else link.valid_to):
                here = found[link.root_id]
                if seen.id not in here or seen.role is Role.AUTHOR:
                    here[seen.id] = seen
    return {root: list(each.values()) for root, each in found.items()}


def _facts(session: Session, people: dict[str, HeldIdentities]) -> dict[str, list[Fact]]:
    of = {member: root for root, held in people.items() for member in held.members}
    facts: dict[str, list[Fact]] = {root: [] for root in people}
    for fact in load_history.facts_of(session, sorted(of)):
        facts[of[fact.person]].append(fact)
    return facts


def _attributes(known: dict[str, list[_Told]], held: HeldIdentities) -> dict[str, object]:
    told = sorted((one for each in held.identities for one in known.get(each, ())), key=lambda one: (one.at, one.id))
    newest = {each.name: msgspec.json.decode(each.value) for each in told}
    return {name: value for name, value in newest.items() if value is not None}

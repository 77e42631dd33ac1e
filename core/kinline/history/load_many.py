"""Histories of many persons at once, in a few statements: for looking at everybody.

Who belongs to organisations that are looked at, and whose own history is very long, is read alone (`kinline.history.load_history`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from kinline.history import load_history
from kinline.history.load_history import START, Fact, HistoryContext, lines_among, persons_over_time
from kinline.identity.persons import FOREVER
from kinline.store.ask import Ask, among
from kinline.store.models import Attribute, IdentityLink, Participant, Person
from kinline.triggers import History, Seen
from kinline.waiting import policies, waited
from kinline.words import Role

#: So many lines are in memory at once; who has more is read alone.
LINES = 20_000
#: Bounds that lie no further apart than this power of two of microseconds (twelve days) are read as one.
NEAR = 40
Bounds = Mapping[str, int]  #: from when on the history of each root is read


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
    session: Session, people: dict[str, HeldIdentities], *, since: Bounds, wanted: Mapping[str, HistoryContext]
) -> Iterator[tuple[str, History]]:
    """The history of each from its ``since`` on, as `kinline.history.load_history.load` gives it."""
    for roots in portions(session, people, since):
        facts = facts_of(session, {root: people[root] for root in roots})
        yield from load_portion(session, roots, people, since=since, wanted=wanted, facts=facts)


def load_portion(
    session: Session, roots: list[str], people: dict[str, HeldIdentities], *, since: Bounds,
    wanted: Mapping[str, HistoryContext], facts: Mapping[str, list[Fact]],
) -> Iterator[tuple[str, History]]:  # fmt: skip
    """The same of one of the `portions`, of whom the caller has the stages and tags."""
    alone = [each for each in roots if len(roots) == 1 or wanted[each]["organisations"] or wanted[each]["receipts"]]
    for root in alone:
        yield root, load_history.load(session, root, since=since[root], facts=facts[root], **wanted[root])
    if together := {root: people[root] for root in roots if root not in alone}:
        yield from _load(session, together, since, wanted, facts)


def portions(session: Session, people: dict[str, HeldIdentities], since: Bounds) -> Iterator[list[str]]:
    """These persons, so many at once as have few enough lines together."""
    counts = {
        row.identity_id: row.count
        for bound, identities in _by_bound(people, since)
        for row in _COUNTS.rows(session, identities=identities, since=bound)
    }
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


def _by_bound(people: dict[str, HeldIdentities], since: Bounds) -> Iterator[tuple[int, list[str]]]:
    """The identities of all, by a bound before which none of them is read: as few bounds as do not read much too much."""
    own: dict[str, int] = {}
    for root, held in people.items():
        for identity in held.identities:
            own[identity] = min(since[root], own.get(identity, since[root]))
    newest, near = max(own.values(), default=START), defaultdict[int, list[str]](list)
    for identity, bound in own.items():
        near[max(NEAR, (newest - bound).bit_length())].append(identity)
    return ((min(own[each] for each in identities), sorted(identities)) for identities in near.values())


def _load(
    session: Session, people: dict[str, HeldIdentities], since: Bounds, wanted: Mapping[str, HistoryContext],
    facts: Mapping[str, list[Fact]],
) -> Iterator[tuple[str, History]]:  # fmt: skip
    identities = sorted({each for held in people.values() for each in held.identities})
    judgements, waiting, working = (
        any(wanted[root][each] for root in people) for each in ("judgements", "waited", "calendars")
    )
    seen = _seen(session, people, since, judgements=judgements)
    known: dict[str, list[_Told]] = defaultdict(list)
    for told in _ATTRIBUTES.rows(session, identities=identities):
        known[told.identity_id].append(told)
    waits = waited.of_many(session, identities) if waiting else {}
    calendars = policies.working(session) if working else None
    for root, held in people.items():
        yield (
            root,
            History.of(
                seen[root],
                persons_over_time(facts[root], _attributes(known, held)),
                calendars=calendars,
                waited=[each for one in held.identities for each in waits.get(one, ())] if waiting else None,
            ),
        )


def _seen(
    session: Session, people: dict[str, HeldIdentities], since: Bounds, *, judgements: bool
) -> dict[str, list[Seen]]:
    """What each did and got, each interaction once: as its author, where they are."""
    holders: dict[str, list[_Link]] = defaultdict(list)
    for held in people.values():
        for link in held.links:
            holders[link.identity_id].append(link)
    found: dict[str, dict[str, Seen]] = {root: {} for root in people}
    for bound, identities in _by_bound(people, since):
        lines = lines_among(session, identities, bound, judgements=judgements)
        for identity, seen in sorted(lines, key=lambda line: line[0]):
            for link in holders[identity]:
                first = max(since[link.root_id], -FOREVER if link.valid_from is None else link.valid_from)
                if first <= seen.at < (FOREVER if link.valid_to is None else link.valid_to):
                    here = found[link.root_id]
                    if seen.role is Role.AUTHOR or seen.id not in here or here[seen.id].role is not Role.AUTHOR:
                        here[seen.id] = seen
    return {root: list(each.values()) for root, each in found.items()}


def facts_of(session: Session, people: Mapping[str, HeldIdentities]) -> dict[str, list[Fact]]:
    """The stages and tags of each."""
    of = {member: root for root, held in people.items() for member in held.members}
    facts: dict[str, list[Fact]] = {root: [] for root in people}
    for fact in load_history.facts_of(session, sorted(of)):
        facts[of[fact.person]].append(fact)
    return facts


def _attributes(known: dict[str, list[_Told]], held: HeldIdentities) -> dict[str, object]:
    told = sorted((one for each in held.identities for one in known.get(each, ())), key=lambda one: (one.at, one.id))
    newest = {each.name: msgspec.json.decode(each.value) for each in told}
    return {name: value for name, value in newest.items() if value is not None}

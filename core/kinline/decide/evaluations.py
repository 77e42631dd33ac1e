"""Persons who are decided about, and what is known of each: read in one state of the store, a few statements for all."""

from collections.abc import Collection, Iterable, Mapping

import msgspec
from sqlalchemy import bindparam, or_, select
from sqlmodel import Session, col

from kinline.catalogue.trigger_store import Active
from kinline.decide.relevant_triggers import Index, concerned
from kinline.decide.rounds import Used
from kinline.experiments import assignment
from kinline.experiments.assignment import Given
from kinline.history import load_many
from kinline.history.load_history import START, Fact, HistoryContext, asked_by, persons_over_time
from kinline.history.load_many import HeldIdentities
from kinline.identity.persons import FOREVER, roots_of
from kinline.store.ask import Ask, among
from kinline.store.models import Decision, IdentityLink, Person
from kinline.triggers import History


class _Holder(msgspec.Struct, frozen=True):
    identity_id: str
    root_id: str
    valid_from: int | None
    id: str


class _UsedKey(msgspec.Struct, frozen=True):
    person_id: str
    trigger_id: str
    once_key: str


_HOLDERS = Ask(
    select(col(IdentityLink.identity_id), col(Person.root_id), col(IdentityLink.valid_from), col(IdentityLink.id))
    .join(Person, col(Person.id) == col(IdentityLink.person_id))
    .where(
        among(col(IdentityLink.identity_id), "identities"),
        col(IdentityLink.withdrawn_at).is_(None),
        or_(col(IdentityLink.valid_to).is_(None), col(IdentityLink.valid_to) >= bindparam("forever")),
    ),
    _Holder,
)
_USED = Ask(
    select(col(Decision.person_id), col(Decision.trigger_id), col(Decision.once_key)).where(
        among(col(Decision.person_id), "people")
    ),
    _UsedKey,
)


class Evaluation(msgspec.Struct):
    """One person who is decided about. ``since``: what is new; ``names``: the identities or ids by which they were given."""

    root: str
    since: int
    names: list[str]
    held: HeldIdentities = msgspec.field(default_factory=HeldIdentities)
    used: Used = set()
    triggers: list[Active] = []
    facts: list[Fact] = []
    arms: Given = {}
    history: History | None = None  #: None: too long to be read with the others'

    @property
    def wanted(self) -> HistoryContext:
        return asked_by(each.compiled for each in self.triggers)

    @property
    def lookback(self) -> int:
        """From when on their history is read."""
        backs = [each.compiled.lookback for each in self.triggers]
        return START if None in backs else max(START, self.since - max((back for back in backs if back), default=0))


def evaluations(
    session: Session, index: Index, given: Iterable[tuple[str, int]], *, existing: str = ""
) -> dict[str, Evaluation]:
    """Those whom these names name, each with how far back to look, and what to ask about them; nobody for a name that is
    nobody's. ``existing``: the id of the one trigger that is asked."""
    found = _found(session, list(given))
    people = load_many.held_by(session, found) if found else {}
    used = used_keys(session, people)
    facts = load_many.facts_of(session, people)
    only = [each for each in index.triggers if each.id == existing]
    asked = dict.fromkeys(found, only) if existing else concerned(
        session, index, {root: (people[root], each.since) for root, each in found.items()}
    )  # fmt: skip
    for root, each in found.items():
        each.held, each.used, each.facts = people[root], used[root], facts[root]
        each.triggers = [trigger for trigger in asked[root] if not _used_up(trigger, each.used)]
    arms = assignment.given_many(session, {root: (people[root].members, each.triggers) for root, each in found.items()})
    for root, each in found.items():
        each.arms = arms.get(root, {})
    return found


def read_histories(session: Session, found: Mapping[str, Evaluation], only: Collection[str] | None = None) -> None:
    """Give these their history (``only`` those), of as many as together have few enough lines. Of whom nothing is asked, that
    is who they are."""
    chosen = {root: each for root, each in found.items() if only is None or root in only}
    asked = {root: each for root, each in chosen.items() if each.triggers}
    for root, each in chosen.items():
        each.history = None if root in asked else History.of((), persons_over_time(each.facts, {}))
    people = {root: each.held for root, each in asked.items()}
    since = {root: each.lookback for root, each in asked.items()}
    first = next(load_many.portions(session, people, since), []) if asked else []
    histories = load_many.load_portion(
        session, first, people, since=since, wanted={root: each.wanted for root, each in asked.items()},
        facts={root: each.facts for root, each in asked.items()},
    )  # fmt: skip
    for root, history in histories:
        asked[root].history = history


def used_keys(session: Session, people: Mapping[str, HeldIdentities]) -> dict[str, Used]:
    """The once-keys that anybody who is one of these persons now has used up."""
    of = {member: root for root, held in people.items() for member in held.members}
    found: dict[str, Used] = {root: set() for root in people}
    for row in _USED.rows(session, people=sorted(of)) if of else ():
        found[of[row.person_id]].add((row.trigger_id, row.once_key))
    return found


def _found(session: Session, given: list[tuple[str, int]]) -> dict[str, Evaluation]:
    """By root; who is named twice is looked at once, from the earlier time on."""
    roots = roots_of(session, [name for name, _ in given])
    unknown = sorted({name for name, _ in given} - roots.keys())
    holders = _HOLDERS.rows(session, identities=unknown, forever=FOREVER) if unknown else []
    for row in sorted(holders, key=lambda row: (-FOREVER if row.valid_from is None else row.valid_from, row.id)):
        roots[row.identity_id] = row.root_id
    found: dict[str, Evaluation] = {}
    for name, since in given:
        if root := roots.get(name):
            each = found.setdefault(root, Evaluation(root, since, []))
            each.since = min(each.since, since)
            each.names.append(name)
    return found


def _used_up(trigger: Active, used: Used) -> bool:
    """A once-per-person trigger that was decided needs no history any more."""
    return trigger.compiled.definition.limits.once_per == "person" and (trigger.id, "") in used

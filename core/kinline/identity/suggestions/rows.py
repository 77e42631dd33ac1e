"""The rows of suggestions: what a source tells is kept here, and what there is nothing to decide about is set aside.

Handles that a source shows beside one another (a desk's user with an address, a blog account with one) suggest that
their persons are one; so does what only a human can judge. Nothing here joins anybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, update
from sqlmodel import Session, col, select

from kinline import clock, ids
from kinline.identity.parties import home_person
from kinline.identity.suggestions.rules import LEAST, SuggestionEvidence, score
from kinline.store import sql
from kinline.store.ask import Ask, Change, among
from kinline.store.models import NotSame, Person, Suggestion, metadata

OPEN, ACCEPTED, REFUSED = "open", "accepted", "refused"
#: What a source tells weighs so much: two of them that are told once are shown, and no rule outweighs it alone.
TOLD_BITS = 9.0
_SUGGESTION = metadata.tables[str(Suggestion.__tablename__)]
_evidence = msgspec.json.Decoder(list[SuggestionEvidence])
Pair = tuple[str, str]


class _Root(msgspec.Struct, frozen=True):
    id: str
    root_id: str


class _Apart(msgspec.Struct, frozen=True):
    person_a: str
    person_b: str


class _Open(msgspec.Struct, frozen=True):
    id: str
    person_a: str
    person_b: str
    settled: int


class _KeptPair(msgspec.Struct, frozen=True):
    id: str
    state: str
    told: str


_ROOTS = Ask(select(Person.id, Person.root_id).where(among(col(Person.id), "persons")), _Root)
_MEMBERS = Ask(select(Person.id, Person.root_id).where(among(col(Person.root_id), "roots")), _Root)
_APART = Ask(
    select(NotSame.person_a, NotSame.person_b).where(
        col(NotSame.withdrawn_at).is_(None),
        or_(among(col(NotSame.person_a), "persons"), among(col(NotSame.person_b), "persons")),
    ),
    _Apart,
)
_CONCERNED = Ask(
    select(Suggestion.id, Suggestion.person_a, Suggestion.person_b, Suggestion.settled).where(
        col(Suggestion.state) == OPEN,
        or_(among(col(Suggestion.person_a), "persons"), among(col(Suggestion.person_b), "persons")),
    ),
    _Open,
)
_KEPT = Ask(select(Suggestion.id, Suggestion.state, Suggestion.told).where(among(col(Suggestion.id), "ids")), _KeptPair)
_SETTLE = Change(
    update(Suggestion).where(among(col(Suggestion.id), "ids")).values(settled=bindparam("whether"))
)  # fmt: skip


def pair_id(one: str, other: str) -> str:
    """The id of the suggestion about two identities, whichever is named first."""
    return ids.derived("suggestion", *sorted((one, other)))


def read(text: str) -> list[SuggestionEvidence]:
    """Evidence as a row keeps it."""
    return _evidence.decode(text)


def written(evidence: Iterable[SuggestionEvidence]) -> str:
    """Evidence as a row keeps it."""
    return msgspec.json.encode(list(evidence)).decode()


def weighed(told: Iterable[SuggestionEvidence], ruled: Iterable[SuggestionEvidence]) -> list[SuggestionEvidence]:
    """What was told and what the rules find, the strongest first."""
    return sorted([*told, *ruled], key=lambda each: (-abs(each.bits), each.code))


def suggest_pair(session: Session, one: str, other: str, code: str, /, **values: str) -> None:
    """Keep that a source tells of two identities what may make them one; ``code`` and ``values`` say what. The same again
    changes nothing, and what was answered stays answered."""
    tell(session, {(min(one, other), max(one, other)): SuggestionEvidence(code, TOLD_BITS, values)})


def tell(session: Session, told: dict[Pair, SuggestionEvidence]) -> None:
    """`suggest_pair` for several."""
    known = {row.id: row for row in _KEPT.rows(session, ids=[pair_id(*pair) for pair in told])}
    new: dict[Pair, list[SuggestionEvidence]] = {}
    for pair, evidence in told.items():
        row = known.get(pair_id(*pair))
        if row is None:
            new[pair] = [evidence]
        elif row.state == OPEN and evidence not in (before := read(row.told)):
            new[pair] = [*before, evidence]
    keep(session, {pair: (each, ()) for pair, each in new.items()})


def keep(
    session: Session, found: Mapping[Pair, tuple[Sequence[SuggestionEvidence], Sequence[SuggestionEvidence]]]
) -> None:
    """Write what was told and what was found by rules of these pairs, which are open or new."""
    now = clock.now()
    rows = []
    for (one, other), (told, ruled) in found.items():
        evidence = weighed(told, ruled)
        rows.append((
            pair_id(one, other), one, other, home_person(one), home_person(other), evidence[0].code,
            round(score(evidence) * 1000), written(evidence), written(told), OPEN, 0, now, "",
        ))  # fmt: skip
    sql.upsert(session, _SUGGESTION, _COLUMNS, sorted(rows), _AGAIN)
    settle(session, {person for row in rows for person in row[3:5]})


_COLUMNS = (
    "id", "identity_a", "identity_b", "person_a", "person_b", "kind", "score", "evidence", "told", "state", "settled",
    "made_at", "answered_by",
)  # fmt: skip
_AGAIN = (
    "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, score = excluded.score, evidence = excluded.evidence, "
    "told = excluded.told WHERE suggestion.state = 'open'"
)


def settle(session: Session, persons: Iterable[str]) -> None:
    """These persons were joined, parted or kept apart, or something was suggested of them: set aside what there is
    nothing to decide about, and bring back what there is."""
    mine = _members(session, persons)
    rows = _CONCERNED.rows(session, persons=mine)
    if not rows:
        return
    roots = {row.id: row.root_id for row in _ROOTS.rows(session, persons={p for row in rows for p in _two(row)})}
    apart = _kept_apart(session, roots.values())
    stale: dict[int, list[str]] = {0: [], 1: []}
    for row in rows:
        one, other = roots[row.person_a], roots[row.person_b]
        settled = int(one == other or frozenset((one, other)) in apart)
        if settled != row.settled:
            stale[settled].append(row.id)
    for whether, found in stale.items():
        if found:
            _SETTLE.run(session, ids=sorted(found), whether=whether)


def _members(session: Session, persons: Iterable[str]) -> list[str]:
    """These persons and all who are joined with them."""
    roots = {row.root_id for row in _ROOTS.rows(session, persons=sorted(set(persons)))}
    return [row.id for row in _MEMBERS.rows(session, roots=sorted(roots))]


def _kept_apart(session: Session, roots: Iterable[str]) -> set[frozenset[str]]:
    """Which of these roots somebody keeps apart, whoever of those that they answer for was named."""
    members = {row.id: row.root_id for row in _MEMBERS.rows(session, roots=sorted(set(roots)))}
    rows = _APART.rows(session, persons=sorted(members))
    return {frozenset((members.get(a, a), members.get(b, b))) for a, b in map(_two, rows)}


def _two(row: Any) -> Pair:
    return row.person_a, row.person_b


def is_worth(told: Sequence[SuggestionEvidence], ruled: Sequence[SuggestionEvidence]) -> bool:
    """Whether there is a suggestion to keep: something was told, or the rules find enough."""
    return bool(told) or score(ruled) >= LEAST

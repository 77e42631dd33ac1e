"""THE STORY of a suggestion: identities were met, named or told about; who may be one with them is worked out again.

What is kept is what `rules.pairs` finds among all identities from nothing, in whatever order they came; what was told or
answered stays beside it.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from kinline.identity.parties import home_person
from kinline.identity.suggestions import index, rows, rules
from kinline.identity.suggestions.keys import Candidate, Key, KeyType
from kinline.identity.suggestions.rows import OPEN, Pair, pair_id
from kinline.identity.suggestions.rules import SuggestionEvidence
from kinline.store.ask import Ask, Change, among
from kinline.store.models import Suggestion


class _Suggested(msgspec.Struct, frozen=True):
    id: str
    identity_a: str
    identity_b: str
    told: str
    evidence: str
    state: str


_COLUMNS = (
    Suggestion.id, Suggestion.identity_a, Suggestion.identity_b, Suggestion.told, Suggestion.evidence, Suggestion.state,
)  # fmt: skip
_BY_ID = Ask(
    select(*_COLUMNS).where(among(col(Suggestion.id), "ids")),  # type: ignore[call-overload]  # no more than four are typed
    _Suggested,
)
_OF = Ask(
    select(*_COLUMNS).where(  # type: ignore[call-overload]
        col(Suggestion.state) == OPEN,
        or_(among(col(Suggestion.person_a), "persons"), among(col(Suggestion.person_b), "persons")),
    ),
    _Suggested,
)
_DROP = Change(delete(Suggestion).where(among(col(Suggestion.id), "ids"), col(Suggestion.state) == OPEN))


def match(session: Session, identities: Iterable[str]) -> None:
    """Work out again who may be one with these identities, and with whoever shares what they came to share or left."""
    index.lock(session)
    changed = sorted(set(identities))
    known = index.candidates(session, changed)
    stirred = index.renew(session, known)
    shared = index.keys_of(session, known) | stirred
    counts = index.counted(session, shared)
    few = {key for key in shared if counts.get(key, 0) <= rules.HOT}
    over = stirred - few  # of few before, and of many now: whoever held it before is to be compared once more
    blocks = index.holders(session, few | over | {_login(key) for key in few | over})
    compared = {key: blocks.get(key, []) for key in few}
    compared |= {key: [each for each in blocks.get(key, []) if each not in known] for key in over}
    pairs = _pairs(compared, blocks, set(known), stirred)
    pairs |= {(row.identity_a, row.identity_b) for row in _OF.rows(session, persons=[home_person(x) for x in changed])}
    _judge(session, pairs, known)


def _pairs(
    compared: Mapping[str, list[str]], blocks: Mapping[str, list[str]], changed: set[str], stirred: set[str]
) -> set[Pair]:
    """Whom to compare: the changed with all they share a key with, and all among each other where its count matters."""
    found: set[Pair] = set()
    for key, block in compared.items():
        leading = set(block) if _login(key) == key else set(blocks.get(_login(key), ()))
        first = leading if key in stirred else leading & changed
        found |= {(min(a, b), max(a, b)) for a in first for b in block if a != b}
        if key not in stirred and leading != set(block):
            found |= {(min(a, b), max(a, b)) for a in changed & set(block) for b in leading if a != b}
    return found


def _login(key: str) -> str:
    """The key by which somebody must be found for this one to lead to them: a name written as a login leads to logins."""
    kind, value = index.key_of(key)
    return index.text((KeyType.LOGIN, value)) if kind is KeyType.SPELLED else key


def _judge(session: Session, pairs: set[Pair], known: dict[str, Candidate]) -> None:
    known |= index.candidates(session, {each for pair in pairs for each in pair} - known.keys())
    counts = _counts(session, pairs, known)
    before = {row.id: row for row in _BY_ID.rows(session, ids=[pair_id(*pair) for pair in sorted(pairs)])}
    kept: dict[Pair, tuple[list[SuggestionEvidence], list[SuggestionEvidence]]] = {}
    dropped = []
    for pair in sorted(pairs):
        row = before.get(pair_id(*pair))
        if row is not None and row.state != OPEN:
            continue
        told, ruled = rows.read(row.told) if row else [], _ruled(pair, known, counts)
        if rows.is_worth(told, ruled):
            if row is None or rows.weighed(told, ruled) != rows.read(row.evidence):
                kept[pair] = told, ruled
        elif row is not None:
            dropped.append(row.id)
    if dropped:
        _DROP.run(session, ids=dropped)
    if kept:
        rows.keep(session, kept)


def _counts(session: Session, pairs: set[Pair], known: Mapping[str, Candidate]) -> dict[Key, int]:
    """How many hold each key that two of a pair share, up to `HOT`."""
    shared = {key for one, other in pairs for key in _shared(known, one, other)}
    counts = index.counted(session, map(index.text, shared))
    return {key: min(counts.get(index.text(key), 0), rules.HOT) for key in shared}


def _ruled(pair: Pair, known: Mapping[str, Candidate], counts: dict[Key, int]) -> list[SuggestionEvidence]:
    """What the rules find of two; nothing where all they share is shared by many."""
    one, other = pair
    shared = _shared(known, one, other)
    if not any(counts.get(k, rules.HOT) < rules.HOT and rules.leads(k, known[one], known[other]) for k in shared):
        return []
    return list(rules.weigh(known[one], known[other], counts).evidence)


def _shared(known: Mapping[str, Candidate], one: str, other: str) -> frozenset[Key]:
    if one not in known or other not in known:
        return frozenset()
    return known[one].keys & known[other].keys

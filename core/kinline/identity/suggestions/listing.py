"""Suggestions as people see them: the likeliest first, a page at a time, at the same cost however many there are."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, or_
from sqlmodel import Session, col, select

from kinline import clock
from kinline.errors import NotFound
from kinline.identity import persons
from kinline.identity.suggestions.rows import OPEN, read
from kinline.identity.suggestions.sayings import said
from kinline.store.ask import Ask, among, keyset, place
from kinline.store.models import Suggestion

Place = tuple[int, str]
#: Before the first of any list.
FIRST: Place = (1_000_000, "")


class SuggestionFilter(msgspec.Struct, frozen=True):
    """Which suggestions are asked for. ``least`` is a score from 0 to 1, ``kind`` the code of the strongest evidence."""

    state: str = OPEN
    kind: str = ""
    least: float = 0.0
    person: str = ""  #: a root


EVERYTHING = SuggestionFilter()


class EvidenceShown(msgspec.Struct, frozen=True):
    """One thing that speaks for it (``bits`` above zero; each doubles the odds) or against it, and its sentence."""

    code: str
    bits: float
    values: dict[str, str]
    said: str


class Suggested(msgspec.Struct, frozen=True):
    """Two persons, as they are joined now, that may be one; how likely, from 0 to 1, and why. ``reason`` is the strongest
    evidence. ``merge`` is the merge that accepting it made."""

    id: str
    person_a: str
    person_b: str
    name_a: str
    name_b: str
    score: float
    kind: str
    reason: str
    evidence: list[EvidenceShown]
    state: str
    made_at: str
    answered_at: str | None
    answered_by: str
    merge: str | None


class _SuggestionRow(msgspec.Struct, frozen=True):
    id: str
    person_a: str
    person_b: str
    score: int
    kind: str
    evidence: str
    state: str
    made_at: int
    answered_at: int | None
    answered_by: str
    merge_id: str | None


_COLUMNS = (
    Suggestion.id, Suggestion.person_a, Suggestion.person_b, Suggestion.score, Suggestion.kind, Suggestion.evidence,
    Suggestion.state, Suggestion.made_at, Suggestion.answered_at, Suggestion.answered_by, Suggestion.merge_id,
)  # fmt: skip
_PAGE = (
    select(*_COLUMNS)  # type: ignore[call-overload]  # no more than four are typed
    .where(
        col(Suggestion.state) == bindparam("state"),
        col(Suggestion.settled) == bindparam("settled"),
        col(Suggestion.score) >= bindparam("least"),
        keyset(col(Suggestion.score), col(Suggestion.id), descending=True),
    )
    .order_by(col(Suggestion.score).desc(), col(Suggestion.id).desc())
    .limit(bindparam("most"))
)
_THEIRS = or_(among(col(Suggestion.person_a), "persons"), among(col(Suggestion.person_b), "persons"))
_ALL = Ask(_PAGE, _SuggestionRow)
_OF_KIND = Ask(_PAGE.where(col(Suggestion.kind) == bindparam("kind")), _SuggestionRow)
_OF_PERSON = Ask(_PAGE.where(_THEIRS), _SuggestionRow)
_OF_BOTH = Ask(_PAGE.where(_THEIRS, col(Suggestion.kind) == bindparam("kind")), _SuggestionRow)
_ONE = Ask(select(*_COLUMNS).where(col(Suggestion.id) == bindparam("suggestion")), _SuggestionRow)  # type: ignore[call-overload]


def listed(
    session: Session,
    wanted: SuggestionFilter = EVERYTHING,
    *,
    after: Place = FIRST,
    limit: int = 50,
    language: str = "en",
) -> list[tuple[Place, Suggested]]:
    """The likeliest of those that are wanted, each with the place after which the next page begins."""
    given = {
        "state": wanted.state, "settled": 0, "least": round(wanted.least * 1000), "most": limit, **place(after),
    }  # fmt: skip
    if wanted.kind:
        given["kind"] = wanted.kind
    if wanted.person:
        given["persons"] = persons.members(session, wanted.person)
    ask = (_OF_BOTH if wanted.kind else _OF_PERSON) if wanted.person else (_OF_KIND if wanted.kind else _ALL)
    rows = ask.rows(session, **given)
    shown = _shown(session, rows, language)
    return [((row.score, row.id), each) for row, each in zip(rows, shown, strict=True)]


def one(session: Session, suggestion: str, language: str = "en") -> Suggested:
    """One suggestion. Raises `NotFound`."""
    row = _ONE.first(session, suggestion=suggestion)
    if row is None:
        raise NotFound("There is no such suggestion.", code="no_such_suggestion")
    return _shown(session, [row], language)[0]


def _shown(session: Session, rows: Iterable[_SuggestionRow], language: str) -> list[Suggested]:
    listed = list(rows)
    roots = persons.roots_of(session, {each for row in listed for each in (row.person_a, row.person_b)})
    names = {view.id: view.name for view in persons.views(session, sorted(set(roots.values())))}
    found = []
    for row in listed:
        a, b = roots[row.person_a], roots[row.person_b]
        evidence = [EvidenceShown(x.code, round(x.bits, 1), x.values, said(x, language)) for x in read(row.evidence)]
        reason = next((each.said for each in evidence if each.bits > 0), "")
        found.append(Suggested(
            row.id, a, b, names.get(a, ""), names.get(b, ""), row.score / 1000, row.kind, reason, evidence, row.state,
            clock.to_text(row.made_at) or "", clock.to_text(row.answered_at), row.answered_by, row.merge_id,
        ))  # fmt: skip
    return found

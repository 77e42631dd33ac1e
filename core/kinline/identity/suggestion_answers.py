"""What humans answer to suggestions: they are one, which merges them; or they are two, for ever."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from kinline import clock
from kinline.errors import Conflict, NotFound
from kinline.identity import merges
from kinline.identity.suggestions.rows import ACCEPTED, OPEN, REFUSED, read
from kinline.identity.suggestions.sayings import said
from kinline.store.ask import Change
from kinline.store.models import MergeLog, Suggestion
from kinline.words import Standing


class Skipped(msgspec.Struct, frozen=True):
    """One of many that could not be accepted, and why."""

    suggestion: str
    code: str
    detail: str


_ANSWERED = Change(
    update(Suggestion)
    .where(col(Suggestion.id) == bindparam("suggestion"))
    .values(
        state=bindparam("answer"),
        settled=0,
        answered_at=bindparam("at"),
        answered_by=bindparam("by"),
        merge_id=bindparam("merge"),
    )
)


def accept(session: Session, suggestion_id: str, *, made_by: str) -> MergeLog:
    """A human says that they are one: it merges them, with the evidence. Raises `NotFound`, `Conflict`."""
    row = _open(session, suggestion_id)
    found = read(row.evidence)
    evidence = {
        "suggestion": row.id,
        "score": row.score / 1000,
        "reason": next((said(each) for each in found if each.bits > 0), ""),
        "found": [{"code": each.code, "values": each.values} for each in found],
    }
    line = merges.merge(
        session, row.person_a, row.person_b, evidence=evidence, made_by=made_by, standing=Standing.VERIFIED
    )
    _answer(session, row, ACCEPTED, made_by, line.id)
    return line


def accept_all(session: Session, suggestions: Iterable[str], *, made_by: str) -> tuple[list[MergeLog], list[Skipped]]:
    """`accept` for several, in their order. What was joined or answered meanwhile is skipped."""
    merged, skipped = [], []
    for suggestion in suggestions:
        try:
            merged.append(accept(session, suggestion, made_by=made_by))
        except Conflict as error:
            skipped.append(Skipped(suggestion, error.code, error.detail))
    return merged, skipped


def refuse(session: Session, suggestion_id: str, *, made_by: str) -> None:
    """A human says that they are two: it is never suggested again, and nothing joins them until that is withdrawn. Raises
    `NotFound`, `Conflict`."""
    row = _open(session, suggestion_id)
    merges.keep_apart(session, row.person_a, row.person_b, made_by=made_by)
    _answer(session, row, REFUSED, made_by)


def _answer(session: Session, row: Suggestion, state: str, made_by: str, merge: str | None = None) -> None:
    _ANSWERED.run(session, suggestion=row.id, answer=state, at=clock.now(), by=made_by, merge=merge)
    session.expire(row)


def _open(session: Session, suggestion_id: str) -> Suggestion:
    row = session.get(Suggestion, suggestion_id, populate_existing=True)
    if row is None:
        raise NotFound("There is no such suggestion.", code="no_such_suggestion")
    if row.state != OPEN:
        raise Conflict(f"This suggestion was answered: {row.state}.", code="already_answered")
    return row

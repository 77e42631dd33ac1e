"""What waits for somebody's approval: messages, public posts and calls, in one list."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline import clock
from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.store import sql
from kinline.words import PUBLIC

Place = tuple[int, str]  #: created_at, id
FIRST: Place = (-(2**62), "")


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Something that goes out when somebody says so, and expires otherwise."""

    id: str
    sort: str  #: message, post or call
    person: str
    trigger: str | None
    decision: str | None
    by: str
    over: str  #: the account or endpoint
    subject: str
    text: str
    created_at: str | None
    expires_at: str | None


_WAITING = (
    "x.state = 'pending' AND x.needs_approval = 1 AND x.approved_by IS NULL AND (x.created_at, x.id) > ({p}, {p}) "
)
_MESSAGES = (
    "SELECT x.created_at, x.id, x.send_class, p.root_id, t.name, x.decision_id, x.made_by, a.name, x.subject, x.body, x.expires_at "
    "FROM followup x JOIN person p ON p.id = x.person_id JOIN account a ON a.id = x.account_id "
    f"LEFT JOIN trigger_rule t ON t.id = x.trigger_id WHERE {_WAITING}"
)
_CALLS = (
    "SELECT x.created_at, x.id, 'call', p.root_id, t.name, x.decision_id, 'trigger:' || coalesce(t.name, ''), e.name, '', "
    "x.body, x.expires_at FROM delivery x JOIN person p ON p.id = x.person_id JOIN endpoint e ON e.id = x.endpoint_id "
    f"LEFT JOIN trigger_rule t ON t.id = x.trigger_id WHERE {_WAITING}"
)
#: What rests on an interaction that the reader may see.
_SEEN = (
    "AND EXISTS (SELECT 1 FROM decision d JOIN interaction i ON i.id = d.cause_id JOIN copy c ON c.source_id = i.source_id "
    "AND c.interaction_id = i.id WHERE d.id = x.decision_id AND c.account_id {in}) "
)
_ORDER = "ORDER BY x.created_at, x.id LIMIT {p}"


def listed(
    session: Session, *, after: Place = FIRST, limit: int = 50, reader: AccessScope = EVERYTHING
) -> list[Approval]:  # fmt: skip
    """Those that wait longest first."""
    if reader.accounts is None:
        rows = sql.run(session, _MESSAGES + _ORDER, *after, limit) + sql.run(session, _CALLS + _ORDER, *after, limit)
    else:
        held = reader.accounts
        rows = _for_reader(session, _MESSAGES, "AND x.account_id {in} ", held, after, limit)
        rows += _for_reader(session, _CALLS, _SEEN, held, after, limit)
    return [_one(row) for row in sorted(rows, key=lambda row: row[:2])[:limit]]


def place(session: Session, approval: Approval) -> Place:
    """Where it stands in the list."""
    table = "delivery" if approval.sort == "call" else "followup"
    return sql.run(session, f"SELECT created_at, id FROM {table} WHERE id = {{p}}", approval.id)[0]


def _for_reader(
    session: Session, statement: str, narrowed: str, held: frozenset[str], after: Place, limit: int
) -> list[tuple[Any, ...]]:  # fmt: skip
    """The accounts come first among the parameters, so the condition on them stands first."""
    head, _, tail = statement.partition(" WHERE ")
    return sql.select_in(
        session, f"{head} WHERE {narrowed.removeprefix('AND ')}AND {tail}{_ORDER}", held, *after, limit
    )


def _one(row: tuple[Any, ...]) -> Approval:
    created, each, sort, person, trigger, decision, by, over, subject, text, expires = row
    return Approval(
        id=each, sort={"call": "call", PUBLIC: "post"}.get(sort, "message"), person=person, trigger=trigger,
        decision=decision, by=by, over=over, subject=subject, text=text, created_at=clock.to_text(created),
        expires_at=clock.to_text(expires),
    )  # fmt: skip

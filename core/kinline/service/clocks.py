"""The clock of an answer that we owe: started by what people write, stopped by any answer of ours.

It runs in working time while a conversation is open, and rests while it is pending or on hold. What is stored is
when it began to run last (``run_since``) and how much had run before (``spent``), so nothing is lost by a pause.
"""

from collections.abc import Iterable

import msgspec
from sqlmodel import Session

from kinline.service.policies import Policies, Promise
from kinline.store import sql
from kinline.words import ConversationState

RUNS = ConversationState.OPEN
_COLUMNS = (
    "id", "state", "team_id", "priority", "answered_at", "wait_since", "wait_for", "run_since", "spent", "due_at", "missed",
)  # fmt: skip
SELECT = ", ".join(f"c.{name}" for name in _COLUMNS)


class Clock(msgspec.Struct):
    """The columns of a conversation that its clock works with. Methods change them; `save` writes them."""

    id: str
    state: str
    team_id: str | None
    priority: str
    answered_at: int | None
    wait_since: int | None
    wait_for: str | None
    run_since: int | None
    spent: int
    due_at: int | None
    missed: int

    def promise(self, policies: Policies) -> Promise | None:
        return policies.promise(self.team_id, self.priority, first=self.answered_at is None)

    def heard(self, policies: Policies, at: int, who: str | None) -> None:
        """Somebody wrote. The first unanswered word counts, whatever order they arrive in."""
        if self.answered_at is not None and self.answered_at >= at:
            return
        if self.wait_since is None:
            self.wait_since, self.wait_for, self.run_since = at, who, at
        elif at < self.wait_since:
            self.run_since = at if self.run_since == self.wait_since else self.run_since
            self.wait_since, self.wait_for = at, who
        self.aim(policies)

    def answered(self, policies: Policies, at: int) -> bool:
        """One of us answered. True: it stopped the clock."""
        stops = self.wait_since is not None and self.wait_since <= at
        if stops:
            self.end(policies, at)
        self.answered_at = max(at, self.answered_at or at)
        return stops

    def end(self, policies: Policies, at: int) -> None:
        """Nothing is owed any more; a promise that was broken by then is counted."""
        promise = self.promise(policies)
        if self.wait_since is not None and promise and self._ran(promise, at) > promise.length:
            self.missed += 1
        self.forget()

    def forget(self) -> None:
        self.wait_since = self.wait_for = self.run_since = self.due_at = None
        self.spent = 0

    def moved(self, policies: Policies, state: str, at: int) -> None:
        """The conversation came into another state: pause, go on, or end."""
        was, self.state = self.state, state
        if self.wait_since is None or was == state:
            return
        if state in (ConversationState.SOLVED, ConversationState.CLOSED):
            self.end(policies, at)
        elif state == RUNS:
            self.run_since = at
            self.aim(policies)
        elif self.run_since is not None:
            promise = self.promise(policies)
            self.spent = self._ran(promise, at) if promise else self.spent
            self.run_since = self.due_at = None

    def aim(self, policies: Policies) -> None:
        """Work out anew when it is due: after a start, and after another team, priority or policy."""
        promise = self.promise(policies)
        if promise is None or self.run_since is None or self.state != RUNS:
            self.due_at = None
        else:
            self.due_at = promise.calendar.add(self.run_since, promise.length - self.spent)

    def _ran(self, promise: Promise, at: int) -> int:
        runs = promise.calendar.measure(self.run_since, at) if self.run_since is not None else 0
        return self.spent + runs

    def save(self, session: Session) -> None:
        names = _COLUMNS[4:]
        changes = ", ".join(f"{name} = {{p}}" for name in names)
        values = (getattr(self, name) for name in names)
        sql.changed(session, f"UPDATE conversation SET {changes} WHERE id = {{p}}", *values, self.id)


def of(session: Session, conversation_id: str) -> Clock:
    rows = sql.run(session, f"SELECT {SELECT} FROM conversation c WHERE c.id = {{p}}", conversation_id)
    return Clock(*rows[0])


def owed_to(session: Session, identities: Iterable[str]) -> list[Clock]:
    """The running clocks of everybody who holds one of these identities, over all channels."""
    rows = sql.select_in(
        session,
        f"SELECT DISTINCT {SELECT} FROM conversation c JOIN identity_link l ON l.identity_id = c.wait_for "
        "AND l.withdrawn_at IS NULL JOIN person p ON p.id = l.person_id WHERE p.root_id IN (SELECT q.root_id FROM person q "
        "JOIN identity_link m ON m.person_id = q.id AND m.withdrawn_at IS NULL WHERE m.identity_id {in}) ORDER BY c.id",
        sorted(set(identities)),
    )
    return [Clock(*row) for row in rows]


def aim_again(session: Session) -> int:
    """A calendar or policy changed: everything that is owed gets its new time. Returns how many.

    Where nothing is promised any more, nobody counts any more either.
    """
    policies = Policies(session)
    rows = sql.run(session, f"SELECT {SELECT} FROM conversation c WHERE c.wait_since IS NOT NULL ORDER BY c.id")
    for found in [Clock(*row) for row in rows]:
        if policies:
            found.aim(policies)
        else:
            found.forget()
        found.save(session)
    return len(rows)


def to_state(session: Session, conversation_id: str, state: str, at: int) -> None:
    """Put a conversation into a state, with what that means for its clock."""
    policies, found = Policies(session), of(session, conversation_id)
    statement = "UPDATE conversation SET state = {p}, state_at = {p} WHERE id = {p}"
    sql.changed(session, statement, state, at, conversation_id)
    if policies:
        found.moved(policies, state, at)
        found.save(session)


def aim_one(session: Session, conversation_id: str) -> None:
    """Its team or priority changed."""
    policies, found = Policies(session), of(session, conversation_id)
    if policies:
        found.aim(policies)
        found.save(session)

"""What the source deleted: copies, and with the last of them the interaction.

The latest deletion of a copy counts. A version that is newer than it lives: they did it again. Nothing here
depends on what came first: `settle` works the outcome out from what is stored.
"""

from collections.abc import Iterable

from sqlmodel import Session

from kinline import clock
from kinline.messages import Deletion
from kinline.record.prepare import interaction_id
from kinline.record.recording import Outcome, Recording
from kinline.record.versions import newest
from kinline.store import sql
from kinline.words import ItemState

#: PostgreSQL advisory lock: deletions on one side, all other recording on the other.
BURYING = 727277
OF_INTERACTION = "c.source_id = interaction.source_id AND c.interaction_id = interaction.id"
A_DELETION = "a deletion"  #: how the ledger tells of one


def alone(session: Session, recordings: Iterable[Recording]) -> None:
    """On PostgreSQL, keep a deletion and the thing it deletes from passing each other unseen, both in flight."""
    if not sql.on_sqlite(session):
        shared = "" if any(isinstance(each.what, Deletion) for each in recordings) else "_shared"
        sql.run(session, f"SELECT pg_advisory_xact_lock{shared}({{p}})", BURYING)


def delete(session: Session, recording: Recording) -> Outcome:
    """The source deleted a copy. Unknown things may come later: the tombstone waits for them."""
    what, account = recording.what, recording.account
    assert isinstance(what, Deletion)  # noqa: S101 - the caller sorted the others out
    at = None if what.occurred_at is None else clock.from_datetime(what.occurred_at)
    target = interaction_id(account.channel, account.instance, what.source_id)
    if at is None and _holds(session, account.id, what.source_id, target):
        return Outcome(ItemState.DUPLICATE, target)
    # A second, later deletion of the same (followed, left, followed, left again) moves the tombstone.
    moved = sql.changed(
        session,
        "INSERT INTO tombstone (account_id, source_id, occurred_at, recorded_at, reason) VALUES ({p}, {p}, {p}, {p}, {p}) "
        "ON CONFLICT (account_id, source_id) DO UPDATE SET occurred_at = excluded.occurred_at, "
        "recorded_at = excluded.recorded_at, reason = excluded.reason "
        "WHERE coalesce(tombstone.occurred_at, tombstone.recorded_at) < coalesce(excluded.occurred_at, excluded.recorded_at)",
        account.id, what.source_id, at, recording.arrived_at, what.reason,
    )  # fmt: skip
    if not moved:
        return Outcome(ItemState.DUPLICATE, target)
    settle(session, [target])
    return Outcome(ItemState.RECORDED, target, A_DELETION)


def _holds(session: Session, account: str, source: str, target: str) -> bool:
    """Whether a deletion of this is in force already. One without a time says no more than that."""
    rows = sql.run(
        session,
        "SELECT coalesce(occurred_at, recorded_at) FROM tombstone WHERE account_id = {p} AND source_id = {p}",
        account,
        source,
    )
    return bool(rows) and newest(session, target) <= rows[0][0]


def bury_waiting(session: Session, copies: list[tuple[str, str, str]]) -> None:
    """Apply the deletions that came before these copies (account, source id, interaction)."""
    of: dict[str, dict[str, str]] = {}
    for account, source, interaction in copies:
        of.setdefault(account, {})[source] = interaction
    found = [
        interactions[source]
        for account, interactions in sorted(of.items())
        for (source,) in sql.select_in(
            session, "SELECT source_id FROM tombstone WHERE source_id {in} AND account_id = {p}", interactions, account
        )
    ]
    settle(session, found)


def settle(session: Session, interactions: Iterable[str]) -> None:
    """Work out which copies of these are deleted, and so which of them are: those of which no copy is left."""
    for interaction in sorted(set(interactions)):
        if not sql.on_sqlite(session):  # two that settle at once would not see each other's copies
            sql.run(session, "SELECT 1 FROM interaction WHERE id = {p} FOR UPDATE", interaction)
        _date_copies(session, interaction)
        sql.changed(
            session,
            "UPDATE interaction SET deleted_at = CASE WHEN EXISTS "
            f"(SELECT 1 FROM copy c WHERE {OF_INTERACTION} AND c.deleted_at IS NULL) THEN NULL "
            f"ELSE (SELECT max(c.deleted_at) FROM copy c WHERE {OF_INTERACTION}) END WHERE id = {{p}}",
            interaction,
        )  # fmt: skip


def _date_copies(session: Session, interaction: str) -> None:
    rows = sql.run(
        session,
        "SELECT c.account_id, c.source_id, c.deleted_at, coalesce(t.occurred_at, t.recorded_at) FROM interaction "
        f"JOIN copy c ON {OF_INTERACTION} LEFT JOIN tombstone t ON t.account_id = c.account_id AND t.source_id = c.source_id "
        "WHERE interaction.id = {p} ORDER BY c.account_id, c.source_id",
        interaction,
    )
    made = newest(session, interaction) if any(row[3] is not None for row in rows) else 0
    for account, source, was, tombstone in rows:
        now = None if tombstone is None or made > tombstone else tombstone
        if now != was:
            statement = "UPDATE copy SET deleted_at = {p} WHERE account_id = {p} AND source_id = {p}"
            sql.changed(session, statement, now, account, source)

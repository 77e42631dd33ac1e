"""Who reads: the teams of a key decide which accounts' interactions it sees (docs/decisions/0014).

An account that names no team is open to every key; a key without teams reads everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, true
from sqlmodel import Session, col, select

from kinline.store.ask import Ask, Id, among
from kinline.store.models import Account, AccountTeam, Copy, Decision, InteractionRow


@dataclass(frozen=True)
class AccessScope:
    """Sees the accounts in ``accounts``; None: every account."""

    accounts: frozenset[str] | None = None


EVERYTHING = AccessScope()


def reader_for(session: Session, teams: tuple[str, ...] | None) -> AccessScope:
    """The reader that these team ids make. None: everything."""
    if teams is None:
        return EVERYTHING
    lines = session.exec(select(AccountTeam)).all()
    closed = {line.account_id for line in lines}
    opened = {line.account_id for line in lines if line.team_id in teams}
    if closed == opened:
        return EVERYTHING
    every = set(session.exec(select(Account.id)))
    return AccessScope(frozenset((every - closed) | opened))


def visible_to(reader: AccessScope, interaction: Any) -> ColumnElement[bool]:
    """That this interaction (its table, or an alias) reached us through an account which the reader sees.

    A statement with it takes the parameter ``accounts`` (`accounts_of`).
    """
    return true() if reader.accounts is None else through_accounts(interaction)


def through_accounts(interaction: Any) -> ColumnElement[bool]:
    """That this interaction reached us through one of the ``accounts`` that the statement is given."""
    return exists().where(
        col(Copy.source_id) == col(interaction.source_id),
        col(Copy.interaction_id) == col(interaction.id),
        among(col(Copy.account_id), "accounts"),
    )


def rests_on_visible(decision_id: Any) -> ColumnElement[bool]:
    """That the decision of this id was made because of an interaction that reached us through one of the ``accounts``."""
    because = exists().where(col(Decision.id) == decision_id, col(InteractionRow.id) == col(Decision.cause_id))
    return because.where(through_accounts(InteractionRow))


def accounts_of(reader: AccessScope) -> dict[str, list[str]]:
    """The parameters of `visible_to`, and of the conditions that it is made of."""
    return {} if reader.accounts is None else {"accounts": sorted(reader.accounts)}


def seen_by(session: Session, interactions: Iterable[str], reader: AccessScope) -> set[str]:
    """Those of these interactions that reached us through an account which the reader sees."""
    if reader.accounts is None:
        return set(interactions)
    return {row.id for row in _SEEN.rows(session, interactions=interactions, **accounts_of(reader))}


_SEEN = Ask(
    select(col(InteractionRow.id)).where(among(InteractionRow.id, "interactions"), through_accounts(InteractionRow)), Id
)

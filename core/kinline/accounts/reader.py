"""Who reads: the teams of a key decide which accounts' interactions it sees (docs/decisions/0014).

An account that names no team is open to every key; a key without teams reads everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, true
from sqlmodel import Session, col, select

from kinline.store import sql
from kinline.store.ask import among
from kinline.store.models import Account, AccountTeam, Copy


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
    if reader.accounts is None:
        return true()
    return exists().where(
        col(Copy.source_id) == col(interaction.source_id),
        col(Copy.interaction_id) == col(interaction.id),
        among(col(Copy.account_id), "accounts"),
    )


def accounts_of(reader: AccessScope) -> dict[str, list[str]]:
    """The parameters of `visible_to`."""
    return {} if reader.accounts is None else {"accounts": sorted(reader.accounts)}


def seen_by(session: Session, interactions: Iterable[str], reader: AccessScope) -> set[str]:
    """Those of these interactions that reached us through an account which the reader sees."""
    if reader.accounts is None:
        return set(interactions)
    rows = sql.select_in(
        session,
        "SELECT i.id, y.account_id FROM interaction i "
        "JOIN copy y ON y.source_id = i.source_id AND y.interaction_id = i.id WHERE i.id {in}",
        interactions,
    )
    return {interaction for interaction, account in rows if account in reader.accounts}

"""Which teams may read which accounts, by name."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session, col

from kinline.accounts.connected import team_named
from kinline.store.ask import Ask, Change, IdPair
from kinline.store.models import AccountTeam, Team

_NAMES = Ask(
    select(col(AccountTeam.account_id).label("one"), col(Team.name).label("other"))
    .join(Team, col(Team.id) == col(AccountTeam.team_id))
    .order_by(col(Team.name)),
    IdPair,
)
_FORGET = Change(delete(AccountTeam).where(col(AccountTeam.account_id) == bindparam("account")))


def names(session: Session) -> dict[str, list[str]]:
    """The names of the teams of each account (by account id) that names any."""
    found: dict[str, list[str]] = {}
    for row in _NAMES.rows(session):
        found.setdefault(row.one, []).append(row.other)
    return found


def assign(session: Session, account_id: str, wanted: Iterable[str]) -> None:
    """Let exactly these teams read the account; none: everybody may."""
    _FORGET.run(session, account=account_id)
    for name in sorted(set(wanted)):
        session.add(AccountTeam(account_id=account_id, team_id=team_named(session, name).id))
    session.flush()

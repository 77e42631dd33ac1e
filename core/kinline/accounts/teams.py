"""Which teams may read which accounts, by name."""

from collections.abc import Iterable

from sqlmodel import Session

from kinline.accounts.connected import team_named
from kinline.store import sql
from kinline.store.models import AccountTeam


def names(session: Session) -> dict[str, list[str]]:
    """The names of the teams of each account (by account id) that names any."""
    rows = sql.run(
        session, "SELECT a.account_id, t.name FROM account_team a JOIN team t ON t.id = a.team_id ORDER BY t.name"
    )
    found: dict[str, list[str]] = {}
    for account, name in rows:
        found.setdefault(account, []).append(name)
    return found


def assign(session: Session, account_id: str, wanted: Iterable[str]) -> None:
    """Let exactly these teams read the account; none: everybody may."""
    sql.changed(session, "DELETE FROM account_team WHERE account_id = {p}", account_id)
    for name in sorted(set(wanted)):
        session.add(AccountTeam(account_id=account_id, team_id=team_named(session, name).id))
    session.flush()

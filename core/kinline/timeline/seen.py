"""Whom a reader may know of: persons with at least one interaction that the reader may see (docs/decisions/0014)."""

from collections.abc import Iterable

from sqlmodel import Session

from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.errors import NotFound
from kinline.identity import persons
from kinline.identity.persons import PersonView
from kinline.store import sql


def visible(session: Session, roots: Iterable[str], reader: AccessScope) -> list[str]:
    """Those of these persons whom the reader may know of, in their order."""
    if reader.accounts is None:
        return list(roots)
    accounts = sorted(reader.accounts)
    return [root for root in roots if _seen_through(session, root, accounts)]


def require(session: Session, root: str, reader: AccessScope) -> None:
    """Raise `NotFound`, in the words for nobody at all, for a person whom the reader may not know of."""
    if not visible(session, [root], reader):
        raise NotFound("There is no such person.", code="no_such_person")


def search(
    session: Session, text: str = "", *, after: str = "", limit: int = 50, reader: AccessScope = EVERYTHING
) -> list[PersonView]:
    """`persons.search` for that reader: what they may not know of is left out before the page is cut."""
    found: list[PersonView] = []
    while len(found) < limit:
        page = persons.search(session, text, after=after, limit=limit)
        seen = set(visible(session, [person.id for person in page], reader))
        found += [person for person in page if person.id in seen]
        if len(page) < limit:
            break
        after = page[-1].id
    return found[:limit]


def _seen_through(session: Session, root: str, accounts: list[str]) -> bool:
    rows = sql.select_in(
        session,
        "SELECT 1 FROM person p JOIN identity_link l ON l.person_id = p.id AND l.withdrawn_at IS NULL "
        "JOIN participant t ON t.identity_id = l.identity_id JOIN interaction i ON i.id = t.interaction_id "
        "JOIN copy c ON c.source_id = i.source_id AND c.interaction_id = i.id "
        "WHERE c.account_id {in} AND p.root_id = {p} LIMIT 1",
        accounts, root,
    )  # fmt: skip
    return bool(rows)

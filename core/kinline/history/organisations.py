"""What everybody of a person's organisations did while they belonged to them, for silences of organisations."""

from collections.abc import Callable, Iterable

import structlog
from sqlmodel import Session

from kinline.identity.persons import FOREVER
from kinline.store import sql
from kinline.triggers import OrganisationHistory, Seen
from kinline.triggers.history import in_order
from kinline.words import Role

log = structlog.get_logger(__name__)

#: An organisation of more people, over all times, is not looked at: each one's history is read.
LARGEST = 1000
Belonging = dict[str, list[tuple[int, int]]]  #: by root, from when (included) to when (not)


def organisations(
    session: Session, root: str, people: Iterable[str], as_of: int, read: Callable[[str], Iterable[Seen]]
) -> list[OrganisationHistory]:
    """The organisations of a person, each with its history. ``read`` gives that of one root."""
    rows = sql.select_in(
        session,
        "SELECT DISTINCT o.id, o.name FROM membership m JOIN organisation o ON o.id = m.organisation_id "
        "WHERE m.person_id {in} AND m.made_at <= {p} ORDER BY o.id",
        people,
        as_of,
    )
    found = []
    for organisation, name in rows:
        belonging = _belonging(session, organisation, as_of)
        if len(belonging) > LARGEST:
            log.warning("organisation too large to be looked at", organisation=organisation, people=len(belonging))
            continue
        found.append(_together(organisation, name, root, belonging, read))
    return found


def _belonging(session: Session, organisation: str, as_of: int) -> Belonging:
    rows = sql.run(
        session,
        "SELECT p.root_id, m.valid_from, m.valid_to FROM membership m JOIN person p ON p.id = m.person_id "
        "WHERE m.organisation_id = {p} AND m.made_at <= {p} ORDER BY p.root_id, m.id",
        organisation,
        as_of,
    )
    belonging: Belonging = {}
    for member, since, until in rows:
        span = (-FOREVER if since is None else since, FOREVER if until is None else until)
        belonging.setdefault(member, []).append(span)
    return belonging


def _together(
    organisation: str, name: str, root: str, belonging: Belonging, read: Callable[[str], Iterable[Seen]]
) -> OrganisationHistory:
    """One history of all. What two of them share is its author's, or else the first one's."""
    holders: dict[str, tuple[str, Seen]] = {}
    for member, spans in belonging.items():
        for seen in read(member):
            if not any(since <= seen.at < until for since, until in spans):
                continue
            held = holders.get(seen.id)
            if held is None or (seen.role is Role.AUTHOR and held[1].role is not Role.AUTHOR):
                holders[seen.id] = member, seen
    return OrganisationHistory(
        id=organisation,
        name=name,
        seen=in_order(seen for _, seen in holders.values()),
        mine=frozenset(each for each, (member, _) in holders.items() if member == root),
    )

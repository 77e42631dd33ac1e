"""The intake ledger: everything received is in exactly one place, and the counts add up."""

from typing import Any

import msgspec
from sqlmodel import Session

from kinline.accounts.reader import EVERYTHING, AccessScope
from kinline.store import sql
from kinline.words import ItemState


class LedgerLine(msgspec.Struct, frozen=True):
    """The ledger of one account. ``received`` is counted at the door, the rest from the items."""

    account: str
    received: int
    recorded: int
    duplicate: int
    applied: int
    quarantined: int
    refused: int
    in_flight: int

    @property
    def holds(self) -> bool:
        """The law: nothing that was received has disappeared."""
        parts = (self.recorded, self.duplicate, self.applied, self.quarantined, self.refused, self.in_flight)
        return self.received == sum(parts)


def ledger(session: Session, reader: AccessScope = EVERYTHING) -> list[LedgerLine]:
    """One line for each account, by name."""
    received = dict(
        sql.run(session, "SELECT account_id, CAST(sum(item_count) AS bigint) FROM intake GROUP BY account_id")
    )
    waiting = dict(sql.run(session, "SELECT account_id, count(*) FROM intake WHERE state = 'new' GROUP BY account_id"))
    items: dict[str, dict[str, int]] = {}
    for account, state, count in sql.run(
        session, "SELECT account_id, state, count(*) FROM item GROUP BY account_id, state"
    ):
        items.setdefault(account, {})[state] = count
    accounts = sql.run(session, "SELECT id, name FROM account ORDER BY name")
    return [
        _line(name, received.get(account, 0), items.get(account, {}), waiting.get(account, 0))
        for account, name in accounts
        if reader.accounts is None or account in reader.accounts
    ]


def quarantined(
    session: Session, reader: AccessScope = EVERYTHING, *, limit: int = 200, after: str = ""
) -> list[dict[str, Any]]:
    """What is set aside, with its reason: newest intake first, from behind ``after`` (``intake`` or ``intake:position``)."""
    intake, _, position = after.partition(":")
    accounts = reader.accounts
    if accounts is None:
        accounts = frozenset(account for (account,) in sql.run(session, "SELECT id FROM account"))
    rows = sql.select_in(
        session,
        "SELECT i.intake_id, i.position, i.account_id, i.code, i.reason, n.name, i.at FROM item i "
        "JOIN intake n ON n.id = i.intake_id WHERE i.account_id {in} AND i.state = 'quarantined' "
        "AND (i.intake_id < {p} OR (i.intake_id = {p} AND i.position > {p})) "
        "ORDER BY i.intake_id DESC, i.position LIMIT {p}",
        sorted(accounts),
        intake or "g",  # sorts after every id
        intake, int(position) if position.isdecimal() and len(position) < 19 else 2**62, limit,
    )  # fmt: skip
    names = ("intake", "position", "account", "code", "reason", "name", "at")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _line(name: str, received: int, states: dict[str, int], waiting: int) -> LedgerLine:
    return LedgerLine(
        account=name,
        received=received,
        in_flight=waiting + states.get(ItemState.IN_FLIGHT, 0),
        **{state: states.get(state, 0) for state in ItemState if state is not ItemState.IN_FLIGHT},
    )

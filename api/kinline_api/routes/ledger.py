"""The intake ledger, and what is set aside in it."""

from typing import Any

import msgspec

from kinline import clock
from kinline.errors import Malformed, NotFound
from kinline.intake import ledger
from kinline.intake.understand import replay
from kinline.store.models import Intake
from kinline.timeline import cursor
from kinline_api.call import Call
from kinline_api.query import Paged
from kinline_api.route import Id, get, post


class LedgerEntry(msgspec.Struct, frozen=True):
    """The counts of one account. ``holds``: they add up, nothing received has disappeared."""

    account: str
    received: int
    recorded: int
    duplicate: int
    applied: int
    quarantined: int
    refused: int
    in_flight: int
    holds: bool


class Ledger(msgspec.Struct, frozen=True):
    accounts: list[LedgerEntry]


class SetAside(msgspec.Struct, frozen=True):
    """An item that nobody could read. Its raw bytes are kept."""

    intake: str
    position: int
    account: str
    code: str
    reason: str
    name: str
    at: str | None


class Quarantine(msgspec.Struct, frozen=True):
    items: list[SetAside]
    next: str | None


class Replayed(msgspec.Struct, frozen=True):
    """How many items were tried again. Look at the ledger for what became of them."""

    tried: int


@get("/v1/ledger", scope="read")
def read_ledger(call: Call) -> Ledger:
    """Read the intake ledger: everything that came in is in exactly one place."""
    with call.read() as session:
        lines = ledger.ledger(session, call.reader)
    return Ledger([LedgerEntry(**msgspec.structs.asdict(line), holds=line.holds) for line in lines])


@get("/v1/quarantine", scope="channels")
def list_quarantine(call: Call, query: Paged) -> Quarantine:
    """List what is set aside, with its reason, newest first."""
    secret = call.hub.secret
    after = _place(cursor.read(secret, "quarantine", query.cursor)) if query.cursor else ""
    with call.read() as session:
        rows = ledger.quarantined(session, call.reader, limit=query.limit + 1, after=after)
    page = [_shown(row) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    last = f"{page[-1].intake}:{page[-1].position}" if more else ""
    return Quarantine(page, cursor.write(secret, "quarantine", (last,)) if more else None)


@post("/v1/quarantine/{intake}/replay", scope="channels")
def replay_quarantine(call: Call, intake: Id) -> Replayed:
    """Try the items of an intake again that were set aside, after a channel was mended.

    What was recorded of it stays; nothing is recorded twice, and nothing is sent.
    """
    with call.read() as session:
        row = session.get(Intake, intake)
        if row is None or (call.reader.accounts is not None and row.account_id not in call.reader.accounts):
            raise NotFound("There is no such intake.", code="no_such_intake")
    return Replayed(replay(call.hub.store, call.hub.secret, intake))


def _shown(row: dict[str, Any]) -> SetAside:
    return SetAside(**(row | {"at": clock.to_text(row["at"])}))


def _place(parts: list[object]) -> str:
    match parts:
        case [str(place)]:
            return place
    raise Malformed("This cursor is not one of this list.", code="invalid_cursor")

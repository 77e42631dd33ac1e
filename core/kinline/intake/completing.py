"""THE STORY of a hint: fetch what it speaks of, keep each body as an intake of its own, and be done with the hint.

A Webmention names two addresses; some webhooks say only that something changed. The channel fetches the rest, outside
any transaction; what it got is kept raw in the transaction that ends the hint. So understanding, and every replay of
it, needs no network.
"""

from collections.abc import Iterable
from itertools import islice

import msgspec
from sqlmodel import Session

from kinline import blobs, clock
from kinline.errors import ChannelError, KinlineError
from kinline.intake.receive import NEW, receive_all
from kinline.intake.understand import FAILED, Reading, begin, quarantine_whole, settle
from kinline.messages import Fetched, Hint
from kinline.record.deletions import A_DELETION
from kinline.secret import Secret
from kinline.store import Store, sql
from kinline.words import ItemState

#: Tries before a hint is set aside: about 20 minutes by the backoff of jobs.
TRIES = 6
#: The most bodies that one hint may bring, and the most bytes of a hint.
MOST, LONGEST = 20, 10_000_000
_FETCHED = "a hint, fetched as "  #: and the intakes


def complete(hub: Store, secret: Secret, intake_id: str, *, attempts: int) -> bool:
    """Complete one intake that is a hint. False: there is nothing to fetch, understand it as it is.

    Raises `ChannelError` where it should be tried again.
    """
    with hub.read() as session:
        reading = begin(session, secret, [intake_id], None).get(intake_id)
    if reading is None:
        return False
    if attempts > TRIES:
        quarantine_whole(hub, intake_id, "not_fetched", f"Fetching what it speaks of did not end in {TRIES} tries.")
        return True
    try:
        found = _fetched(hub, reading)
    except ChannelError as error:
        if not error.permanent and attempts < TRIES:
            raise
        quarantine_whole(hub, intake_id, error.code, error.detail)
        return True
    except KinlineError as error:
        quarantine_whole(hub, intake_id, error.code, error.detail)
        return True
    except (Exception, SystemExit) as error:  # a foreign plugin may raise anything; the hub goes on
        quarantine_whole(hub, intake_id, FAILED, f"The channel raised {type(error).__name__}: {error}"[:500])
        return True
    if found:
        _keep(hub, reading, found)
    return bool(found)


def _fetched(hub: Store, reading: Reading) -> list[Fetched]:
    """What the channel brings. Plugin code and network, no transaction."""
    with blobs.open_blob(hub, reading.blob_hash) as raw:
        body = raw.read(LONGEST + 1)
    if len(body) > LONGEST:
        raise ChannelError(f"A hint of over {LONGEST} bytes.", permanent=True, code="too_large")
    hint = Hint(body=body, source=reading.source, received_at=clock.to_datetime(reading.received_at))
    brought: Iterable[object] = reading.channel.complete(hint, reading.settings)
    found = list(islice(brought, MOST))
    kept = [piece for piece in found if isinstance(piece, Fetched) and not reading.channel.completes(piece.source)]
    if len(kept) < len(found):
        raise ChannelError("The channel brought another hint, or no body at all.", permanent=True, code=FAILED)
    return kept


def _keep(hub: Store, reading: Reading, found: list[Fetched]) -> None:
    """Keep what came and end the hint, in one transaction, once, even if two workers get here."""
    with hub.write() as session:
        if settle(session, reading, ItemState.APPLIED, ""):
            deliveries = [(reading.account, piece.body, piece.source) for piece in found]
            intakes = receive_all(session, deliveries, origin=reading.origin)
            statement = "UPDATE item SET reason = {p} WHERE intake_id = {p} AND position = 0"
            sql.changed(session, statement, f"{_FETCHED}{' '.join(intakes)}", reading.intake_id)


class Became(msgspec.Struct, frozen=True):
    """What became of a hint, for whoever gave it: waiting · recorded · deleted · applied · refused, with the reason."""

    state: str
    code: str = ""
    detail: str = ""


def became(session: Session, account_id: str, intake_id: str) -> Became | None:
    """What became of a hint of this account. None: there is no such intake."""
    statement = "SELECT state FROM intake WHERE id = {p} AND account_id = {p}"
    rows = sql.run(session, statement, intake_id, account_id)
    if not rows:
        return None
    items = _items(session, [intake_id])
    if rows[0][0] == NEW or not items:
        return Became("waiting")
    _, reason, _ = items[0]
    if not reason.startswith(_FETCHED):
        return _became(*items[0])
    fetched = reason.removeprefix(_FETCHED).split()
    waiting = sql.select_in(session, "SELECT 1 FROM intake WHERE id {in} AND state = {p}", fetched, NEW)
    return Became("waiting") if waiting else _became(*_items(session, fetched)[0])


def _items(session: Session, intakes: list[str]) -> list[tuple[str, str, str]]:
    statement = "SELECT state, reason, code FROM item WHERE intake_id {in} ORDER BY intake_id, position LIMIT 1"
    return [(state, reason, code) for state, reason, code in sql.select_in(session, statement, intakes)]


def _became(state: str, reason: str, code: str) -> Became:
    if state == ItemState.QUARANTINED:
        return Became("refused", code, reason)
    if state == ItemState.APPLIED:
        return Became("applied", detail=reason)
    return Became("deleted" if reason == A_DELETION else "recorded")

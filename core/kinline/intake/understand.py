"""THE STORY of the way in: parse → normalise → record, item by item, for one intake.

Plugin code runs between transactions, never inside one. An item nobody can read is quarantined with its
reason, and its neighbours go on. Done items are in the ledger, so a run that was killed goes on where it
stopped, and a replay touches quarantined items only.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import msgspec
from sqlmodel import Session

from kinline import blobs, clock
from kinline.accounts.connected import AccountRef, ref, settings_of
from kinline.contract.channel import AccountSettings, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import Unavailable, Unreadable
from kinline.intake.receive import COMPLETE, NEW, UNDERSTOOD, is_hint
from kinline.jobs import queue
from kinline.messages import Applied, Broken, Deletion, Interaction, Item, Normalised, Profile, Receipt, Source, Ticket
from kinline.record.batch import record_batch
from kinline.record.recording import Outcome, Recording
from kinline.record.writer import write_all
from kinline.secret import Secret
from kinline.store import Store, sql
from kinline.store.models import Account, Intake, ItemRow, metadata
from kinline.words import ItemState, Origin

_ITEM = metadata.tables[str(ItemRow.__tablename__)]
#: Items in one transaction: short enough to let other writers in.
CHUNK = 40
#: The channel itself is at fault, not what it read.
FAILED = "channel_failed"
_NORMALISED = (Interaction, Deletion, Applied, Receipt, Ticket, Profile)
Progress = Callable[[int], None]


class Piece(msgspec.Struct, frozen=True):
    """An item as far as the plugin understood it."""

    position: int
    found: tuple[Normalised, ...] = ()
    broken: Broken | None = None


class _Done(msgspec.Struct, frozen=True):
    """The positions up to ``last`` but for the missing ones: small, however many items there are."""

    last: int
    missing: frozenset[int]

    def has(self, position: int) -> bool:
        return position <= self.last and position not in self.missing


class Reading(msgspec.Struct, frozen=True):
    """An intake that is being understood, with the channel that can."""

    intake_id: str
    account: AccountRef
    origin: Origin
    received_at: int
    arrived_at: int
    blob_hash: str
    source: Source
    channel: AnyChannel
    settings: AccountSettings


def understand(
    hub: Store, secret: Secret, intake_id: str, *, arrived_at: int | None = None, progress: Progress | None = None
) -> None:
    """Understand one intake to its end. ``arrived_at``: one moment for everything of one import."""
    reading = _open(hub, secret, intake_id, arrived_at)
    if reading is None:
        return
    done = _done(hub, intake_id)
    pieces = (piece for piece in _pieces(hub, reading) if not done.has(piece.position))
    while chunk := list(islice(pieces, CHUNK)):
        _record(hub, reading, chunk)
        if progress:
            progress(len(chunk))
    _close(hub, reading)


def replay(hub: Store, secret: Secret, intake_id: str) -> int:
    """Try the quarantined items of an intake again, after a channel was mended. Returns how many it tried."""
    reading = _open(hub, secret, intake_id, None, states=(NEW, UNDERSTOOD))
    if reading is None:
        return 0
    if is_hint(reading.account, reading.source):
        return _again(hub, intake_id)
    settled = _done(hub, intake_id, again="quarantined")
    tried = 0
    pieces = (piece for piece in _pieces(hub, reading) if not settled.has(piece.position))
    while chunk := list(islice(pieces, CHUNK)):
        _record(hub, reading, chunk, again=True)
        tried += len(chunk)
    return tried


def _again(hub: Store, intake_id: str) -> int:
    """Have what a hint speaks of fetched once more, by a job. Returns 1 where it was set aside."""
    with hub.write() as session:
        if not _forget(session, intake_id, 0):
            return 0
        sql.changed(session, "UPDATE intake SET state = {p}, understood_at = NULL WHERE id = {p}", NEW, intake_id)
        queue.plan(session, COMPLETE, [intake_id])
    return 1


def quarantine_whole(hub: Store, intake_id: str, code: str, reason: str) -> None:
    """Set an intake aside that killed or outlasted its worker, so that it cannot block the others."""
    with hub.write() as session:
        intake = session.get(Intake, intake_id)
        if intake is None or intake.state != NEW:
            return
        statement = "SELECT coalesce(max(position), -1) + 1 FROM item WHERE intake_id = {p}"
        position = sql.run(session, statement, intake_id)[0][0]
        row = (
            intake_id, position, intake.account_id, ItemState.QUARANTINED, _plain(code, 100), _plain(reason), None, clock.now(),
        )  # fmt: skip
        sql.insert(session, _ITEM, [row])
        # The item stands for the part that was not read yet, so that the count of items stays.
        understood(session, [intake_id], read=0)


def settle(session: Session, reading: Reading, state: ItemState, reason: str) -> bool:
    """End a whole intake with one line in the ledger. False: it was begun or ended before."""
    row = (reading.intake_id, 0, reading.account.id, state, "", _plain(reason), None, clock.now())
    done = bool(sql.insert_new(session, _ITEM, [row], 2))
    if done:
        understood(session, [reading.intake_id], read=0)
    return done


def _open(
    hub: Store, secret: Secret, intake_id: str, arrived_at: int | None, states: tuple[str, ...] = (NEW,)
) -> Reading | None:
    with hub.read() as session:
        return begin(session, secret, [intake_id], arrived_at, states).get(intake_id)


def begin(
    session: Session,
    secret: Secret,
    intake_ids: Sequence[str],
    arrived_at: int | None,
    states: tuple[str, ...] = (NEW,),
) -> dict[str, Reading]:
    """All that understanding these intakes needs, for those that are in one of these states."""
    rows = sql.select_in(
        session,
        "SELECT id, account_id, origin, received_at, blob_hash, name, media_type, headers, state FROM intake WHERE id {in}",
        intake_ids,
    )
    accounts = {account: session.get_one(Account, account) for account in sorted({row[1] for row in rows})}
    known = {id: (ref(row), channels().get(row.channel), settings_of(row, secret)) for id, row in accounts.items()}
    found = {}
    for intake, account, origin, received, blob, name, media_type, headers, state in rows:
        if state in states and blob is not None:
            source = Source(name=name, media_type=media_type, headers=msgspec.json.decode(headers))
            who, channel, settings = known[account]
            at = arrived_at or received
            found[intake] = Reading(intake, who, Origin(origin), received, at, blob, source, channel, settings)
    return found


def _done(hub: Store, intake_id: str, again: str = "") -> _Done:
    """What is in the ledger already; items in the state ``again`` count as not done."""
    about = "FROM item WHERE intake_id = {p}"
    with hub.read() as session:
        count, last = sql.run(session, f"SELECT count(*), coalesce(max(position), -1) {about}", intake_id)[0]
        missing = {
            place for (place,) in sql.run(session, f"SELECT position {about} AND state = {{p}}", intake_id, again)
        }
        if count <= last:  # a chunk that was written in halves, and killed between them
            known = {place for (place,) in sql.run(session, f"SELECT position {about}", intake_id)}
            missing |= set(range(last + 1)) - known
    return _Done(last, frozenset(missing))


def _pieces(hub: Store, reading: Reading) -> Iterator[Piece]:
    with blobs.open_blob(hub, reading.blob_hash) as raw:
        yield from pieces_of(reading, raw)


def pieces_of(reading: Reading, raw: BinaryIO) -> Iterator[Piece]:
    """The items of an intake with what they mean, streaming. Whatever a plugin raises becomes a reason."""
    position = -1
    try:
        for position, found in enumerate(reading.channel.parse(raw, reading.source, reading.settings)):
            yield _normalised(reading, position, found)
    except Unavailable:
        raise  # our own database while reading the raw bytes: the item is not to blame
    except (Exception, SystemExit) as error:  # a foreign plugin may raise anything; the hub goes on
        yield Piece(position + 1, broken=_reason(error))


def _normalised(reading: Reading, position: int, found: Item | Broken) -> Piece:
    if isinstance(found, Broken):
        return Piece(position, broken=found)
    try:
        item = msgspec.structs.replace(found, position=position)
        meant = tuple(reading.channel.normalise(item, reading.settings))
    except (Exception, SystemExit) as error:  # the same here
        return Piece(position, broken=_reason(error))
    foreign = [type(each).__name__ for each in meant if not isinstance(each, _NORMALISED)]
    if foreign:
        return Piece(position, broken=Broken(code=FAILED, detail=f"The channel gave {foreign[0]} for an interaction."))
    return Piece(position, meant)


def _reason(error: BaseException) -> Broken:
    if isinstance(error, Unreadable):
        return Broken(code=error.code, detail=error.detail)
    return Broken(code=FAILED, detail=f"The channel raised {type(error).__name__}: {error}"[:500])


def _record(hub: Store, reading: Reading, pieces: list[Piece], *, again: bool = False) -> None:
    def work(session: Session, chunk: Sequence[Piece]) -> list[bool]:
        enter(session, [(reading, piece) for piece in chunk], again=again)
        return [True] * len(chunk)

    written: list[bool | BaseException] = write_all(hub, work, pieces)
    for piece, failed in zip(pieces, written, strict=True):
        if isinstance(failed, Exception) and piece.found and not isinstance(failed, Unavailable):
            detail = f"It cannot be stored: {type(failed).__name__}: {failed}"
            _record(
                hub, reading, [Piece(piece.position, broken=Broken(code="not_storable", detail=detail))], again=again
            )
        elif isinstance(failed, BaseException):
            raise failed


def enter(session: Session, found: Sequence[tuple[Reading, Piece]], *, again: bool = False) -> None:
    """Record what was understood and enter it in the ledger, in one transaction: the sums hold at all times.

    ``again``: these may stand in quarantine, and take their own place there.
    """
    recordings = [
        Recording(
            account=reading.account,
            what=what,
            origin=reading.origin,
            arrived_at=reading.arrived_at,
            intake_id=reading.intake_id,
            position=piece.position,
        )
        for reading, piece in found
        for what in piece.found
    ]
    outcomes = iter(record_batch(session, recordings))
    rows = [_item_row(reading, piece, [next(outcomes) for _ in piece.found]) for reading, piece in found]
    more = Counter[str]()
    for reading, piece in found if again else ():
        more[reading.intake_id] -= _forget(session, reading.intake_id, piece.position)
    more.update(intake_id for intake_id, _ in sql.insert_new(session, _ITEM, rows, 2))
    for count in sorted(set(more.values()) - {0}):
        statement = "UPDATE intake SET item_count = item_count + {p} WHERE id {in}"
        sql.update_in(session, statement, sorted(each for each, its in more.items() if its == count), count)


def _item_row(reading: Reading, piece: Piece, outcomes: list[Outcome]) -> tuple[object, ...]:
    """An item is recorded if anything of it was new, else a duplicate if anything was known, else applied."""
    code, reason, interaction = "", "", None
    if piece.broken:
        state, code, reason = ItemState.QUARANTINED, piece.broken.code, piece.broken.detail
    else:
        order = (ItemState.RECORDED, ItemState.DUPLICATE, ItemState.APPLIED)
        state = next((each for each in order if any(o.state is each for o in outcomes)), ItemState.APPLIED)
        deciding = next((o for o in outcomes if o.state is state), None)
        reason = deciding.reason if deciding else "it says nothing to record"
        interaction = deciding.interaction_id if deciding else None
    return (
        reading.intake_id, piece.position, reading.account.id, state, _plain(code, 100), _plain(reason), interaction,
        clock.now(),
    )  # fmt: skip


def _plain(text: object, longest: int = 1000) -> str:
    """A reason as both databases can keep it, whatever a plugin put into it."""
    return str(text)[:longest].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _forget(session: Session, intake_id: str, position: int) -> int:
    """Take a quarantined item's line away, for the one that comes in its place."""
    statement = "DELETE FROM item WHERE intake_id = {p} AND position = {p} AND state = 'quarantined'"
    return sql.changed(session, statement, intake_id, position)


def _close(hub: Store, reading: Reading) -> None:
    with hub.write() as session:
        if sql.run(session, "SELECT 1 FROM item WHERE intake_id = {p} LIMIT 1", reading.intake_id):
            understood(session, [reading.intake_id], read=1)
        else:
            settle(session, reading, ItemState.APPLIED, "it holds nothing")


def understood(session: Session, intake_ids: Sequence[str], *, read: int) -> None:
    """The part not read yet is gone (``read`` 1), or became an item (0). Once, if two workers get here."""
    sql.update_in(
        session,
        "UPDATE intake SET state = {p}, item_count = item_count - {p}, understood_at = {p} WHERE state = {p} AND id {in}",
        intake_ids, UNDERSTOOD, read, clock.now(), NEW,
    )  # fmt: skip

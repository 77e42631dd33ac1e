"""Importing history: each file kept raw, then understood; and what was left by an import that was killed.

Memory stays bounded: nothing is held but a few small files, or of a large one what is read at a time.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from mimetypes import guess_type
from pathlib import Path

import msgspec

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.contract.channel import Ability, AnyChannel
from kinline.errors import Conflict, Invalid
from kinline.hub import Hub
from kinline.intake.receive import NEW, receive_file, receive_small
from kinline.intake.together import understand_together
from kinline.intake.understand import understand
from kinline.messages import Source
from kinline.store import sql
from kinline.words import ItemState, Origin

#: Files up to this many bytes are kept together, so many in one transaction.
SMALL = 64 * 1024
TOGETHER = 16
#: How many reasons of quarantined items are told.
TOLD = 10


class ItemRefused(msgspec.Struct, frozen=True):
    """Why one item was set aside."""

    file: str
    position: int
    code: str
    reason: str


class ImportTally(msgspec.Struct):
    """What became of an import."""

    files: int = 0
    resumed: int = 0  #: intakes that a killed import had left
    bytes: int = 0
    items: dict[str, int] = {}
    reasons: list[ItemRefused] = []

    @property
    def total(self) -> int:
        return sum(self.items.values())

    @property
    def quarantined(self) -> int:
        return self.items.get(ItemState.QUARANTINED, 0)


#: Called with the bytes and the items that were done since the last call.
Step = Callable[[int, int], None]


def files_of(channel: AnyChannel, paths: Iterable[str]) -> Iterator[str]:
    """The files this channel would read. Raises `Invalid` where it reads none, or a path names none."""
    if Ability.IMPORT not in channel.can:
        raise Invalid(f"The {channel.name} channel reads no files.", code="cannot_import")
    yield from channel.files(paths)


def account_for(hub: Hub, channel: AnyChannel, name: str, settings: dict[str, object]) -> AccountRef:
    """The account to import into, connected when it is new. Raises `Conflict` when it has other settings."""
    with hub.store.write() as session:
        known = {row.name: row for row in connected.every(session)}
        if name not in known:
            return connected.connect(session, hub.secret, channel.name, name, settings)
        found = connected.ensure(session, hub.secret, channel.name, name)
        if settings and connected.settings_of(known[name], hub.secret) != connected.read_settings(channel, settings):
            raise Conflict(
                f"The account “{name}” has other settings. Leave --set out, or import into another with --account.",
                code="other_settings",
            )
        return found


def left_behind(hub: Hub, account: AccountRef) -> list[tuple[str, str]]:
    """Intakes of this account that an import received and did not finish: (id, file name)."""
    with hub.store.read() as session:
        return sql.run(
            session, "SELECT id, name FROM intake WHERE account_id = {p} AND state = {p} AND origin = {p} ORDER BY id",
            account.id, NEW, Origin.IMPORT,
        )  # fmt: skip


def resume(hub: Hub, account: AccountRef, at: int, tally: ImportTally, step: Step) -> None:
    """Understand what a killed import left, before anything new."""
    for intake, name in left_behind(hub, account):
        _understand(hub, intake, at, step)
        _count(hub, {intake: name}, tally)
        tally.resumed += 1


def take_in(hub: Hub, account: AccountRef, paths: Iterable[str], at: int, tally: ImportTally, step: Step) -> None:
    """All these files: kept, understood, counted. Small ones go several at a time, in one transaction."""
    for batch in _batches(paths):
        kept = _keep(hub, account, batch)
        done = understand_together(hub.store, hub.secret, kept, arrived_at=at) if len(kept) > 1 else set()
        for intake in kept:
            if intake not in done:
                _understand(hub, intake, at, step)
        size = sum(size for _, size in batch)
        new = _count(
            hub, {intake: os.path.basename(path) for intake, (path, _) in zip(kept, batch, strict=True)}, tally
        )
        tally.files += len(batch)
        tally.bytes += size
        step(size, new if done else 0)


def _batches(paths: Iterable[str]) -> Iterator[list[tuple[str, int]]]:
    """The files with their sizes: small ones together, a large one alone, in their order."""
    batch: list[tuple[str, int]] = []
    for path in paths:
        size = _size(path)
        if batch and (size > SMALL or len(batch) == TOGETHER):
            yield batch
            batch = []
        batch.append((path, size))
        if size > SMALL:
            yield batch
            batch = []
    if batch:
        yield batch


def _keep(hub: Hub, account: AccountRef, batch: list[tuple[str, int]]) -> list[str]:
    """The intakes of a batch, durable, in its order. A file that grew since it was measured is read whole."""
    [(first, size), *_] = batch
    try:
        if size > SMALL:
            with open(first, "rb") as content:
                return [receive_file(hub.store, account, content, _source(first), origin=Origin.IMPORT)]
        bodies = [(Path(path).read_bytes(), _source(path)) for path, _ in batch]
    except OSError as error:
        raise _unreadable(error.filename or first, error) from None
    return receive_small(hub.store, account, bodies, origin=Origin.IMPORT)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _source(path: str) -> Source:
    """The name without its folder, in text that can be stored."""
    name = os.path.basename(path).encode("utf-8", "replace").decode()
    return Source(name=name, media_type=guess_type(path)[0] or "")


def _unreadable(path: str, error: OSError) -> Invalid:
    detail = f"{path} cannot be read: {error.strerror}. What was read before is safe."
    return Invalid(detail, code="unreadable_file")


def _understand(hub: Hub, intake: str, at: int, step: Step) -> None:
    understand(hub.store, hub.secret, intake, arrived_at=at, progress=lambda items: step(0, items))


def _count(hub: Hub, names: dict[str, str], tally: ImportTally) -> int:
    """Add what became of these intakes, and the first reasons. Returns how many items they hold."""
    counted = 0
    with hub.store.read() as session:
        rows = sql.select_in(session, "SELECT state, count(*) FROM item WHERE intake_id {in} GROUP BY state", names)
        for state, count in rows:
            tally.items[state] = tally.items.get(state, 0) + count
            counted += count
        if len(tally.reasons) < TOLD and any(state == ItemState.QUARANTINED for state, _ in rows):
            found = sql.select_in(
                session, "SELECT intake_id, position, code, reason FROM item WHERE intake_id {in} "
                "AND state = 'quarantined' ORDER BY intake_id, position LIMIT {p}", names, TOLD - len(tally.reasons),
            )  # fmt: skip
            tally.reasons += [ItemRefused(names[intake], *rest) for intake, *rest in found]
    return counted

"""The channel accounts, remembered, so that recording and handshakes need no look at the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.accounts.reader import AccessScope
from kinline.errors import Conflict, NotFound
from kinline.hub import Hub
from kinline.store.models import Account

log = structlog.get_logger(__name__)

#: Seconds after which the accounts are read again, in the background.
FRESH = 2.0
#: Seconds between two looks for a name that is not known.
PATIENCE = 0.2


class KnownAccount(msgspec.Struct, frozen=True):
    """An account as the API remembers it."""

    ref: AccountRef
    active: bool
    row: Account


class AccountCache:
    """The accounts by name and id. Used in the event loop. When the database is away, the last known ones stand."""

    def __init__(self, hub: Hub, in_thread: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        self._hub, self._in_thread = hub, in_thread
        self._known: dict[str, KnownAccount] = {}
        self._read_at = -FRESH
        self._changed = True
        self._reading: asyncio.Task[None] | None = None

    async def find(self, name: str) -> KnownAccount | None:
        """The account of that name or id. Waits for the database only where the name is not known."""
        if self._changed:
            await self.refresh()
        age = time.monotonic() - self._read_at
        known = self._known.get(name)
        if known is not None:
            if age > FRESH:
                self.refresh()
            return known
        await asyncio.sleep(max(0.0, PATIENCE - age))  # somebody may have connected it just now, elsewhere
        await self.refresh()
        return self._known.get(name)

    async def for_recording(self, name: str, reader: AccessScope) -> AccountRef:
        """The account to record for. One that the caller may not read is not there for them."""
        return usable(await self.find(name), name, reader)

    async def all(self) -> dict[str, KnownAccount]:
        """Every account, by name and by id."""
        if self._changed or time.monotonic() - self._read_at > FRESH:
            await self.refresh()
        return self._known

    def refresh(self) -> "asyncio.Task[None]":
        """Read the accounts again; one reading at a time."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._refresh())
        return self._reading

    async def _refresh(self) -> None:
        self._changed = False
        try:
            await self._in_thread(self._read)
        except Exception as error:  # the database is away: what was known goes on standing
            log.warning("accounts not read", reason=f"{type(error).__name__}: {error}"[:300])
        self._read_at = time.monotonic()

    def _read(self) -> None:
        with self._hub.store.read() as session:
            rows = connected.every(session)
            session.expunge_all()
        known = [KnownAccount(connected.ref(row), row.state == connected.ACTIVE, row) for row in rows]
        self._known = {each.ref.id: each for each in known} | {each.ref.name: each for each in known}

    def forget(self) -> None:
        """An account changed: read them again before the next use."""
        self._changed = True


def usable(found: KnownAccount | None, name: str, reader: AccessScope) -> AccountRef:
    """The account, if that caller may record for it now."""
    if found is None or (reader.accounts is not None and found.ref.id not in reader.accounts):
        raise NotFound(f"There is no account “{name[:100]}”.", code="no_such_account", pointer="/account")
    if not found.active:
        raise Conflict(f"The account “{name[:100]}” is paused.", code="account_paused", pointer="/account")
    return found.ref

"""Keeps the live accounts connected: one thread for each that nobody else looks after and whose time has come."""

import threading
from collections.abc import Callable

import structlog

from kinline import clock, ids
from kinline.accounts.ready import as_it_is
from kinline.contract.channel import Ability
from kinline.contract.plugins import channels
from kinline.errors import Unavailable
from kinline.hub import Hub
from kinline.jobs.queue import database_now
from kinline.live.keeping import Keeper
from kinline.store import sql

log = structlog.get_logger(__name__)
#: Seconds that a thread which waits on a provider gets to end; it writes nothing afterwards.
GRACE = 2.0
_ACCOUNTS = (
    "SELECT a.id, a.channel, a.settings || a.sealed, coalesce(l.owner, ''), coalesce(l.lease_until, 0), "
    "coalesce(l.wake, 0), coalesce(l.next_at, 0) FROM account a LEFT JOIN account_live l ON l.account_id = a.id "
    "WHERE a.state = 'active'"
)


class Keepers(threading.Thread):
    """Looks every ``sweep`` seconds which accounts need somebody. ``news`` is called when one brought something in."""

    def __init__(self, hub: Hub, news: Callable[[], None]) -> None:
        super().__init__(name="keepers", daemon=True)
        self._hub, self._news, self._stopped = hub, news, threading.Event()
        self._owner = ids.new()
        self._running: dict[str, tuple[Keeper, threading.Thread, str]] = {}
        self._asked: dict[str, tuple[str, bool]] = {}

    def run(self) -> None:
        while not self._stopped.wait(self._hub.settings.sweep):
            try:
                self._look()
            except Unavailable as error:
                log.warning("accounts not looked at", reason=error.detail)
            except Exception:  # whoever dies here leaves every account alone; it says so and goes on
                log.exception("accounts not looked at")

    def stop(self) -> None:
        self._stopped.set()
        self.join()
        for keeper, _, _ in self._running.values():
            keeper.stop.set()
            keeper.woken.set()
        for _, thread, _ in self._running.values():
            thread.join(GRACE)

    def _look(self) -> None:
        with self._hub.store.read() as session:
            rows, now = sql.run(session, _ACCOUNTS), database_now(session)
        wanted = {row[0]: row for row in rows if self._live(row[0], row[1], row[2])}
        for account in list(self._running):
            self._see(account, wanted.get(account))
        for account, (_, _, settings, owner, lease_until, _, next_at) in wanted.items():
            free = owner in ("", self._owner) or lease_until < now
            if account not in self._running and free and next_at <= clock.now():
                self._start(account, settings)

    def _see(self, account: str, row: tuple[object, ...] | None) -> None:
        """Stop one that was paused or has other settings, wake one that somebody wants, forget one that ended."""
        keeper, thread, settings = self._running[account]
        if not thread.is_alive():
            del self._running[account]
        elif row is None or row[2] != settings:
            keeper.stop.set()
            keeper.woken.set()
        elif row[5]:
            keeper.woken.set()

    def _start(self, account: str, settings: str) -> None:
        keeper = Keeper(self._hub, account, self._owner, self._news)
        thread = threading.Thread(target=keeper.keep, name=f"account-{account[:8]}", daemon=True)
        self._running[account] = keeper, thread, settings
        thread.start()

    def _live(self, account: str, channel: str, settings: str) -> bool:
        """Whether its channel polls, and its settings ask for it. Asked again only when they change."""
        found = channels().loaded.get(channel)
        if found is None or Ability.POLL not in found.can:
            return False
        if self._asked.get(account, ("", False))[0] != settings:
            try:
                self._asked[account] = settings, found.is_live(as_it_is(self._hub, account).settings)
            except Unavailable:
                raise
            except Exception:  # its keeper finds out what is wrong, and says so in the account's health
                log.warning("account cannot be asked", account=account, exc_info=True)
                self._asked[account] = settings, True
        return self._asked[account][1]

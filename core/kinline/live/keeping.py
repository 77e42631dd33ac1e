"""Looking after one live account: connect, look, bring in the past, compare, recheck, wait for news, look again.

One thread for each account, so that a provider that hangs delays only itself. Who looks after it holds
the account's lease; after an error the connection is closed and the account rests until it is time to try again.
"""

import threading
import time
from collections.abc import Callable

import structlog

from kinline import clock
from kinline.accounts.ready import EARLY, ReadyAccount, ready
from kinline.clock import MINUTE, SECOND
from kinline.contract.channel import Ability
from kinline.contract.connection import Connection
from kinline.errors import ChannelError, KinlineError, Unavailable
from kinline.hub import Hub
from kinline.live import state
from kinline.live.comparing import compare
from kinline.live.polling import look, look_back
from kinline.live.rechecking import recheck
from kinline.store.models import AccountLive

log = structlog.get_logger(__name__)
#: Seconds after which the lease is renewed.
BREATH = 15.0
#: Seconds of one wait on a connection; after it, whoever wants us to stop or to look is heard.
GLANCE = 1.0
#: Seconds that go into the past before the present is looked at again.
SLICE = 5.0
#: How often the newest items are compared with ours.
COMPARE_EVERY = 10 * MINUTE


class Keeper:
    """Looks after one account until ``stop`` is set, or something goes wrong. ``news`` is called after each catch."""

    def __init__(self, hub: Hub, account_id: str, owner: str, news: Callable[[], None]) -> None:
        self.account_id, self.stop, self.woken = account_id, threading.Event(), threading.Event()
        self._hub, self._owner, self._news = hub, owner, news

    def keep(self) -> None:
        """Raises nothing: what went wrong is in the account's health, and when it will be tried again."""
        try:
            if not self._claim():
                return
            self._connected()
            self._let_go()
        except state.Lost:
            log.warning("somebody else looks after this account now", account=self.account_id)
        except Unavailable as error:
            log.warning("database away", account=self.account_id, reason=error.detail)
        except Exception as error:  # whatever a channel does, its account rests and says why
            self._failed(error)

    def _connected(self) -> None:
        account = ready(self._hub, self.account_id)
        with _open(account) as connection:
            while not self.stop.is_set() and not _token_ends(account):
                self._round(account, connection)

    def _round(self, account: ReadyAccount, connection: Connection) -> None:
        self.woken.clear()
        kept = look(self._hub, account, connection, self._owner)
        pause = max(0.5, account.channel.pause_between(account.settings))
        row = self._succeeded()
        if row.history_state == "running":
            kept += look_back(self._hub, account, connection, self._owner, seconds=SLICE)
            pause = 0.0
        if kept:
            self._news()
        if Ability.COMPARE in account.channel.can and _to_compare(row):
            compare(self._hub, account, connection, self._owner)
            if Ability.RECHECK in account.channel.can and recheck(self._hub, account, connection, self._owner):
                self._news()
        self._wait(account, connection, pause)

    def _wait(self, account: ReadyAccount, connection: Connection, pause: float) -> None:
        watches = Ability.WATCH in account.channel.can and connection.watches
        ends = clock.now() + int(pause * SECOND)
        claimed = time.monotonic()
        while (left := (ends - clock.now()) / SECOND) > 0 and not (self.stop.is_set() or self.woken.is_set()):
            if connection.wait(min(left, GLANCE)) if watches else self.woken.wait(min(left, BREATH)):
                return
            if time.monotonic() - claimed >= BREATH:
                claimed = time.monotonic()
                if not self._claim():
                    raise state.Lost

    def _claim(self) -> bool:
        with self._hub.store.write() as session:
            return state.claim(session, self.account_id, self._owner, self._hub.settings.lease)

    def _succeeded(self) -> AccountLive:
        with self._hub.store.write() as session:
            state.succeeded(session, self.account_id, self._owner)
            return session.get_one(AccountLive, self.account_id)

    def _let_go(self) -> None:
        with self._hub.store.write() as session:
            state.release(session, self.account_id, self._owner)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, KinlineError):
            log.warning("account fails", account=self.account_id, code=error.code, reason=error.detail)
        else:
            log.warning("account fails", account=self.account_id, exc_info=error)
        try:
            with self._hub.store.write() as session:
                state.failed(session, self.account_id, self._owner, error)
                state.release(session, self.account_id, self._owner)
        except Exception as trouble:  # the account is gone, or the database: nothing is left to write
            log.warning("its health could not be written", account=self.account_id, reason=str(trouble)[:300])


def _open(account: ReadyAccount) -> Connection:
    """Connect. What a foreign channel raises there is the account's error, not ours."""
    try:
        return account.channel.connect(account.settings)
    except KinlineError:
        raise
    except (Exception, SystemExit) as error:
        detail = f"The {account.channel.name} channel raised {type(error).__name__}: {error}"
        raise ChannelError(detail[:500], code="channel_broke") from error


def _token_ends(account: ReadyAccount) -> bool:
    """A new connection with a new token is needed."""
    ends = getattr(account.settings, "token_expires_at", 0)
    return bool(ends) and float(ends) < clock.now() / SECOND + EARLY


def _to_compare(row: AccountLive) -> bool:
    return row.compared_at is None or bool(row.missing) or row.compared_at < clock.now() - COMPARE_EVERY

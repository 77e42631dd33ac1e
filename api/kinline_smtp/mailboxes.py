"""Which account an address belongs to, remembered for moments, so that RCPT needs no look at the database."""

import time

import structlog

from kinline.accounts import connected
from kinline.accounts.connected import AccountRef
from kinline.contract.channel import Ability, AccountSettings, AnyChannel
from kinline.contract.plugins import channels
from kinline.errors import Unavailable
from kinline.hub import Hub

log = structlog.get_logger(__name__)
#: Seconds after which the accounts are read again; and sooner for an address that none of them takes: a refusal is final.
FRESH, FRESH_FOR_NO = 2.0, 0.1


class Mailboxes:
    """Used by many threads. While the database is away the last known accounts stand."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: list[tuple[AccountRef, AnyChannel, AccountSettings]] | None = None
        self._read_at = 0.0

    def find(self, address: str) -> AccountRef | None:
        """The active account that takes mail for it, the surest of several. Raises `Unavailable`."""
        if self._known is None or self._age() > FRESH:
            self._refresh()
        found = self._found(address)
        if found is None and self._age() > FRESH_FOR_NO:
            self._refresh()
            found = self._found(address)
        return found

    def _age(self) -> float:
        return time.monotonic() - self._read_at

    def _found(self, address: str) -> AccountRef | None:
        best, found = 0, None
        for account, channel, settings in self._known or ():
            try:
                sure = int(channel.takes_mail_for(address, settings))
            except Exception as error:  # a foreign channel does not stop the mail of the others
                log.error("channel failed", account=account.name, exc_info=error)
                continue
            if sure > best:
                best, found = sure, account
        return found

    def _refresh(self) -> None:
        try:
            with self._hub.store.read() as session:
                rows = [row for row in connected.every(session) if row.state == connected.ACTIVE]
                session.expunge_all()
        except Unavailable as error:
            if self._known is None:
                raise
            log.warning("accounts not read", reason=error.detail)
            self._read_at = time.monotonic()
            return
        found = channels().loaded
        known = [(row, found[row.channel]) for row in rows if row.channel in found]
        self._known = [
            (connected.ref(row), channel, connected.settings_of(row, self._hub.secret))
            for row, channel in known
            if Ability.MAILBOX in channel.can
        ]
        self._read_at = time.monotonic()

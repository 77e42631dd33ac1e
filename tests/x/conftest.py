"""A pretended X for each test, and an account of ours there that a hub looks after."""

import contextvars
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kinline import handlers
from kinline.accounts import connected
from kinline.hub import Hub
from kinline.live.health import Health, health
from kinline.live.keeping import Keeper
from kinline.store import sql
from kinline.store.models import AccountLive
from kinline_twitter.pretend import PretendX


@pytest.fixture
def x() -> Iterator[PretendX]:
    """X, with Ann, Ben and us, where nobody has said anything yet."""
    found = PretendX(peopled=False)
    found.start()
    found.settings |= {"poll_every": 1, "recheck_hours": 0}
    found.limiter.limits["messages"] = 9000
    yield found
    found.stop()


class Company:
    """Our hub, with the X account connected."""

    def __init__(self, hub: Hub, x: PretendX, name: str = "our X", **settings: Any) -> None:
        self.hub, self.x = hub, x
        with hub.store.write() as session:
            ref = connected.connect(session, hub.secret, "twitter", name, {**x.settings, **settings})
        self.account = ref.id

    def looks(self, *, until: Callable[[], object] | None = None, owner: str = "keeper-1") -> None:
        """Have the account looked after until something is so (once, when nothing is said), and understand it all."""
        before = self.row().polled_at
        keeper = Keeper(self.hub, self.account, owner, news=lambda: None)
        thread = threading.Thread(target=contextvars.copy_context().run, args=(keeper.keep,))
        thread.start()
        for _ in range(1000):
            done = until() if until else self.row().polled_at != before
            if done or not thread.is_alive():
                break
            thread.join(0.02)
        keeper.stop.set()
        keeper.woken.set()
        thread.join(10)
        assert not thread.is_alive()
        self.works()

    def works(self) -> None:
        handlers.drain(self.hub)

    def row(self) -> AccountLive:
        with self.hub.store.read() as session:
            return session.get(AccountLive, self.account) or AccountLive(account_id=self.account)

    def health(self) -> Health:
        with self.hub.store.read() as session:
            return health(session, self.hub.secret, connected.named(session, self.account))

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.hub.store.write() as session:
            return sql.run(session, statement, *values)

    def says(self) -> list[str]:
        """What is on record, oldest first."""
        rows = self.sql("SELECT doc FROM interaction WHERE deleted_at IS NULL ORDER BY sort_at, sequence, id")
        return [json.loads(doc).get("text", "") for (doc,) in rows]

    def wants_now(self) -> None:
        """The wait of the account is over."""
        self.sql("UPDATE account_live SET next_at = 0 WHERE account_id = {p}", self.account)


@pytest.fixture
def company(hub: Hub, x: PretendX) -> Company:
    return Company(hub, x)

"""What lives as long as the application: the hub, the writers, valid keys, the accounts, the threads for slow work."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec
from sqlmodel import Session

from kinline.accounts.connected import AccountRef
from kinline.errors import Unavailable
from kinline.hub import Hub
from kinline.intake.once import receive_once
from kinline.intake.typed import PostAnswer, TypedPost, record_posts
from kinline.messages import Once, Source
from kinline_api.account_cache import AccountCache
from kinline_api.auth import Authenticator
from kinline_api.recorder import Recorder

P = ParamSpec("P")
R = TypeVar("R")

#: Handlers that work at once. Fewer than the store's connections, so that none waits for one.
THREADS = 8
#: Webhook bodies in one transaction.
DELIVERIES = 20


class WebhookCall(msgspec.Struct, frozen=True):
    """A verified webhook call, as it came."""

    account: AccountRef
    body: bytes
    source: Source
    once: Once | None = None


def receive_all(session: Session, deliveries: Sequence[WebhookCall]) -> list[str]:
    """Keep these; their intake ids. Work for a group writer."""
    return receive_once(session, [(each.account, each.body, each.source, each.once) for each in deliveries])


class AppState:
    """Its threads and its writers live from start-up to shutdown. ``openapi`` is the document, set once all routes are known."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.openapi = b""
        self.auth = Authenticator(hub, self.in_thread)
        self.accounts = AccountCache(hub, self.in_thread)
        self._threads: ThreadPoolExecutor | None = None
        self._posts: Recorder[TypedPost, PostAnswer] | None = None
        self._deliveries: Recorder[WebhookCall, str] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Serve inside this."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="handler")
        self._posts = Recorder(self.hub.store, record_posts)
        self._deliveries = Recorder(self.hub.store, receive_all, largest=DELIVERIES)
        await self.accounts.refresh()
        try:
            yield
        finally:
            await asyncio.to_thread(self._posts.stop)
            await asyncio.to_thread(self._deliveries.stop)
            self._threads.shutdown()
            self._posts = self._deliveries = self._threads = None

    async def record(self, post: TypedPost) -> PostAnswer:
        """Record typed interactions. Returns when they are on disk."""
        if self._posts is None:
            raise _not_open()
        return await self._posts.record(post)

    async def receive(self, delivery: WebhookCall) -> str:
        """Keep a delivery, to be understood later. Returns its intake id when it is on disk."""
        if self._deliveries is None:
            raise _not_open()
        return await self._deliveries.record(delivery)

    async def in_thread(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do blocking work without holding up the other calls."""
        context = contextvars.copy_context()
        bound = partial(context.run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, bound)


def _not_open() -> Unavailable:
    return Unavailable("The hub is starting or stopping.", code="not_ready")

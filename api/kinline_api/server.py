"""The API as a process: uvicorn with uvloop and httptools, stopped gracefully."""

import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from kinline.hub import Hub
from kinline_api.app import create_app

#: Seconds that calls in flight may take when the process is asked to stop.
GRACE = 10
KEEP_ALIVE = 30
#: Called with the address once calls are answered.
OnReady = Callable[[str], None]


class Server(uvicorn.Server):
    """Tells when it answers, and returns when it was asked to stop instead of raising the signal again."""

    def __init__(self, config: uvicorn.Config, on_ready: OnReady | None = None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        _spare_the_collector()
        if self._on_ready and self.started:
            self._on_ready(self.address)

    @property
    def address(self) -> str:
        """Where it listens; the port is the real one when a free one was asked for."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {
            number: signal.signal(number, self._asked_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and number == signal.SIGINT  # a second Ctrl-C does not wait
        self.should_exit = True


def _spare_the_collector() -> None:
    """What was loaded at the start stays for ever: do not look through it again and again. And look less often:
    with the defaults, looking for garbage took a fifth of the time of a busy server."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def server(hub: Hub, *, host: str, port: int, on_ready: OnReady | None = None) -> Server:
    """A server of this hub, not running yet."""
    config = uvicorn.Config(
        create_app(hub), host=host, port=port, loop="uvloop", http="httptools", ws="none", lifespan="on",
        access_log=False, log_config=None, server_header=False, proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=GRACE, backlog=2048,
    )  # fmt: skip
    return Server(config, on_ready)


def run(hub: Hub, *, host: str, port: int, on_ready: OnReady | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, and return."""
    server(hub, host=host, port=port, on_ready=on_ready).run()

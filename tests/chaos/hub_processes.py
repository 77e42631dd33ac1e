"""The processes of one hub, seen from outside: started, killed at any moment, started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from kinline.settings import Settings

ZYGOTE = Path(__file__).with_name("hub_zygote.py")


class Processes:
    """Starts API and worker processes of a hub and kills them. Ends them all when its block ends."""

    def __init__(self, settings: Settings, secret: str, *, redis: str = "", broken: str = "", **more: str) -> None:
        self._broken = broken
        self._environment = {
            "KINLINE_HOME": str(settings.home), "KINLINE_DATABASE_URL": settings.database, "KINLINE_SECRET": secret,
            "KINLINE_LEASE": "5", "KINLINE_SWEEP": "0.2",
        } | {f"KINLINE_{name.upper()}": value for name, value in more.items()}  # fmt: skip
        if redis:
            self._environment["KINLINE_REDIS_URL"] = redis
        self._alive: set[int] = set()
        self._zygote = subprocess.Popen(
            [sys.executable, str(ZYGOTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pid in list(self._alive):
            self.kill(pid)
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.stdout.close()
        self._zygote.wait(timeout=10)

    def api(self, port: int) -> int:
        """Start an API process there, and return when it takes connections."""
        pid = self._start("api", {"KINLINE_PORT": str(port)})
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return pid
        raise AssertionError("the API process does not answer")

    def worker(self) -> int:
        return self._start("worker", {})

    def kill(self, pid: int) -> None:
        """As ``kill -9``, and wait until it is gone."""
        self._alive.discard(pid)
        try:
            os.kill(pid, signal.SIGKILL)
            while True:
                os.kill(pid, 0)
                time.sleep(0.001)
        except ProcessLookupError:
            pass

    def _start(self, what: str, more: dict[str, str]) -> int:
        order = {"run": what, "environment": self._environment | more, "broken": self._broken}
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(json.dumps(order) + "\n")
        pid = int(self._zygote.stdout.readline())
        self._alive.add(pid)
        return pid


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

"""The worker child of ``kinline up``: started, started again when it dies, and gone when its parent is gone."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)

#: From prctl(2): which signal a process gets when the thread that made it ends.
PR_SET_PDEATHSIG = 1
#: Seconds a worker gets to finish what it has in hand.
GRACE = 25
#: Seconds before a worker that died is started again: at first, and at most.
SOON, LATER = 0.5, 30.0


class Child:
    """One worker process. It has a process group of its own, so that Ctrl-C reaches us first."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def start(self) -> "Child":
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ask it to stop, and wait until it has finished what it had in hand."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
        self._thread.join(GRACE)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        wait = SOON
        while not self._stopping.is_set():
            began = time.monotonic()
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, process_group=0)  # noqa: S603 - our own command
            if self._stopping.is_set():  # asked to stop while it was being started
                self._process.terminate()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            wait = SOON if time.monotonic() - began > LATER else min(wait * 2, LATER)
            with suppress(OSError):  # whoever read our logs may be gone; the worker is needed all the same
                log.warning("the worker ended and is started again", code=code, after_seconds=wait)
            self._stopping.wait(wait)


def worker_child() -> Child:
    """A worker of this very installation and these very settings."""
    return Child([sys.executable, "-m", "kinline_cli", "worker", "--parent", str(os.getpid())])


def die_with(parent: int) -> None:
    """Stop this process, as by SIGTERM, when its parent ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    """For systems without prctl, and for a parent that was gone before we asked."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)

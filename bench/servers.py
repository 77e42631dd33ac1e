"""Server processes to measure against each other: one process, uvicorn, uvloop, httptools, the same for all."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Server:
    url: str
    pid: int

    @property
    def memory(self) -> float:
        """Resident memory now, in MB."""
        return _status(self.pid, "VmRSS")

    @property
    def peak(self) -> float:
        """The most resident memory it ever had, in MB."""
        return _status(self.pid, "VmHWM")


@contextmanager
def serving(app: str, environment: dict[str, str]) -> Iterator[Server]:
    """Run ``serve.py APP`` in a process of its own until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, str(HERE / "serve.py"), app, str(port)], env=os.environ | environment,
        stderr=subprocess.DEVNULL if not os.environ.get("BENCH_LOUD") else None,
    )  # fmt: skip
    try:
        _wait(port, process)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(400):
        if process.poll() is not None:
            raise RuntimeError("the server stopped at its start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not answer")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0.0

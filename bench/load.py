"""The load generator: wrk, one thread, keep-alive, a closed loop of some connections."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

HERE = Path(__file__).parent


class Load(msgspec.Struct, frozen=True):
    """What wrk saw. Latencies in milliseconds."""

    acknowledged: int
    refused: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.acknowledged / self.seconds


def possible() -> str:
    """ "" when wrk is installed, else what to do."""
    return "" if shutil.which("wrk") else "wrk is not installed (Debian: apt-get install wrk)"


def wrk(url: str, script: str, seconds: float, connections: int, **words: str) -> Load:
    """Run one load. ``words`` reach the script as environment variables, ``BENCH_`` before them."""
    environment = {f"BENCH_{name.upper()}": value for name, value in words.items()}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s", "-s", str(HERE / script), url]
    found = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)  # noqa: S603
    result = found.stdout.rpartition("RESULT ")[2]
    return msgspec.json.decode(result, type=Load)

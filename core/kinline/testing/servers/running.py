"""What servers of tests share: a folder, free ports, waiting until they answer, ending them by their own pid."""

import os
import pwd
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kinline.testing.hubs import missing


def needed(program: str, package: str) -> str:
    """The path of a program. Where it is not installed the test skips; in CI it fails."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        missing(program, f"apt-get install {package}")
    return str(found)


def folder(name: str) -> Path:
    """A new folder that also the servers' own users can enter, unlike those of pytest."""
    made = Path(tempfile.mkdtemp(prefix=f"kinline-{name}-", dir="/tmp"))
    made.chmod(0o755)
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def until(true: Callable[[], object], seconds: float = 20.0) -> bool:
    """Wait until something is so. False: it was not so in time."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def user_of(name: str) -> str:
    """The user a server is to become: that one, or ourselves where we may not change."""
    return name if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def end(pid_file: Path, seconds: float = 10.0) -> None:
    """End the daemon whose pid stands in that file, with the processes of its group, and wait until it is gone."""
    try:
        pid = int(pid_file.read_text().split()[0])
        os.killpg(pid, signal.SIGTERM) if os.getpgid(pid) == pid else os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError, IndexError):
        return
    if not until(lambda: not _lives(pid), seconds):
        os.kill(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    """Also one that ended and that nobody asked for its end is gone."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:  # no /proc here
        return True
    return state != "Z"

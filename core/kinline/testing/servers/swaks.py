"""swaks, the standard client for testing mail servers."""

import subprocess
from collections.abc import Sequence

from kinline.testing.servers.running import needed


def swaks(port: int, mail: bytes, sender: str, to: Sequence[str], *more: str) -> subprocess.CompletedProcess[str]:
    """Hand a mail to the server at that port. ``returncode`` 0: it took it."""
    words = ["--server", "127.0.0.1", "--port", str(port), "--from", sender, "--to", ",".join(to), "--data", "-", *more]
    program = needed("swaks", "swaks")
    return subprocess.run([program, *words], input=mail.decode("latin-1"), capture_output=True, text=True, check=False)  # noqa: S603

"""Whether a port is free, asked before anything is started."""

import errno
import socket

from kinline.errors import Misconfigured


def refuse_taken(host: str, port: int) -> None:
    """Raise `Misconfigured` with the cure when nobody can listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        raise Misconfigured(_said(host, port, error), code="cannot_listen") from None


def _said(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken, perhaps by another hub that runs. Take another one: --port {port + 1 if port < 65535 else 8765}"
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}. Take one above 1023: --port 8765"
    return f"Nobody can listen on {host}, port {port}: {error.strerror or error}. Look at --host and KINLINE_HOST."

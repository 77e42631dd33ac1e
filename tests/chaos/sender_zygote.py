"""Starts senders fast: forked from one process that has imported everything. Reads orders from standard input.

``{"environment": {…}, "followup": "…", "wordpress": "…", "dies": true}``: send that follow-up, as a worker does, and
with ``dies`` be killed at the moment of connecting. Answers with the process id.
"""

import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

from fault_channels import register
from kinline.followups import send
from kinline.hub import Hub


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run(order)
        os.write(1, f"{child}\n".encode())


def run(order: dict[str, Any]) -> None:
    os.dup2(2, 1)
    os.environ.update(order["environment"])
    try:
        register()
        if order["dies"]:
            socket.create_connection = _die  # type: ignore[assignment]
        hub = Hub.open()
        send.send(hub, order["followup"], "a worker that dies")
        hub.close()
    except BaseException:
        traceback.print_exc()
    os._exit(0)


def _die(*given: object, **more: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()

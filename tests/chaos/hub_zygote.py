"""Starts processes of a hub fast: everything is imported once, and each process is forked from here.

Reads orders from standard input, one JSON object a line: ``{"run": "api" | "worker", "environment": {…},
"broken": ""}``. Answers each with the process id. A forked process opens its own hub, so it is as real as
``kinline api`` and ``kinline worker``; it only starts in milliseconds, which allows hundreds of kills.
"""

import json
import os
import signal
import sys
import traceback
from typing import Any

import dramatiq

import couriers
import hub_breaking
from kinline.hub import Hub
from kinline_api import server
from kinline_workers.running import run_until_stopped


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for the dead
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run(order)
        os.write(1, f"{child}\n".encode())


def run(order: dict[str, Any]) -> None:
    """In the child: be that process until stopped or killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.environ.update(order["environment"])
    try:
        if order["broken"]:
            hub_breaking.VARIANTS[order["broken"]]()
        hub = Hub.open()
        if order["run"] == "api":
            server.run(hub, host="127.0.0.1", port=int(os.environ["KINLINE_PORT"]))
        else:
            couriers.register()
            wake_everybody_twice()
            run_until_stopped(hub)
        hub.close()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wake_everybody_twice() -> None:
    """A queue delivers at least once; here it always delivers twice. The rows are the truth, so nobody may notice."""
    once = dramatiq.Actor.send

    def twice(actor: Any, *words: Any) -> Any:
        once(actor, *words)
        return once(actor, *words)

    dramatiq.Actor.send = twice  # type: ignore[assignment]


if __name__ == "__main__":
    main()

"""``kinline api`` and ``kinline worker``: the two kinds of process of a hub, each run until stopped."""

import logging

import rich_click as click

from kinline_api import server
from kinline_cli.endings import say
from kinline_cli.family import die_with
from kinline_cli.opened import opened
from kinline_cli.ports import refuse_taken
from kinline_workers.running import run_until_stopped

#: Shared with ``kinline up``.
host_option = click.option("--host", help="Listen on this address instead of the one in the settings.")
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen on this port instead of the one in the settings; 0 takes a free one."
)  # fmt: skip


@click.command()
@host_option
@port_option
def api(host: str | None, port: int | None) -> None:
    """Serve the HTTP API until stopped.

    It works on a database of this version's schema only: run `kinline migrate` first.
    """
    with opened(build=False, level=logging.INFO) as hub:
        address = host or hub.settings.host
        number = hub.settings.port if port is None else port
        refuse_taken(address, number)
        server.run(hub, host=address, port=number, on_ready=lambda where: say(f"Serving on {where}"))


@click.command()
@click.option("--parent", type=int, hidden=True, help="Stop when this process is gone.")
def worker(parent: int | None) -> None:
    """Work on what is due until stopped.

    Any number of workers may run; each job is done by one of them. A worker that is stopped finishes what it has
    in hand, and one that dies loses nothing.
    """
    if parent is not None:
        die_with(parent)
    with opened(build=False, level=logging.INFO) as hub:
        run_until_stopped(hub)

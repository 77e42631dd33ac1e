"""``kinline up``: the whole hub with one command and nothing to install."""

from contextlib import nullcontext

import rich_click as click

from kinline import logs
from kinline.hub import Hub
from kinline_api import server
from kinline_cli import printing
from kinline_cli.commands.serve import host_option, port_option
from kinline_cli.endings import say
from kinline_cli.family import worker_child
from kinline_cli.opened import bring_up
from kinline_cli.ports import refuse_taken
from kinline_cli.pretending import pretended
from kinline_cli.welcome import kept_key, show, tell_story, welcome


@click.command()
@click.option("--empty", is_flag=True, help="Tell no story into a new hub.")
@click.option(
    "--pretend", is_flag=True, help="Connect channels to stand-ins for their providers, to try them without an account."
)
@host_option
@port_option
@printing.json_option
def up(empty: bool, pretend: bool, host: str | None, port: int | None, as_json: bool) -> None:
    """Start the whole hub with one command: database, worker, API and a story to look at.

    Without settings everything is in the folder kinline-data: SQLite, no Redis, and messages go into files. With
    KINLINE_DATABASE_URL and KINLINE_REDIS_URL it works on those.
    """
    logs.configure()
    hub = Hub.open()
    try:
        address = host or hub.settings.host
        number = hub.settings.port if port is None else port
        refuse_taken(address, number)
        bring_up(hub)
        if not empty:
            tell_story(hub)
        with pretended(hub) if pretend else nullcontext():
            _run(hub, address, number, as_json)
    finally:
        hub.close()
    say("Stopped.")


def _run(hub: Hub, host: str, port: int, as_json: bool) -> None:
    key = kept_key(hub)

    def ready(address: str) -> None:
        found = welcome(hub, address, key)
        if as_json:
            printing.json({**{name: getattr(found, name) for name in found.__struct_fields__}, "try": found.calls()})
        else:
            show(found, hub.settings.home)

    worker = worker_child().start()
    try:
        server.run(hub, host=host, port=port, on_ready=ready)
    finally:
        worker.stop()

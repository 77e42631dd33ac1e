"""``kinline migrate``: the schema, from whatever version to this one."""

import rich_click as click

from kinline import logs
from kinline.hub import Hub
from kinline.store import schema
from kinline_cli import printing
from kinline_cli.opened import bring_up


@click.command()
@printing.json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the schema this version needs, and stored data into its shape.

    Run it once when Kinline is new or was updated, before `kinline api` and `kinline worker`; large data takes a while,
    with a progress bar. It may be stopped at any time, and goes on where it was. A new hub also gets the life cycle that
    ships with Kinline, as live triggers.
    """
    logs.configure()
    hub = Hub.open()
    try:
        before, wanted = schema.revisions(hub.store)
        new = bring_up(hub)
        after, _ = schema.revisions(hub.store)
    finally:
        hub.close()
    if as_json:
        printing.json({"before": before, "after": after, "head": wanted, "new_triggers": new})
    elif before == after:
        printing.line(f"The database is at schema {after} already.")
    else:
        printing.line(f"The database went from schema {before or 'nothing'} to {after}.")
    if new and not as_json:
        printing.line(f"The shipped life cycle is live: {', '.join(new)}.")

"""``kinline timeline``: one person, every channel."""

from itertools import islice

import rich_click as click

from kinline.history import load_history
from kinline.identity.persons import find, view
from kinline.timeline.filters import Filters
from kinline.timeline.reading import everything
from kinline.words import Direction, Kind
from kinline_cli import printing
from kinline_cli.moments import MOMENT
from kinline_cli.opened import opened
from kinline_cli.telling import told


@click.command()
@click.argument("person")
@click.option("--limit", default=50, type=click.IntRange(0), help="How many lines to show at most; 0 shows all.")
@click.option("--channel", default="", help="Show only what came over this channel.")
@click.option(
    "--kind", default="", type=click.Choice(["", *map(str, Kind)]), metavar="KIND", help="Show only this kind of thing."
)
@click.option(
    "--direction", default="", type=click.Choice(["", *map(str, Direction)]), metavar="DIRECTION",
    help="Show only inbound, outbound or among.",
)  # fmt: skip
@click.option("--since", type=MOMENT, help="Show nothing older than this date, time or duration ago.")
@click.option("--until", type=MOMENT, help="Show only what is older than this date, time or duration ago.")
@click.option("--text", default="", help="Show only what has these letters in subject or text, whatever their case.")
@printing.json_option
def timeline(
    person: str, limit: int, channel: str, kind: str, direction: str, since: int | None, until: int | None, text: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Show one person's life with us over all channels, newest first.

    PERSON is an id or a handle: email:ann@example.org, x_id:12345, or just a mail address.
    """
    filters = Filters(channel=channel, kind=kind, direction=direction, since=since, until=until, text=text)
    with opened() as hub, hub.store.read() as session:
        root = find(session, person, region=hub.settings.phone_region or None)
        entries = islice(everything(session, root, filters), limit or None)
        if as_json:
            printing.json_lines(entry.json() for entry in entries)
            return
        shown = view(session, root)
        printing.line((shown.name, "bold"), "  ", ", ".join(each.handle for each in shown.identities))
        printing.line((", ".join(load_history.stages(session, root).values()), "dim"))
        told(entries)

"""``kinline people``: who we know."""

import rich_click as click

from kinline.identity.persons import search
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened


@click.command()
@click.argument("query", default="")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), help="How many people to show at most.")
@click.option("--after", default="", metavar="ID", help="Go on after the person with this id.")
@printing.json_option
def people(query: str, limit: int, after: str, as_json: bool) -> None:
    """List the people we know, or search them by name or handle."""
    with opened() as hub, hub.store.read() as session:
        found = search(session, query, after=after, limit=limit + 1)
    shown = found[:limit]
    if as_json:
        printing.json_list(shown)
    else:
        rows = [[one.name, ", ".join(each.handle for each in one.identities), one.id] for one in shown]
        printing.table(["name", "handles", "id"], rows, empty="Nobody is known by that." if query else "Nobody yet.")
    if len(found) > limit:
        say(f"There are more. Go on with --after {shown[-1].id}")

"""``kinline owed``: who waits for us since when, and what we promised."""

from typing import get_args

import rich_click as click
from rich.text import Text

from kinline.desk.owed import OwedShown, Wanted, What, listed
from kinline.identity.persons import find
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened


@click.command()
@click.option(
    "--what",
    default="",
    type=click.Choice(["", *get_args(What)]),
    metavar="WHAT",
    help="Show only answers, or only promises: answer or promise.",
)
@click.option("--channel", default="", help="Show only what is owed on this channel.")
@click.option("--team", default="", help="Show only what this team is to do.")
@click.option("--person", default="", help="Show only what is owed to this person: an id or a handle.")
@click.option("--overdue", is_flag=True, help="Show only what is late.")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), help="How many lines to show at most.")
@printing.json_option
def owed(what: str, channel: str, team: str, person: str, overdue: bool, limit: int, as_json: bool) -> None:  # fmt: skip
    """Show what we owe: who waits for an answer since when, and what was promised.

    Those who wait longest come first. An answer on any channel ends it, and so does somebody else's.
    """
    with opened() as hub, hub.store.read() as session:
        root = find(session, person, region=hub.settings.phone_region or None) if person else ""
        wanted = Wanted(what=what, channel=channel, team=team, person=root, overdue=overdue or None)
        found = [each for _, each in listed(session, wanted, limit=limit + 1)]
    if as_json:
        printing.json_list(found[:limit])
    else:
        columns = ["since", "who", "owed", "where", "due", "said"]
        printing.table(columns, map(_row, found[:limit]), empty="Nothing is owed to anybody.")
    if len(found) > limit:
        say("There is more. Show it with --limit.")


def _row(line: OwedShown) -> list[str | Text]:
    due = Text(_moment(line.due_at), "bold red" if line.overdue else "")
    where = " ".join(part for part in (line.channel, line.number, line.team and f"({line.team})") if part)
    return [
        _moment(line.since),
        line.name or line.person,
        line.kind or line.what,
        where,
        due,
        printing.short(line.said, 60),
    ]


def _moment(text: str | None) -> str:
    return (text or "")[:16].replace("T", " ")

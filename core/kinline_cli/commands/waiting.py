"""``kinline waiting``: who waits for us since when, and what we promised."""

from typing import get_args

import rich_click as click
from rich.text import Text

from kinline.desk.worklist import WaitingShown, What, WorklistFilter, counted, listed
from kinline.identity.persons import find
from kinline.waiting.listing import List
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened

#: How the other lists are told below the one that is shown.
_ALSO = {
    List.PAUSED: "paused, for somebody answered them",
    List.INDIRECT: "spoke to others in our places",
    List.FORWARDED: "passed on, and who asked is to be named",
    List.IMPORTED: "unanswered in what was imported",
    List.SNOOZED: "put off",
}


@click.command()
@click.option(
    "--what",
    default="",
    type=click.Choice(["", *get_args(What)]),
    metavar="WHAT",
    help="Show only answers, or only promises: answer or promise.",
)
@click.option(
    "--list",
    "of",
    default=List.WAITING.value,
    type=click.Choice([each.value for each in List]),
    metavar="LIST",
    help="Show another list: waiting, paused, indirect, forwarded, imported or snoozed.",
)
@click.option("--channel", default="", help="Show only who waits on this channel.")
@click.option("--team", default="", help="Show only what this team is to do.")
@click.option("--person", default="", help="Show only how this person waits: an id or a handle.")
@click.option("--overdue", is_flag=True, help="Show only what is late.")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), help="How many lines to show at most.")
@printing.json_option
def waiting(what: str, of: List, channel: str, team: str, person: str, overdue: bool, limit: int, as_json: bool) -> None:  # fmt: skip
    """Show who waits for an answer of ours since when, and what was promised.

    Those who wait longest come first. Who was answered by somebody else, or by us in another conversation, is paused.
    """
    with opened() as hub, hub.store.read() as session:
        root = find(session, person, region=hub.settings.phone_region or None) if person else ""
        wanted = WorklistFilter(
            what=what, list=List(of), channel=channel, team=team, person=root, overdue=overdue or None
        )
        found = [each for _, each in listed(session, wanted, limit=limit + 1)]
        others = counted(session)
    if as_json:
        printing.json_list(found[:limit])
    else:
        columns = ["since", "who", "waits for", "where", "due", "said"]
        printing.table(columns, map(_row, found[:limit]), empty="Nobody waits for us.")
        _tell_others(List(of), others)
    if len(found) > limit:
        say("There is more. Show it with --limit.")


def _tell_others(shown: List, others: dict[str, int]) -> None:
    told = [
        f"{others[each]} {words} (--list {each})" for each, words in _ALSO.items() if others[each] and each != shown
    ]
    if told:
        say(f"Besides: {'; '.join(told)}.")


def _row(line: WaitingShown) -> list[str | Text]:
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

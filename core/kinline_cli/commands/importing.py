"""``kinline import``: history out of files."""

import os

import msgspec
import rich_click as click

from kinline import clock
from kinline.contract.channel import AnyChannel
from kinline.contract.plugins import channels
from kinline.hub import Hub
from kinline.words import ItemState
from kinline_cli import printing, progress, settings_given
from kinline_cli.catching_up import catch_up, waiting
from kinline_cli.endings import say
from kinline_cli.history import ImportTally, account_for, files_of, resume, take_in
from kinline_cli.opened import opened


@click.command(name="import")
@click.argument("channel")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--account",
    "account_name",
    default="",
    help="Import into this account; without it, into one named like the channel.",
)
@settings_given.set_option
@click.option("--no-work", is_flag=True, help="Leave it to the worker to look at the people whose history changed.")
@printing.json_option
def import_(
    channel: str, paths: tuple[str, ...], account_name: str, given: tuple[str, ...], no_work: bool, as_json: bool
) -> None:
    """Import files of history through a channel.

    Each PATH is a file or a folder. History starts no message and no task, ever. The same files again record
    nothing twice, and an import that was stopped goes on where it was when you run it again.
    """
    plugin = channels().get(channel)
    settings = settings_given.read(plugin, given)
    with opened() as hub:
        watch = progress.Stopwatch()
        account = account_for(hub, plugin, account_name or channel, settings)
        at, tally = clock.now(), ImportTally()
        with progress.of_bytes(f"Importing {channel}", lambda: _size(plugin, paths)) as step:
            resume(hub, account, at, tally, step)
            take_in(hub, account, files_of(plugin, paths), at, tally, step)
        seconds = watch.seconds
        looked_at = 0 if no_work else _look(hub)
    if as_json:
        printing.json(
            {"account": account.name, **_counts(tally), "seconds": round(seconds, 3), "people_looked_at": looked_at}
        )
    else:
        _tell(account.name, tally, seconds, looked_at)


def _size(plugin: AnyChannel, paths: tuple[str, ...]) -> int:
    return sum(os.path.getsize(path) for path in files_of(plugin, paths))


def _look(hub: Hub) -> int:
    with progress.of_things("Looking at people", waiting(hub)) as step:
        return catch_up(hub, step)


def _counts(tally: ImportTally) -> dict[str, object]:
    states = {str(state): tally.items.get(state, 0) for state in ItemState}
    return {
        "files": tally.files, "resumed": tally.resumed, "bytes": tally.bytes, "items": tally.total, **states,
        "reasons": msgspec.to_builtins(tally.reasons),
    }  # fmt: skip


def _tell(account: str, tally: ImportTally, seconds: float, looked_at: int) -> None:
    rows = [[state, count] for state in ItemState if (count := tally.items.get(state, 0))]
    printing.table((f"into {account}", "items"), rows, empty="There was nothing to import.")
    if tally.resumed:
        say(f"{tally.resumed} files were left by an import that was stopped; they are done now.")
    say(
        f"{tally.files} files, {tally.bytes / 1e6:.1f} MB, {tally.total} items in {seconds:.1f} s: "
        f"{tally.total / seconds:.0f} items/s, {tally.bytes / 1e6 / seconds:.2f} MB/s; {looked_at} people looked at."
    )
    if tally.quarantined:
        say(f"{tally.quarantined} items are in quarantine, safe and unread. The first reasons:")
        for reason in tally.reasons:
            say(
                f"  {printing.short(reason.file, 60)} #{reason.position}: {reason.code}: {printing.short(reason.reason, 120)}"
            )
        say("All of them: kinline quarantine list. After mending: kinline quarantine replay --all")

"""``kinline plugin``: channels, scorers and conditions of your own."""

from pathlib import Path

import rich_click as click

from kinline.contract.plugins import channels
from kinline_cli import printing
from kinline_cli.scaffold import write


@click.group()
def plugin() -> None:
    """Start a channel, scorer or condition of your own, and list those that are installed."""


@plugin.command()
@click.argument("name")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Write it below this folder."
)
@click.option("--title", default="", help="Name the medium as people know it.")
@click.option("--scorer", is_flag=True, help="Write a scorer, which judges what people write, instead of a channel.")
@click.option(
    "--condition", is_flag=True, help="Write a condition, a word of your own for `when` of triggers, instead."
)
@printing.json_option
def new(name: str, into: Path, title: str, scorer: bool, condition: bool, as_json: bool) -> None:
    """Write a package of your own for the channel NAME, with samples and a test that passes."""
    folder, *written = write(name, into, title, "condition" if condition else "scorer" if scorer else "channel")
    if as_json:
        printing.json({"folder": str(folder), "files": [str(path.relative_to(folder)) for path in written]})
        return
    printing.line(f"Written: {folder}, {len(written)} files. Next:")
    printing.line(f"  cd {folder}")
    printing.line("  pip install -e '.[test]'")
    printing.line("  pytest")


@plugin.command(name="list")
@printing.json_option
def list_(as_json: bool) -> None:
    """List the installed channels, scorers and conditions, what they can do, and the plugins that were left out."""
    found = channels()
    if as_json:
        printing.json_list(
            {
                "name": each.name, "title": each.title, "contract": each.contract, "can": sorted(each.can),
                "kinds": sorted(each.kinds), "delivery": each.delivery, "personal_data": list(each.personal_data),
            }
            for each in found.loaded.values()
        )  # fmt: skip
        return
    scorers = [[each.name, "a scorer", each.contract, ", ".join(sorted(each.gives))] for each in found.scorers.values()]
    scorers += [[each.name, "a condition", each.contract, each.title] for each in found.conditions.values()]
    rows = [[each.name, each.title, each.contract, ", ".join(sorted(each.can))] for each in found.loaded.values()]
    printing.table(("name", "title", "contract", "can"), [*rows, *scorers], empty="No channel is installed.")
    for failed in found.failed:
        printing.line((f"left out: {failed.plugin}", "yellow"), f"  {failed.reason}")

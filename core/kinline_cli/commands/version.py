"""``kinline version``."""

import platform
import sqlite3
from importlib.metadata import version as version_of

import rich_click as click

from kinline.contract.channel import CONTRACT
from kinline_cli import printing


@click.command()
@printing.json_option
def version(as_json: bool) -> None:
    """Show the version of Kinline and of what it stands on."""
    shown = {
        "kinline": version_of("kinline"),
        "contract": CONTRACT,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    if as_json:
        printing.json(shown)
    else:
        printing.line(
            f"Kinline {shown['kinline']}, channel contract {CONTRACT}",
            f", Python {shown['python']}, SQLite {shown['sqlite']}",
        )

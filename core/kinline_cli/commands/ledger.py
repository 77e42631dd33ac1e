"""``kinline ledger``: the counts of the intake ledger, and whether they add up."""

import msgspec
import rich_click as click
from rich.text import Text

from kinline.intake.ledger import LedgerLine
from kinline.intake.ledger import ledger as lines_of
from kinline_cli import printing
from kinline_cli.endings import Ending, say
from kinline_cli.opened import opened

COUNTS = LedgerLine.__struct_fields__[1:]


@click.command()
@printing.json_option
def ledger(as_json: bool) -> int:
    """Show where everything that was received is: nothing is ever lost.

    For each account, received = recorded + duplicate + applied + quarantined + refused + in flight.
    """
    with opened() as hub, hub.store.read() as session:
        lines = lines_of(session)
    if as_json:
        printing.json_list(lines)
    else:
        names = [name.replace("_", " ") for name in COUNTS]
        rows = [[*msgspec.structs.astuple(line), _mark(line)] for line in lines]
        printing.table(["account", *names, "adds up"], rows, empty="Nothing was received yet.")
    broken = [line.account for line in lines if not line.holds]
    if broken:
        say(f"The ledger does not add up for: {', '.join(broken)}. Run `kinline doctor`.")
    return Ending.REFUSED if broken else Ending.OK


def _mark(line: LedgerLine) -> Text:
    return Text("✓", "green") if line.holds else Text("✗", "bold red")

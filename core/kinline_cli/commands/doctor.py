"""``kinline doctor``: what is wrong here, and what helps."""

import rich_click as click

from kinline import logs
from kinline_cli import printing
from kinline_cli.checks import Finding, State, everything
from kinline_cli.endings import Ending

SIGNS = {State.OK: ("OK", "green"), State.LOOK: ("!!", "yellow"), State.WRONG: ("!!", "bold red")}
ENDINGS = {"settings": Ending.MISCONFIGURED, "secret": Ending.MISCONFIGURED, "schema": Ending.MISCONFIGURED}


@click.command()
@printing.json_option
def doctor(as_json: bool) -> int:
    """Look whether everything the hub needs is in order, and say the cure.

    Ends with 0 when all works, though there may be things to look at.
    """
    logs.configure()
    found = []
    for one in everything():
        found.append(one)
        if not as_json:
            _tell(one)
    if as_json:
        printing.json_list(found)
    return next((_ending(one) for one in found if one.state is State.WRONG), Ending.OK)


def _tell(one: Finding) -> None:
    printing.line(SIGNS[one.state], f"  {one.check:<9} ", one.detail)
    if one.cure:
        printing.line(f"    → {one.cure}")


def _ending(one: Finding) -> Ending:
    if one.code == "database_down":
        return Ending.DATABASE_AWAY
    if one.code == "not_durable":
        return Ending.MISCONFIGURED
    return ENDINGS.get(one.check, Ending.REFUSED)

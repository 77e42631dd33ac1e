"""``kinline account``: the connections of channels."""

from typing import Any

import rich_click as click

from kinline import clock
from kinline.accounts import connected, teams
from kinline.contract.plugins import channels
from kinline.errors import Conflict
from kinline.store.models import Account
from kinline_cli import printing, settings_given
from kinline_cli.opened import opened


@click.group()
def account() -> None:
    """Connect channel accounts, look how they are, bring in their past, pause them."""


@account.command(name="list")
@printing.json_option
def list_(as_json: bool) -> None:
    """List the connected accounts."""
    with opened() as hub, hub.store.read() as session:
        rows = [_shown(row) for row in connected.every(session)]
    if as_json:
        printing.json_list(rows)
        return
    columns = ("name", "channel", "instance", "state", "purpose")
    empty = "No account is connected. Connect one: kinline account connect email inbox"
    printing.table(columns, [[row[name] for name in columns] for row in rows], empty=empty)


@account.command()
@click.argument("channel")
@click.argument("name")
@settings_given.set_option
@click.option("--purpose", default="", help="Say what this account is for, in a sentence.")
@click.option("--team", "teams", multiple=True, help="Open it to this team only; may be repeated.")
@printing.json_option
def connect(
    channel: str, name: str, given: tuple[str, ...], purpose: str, teams: tuple[str, ...], as_json: bool
) -> None:
    """Connect an account of CHANNEL under a NAME of its own."""
    settings = settings_given.read(channels().get(channel), given)
    with opened() as hub:
        with hub.store.write() as session:
            connected.connect(session, hub.secret, channel, name, settings, purpose=purpose, teams=teams)
        with hub.store.read() as session:
            row = _shown(connected.named(session, name))
    if as_json:
        printing.json(row)
    else:
        printing.line(f"Connected {name}. What arrives for it: kinline ledger")


@account.command()
@click.argument("name")
@printing.json_option
def show(name: str, as_json: bool) -> None:
    """Show one account with its settings; of a secret only that it is set."""
    with opened() as hub, hub.store.read() as session:
        row = connected.named(session, name)
        shown = {**_shown(row), "teams": teams.names(session).get(row.id, []), "settings": connected.shown(row)}
    if as_json:
        printing.json(shown)
        return
    rows = [(key, value) for key, value in shown.items() if key != "settings"]
    rows += [(f"settings.{key}", value) for key, value in shown["settings"].items()]
    printing.table(("", ""), rows, empty="")


@account.command()
@click.argument("name")
@printing.json_option
def pause(name: str, as_json: bool) -> None:
    """Pause an account: nothing is taken in or sent over it until it is resumed."""
    _put(name, connected.PAUSED, as_json)


@account.command()
@click.argument("name")
@printing.json_option
def resume(name: str, as_json: bool) -> None:
    """Resume an account that was paused."""
    _put(name, connected.ACTIVE, as_json)


def _put(name: str, state: str, as_json: bool) -> None:
    with opened() as hub, hub.store.write() as session:
        row = connected.named(session, name)
        if row.state == state:
            raise Conflict(f"The account “{row.name}” is {state} already.", code="already_so")
        row.state = state
        session.add(row)
        shown = _shown(row)
    if as_json:
        printing.json(shown)
    else:
        printing.line(f"{shown['name']} is {state}.")


def _shown(row: Account) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "channel": row.channel, "instance": row.instance, "state": row.state,
        "purpose": row.purpose, "created_at": clock.to_text(row.created_at),
    }  # fmt: skip

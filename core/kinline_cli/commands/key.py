"""``kinline key``: keys to the API."""

import msgspec
import rich_click as click

from kinline import clock
from kinline.accounts import keys
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened


@click.group()
def key() -> None:
    """Make, list and revoke keys to the API."""


@key.command()
@click.option("--name", required=True, help="Say who or what will use the key.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(keys.SCOPES),
    help="Allow this; give it several times for several. admin includes all others.",
)  # fmt: skip
@click.option(
    "--team", "teams", multiple=True, help="Let it read only the accounts open to this team; may be repeated."
)
@printing.json_option
def create(name: str, scopes: tuple[str, ...], teams: tuple[str, ...], as_json: bool) -> None:
    """Make a key and show it, this once."""
    with opened() as hub, hub.store.write() as session:
        text = keys.create(session, name, scopes, teams or None)
    if as_json:
        printing.json({"key": text, "name": name, "scopes": sorted(scopes), "teams": list(teams) or None})
        return
    click.echo(text)
    say("Keep it well: it is stored as a hash only, and cannot be shown again.")


@key.command(name="list")
@printing.json_option
def list_(as_json: bool) -> None:
    """List the keys, without what makes them work."""
    with opened() as hub, hub.store.read() as session:
        rows = [
            {
                "id": row.id, "name": row.name, "scopes": msgspec.json.decode(row.scopes),
                "teams": None if row.teams is None else msgspec.json.decode(row.teams),
                "created_at": clock.to_text(row.created_at), "revoked_at": clock.to_text(row.revoked_at),
            }
            for row in keys.every(session)
        ]  # fmt: skip
    if as_json:
        printing.json_list(rows)
        return
    shown = [
        [row["name"], ", ".join(row["scopes"]), row["created_at"], row["revoked_at"] or "", row["id"]] for row in rows
    ]
    printing.table(
        ["name", "scopes", "created", "revoked", "id"], shown, empty="There are no keys. Make one: kinline key create"
    )


@key.command()
@click.argument("key_id")
@printing.json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Revoke a key by its id; from then on nobody gets in with it."""
    with opened() as hub, hub.store.write() as session:
        keys.revoke(session, key_id)
    if as_json:
        printing.json({"id": key_id, "revoked": True})
    else:
        printing.line("Revoked.")

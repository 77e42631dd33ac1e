"""``kinline endpoint``: where signed calls of triggers go."""

import msgspec
import rich_click as click

from kinline.catalogue import references
from kinline.webhooks import endpoints
from kinline.webhooks.endpoints import Endpoint
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened


@click.group()
def endpoint() -> None:
    """Say where triggers may call, and change the secrets that sign."""


@endpoint.command(name="list")
@printing.json_option
def list_(as_json: bool) -> None:
    """List the endpoints, and whether they take what they are told."""
    with opened() as hub, hub.store.read() as session:
        rows = [msgspec.to_builtins(each) for each in endpoints.page(session, limit=10_000)]
    if as_json:
        printing.json_list(rows)
        return
    columns = ("name", "url", "state", "failing_since", "reason")
    shown = [[row[name] or "" for name in columns] for row in rows]
    printing.table(columns, shown, empty="There are no endpoints. Make one: kinline endpoint add NAME URL")


@endpoint.command()
@click.argument("name")
@click.argument("url")
@printing.json_option
def add(name: str, url: str, as_json: bool) -> None:
    """Make an endpoint at URL, and show its secret, this once."""
    with opened() as hub, hub.store.write() as session:
        made, secret = endpoints.add(session, hub.secret, name, url)
    _told_secret(made, secret, as_json)


@endpoint.command()
@click.argument("name")
@click.option(
    "--overlap", type=click.IntRange(0, 720), default=endpoints.OVERLAP, show_default=True,
    help="For so many hours the secrets before it sign too.",
)  # fmt: skip
@printing.json_option
def rotate(name: str, overlap: int, as_json: bool) -> None:
    """Make a new secret for an endpoint, and show it, this once."""
    with opened() as hub, hub.store.write() as session:
        made, secret = endpoints.rotate(session, hub.secret, name, overlap=overlap)
    _told_secret(made, secret, as_json)


@endpoint.command()
@click.argument("name")
@click.argument("url")
@printing.json_option
def move(name: str, url: str, as_json: bool) -> None:
    """Give an endpoint another address."""
    with opened() as hub, hub.store.write() as session:
        _told(endpoints.move(session, name, url), as_json)


@endpoint.command()
@click.argument("name")
@printing.json_option
def enable(name: str, as_json: bool) -> None:
    """Call an endpoint again that was disabled."""
    with opened() as hub, hub.store.write() as session:
        _told(endpoints.put(session, name, endpoints.ACTIVE), as_json)


@endpoint.command()
@click.argument("name")
@click.option("--reason", default="", help="Say why, for whoever wonders later.")
@printing.json_option
def disable(name: str, reason: str, as_json: bool) -> None:
    """Call an endpoint no more; calls to it wait until they expire."""
    with opened() as hub, hub.store.write() as session:
        _told(endpoints.put(session, name, endpoints.DISABLED, reason=reason), as_json)


@endpoint.command()
@click.argument("name")
@printing.json_option
def remove(name: str, as_json: bool) -> None:
    """Forget an endpoint, with the calls that were made to it. Refused while a trigger names it."""
    with opened() as hub, hub.store.write() as session:
        own = endpoints.named(session, name).name
        endpoints.remove(session, name, references.users_of(session, "webhook", "endpoint", own))
    if as_json:
        printing.json({"name": name, "removed": True})
    else:
        printing.line(f"{name} is gone.")


def _told(found: Endpoint, as_json: bool) -> None:
    if as_json:
        printing.json(msgspec.to_builtins(found))
    else:
        printing.line(f"{found.name} is {found.state}, at {found.url}.")


def _told_secret(found: Endpoint, secret: str, as_json: bool) -> None:
    if as_json:
        printing.json({**msgspec.to_builtins(found), "secret": secret})
        return
    click.echo(secret)
    say(f"This verifies the calls to {found.url}. Keep it well: it cannot be shown again.")

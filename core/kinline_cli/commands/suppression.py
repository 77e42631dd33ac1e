"""``kinline suppression``: whom not to write to."""

import rich_click as click

from kinline import clock, handles
from kinline.handles import Handle
from kinline.hub import Hub
from kinline.identity import consents
from kinline_cli import printing
from kinline_cli.opened import opened

_BY = "the command line"


@click.group()
def suppression() -> None:
    """See, set and lift what keeps the hub from writing to a handle."""


@suppression.command()
@click.argument("handle")
@printing.json_option
def show(handle: str, as_json: bool) -> None:
    """Say whether a handle, as email:ann@example.org, is written to, and why not."""
    with opened() as hub, hub.store.read() as session:
        found = _handle(hub, handle)
        row = consents.suppression(session, hub.secret, found)
        told = {
            "handle": str(found), "suppressed": row is not None, "reason": row.reason if row else "",
            "at": clock.to_text(row.at) if row else None, "expires_at": clock.to_text(row.expires_at) if row else None,
        }  # fmt: skip
    if as_json:
        printing.json(told)
    elif told["suppressed"]:
        until = f"until {told['expires_at']}" if told["expires_at"] else "for ever"
        printing.line(f"{found} is not written to, {until}: {told['reason']}")
    else:
        printing.line(f"Nothing keeps the hub from writing to {found}.")


@suppression.command()
@click.argument("handle")
@click.option("--reason", required=True, help="Say why, for those who ask later.")
@printing.json_option
def add(handle: str, reason: str, as_json: bool) -> None:
    """Never write to a handle again."""
    with opened() as hub, hub.store.write() as session:
        found = _handle(hub, handle)
        consents.suppress(session, hub.secret, found, f"{reason[:300]} ({_BY})")
    _done(found, as_json, suppressed=True)


@suppression.command()
@click.argument("handle")
@printing.json_option
def lift(handle: str, as_json: bool) -> None:
    """Write to a handle again that bounced, complained or was suppressed by hand."""
    with opened() as hub, hub.store.write() as session:
        found = _handle(hub, handle)
        consents.lift(session, hub.secret, found, _BY)
    _done(found, as_json, suppressed=False)


def _handle(hub: Hub, text: str) -> Handle:
    return handles.parse(text, region=hub.settings.phone_region or None)


def _done(handle: Handle, as_json: bool, *, suppressed: bool) -> None:
    if as_json:
        printing.json({"handle": str(handle), "suppressed": suppressed})
    else:
        printing.line(
            f"{handle} is {'never ' if suppressed else ''}written to {'again' if suppressed else 'from now on'}."
        )

"""``kinline quarantine``: what nobody could read, kept until somebody mends the reason."""

from collections.abc import Iterator
from typing import Any

import rich_click as click
from sqlalchemy import func
from sqlmodel import col, select

from kinline import clock
from kinline.errors import NotFound
from kinline.hub import Hub
from kinline.intake.ledger import quarantined
from kinline.intake.understand import replay as replay_intake
from kinline.store.models import Account, Intake, ItemRow
from kinline.words import ItemState
from kinline_cli import printing
from kinline_cli.opened import opened

_ASIDE = col(ItemRow.state) == ItemState.QUARANTINED


@click.group()
def quarantine() -> None:
    """Show what nobody could read, with its reason, and try it again."""


@quarantine.command(name="list")
@click.option("--limit", default=200, type=click.IntRange(1, 10_000), help="How many items to show at most.")
@click.option("--after", default="", metavar="INTAKE", help="Go on after this intake.")
@printing.json_option
def list_(limit: int, after: str, as_json: bool) -> None:
    """List quarantined items, newest first, each with its reason."""
    with opened() as hub, hub.store.read() as session:
        names = dict(session.exec(select(Account.id, Account.name)).all())
        rows = [_shown(row, names) for row in quarantined(session, limit=limit, after=after)]
    if as_json:
        printing.json_list(rows)
        return
    columns = ("account", "name", "position", "code", "reason", "intake")
    shown = [[printing.short(row[column], 90) for column in columns] for row in rows]
    printing.table(columns, shown, empty="Nothing is in quarantine.")


@quarantine.command()
@click.argument("intake", required=False)
@click.option("--all", "everything", is_flag=True, help="Try everything again that is in quarantine.")
@printing.json_option
def replay(intake: str | None, everything: bool, as_json: bool) -> None:
    """Try the quarantined items of one INTAKE again, or of all, after their channel was mended."""
    if bool(intake) == everything:
        raise click.UsageError("Name one intake, or say --all.")
    with opened() as hub:
        wanted = list(_intakes(hub)) if intake is None else [_known(hub, intake)]
        tried = sum(replay_intake(hub.store, hub.secret, each) for each in wanted)
        left = sum(_left(hub, each) for each in wanted)
    if as_json:
        printing.json({"intakes": len(wanted), "tried": tried, "still_quarantined": left})
    elif not tried:
        printing.line("There was nothing to try again.")
    else:
        printing.line(f"Tried {tried} items again: {tried - left} are understood now, {left} are still in quarantine.")


def _intakes(hub: Hub) -> Iterator[str]:
    with hub.store.read() as session:
        yield from session.exec(select(ItemRow.intake_id).where(_ASIDE).distinct().order_by(ItemRow.intake_id)).all()


def _known(hub: Hub, intake: str) -> str:
    with hub.store.read() as session:
        if session.get(Intake, intake) is None:
            raise NotFound(f"There is no intake “{intake[:60]}”: see `kinline quarantine list`.", code="no_such_intake")
    return intake


def _left(hub: Hub, intake: str) -> int:
    with hub.store.read() as session:
        return session.exec(select(func.count()).where(_ASIDE, ItemRow.intake_id == intake)).one()


def _shown(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {**row, "account": names.get(row["account"], row["account"]), "at": clock.to_text(row["at"])}

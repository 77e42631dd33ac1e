"""``kinline account …`` for accounts that live: how they are, whether they work, their consent, their past."""

import threading
import time
from typing import Any

import msgspec
import rich_click as click

from kinline import handlers, ids
from kinline.accounts import connected, oauth
from kinline.accounts.ready import ready
from kinline.contract.plugins import channels
from kinline.errors import Invalid
from kinline.hub import Hub
from kinline.live import history, state
from kinline.live.health import Health, health
from kinline.live.keeping import Keeper
from kinline.messages import Estimate
from kinline_cli import printing, progress, settings_given
from kinline_cli.commands.account import account
from kinline_cli.endings import Ending, say
from kinline_cli.opened import opened

#: Verdicts that need nobody.
FINE = frozenset({"ok", "new", "paused"})
#: What is done here while history comes in; whatever else is planned, as sending, is a worker's.
UNDERSTANDING = frozenset({handlers.INTAKE, "person.decide"})


@account.command(name="set")
@click.argument("name")
@settings_given.set_option
@printing.json_option
def set_(name: str, given: tuple[str, ...], as_json: bool) -> None:
    """Change settings of an account; a secret is replaced the same way, which is how it is rotated."""
    with opened() as hub, hub.store.write() as session:
        row = connected.named(session, name)
        settings = settings_given.read(channels().get(row.channel), given)
        connected.configure(session, hub.secret, row, connected.plain(row, hub.secret) | settings)
        shown = connected.shown(row)
    if as_json:
        printing.json(shown)
    else:
        printing.table(("setting", "value"), sorted(shown.items()), empty="It has no settings.")


@account.command()
@click.argument("name")
@printing.json_option
def test(name: str, as_json: bool) -> None:
    """Try an account's settings at its provider, changing nothing."""
    with opened() as hub:
        found = ready(hub, _id(hub, name))
        says = found.channel.test(found.settings)
    if as_json:
        printing.json({"says": says})
    else:
        printing.line(says)


@account.command(name="health")
@click.argument("name", required=False)
@printing.json_option
def health_(name: str | None, as_json: bool) -> int:
    """Show how accounts are: what is wrong, since when, what helps. Exit code 1 when one needs somebody."""
    with opened() as hub, hub.store.read() as session:
        rows = [connected.named(session, name)] if name else connected.every(session)
        found = [health(session, hub.secret, row) for row in rows]
    if as_json:
        printing.json_list(found)
    elif name:
        _whole(found[0])
    else:
        columns = ("account", "channel", "verdict", "in sync", "last item", "says")
        table = [[h.account, h.channel, h.verdict, h.in_sync, h.last_item_at, h.says] for h in found]
        printing.table(columns, table, empty="No account is connected.")
    return Ending.REFUSED if any(each.verdict not in FINE for each in found) else Ending.OK


@account.command()
@click.argument("name")
@printing.json_option
def poll(name: str, as_json: bool) -> None:
    """Have an account looked at now by a running worker."""
    with opened() as hub:
        found = _id(hub, name)
        with hub.store.write() as session:
            state.wake(session, found)
    if as_json:
        printing.json({"account": name, "woken": True})
    else:
        printing.line(f"The worker looks at {name} now. What came of it: kinline account health {name}")


@account.command()
@click.argument("name")
@printing.json_option
def authorise(name: str, as_json: bool) -> None:
    """Start the consent at the provider: prints the page to open."""
    with opened() as hub:
        if not hub.settings.public_url:
            raise Invalid("Set KINLINE_PUBLIC_URL first: the provider sends people back to it.", code="no_public_url")
        with hub.store.read() as session:
            row = connected.named(session, name)
        url = oauth.page(hub.secret, row, hub.settings.public_url.rstrip("/") + oauth.CALLBACK)
    if as_json:
        printing.json({"url": url})
    else:
        printing.line("Open this page within fifteen minutes and say yes:")
        printing.line(url)


@account.command(name="history")
@click.argument("name")
@click.option("--estimate", "only_estimate", is_flag=True, help="Only say what it would bring and cost.")
@click.option("--stop", is_flag=True, help="Stop it; beginning again goes on from there.")
@click.option(
    "--whatever-it-costs", is_flag=True,
    help="Begin although it would not fit into this month's cap; it pauses there.",
)  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Leave it to the worker, and do not wait for its end.")
@printing.json_option
def history_(name: str, only_estimate: bool, stop: bool, whatever_it_costs: bool, no_wait: bool, as_json: bool) -> None:
    """Bring in an account's past. It starts no follow-up, goes on where it stopped, and shows how far it is.

    Without a running worker it works itself.
    """
    with opened() as hub:
        account_id = _id(hub, name)
        if stop:
            with hub.store.write() as session:
                history.stop(session, account_id)
        else:
            found = ready(hub, account_id)
            told = history.estimate(found)
            _expect(told, as_json)
            if not only_estimate:
                history.start(hub, found, told, whatever_it_costs=whatever_it_costs)
                if not no_wait:
                    _until_done(hub, account_id, told)
        shown = _health(hub, account_id).history
    if as_json:
        printing.json(shown or msgspec.to_builtins(told))
    elif shown:
        say(f"Its history is {shown['state']}: {shown['bodies']} pieces brought in.")


def _expect(told: Estimate, as_json: bool) -> None:
    if not as_json:
        items = "an unknown number of" if told.items is None else f"about {told.items}"
        cost = "" if not told.cost else f", for about {told.cost / 1e6:.2f}"
        say(f"There are {items} items{cost}. {told.note}".strip())


def _until_done(hub: Hub, account_id: str, told: Estimate) -> None:
    """Work ourselves, unless a worker looks after the account, and show how far it is."""
    keeper = Keeper(hub, account_id, ids.new(), news=lambda: None)
    thread = threading.Thread(target=keeper.keep, daemon=True)
    thread.start()
    seen = 0
    with progress.of_things("Bringing in the past", told.items or 0) as step:
        while (found := _health(hub, account_id)).history and found.history["state"] == "running":
            step(found.history["bodies"] - seen)
            seen = found.history["bodies"]
            if found.error:
                raise Invalid(f"{found.says} It goes on from there.", code=found.error["code"])
            handlers.drain(hub, UNDERSTANDING)
            time.sleep(0.2)
    keeper.stop.set()
    keeper.woken.set()
    thread.join(20)
    handlers.drain(hub, UNDERSTANDING)


def _health(hub: Hub, account_id: str) -> Health:
    with hub.store.read() as session:
        return health(session, hub.secret, connected.named(session, account_id))


def _id(hub: Hub, name: str) -> str:
    with hub.store.read() as session:
        return connected.named(session, name).id


def _whole(found: Health) -> None:
    rows: list[tuple[str, Any]] = []
    for name, value in msgspec.structs.asdict(found).items():
        if isinstance(value, dict):
            rows += [(f"{name}.{below}", each) for below, each in value.items()]
        elif value is not None:
            rows.append((name.replace("_", " "), f"{value:.0f}" if isinstance(value, float) else value))
    printing.table(("", ""), rows, empty="")

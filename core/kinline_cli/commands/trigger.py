"""``kinline trigger``: from a file to something that acts, with every step to try it out before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from sqlalchemy import func
from sqlmodel import select

from kinline import clock
from kinline.backtest import picture as pictures
from kinline.backtest.backtest import Hit, Result, backtest, keep
from kinline.catalogue import backfills, trigger_store
from kinline.decide import backfill
from kinline.errors import Invalid, NotFound
from kinline.experiments.results import effect
from kinline.history import rhythms
from kinline.hub import Hub
from kinline.store.models import Person, TriggerRow
from kinline.triggers import Trigger, read_trigger, schema
from kinline.words import TriggerState, Verdict
from kinline_cli import experiment, printing, progress
from kinline_cli.endings import Ending, say
from kinline_cli.moments import MOMENT
from kinline_cli.opened import opened

FILE = click.argument("file", type=click.File("rb"))
WITHOUT = click.option(
    "--without-backtest", metavar="REASON", default="", help="Say why it goes live without a back-test; that is kept."
)


@click.group()
def trigger() -> None:
    """Write, check, try out and run triggers."""


@trigger.command(name="list")
@printing.json_option
def list_(as_json: bool) -> None:
    """List the triggers with their states and versions."""
    with opened() as hub, hub.store.read() as session:
        rows = [_shown(row) for row in trigger_store.every(session)]
    if as_json:
        printing.json_list(rows)
        return
    columns = ("name", "state", "version", "changed_at", "state_reason")
    printing.table(columns, [[row[name] for name in columns] for row in rows], empty="There are no triggers.")


@trigger.command()
@click.argument("name")
@click.option("--version", "number", type=click.IntRange(1), help="Show this version instead of the newest.")
@printing.json_option
def show(name: str, number: int | None, as_json: bool) -> None:
    """Show one trigger as it was written."""
    with opened() as hub, hub.store.read() as session:
        row = trigger_store.named(session, name)
        version = trigger_store.version(session, row.id, number or row.version)
        shown = _shown(row)
    if as_json:
        made = {"number": version.version, "made_by": version.made_by, "made_at": clock.to_text(version.made_at)}
        printing.json({**shown, "shown": {**made, "source": version.source}})
        return
    printing.line((shown["name"], "bold"), f"  {shown['state']}, version {version.version} by {version.made_by}")
    click.echo(version.source.rstrip())


@trigger.command()
@FILE
@printing.json_option
def check(file: Any, as_json: bool) -> int:
    """Check a trigger in FILE (- is standard input): every mistake with its line and column, and advice."""
    return _told_mistake(file.name, lambda: _advised(read_trigger(file.read()), as_json), as_json)


@trigger.command()
@FILE
@click.option("--by", default="command line", help="Say who writes it, for its history.")
@WITHOUT
@printing.json_option
def save(file: Any, by: str, without_backtest: str, as_json: bool) -> int:
    """Save a trigger from FILE, new or as the next version of the one of its name. A new one is a draft.

    The next version of one that is live goes live at once; it needs a back-test, or a reason to do without.
    """

    def saved() -> int:
        text = file.read().decode("utf-8", "replace")
        with opened() as hub, hub.store.write() as session:
            row, made = trigger_store.save(session, text, made_by=by, override=without_backtest)
            shown = _shown(row)
        for warning in made.warnings:
            say(f"Note: {warning}")
        if as_json:
            printing.json({**shown, "warnings": list(made.warnings)})
        else:
            printing.line(f"Saved {shown['name']}, version {shown['version']}, {shown['state']}.")
        return Ending.OK

    return _told_mistake(file.name, saved, as_json)


@trigger.command(name="schema")
@printing.json_option
def schema_(as_json: bool) -> None:
    """Print the JSON Schema of triggers, for editors: save it beside them and name it in their first line."""
    click.echo(json.dumps(schema(), indent=None if as_json else 2, ensure_ascii=False))


@trigger.command()
@FILE
@printing.json_option
def rhythm(file: Any, as_json: bool) -> int:
    """Tell how long the gaps of a broken habit in FILE are among people in general, for its `usual`."""

    def told() -> int:
        made = read_trigger(file.read())
        with opened() as hub, progress.of_things("Looking at people", _people(hub)) as step:
            found = rhythms.usual(hub, made, progress=step)
        if as_json:
            printing.json_list([msgspec.to_builtins(each) for each in found])
        else:
            columns = ("people", "gaps", "usual", "two of three within")
            rows = [[each.people, each.gaps, each.usual, f"/ and × {each.spread:g}"] for each in found]
            printing.table(columns, rows, empty="There is no broken_habit in it.")
        return Ending.OK

    return _told_mistake(file.name, told, as_json)


@trigger.command(name="backtest")
@FILE
@click.option(
    "--since", type=MOMENT, default="90d", show_default=True, help="Look back to this date, time or duration ago."
)
@click.option("--until", type=MOMENT, help="Look no further than this date, time or duration ago.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a histogram to this file, as SVG.",
)
@click.option("--by", default="command line", help="Say who tries it out.")
@printing.json_option
def backtest_(file: Any, since: int, until: int | None, picture: Path | None, by: str, as_json: bool) -> int:
    """Tell whom the trigger in FILE would have reached, when and why, over the stored history. Nothing is sent.

    What it counts is kept with this text: what was tried out may go live.
    """

    def tested() -> int:
        text = file.read().decode("utf-8", "replace")
        made = read_trigger(text)
        with opened() as hub:
            with progress.of_things("Looking at people", _people(hub)) as step:
                found = backtest(hub, made, since=since, until=until, progress=step)
            with hub.store.write() as session:
                run = keep(session, text, found, made_by=by)
        if picture:
            picture.write_text(pictures.svg(found.trigger, _bars(found)), encoding="utf-8")
        if as_json:
            counts = {name: getattr(found, name) for name in ("fired", "skipped", "held")}
            days = {"days": found.days(), "held_days": found.held_days()}
            printing.json({"id": run.id, "version": run.version, **msgspec.to_builtins(found), **counts, **days})
        else:
            _tell(found)
        return Ending.OK

    return _told_mistake(file.name, tested, as_json)


@trigger.command(name="experiment")
@click.argument("name")
@printing.json_option
def experiment_(name: str, as_json: bool) -> None:
    """Tell what the experiment of a trigger shows so far, and how sure that is."""
    with opened() as hub:
        found = effect(hub, name)
    if as_json:
        printing.json(found)
    else:
        experiment.tell(found)


@trigger.command()
@click.argument("name")
@WITHOUT
@printing.json_option
def live(name: str, without_backtest: str, as_json: bool) -> None:
    """Put a trigger live: from now on it acts. It needs a back-test of this version, or a reason to do without."""
    _put(name, TriggerState.LIVE, as_json, override=without_backtest)


@trigger.command(name="backfill")
@click.argument("name")
@printing.json_option
def backfill_(name: str, as_json: bool) -> None:
    """Look now at everybody who was there when a trigger went live, and tell what was found. Workers do it too, after all else."""
    with opened() as hub:
        with hub.store.read() as session:
            row = trigger_store.named(session, name)
            condition = trigger_store.compiled(
                row.id, trigger_store.version(session, row.id, row.version).source
            ).condition_id
            begun = backfills.found(session, row.id, condition)
        if begun is None:
            raise NotFound(f"“{row.name}” never went live with this condition.", code="never_live")
        with progress.of_things("Looking at people", begun.total - begun.evaluated) as step:
            for looked in backfill.run(hub, row.id):
                step(looked)
        with hub.store.read() as session:
            found = backfills.found(session, row.id, condition) or begun
    if as_json:
        printing.json({**msgspec.to_builtins(found), "name": row.name, "live_at": clock.to_text(found.live_at)})
        return
    printing.line((row.name, "bold"), f": {found.evaluated} of {found.total} people looked at, {found.state}.")
    printing.line(
        f"{found.armed} wait since. For {found.overdue} it was due before it went live; {found.caught_up} are acted for."
    )


@trigger.command()
@click.argument("name")
@printing.json_option
def shadow(name: str, as_json: bool) -> None:
    """Put a trigger in shadow: it decides, the decisions are kept, and nothing is done."""
    _put(name, TriggerState.SHADOW, as_json)


@trigger.command()
@click.argument("name")
@click.option("--reason", default="", help="Say why, for whoever wonders later.")
@printing.json_option
def pause(name: str, reason: str, as_json: bool) -> None:
    """Pause a trigger: it decides nothing until it is live again, and nothing it decided is sent."""
    _put(name, TriggerState.PAUSED, as_json, reason)


def _put(name: str, state: TriggerState, as_json: bool, reason: str = "", override: str = "") -> None:
    with opened() as hub, hub.store.write() as session:
        shown = _shown(trigger_store.set_state(session, name, state, reason=reason, override=override))
    if as_json:
        printing.json(shown)
    else:
        printing.line(f"{shown['name']} is {shown['state']}.")


def _advised(made: Trigger, as_json: bool) -> int:
    if as_json:
        printing.json({"ok": True, "name": made.name, "warnings": list(made.warnings)})
        return Ending.OK
    for warning in made.warnings:
        printing.line(("Note: ", "yellow"), warning)
    printing.line(f"{made.name} is well written.")
    return Ending.OK


def _told_mistake(name: str, work: Callable[[], int], as_json: bool) -> int:
    """Do the work; a mistake of the author's is told as ``file:line:column: what``, as editors read it."""
    try:
        return work()
    except Invalid as wrong:
        if as_json:
            printing.json(
                {"ok": False, "code": wrong.code, "detail": wrong.detail, "pointer": wrong.pointer, **wrong.more}
            )
        hint = f" Did you mean {wrong.more['suggestion']}?" if "suggestion" in wrong.more else ""
        place = f"{wrong.more.get('line', 1)}:{wrong.more.get('column', 1)}"
        say(f"{name}:{place}: {wrong.detail}.{hint}")
        return Ending.REFUSED


def _tell(found: Result) -> None:
    columns = ("when", "whom", "why", "what would become of it", "id")
    rows = [[_when(hit.at), hit.name, _why(hit), _fate(hit), hit.person] for hit in found.hits]
    printing.table(columns, rows, empty="It would have reached nobody.")
    for line in pictures.lines(_bars(found)):
        printing.line(line)
    people = len({hit.person for hit in found.hits if hit.acts})
    say(
        f"{found.fired} times, {people} of {found.persons} people, since {clock.to_text(found.since)}; "
        f"{found.held} held back, {found.skipped} skipped."
    )
    if ahead := found.forecast:
        say(
            f"Once it is live: {ahead.day} within 24 hours, {ahead.week} within 7 days, {ahead.month} within 30; "
            f"{ahead.busiest} in the busiest hour, where {ahead.storm_limit} are allowed."
        )
    for name, count in found.overlap.items():
        say(f"Within a day of {name}: {count}.")
    if told := found.compared:
        since = clock.to_text(told.since)
        say(
            f"Since {since} it decided {told.both} of these, {told.only_decided} others; {told.only_backtest} only here."
        )
    say(f"Not known: {'; '.join(found.unknown)}.")


def _bars(found: Result) -> list[pictures.Bar]:
    return pictures.bars(found.days(), found.held_days(), found.since, found.until)


def _why(hit: Hit) -> str:
    """How much counted, and how long nothing came."""
    seen = f"{len(hit.interactions)} seen"
    return "; ".join([seen, *(f"nothing of {each.of} from {_when(each.since)}" for each in hit.absences)])


def _fate(hit: Hit) -> str:
    if hit.verdict is Verdict.SKIPPED:
        return f"skipped: {hit.reason}"
    if hit.held:
        return f"held back: {hit.held}"
    return f"waits until {_when(hit.waits_until)}" if hit.waits_until else "it acts"


def _when(at: int) -> str:
    return str(clock.to_text(at))[:16].replace("T", " ")


def _people(hub: Hub) -> int:
    """How many there are, for the progress bar."""
    with hub.store.read() as session:
        return session.exec(select(func.count()).where(Person.id == Person.root_id)).one()


def _shown(row: TriggerRow) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "state": str(row.state), "state_reason": row.state_reason,
        "version": row.version, "changed_at": clock.to_text(row.changed_at), "live_since": clock.to_text(row.live_since),
    }  # fmt: skip

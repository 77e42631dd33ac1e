"""``kinline why``: what stood behind something that we did."""

from collections.abc import Iterator

import rich_click as click

from kinline.why.context import Considered, WayShown
from kinline.why.explain import why as explain
from kinline.why.explanation import Why
from kinline.why.parts import CountedInteraction
from kinline_cli import printing
from kinline_cli.opened import opened


@click.command()
@click.argument("reference", metavar="DECISION_OR_FOLLOWUP")
@click.option("--language", default="en", help="Write the summary in this language, as BCP 47 names it: en, es.")
@printing.json_option
def why(reference: str, language: str, as_json: bool) -> None:
    """Explain a decision or a follow-up: what was seen, which trigger, what came of it, what else was considered.

    The id may also be that of a message of ours on a timeline, of a task, of a stage move, or of a wait.
    """
    with opened() as hub, hub.store.read() as session:
        found = explain(session, reference, language=language, zone=hub.settings.time_zone)
    if as_json:
        printing.json(found)
        return
    printing.line((found.summary, "bold"))
    for head, lines in _chapters(found):
        printing.line("")
        printing.line((head, "dim"))
        for line in lines:
            printing.line("  ", line)


def _chapters(found: Why) -> Iterator[tuple[str, list[str]]]:
    """What there is to tell, each part under its head; nothing for a part without lines."""
    trigger = found.trigger
    chapters = (
        ("Trigger", [f"{trigger.name}, version {trigger.version}: {trigger.about}"] if trigger else []),
        ("What was seen", [_seen(one) for one in found.interactions]),
        ("What did not happen", [f"{each.looked_for} ({each.since} to {each.until})" for each in found.absences]),
        ("What was known of the person", [f"{name} = {value}" for name, value in sorted(found.read.items())]),
        ("Messages", [f"{each.state}: {printing.short(each.text, 100)} {each.reason}" for each in found.followups]),
        ("Tasks", [f"{each.state}: {each.title}, for {each.team or 'anybody'}" for each in found.tasks]),
        ("Moves", [f"{each.track}: {each.stage}" for each in found.moves]),
        ("Experiment", [f"{found.experiment.experiment}: {found.experiment.arm}"] if found.experiment else []),
        ("Ways to them", [_way(way) for each in found.followups for way in each.ways]),
        ("Triggers before this one", _before(found)),
        ("It led to", [_decided(each) for each in found.led_to]),
        ("Other triggers", [_decided(each) for each in found.considered]),
    )
    return ((head, lines) for head, lines in chapters if lines)


def _seen(one: CountedInteraction) -> str:
    said = "(hidden)" if one.hidden else "(deleted)" if one.deleted else printing.short(one.subject or one.text, 100)
    return f"{one.at}  {one.channel} {one.kind} of {one.by or 'somebody'}: {said}"


def _way(way: WayShown) -> str:
    return f"{'taken' if way.taken else 'not taken'}: {way.channel} {way.account} to {way.handle}: {way.why}"


def _before(found: Why) -> list[str]:
    if found.cascade is None or found.cascade.depth < 2:
        return []
    end = ", and it stopped here" if found.cascade.stopped else ""
    return [f"{' → '.join(found.cascade.triggers)} ({found.cascade.depth} of {found.cascade.deepest} at most{end})"]


def _decided(each: Considered) -> str:
    return f"{each.at}  {each.trigger} {each.verdict} {each.reason}".rstrip()

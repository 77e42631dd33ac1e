"""``kinline suggestions``: which two persons may be one, and what a human says to it."""

import rich_click as click

from kinline.desk.suggested import SuggestionDetail, detail
from kinline.identity import suggestion_answers
from kinline.identity.persons import find
from kinline.identity.suggestions import listing
from kinline.identity.suggestions.listing import Suggested, SuggestionFilter
from kinline.identity.suggestions.sayings import KINDS
from kinline_cli import printing
from kinline_cli.endings import say
from kinline_cli.opened import opened

_BY = "the command line"
least_option = click.option(
    "--least", default=None, type=click.FloatRange(0.5, 1), help="Take only those with this score or more, 0.5 to 1."
)
kind_option = click.option(
    "--kind", default="", type=click.Choice(["", *KINDS]), metavar="KIND",
    help="Take only those whose strongest evidence is of this kind, as same_mailbox or same_name.",
)  # fmt: skip


@click.group()
def suggestions() -> None:
    """Show which two persons may be one and why, and say whether they are."""


@suggestions.command(name="list")
@click.option(
    "--state",
    default="open",
    type=click.Choice(["open", "accepted", "refused"]),
    help="Show open, accepted or refused ones.",
)
@least_option
@kind_option
@click.option("--person", default="", help="Show only those that concern this person: an id or a handle.")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), help="How many to show at most.")
@printing.json_option
def list_(state: str, least: float | None, kind: str, person: str, limit: int, as_json: bool) -> None:
    """List who may be one person, the likeliest first."""
    with opened() as hub, hub.store.read() as session:
        root = find(session, person, region=hub.settings.phone_region or None) if person else ""
        wanted = SuggestionFilter(state=state, kind=kind, least=least or 0.0, person=root)
        found = [each for _, each in listing.listed(session, wanted, limit=limit + 1)]
    _print(found[:limit], as_json, empty="Nobody is suggested.")
    if len(found) > limit:
        say("There are more. Show them with --limit.")


@suggestions.command()
@click.argument("suggestion")
@printing.json_option
def show(suggestion: str, as_json: bool) -> None:
    """Show one suggestion with its evidence, in what the two differ, and their newest lines as one timeline."""
    with opened() as hub, hub.store.read() as session:
        found = detail(session, suggestion)
    if as_json:
        printing.json(found)
    else:
        _tell(found)


@suggestions.command()
@click.argument("suggestion", required=False)
@least_option
@kind_option
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), help="How many to accept at most, with --least.")
@click.option("--dry-run", is_flag=True, help="With --least, show which would be accepted, and accept none.")
@printing.json_option
def accept(suggestion: str | None, least: float | None, kind: str, limit: int, dry_run: bool, as_json: bool) -> None:
    """Say that the two of a SUGGESTION are one, or of all with a score of --least; each merge can be undone."""
    if (suggestion is None) == (least is None):
        raise click.UsageError("Name one suggestion, or say --least.")
    with opened() as hub, hub.store.write() as session:
        if suggestion is not None:
            found, skipped = [listing.one(session, suggestion)], []
            suggestion_answers.accept(session, suggestion, made_by=_BY)
        else:
            found = [
                each
                for _, each in listing.listed(session, SuggestionFilter(kind=kind, least=least or 1.0), limit=limit)
            ]
            skipped = (
                [] if dry_run else suggestion_answers.accept_all(session, [each.id for each in found], made_by=_BY)[1]
            )
    left = {each.suggestion for each in skipped}
    _print([each for each in found if each.id not in left], as_json, empty="There was nothing to accept.")
    if not as_json:
        printing.line("None was accepted: it was a dry run." if dry_run else f"Accepted {len(found) - len(left)}, skipped {len(left)}.")  # fmt: skip


@suggestions.command()
@click.argument("suggestion")
@printing.json_option
def refuse(suggestion: str, as_json: bool) -> None:
    """Say that the two of a SUGGESTION are two: it is never made again."""
    with opened() as hub, hub.store.write() as session:
        suggestion_answers.refuse(session, suggestion, made_by=_BY)
    if as_json:
        printing.json({"suggestion": suggestion, "state": "refused"})
    else:
        printing.line("They are two, and are not suggested again.")


def _print(found: list[Suggested], as_json: bool, *, empty: str) -> None:
    if as_json:
        printing.json_list(found)
        return
    rows = [[f"{each.score:.2f}", each.name_a, each.name_b, printing.short(each.reason, 80), each.id] for each in found]
    printing.table(["score", "one", "other", "why", "id"], rows, empty=empty)


def _tell(found: SuggestionDetail) -> None:
    one = found.suggestion
    printing.line(f"{one.name_a} and {one.name_b}: {one.score:.2f}, {one.state}")
    evidence = [["for" if each.bits > 0 else "against", f"{each.bits:+.1f}", each.said] for each in one.evidence]
    printing.table(["", "bits", "evidence"], evidence, empty="Nothing speaks for it any more.")
    fields = [[each.name, ", ".join(each.one), ", ".join(each.other)] for each in found.fields]
    printing.table(["differs", "one", "other"], fields, empty="They differ in nothing.")

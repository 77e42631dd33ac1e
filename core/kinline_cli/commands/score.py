"""``kinline score``: judge the past, or try the scorer on a text."""

import msgspec
import rich_click as click

from kinline import settings as reading
from kinline.contract.scorer import LONGEST, Score, Writing
from kinline.decide import rescoring
from kinline.errors import Misconfigured
from kinline.scoring.arm import arm_of
from kinline_cli import printing, progress
from kinline_cli.endings import say
from kinline_cli.opened import opened


@click.command()
@click.option("--again", is_flag=True, help="Judge also what another scorer, or another version of it, has judged.")
@click.option("--try", "text", default="", metavar="TEXT", help="Judge this text and keep nothing.")
@printing.json_option
def score(again: bool, text: str, as_json: bool) -> None:
    """Judge what people wrote before anybody judged it: topic, sentiment, language.

    What people corrected stays as they said. Old history starts no message and no task by it; stages and tags follow.
    Stopped, it goes on where it was when you run it again.
    """
    if text:
        _try(text, as_json)
        return
    with opened() as hub:
        if arm_of(hub.settings) is None:
            raise Misconfigured("KINLINE_SCORER is none: there is nobody to judge.", code="no_scorer")
        watch = progress.Stopwatch()
        with progress.of_things("Judging", rescoring.count(hub)) as step:
            found = rescoring.judge_past(hub, again=again, step=step)
    if as_json:
        printing.json({**msgspec.to_builtins(found), "seconds": round(watch.seconds, 3)})
        return
    printing.table(["language", "judged"], found.languages.items(), empty="There was nothing to judge.")
    say(
        f"{found.judged} of {found.looked_at} judged in {watch.seconds:.1f} s: {found.judged / watch.seconds:.0f} a second."
    )


def _try(text: str, as_json: bool) -> None:
    arm = arm_of(reading.load())
    if arm is None:
        raise Misconfigured("KINLINE_SCORER is none: there is nobody to judge.", code="no_scorer")
    [found] = arm.judge([Writing(text=text[:LONGEST])])
    scores: list[Score] = [found[what] for what in sorted(found)]
    if as_json:
        printing.json({"scorer": arm.name, "version": arm.version, "scores": scores})
        return
    rows = [[each.what, each.value, f"{each.confidence:.2f}", each.language] for each in scores]
    printing.table(["what", "value", "confidence", "language"], rows, empty="It cannot tell anything of this text.")

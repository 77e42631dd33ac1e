"""How an experiment looks on a terminal: a table, and the intervals as a picture in text."""

from collections.abc import Iterator

from rich.text import Text

from kinline.experiments.results import Against, ArmShown, Effect
from kinline_cli import printing

WIDTH = 61  #: of the picture, with nought in the middle
VERDICTS = {"more": "more", "fewer": "fewer", "not_enough_to_tell": "not enough to tell"}


def tell(found: Effect) -> None:
    """Print it."""
    printing.line((f"{found.trigger}: {found.experiment}", "bold"), f", since version {found.since_version}")
    printing.line(f"Hoped for: {found.desired or 'anything they do'}, within {found.within}.")
    printing.table(
        ("arm", "of all", "assigned", "open", "counted", "did", "rate", "95 %", "difference", "any time", "says"),
        [_row(arm) for arm in found.arms],
        empty="There are no arms.",
    )
    for line in picture(found):
        printing.line(line)
    printing.line(f"Persons per arm, given the odds: p = {found.by_chance:.3g}.")
    for note in [*found.notes, *_left_out(found)]:
        printing.line(("Note: ", "yellow"), note)


def picture(found: Effect) -> Iterator[str]:
    """Each arm's difference (``o``) with its interval for any time, between the farthest ends of all, and nought."""
    compared = [arm for arm in found.arms if arm.against and arm.counted and found.arms[0].counted]
    far = max((abs(end) for arm in compared if arm.against for end in arm.against.any_time), default=0.0)
    if not far:
        return
    name = max(len(arm.name) for arm in compared)
    for arm in compared:
        if arm.against:
            yield f"{arm.name:>{name}}  {_bar(arm.against, far)}"
    half = WIDTH // 2
    yield f"{'':{name}}  {f'{-far:+.1%}':<{half}}0{f'{far:+.1%}':>{half}}"


def _bar(against: Against, far: float) -> str:
    def place(value: float) -> int:
        return round((value / far + 1) * (WIDTH - 1) / 2)

    low, high = map(place, against.any_time)
    line = ["-" if low <= at <= high else " " for at in range(WIDTH)]
    line[WIDTH // 2] = "|"
    line[low], line[high], line[place(against.difference)] = "[", "]", "o"
    return "".join(line).rstrip()


def _row(arm: ArmShown) -> list[str | int | Text]:
    against = arm.against
    compared = ["", "", ""] if against is None else [
        f"{against.difference:+.1%}", "{:+.1%} to {:+.1%}".format(*against.any_time),
        f"{VERDICTS[against.verdict]} than {against.arm}" if against.verdict in ("more", "fewer") else VERDICTS[against.verdict],
    ]  # fmt: skip
    rate = "" if arm.rate is None else f"{arm.rate:.1%}"
    within = "" if arm.rate is None else "{:.1%} to {:.1%}".format(*arm.interval)
    return [arm.name, f"{arm.share:.1%}", arm.assigned, arm.open, arm.counted, arm.did, rate, within, *compared]


def _left_out(found: Effect) -> Iterator[str]:
    if found.left_out:
        yield f"Assigned under other odds, and left out: {found.left_out}."
    if found.mixed:
        yield f"Joined after they had been given different arms, and counted with the first: {found.mixed}."

"""``make habits``: how models of people's habits do against a fixed threshold, at one rate of false alarms.

Prints a table for each population and keeps it in ``docs/habits.md``. The shipped model is the hub's own code, and
over CDNOW its alarms are counted by the hub's own evaluator too.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rhythms import populations
from rhythms.bgnbd import fitted
from rhythms.compare import Row, row, strictness
from rhythms.evaluator import fires
from rhythms.models import FIXED, models
from rhythms.populations import Population

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "habits.md"
CORPORA = ROOT.parent / "shared" / "corpora"
RATES = (0.03, 0.06, 0.09)
HEAD = (
    "| false alarms | model | set to | found | only it | only fixed | earlier, by | later, by | on average earlier by |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)


def main() -> int:
    given = _arguments()
    found = dict(_tables(given))
    for name, table in found.items():
        print(f"{name}\n\n{table}")
    return _kept(found, check=given.check)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="leave docs/habits.md as it is, and fail where it says otherwise"
    )
    parser.add_argument(
        "--quick", action="store_true", help="compare only the first lines with the page, without BG/NBD"
    )
    parser.add_argument("--only", action="append", help="only the population of this name; may be repeated")
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="where they lie, if not in ../shared/corpora")
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="also a file of your own: id and date, with a header",
    )
    given = parser.parse_args()
    given.check = given.check or given.quick
    return given


def _tables(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for each in _asked(given):
        if not given.only or each.name in given.only:
            yield each.name, table(each, quick=given.quick)


def _asked(given: argparse.Namespace) -> Iterator[Population]:
    if cdnow := populations.cdnow(given.corpora):
        yield cdnow
    else:
        print(
            "habits: no corpora beside the repository (../shared/corpora), so CDNOW was not measured.", file=sys.stderr
        )
    for each in given.log:
        name, _, file = each.partition("=")
        yield populations.log(name, Path(file))
    yield populations.rhythmic()
    yield populations.without_rhythm()


def table(population: Population, *, quick: bool = False) -> str:
    """All models at all rates, as Markdown; ``quick``: at the first rate, those whose parameters are not fitted."""
    episodes = population.episodes()
    parameters = None if quick else fitted(population)
    lapses = sum(each.lapse for each in episodes)
    lines = [
        f"{len(population.people):,} people, {len(episodes):,} episodes, {lapses:,} lapses; a gap is usually "
        f"{population.usual:.0f} days. {fires(population)}\n\n",
        HEAD,
    ]
    for rate in RATES[: 1 if quick else None]:
        fixed = FIXED.patience(episodes[0], strictness(FIXED, episodes, rate))
        lines += [_line(rate, row(model, episodes, rate)) for model in models(population, parameters, fixed)]
    return "".join(lines)


def _line(rate: float, found: Row) -> str:
    compared = (
        f"{found.only_it} | {found.only_fixed} | {found.earlier}, {found.earlier_by:.0f} d | "
        f"{found.later}, {found.later_by:.0f} d | {round(found.mean)} d |"
    )
    if found.model == "fixed threshold":
        compared = "| | | | |"
    return f"| {rate:.2f} | {found.model} | {found.screw} | {found.found} | {compared}\n"


def _kept(found: dict[str, str], *, check: bool) -> int:
    """Write the tables where they stand; with ``check``, name those of which a line does not stand there."""
    text = KEPT.read_text(encoding="utf-8")
    wrong = 0
    for name, made in found.items():
        place = re.search(rf"(?<=<!-- {re.escape(name)} -->\n\n).*?(?=\n<!-- end -->)", text, re.DOTALL)
        if place is None:
            print(f"habits: there is no place for {name} in docs/habits.md.", file=sys.stderr)
        elif check and not set(made.splitlines()) <= set(place[0].splitlines()):
            print(f"habits: docs/habits.md says otherwise about {name}.", file=sys.stderr)
            wrong += 1
        elif not check:
            text = text[: place.start()] + made + text[place.end() :]
    if not check:
        KEPT.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

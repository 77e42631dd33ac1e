"""``python bench/run.py``: compare rates side by side in one run, on both databases, and check the counts."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator

import backfills
import deciding
import mails
import merging
import million
import pages
import posts
import waits
from hubs import available
from measure import Figure

Section = Callable[[str, bool], Iterator[Figure]]


def _posts(database: str, quick: bool) -> Iterator[Figure]:
    return posts.measure(database, seconds=2 if quick else 4, rounds=3 if quick else 5)


def _mails(database: str, quick: bool) -> Iterator[Figure]:
    return mails.measure(database, count=300 if quick else 1000, rounds=3)


def _pages(database: str, quick: bool) -> Iterator[Figure]:
    large, hot = (200_000, 10_000) if quick else (1_000_000, 50_000)
    return pages.measure(database, large=large, hot=hot, seconds=1 if quick else 3, rounds=3 if quick else 5)


def _merging(database: str, quick: bool) -> Iterator[Figure]:
    return merging.measure(database, hot=20_000 if quick else 100_000)


def _memory(database: str, quick: bool) -> Iterator[Figure]:
    return mails.memory(database, small=5 if quick else 20, large=20 if quick else 100)


def _million(database: str, quick: bool) -> Iterator[Figure]:
    return million.measure(database, single=10_000 if quick else 500_000, batched=10_000 if quick else 500_000)


def _deciding(database: str, quick: bool) -> Iterator[Figure]:
    return deciding.measure(database, persons=100_000 if quick else 1_000_000, rounds=3 if quick else 7)


def _waits(database: str, quick: bool) -> Iterator[Figure]:
    return waits.measure(database, armed=100_000 if quick else 1_000_000, rounds=3 if quick else 5)


def _armed(database: str, quick: bool) -> Iterator[Figure]:
    return waits.measure(database, armed=1_000_000 if quick else 10_000_000, rounds=5)


def _backfills(database: str, quick: bool) -> Iterator[Figure]:
    return backfills.measure(database, people=100_000 if quick else 1_000_000)


SECTIONS: dict[str, Section] = {
    "posts": _posts,
    "mails": _mails,
    "pages": _pages,
    "merging": _merging,
    "memory": _memory,
    "deciding": _deciding,
    "waits": _waits,
    "armed": _armed,
    "million": _million,
    "backfills": _backfills,
}
#: What takes ten minutes and more: only with ``--full``, or when it is asked for by name.
LONG = {"million", "armed", "backfills"}


def main() -> int:
    given = _arguments()
    figures: list[Figure] = []
    for name in given.only or [name for name in SECTIONS if given.full or name not in LONG]:
        for database in given.database or available():
            began = time.monotonic()
            figures += SECTIONS[name](database, given.quick)
            print(f"{name} on {database}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    if given.json:
        print(json.dumps([figure.plain() for figure in figures], indent=1))
    else:
        table(figures)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter rounds and smaller stores, under three minutes")
    parser.add_argument(
        "--full",
        action="store_true",
        help="also what takes long: memory after a million events, ten million armed waits",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="only this section; may be repeated")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="only this database")
    return parser.parse_args()


def table(figures: list[Figure]) -> None:
    print(f"{'':52} {'database':11} {'measured':>14} {'ratio':>7} {'target':>8}  against, checks")
    for figure in figures:
        sign = "≥" if figure.more_is_better else "≤"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        target = "" if figure.target is None else f"{sign} {figure.target:g}"
        mark = {True: "", False: "  NOT REACHED", None: ""}[figure.reached]
        more = "; ".join(part for part in (figure.against, figure.checked, figure.note) if part)
        value = f"{figure.value:,.4g} {figure.unit}" if figure.value < 1000 else f"{figure.value:,.0f} {figure.unit}"
        print(f"{figure.name:52} {figure.database:11} {value:>14} {ratio:>7} {target:>8}{mark}  {more}")


if __name__ == "__main__":
    sys.exit(main())

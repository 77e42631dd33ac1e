"""Who may be one person: records with known matches (FEBRL, splink), and contributors by their projects' mailmaps."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

from kinline.errors import Invalid
from kinline.handles import Handle, is_blocked, normalise
from kinline.identity.suggestions import rules
from kinline.identity.suggestions.keys import Candidate
from kinline.words import HandleType
from sets import Case, Cases, Set

#: Candidates, and of each identity whose it is.
People = tuple[list[Candidate], dict[str, str]]
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")


def _table(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines, skipinitialspace=True)


def _febrl(path: Path) -> People:
    """Records of one source: name, day of birth and address, and no handle that two share."""
    found, whose = [], {}
    for row in _table(path):
        handle = Handle(HandleType.EXTERNAL, row["rec_id"], "febrl")
        street = f"{row['street_number']} {row['address_1']}".strip()
        name = f"{row['given_name']} {row['surname']}".strip()
        found.append(Candidate(
            handle.id, handle, proved=(name,) if name else (), birthday=row["date_of_birth"],
            places=tuple(filter(None, (street, row["suburb"], row["postcode"]))),
        ))  # fmt: skip
        whose[handle.id] = row["rec_id"].split("-")[1]
    return found, whose


def _splink(path: Path) -> People:
    """Records of one source, with an address beside."""
    found, whose = [], {}
    for row in _table(path):
        handle = Handle(HandleType.EXTERNAL, row["unique_id"], "crm")
        name = f"{row['first_name']} {row['surname']}".strip()
        found.append(Candidate(
            handle.id, handle, proved=(name,) if name else (), birthday=row["dob"],
            beside=tuple(filter(None, (_address(row["email"]),))), places=tuple(filter(None, (row["city"],))),
        ))  # fmt: skip
        whose[handle.id] = row["cluster"]
    return found, whose


def _contributors(path: Path) -> People:
    """Addresses of a project, whose they are by its mailmap. A `.mailmap` alone, or lines of the log with both:
    ``git log --format='%aN%x09%aE%x09%an%x09%ae' | sort -u > PROJECT.tsv``."""
    rows = _log(path) if path.suffix == ".tsv" else _mailmap(path)
    names: dict[Handle, set[str]] = defaultdict(set)
    same: dict[str, str] = {}
    for name, address, proper in rows:
        if handle := _address(address):
            names[handle] |= {name} - {""}
            for each in proper:
                same[_end(same, f"={each.casefold()}")] = _end(same, handle.id)
    found = [Candidate(handle.id, handle, proved=tuple(sorted(called))) for handle, called in names.items()]
    return found, {each.id: _end(same, each.id) for each in found}


def _end(same: Mapping[str, str], each: str) -> str:
    while same.get(each, each) != each:
        each = same[each]
    return each


def _log(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        proper, proper_address, name, address = line.split("\t")[:4]
        yield name, address, [proper, proper_address]


def _mailmap(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    """What git calls a commit's name where the mailmap does not tell it stays unknown."""
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = _NAMED.findall(line.split("#")[0])
        for name, address in parts:
            yield name.strip(), address.strip(), [parts[0][1].strip()]


def _address(text: str) -> Handle | None:
    try:
        handle = normalise(Handle(HandleType.EMAIL, text))
    except Invalid:
        return None
    return None if is_blocked(handle) else handle


def _pairs(whose: Mapping[str, str]) -> set[tuple[str, str]]:
    """All pairs that are one person's."""
    by: dict[str, list[str]] = defaultdict(list)
    for each, person in whose.items():
        by[person].append(each)
    return {pair for each in by.values() for pair in combinations(sorted(each), 2)}


def _recall(people: Iterable[People]) -> Cases:
    """Each pair that is one person's must be suggested."""
    for found, whose in people:
        suggested = rules.pairs(found)
        for one, other in sorted(_pairs(whose)):
            yield Case(f"{one} {other}", "" if (one, other) in suggested else "is not suggested")


def _precision(people: Iterable[People]) -> Cases:
    """Of what is suggested, the right ones in a thousand: so that the total stays, whatever is suggested."""
    right = total = 0
    for found, whose in people:
        suggested, true = rules.pairs(found).keys(), _pairs(whose)
        right, total = right + len(suggested & true), total + len(suggested)
    share = round(1000 * right / total) if total else 0
    for number in range(1000):
        yield Case(f"of a thousand, {number}", "" if number < share else f"{total - right} of {total} are two")


def _asked(read: object, names: str) -> tuple[Set, Set]:
    def people(folder: Path) -> Iterator[People]:
        return (read(path) for path in sorted(folder.glob(names)))  # type: ignore[operator]

    return lambda folder: _recall(people(folder)), lambda folder: _precision(people(folder))


febrl1_recall, febrl1_precision = _asked(_febrl, "febrl/dataset1.csv")
febrl2_recall, febrl2_precision = _asked(_febrl, "febrl/dataset2.csv")
splink_recall, splink_precision = _asked(_splink, "fake_1000.csv")
mailmaps_recall, mailmaps_precision = _asked(_contributors, "*.mailmap")
contributors_recall, contributors_precision = _asked(_contributors, "*.tsv")

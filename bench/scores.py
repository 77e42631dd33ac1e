"""``make scores``: ask the product what others' test data asks, and let no answer get worse.

Prints ``name right/total`` for each set in the corpora, which lie beside the repository and are never part of it.
What was reached stands in ``docs/scores.md``; it is raised there when more is right, and falling below fails.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from sets import Case, Set, mail, oracle, peers, people, social, web

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "scores.md"
CORPORA = ROOT.parent / "shared" / "corpora"
ROW = re.compile(r"^\| `([^`]+)` \| (\d+)/(\d+) \|", re.MULTILINE)

#: What is asked: a name, the folder, and who asks.
SETS: dict[str, tuple[str, Set]] = {
    "email-flufl-bounce": ("email-flufl-bounce", mail.bounces),
    "email-imaptest-thread": ("email-imaptest-thread", mail.trees),
    "email-replyparsers": ("email-replyparsers", mail.visible_replies),
    "email-talon replies": ("email-talon", mail.talon_replies),
    "email-talon signatures": ("email-talon", mail.talon_signatures),
    "email-isemail": ("email-isemail", mail.addresses),
    "email-chatwoot": ("email-chatwoot", oracle.chatwoot),
    "email-django-helpdesk": ("email-django-helpdesk", oracle.mails),
    "email-mikel-mail": ("email-mikel-mail", oracle.mails),
    "email-cpython-testdata": ("email-cpython-testdata", oracle.mails),
    "email-spamassassin": ("email-spamassassin", oracle.mails),
    "email-spamassassin consensus": ("email-spamassassin", oracle.consensus),
    "twitter-text extraction": ("twitter-text-conformance", social.extraction),
    "twitter-text top levels": ("twitter-text-conformance", social.top_levels),
    "twitter-text lengths": ("twitter-text-conformance", social.lengths),
    "twitter-text validation": ("twitter-text-conformance", social.wholly),
    "twitter-sferik": ("twitter-sferik", social.payloads),
    "twitter-spring-social": ("twitter-spring-social", social.payloads),
    "twitter-tweetparser": ("twitter-tweetparser", social.payloads),
    "twitter-v2": ("twitter-v2", social.payloads),
    "blog-webmention-rocks": ("blog-webmention-rocks", web.endpoints),
    "blog-microformats": ("blog-microformats", web.documents),
    "blog-disqus-isso": ("blog-disqus-isso", web.exports),
    "id-febrl 1 recall": ("id-febrl", people.febrl1_recall),
    "id-febrl 1 precision": ("id-febrl", people.febrl1_precision),
    "id-febrl 2 recall": ("id-febrl", people.febrl2_recall),
    "id-febrl 2 precision": ("id-febrl", people.febrl2_precision),
    "id-splink recall": ("id-splink", people.splink_recall),
    "id-splink precision": ("id-splink", people.splink_precision),
    "id-mailmaps recall": ("id-mailmaps", people.mailmaps_recall),
    "id-mailmaps precision": ("id-mailmaps", people.mailmaps_precision),
    "id-contributors recall": ("id-contributors", people.contributors_recall),
    "id-contributors precision": ("id-contributors", people.contributors_precision),
    "peer-standard-webhooks": ("peer-standard-webhooks", peers.standard_webhooks),
}


def main() -> int:
    given = _arguments()
    folder: Path = given.corpora
    if not folder.is_dir():
        print("scores: no corpora beside the repository (../shared/corpora), so nothing was asked.")
        return 0
    found = {name: _asked(name, folder) for name in given.only or SETS}
    right = {name: (sum(not case.wrong for case in cases), len(cases)) for name, cases in found.items() if cases}
    if given.json:
        print(json.dumps({name: {"right": of[0], "total": of[1]} for name, of in right.items()}, indent=1))
    else:
        _print(found, right, misses=given.misses)
    return _compared(right, keep=not given.check)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--misses", action="store_true", help="say of each wrong answer what was right")
    parser.add_argument("--check", action="store_true", help="leave docs/scores.md as it is")
    parser.add_argument("--only", action="append", choices=list(SETS), help="only this set; may be repeated")
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="where they lie, if not in ../shared/corpora")
    return parser.parse_args()


def _asked(name: str, corpora: Path) -> list[Case]:
    """All answers of a set; none where its folder is absent."""
    folder, ask = SETS[name]
    for path in (corpora / folder, corpora / f"{folder}-dev"):
        if path.is_dir():
            return list(_guarded(ask, path))
    return []


def _guarded(ask: Set, folder: Path) -> Iterable[Case]:
    """A crash is a wrong answer too, and ends the set: the total falls, which fails."""
    try:
        yield from ask(folder)
    except Exception as error:  # whatever it is, the other sets shall be asked
        yield Case("crashed", f"{type(error).__name__}: {error}")


def _print(found: dict[str, list[Case]], right: dict[str, tuple[int, int]], *, misses: bool) -> None:
    for name, cases in found.items():
        print(f"{name} {right[name][0]}/{right[name][1]}" if cases else f"{name} absent")
        for case in cases if misses else ():
            if case.wrong:
                print(f"    {case.name}: {case.wrong}")


def _compared(right: dict[str, tuple[int, int]], *, keep: bool) -> int:
    """Raise what is kept, and name what fell. A set with another total is other data: it is not compared."""
    text = KEPT.read_text(encoding="utf-8")
    kept = {name: (int(was), int(total)) for name, was, total in ROW.findall(text)}
    fallen = [name for name, of in right.items() if name in kept and _fell(of, kept[name])]
    for name in fallen:
        was, total = kept[name]
        print(f"scores: {name} fell from {was}/{total} to {right[name][0]}/{right[name][1]}.", file=sys.stderr)
    for name in right.keys() - kept.keys():
        print(f"scores: {name} has no line in docs/scores.md yet.", file=sys.stderr)
    if keep and not fallen:
        raised = ROW.sub(_raised(right), text)
        if raised != text:
            KEPT.write_text(raised, encoding="utf-8")
            print("scores: docs/scores.md was raised.", file=sys.stderr)
    return 1 if fallen else 0


def _fell(now: tuple[int, int], was: tuple[int, int]) -> bool:
    return now[0] < was[0] if now[1] == was[1] else now[1] < was[1]


def _raised(right: dict[str, tuple[int, int]]) -> Callable[[re.Match[str]], str]:
    def row(found: re.Match[str]) -> str:
        now, was = right.get(found[1]), (int(found[2]), int(found[3]))
        better = now is not None and now[1] == was[1] and now[0] > was[0]
        return f"| `{found[1]}` | {now[0]}/{now[1]} |" if better and now else found[0]

    return row


if __name__ == "__main__":
    sys.exit(main())

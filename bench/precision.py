"""``make precision``: how often the scorer is right, in English and Spanish, at the confidence that triggers ask for.

Asked are the sentences in ``bench/sentences``, written for that, and with ``--umsab FOLDER`` the test sets of the Unified
Multilingual Sentiment Analysis Benchmark (github.com/cardiffnlp/xlm-t, ``data/sentiment``), which are tweets of real people
and therefore no part of this repository. VADER is asked beside it where it is installed.

Of each class: precision (how many that it calls so are so) and recall (how many that are so it calls so). ``coverage``: of
how many texts it says anything that surely. ``floor``: the precision of somebody who calls everything so.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kinline import Scored, Writing
from kinline.triggers.history import CONFIDENT
from kinline_lexicon import LexiconScorer

SENTENCES = Path(__file__).parent / "sentences"
LANGUAGES = {"en": "english", "es": "spanish"}
CLASSES = ("neg", "neu", "pos")
#: From here on a sentiment counts as one; triggers set bounds of their own.
EDGE = 0.2
Says = Callable[[list[str]], list[str | None]]


class Case(NamedTuple):
    text: str
    mood: str
    topics: tuple[str, ...] = ()


class Line(NamedTuple):
    """One class of one set, as somebody answered it. Rates are None where there is nothing to divide by."""

    asked: str
    who: str
    what: str
    precision: float | None
    recall: float | None
    floor: float | None
    said: int
    there: int
    coverage: float


def main() -> int:
    given = _arguments()
    scorer = LexiconScorer({})
    lines = list(_lines(scorer, given.umsab))
    if given.json:
        print(json.dumps([line._asdict() for line in lines], indent=1))
        return 0
    print(f"Confidence {CONFIDENT} or more; negative from -{EDGE}, positive from {EDGE}.\n")
    for line in lines:
        print(row(line))
    if given.umsab:
        print(f"\n{_rate(scorer, given.umsab):,.0f} texts a second on one core.")
    if vader() is None:
        print("VADER is not installed, so it was not asked: pip install vaderSentiment")
    return 0


def row(line: Line) -> str:
    """A line of the table in docs/scorers.md."""
    rates = " | ".join("–" if rate is None else f"{rate:.2f}" for rate in (line.precision, line.recall, line.floor))
    return f"| {line.asked} | {line.who} | {line.what} | {rates} | {line.said}/{line.there} | {line.coverage:.2f} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--umsab", type=Path, help="a checkout of cardiffnlp/xlm-t")
    return parser.parse_args()


def _lines(scorer: LexiconScorer, umsab: Path | None) -> Iterable[Line]:
    beside = vader()
    for language in LANGUAGES:
        plain, hard = sentences(language)
        sets = {f"{language}, support desk": plain, f"{language}, hard": hard}
        if umsab:
            sets[f"{language}, UMSAB tweets"] = tweets(umsab, language)
        for name, cases in sets.items():
            yield from _moods(name, "lexicon", cases, lambda texts: moods(scorer, texts, CONFIDENT))
            yield from _moods(name, "lexicon, any confidence", cases, lambda texts: moods(scorer, texts, 0.0))
            if beside:
                yield from _moods(name, "VADER", cases, beside)
        yield from _topics(f"{language}, support desk", scorer, plain)
        yield _languages(f"{language}, support desk", scorer, language, plain)
        if umsab:
            yield _languages(f"{language}, UMSAB tweets", scorer, language, tweets(umsab, language))


def sentences(language: str) -> tuple[list[Case], list[Case]]:
    """Those that words decide, and those that only sense does."""
    found: list[dict[str, Any]] = yaml.safe_load((SENTENCES / f"{language}.yaml").read_text(encoding="utf-8"))
    cases = [(Case(each["text"], each["mood"], tuple(each["topics"])), bool(each.get("hard"))) for each in found]
    return [case for case, hard in cases if not hard], [case for case, hard in cases if hard]


def tweets(folder: Path, language: str) -> list[Case]:
    """Labels 0, 1 and 2 are negative, neutral and positive."""
    where = folder / "data" / "sentiment" / LANGUAGES[language]
    texts, labels = (
        (where / f"test_{part}.txt").read_text(encoding="utf-8").splitlines() for part in ("text", "labels")
    )
    return [Case(text, CLASSES[int(label)]) for text, label in zip(texts, labels, strict=True)]


def moods(scorer: LexiconScorer, texts: list[str], least: float) -> list[str | None]:
    return [_class(value) for value in _values(scorer, texts, Scored.SENTIMENT, least)]


def _class(value: Any) -> str | None:
    return None if value is None else "neg" if value <= -EDGE else "pos" if value >= EDGE else "neu"


def _values(scorer: LexiconScorer, texts: list[str], what: Scored, least: float) -> list[Any]:
    found = scorer.score([Writing(text=text) for text in texts])
    return [next((one.value for one in each if one.what is what and one.confidence >= least), None) for each in found]


def vader() -> Says | None:
    """VADER with the edges that its authors name, 0.05; English only, and asked for Spanish all the same."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyser = SentimentIntensityAnalyzer()

    def says(texts: list[str]) -> list[str | None]:
        values = [analyser.polarity_scores(text)["compound"] for text in texts]
        return ["neg" if value <= -0.05 else "pos" if value >= 0.05 else "neu" for value in values]

    return says


def _moods(name: str, who: str, cases: list[Case], says: Says) -> Iterable[Line]:
    answers = says([case.text for case in cases])
    coverage = sum(answer is not None for answer in answers) / len(cases)
    for wanted in CLASSES:
        there = sum(case.mood == wanted for case in cases)
        said = sum(answer == wanted for answer in answers)
        right = sum(answer == case.mood == wanted for answer, case in zip(answers, cases, strict=True))
        if there or said:
            precision, recall = right / said if said else None, right / there if there else None
            yield Line(name, who, wanted, precision, recall, there / len(cases), said, there, coverage)


def _topics(name: str, scorer: LexiconScorer, cases: list[Case]) -> Iterable[Line]:
    """A topic is right where it is one of those that the sentence names; it is missed where it is the first of them."""
    answers = _values(scorer, [case.text for case in cases], Scored.TOPIC, CONFIDENT)
    coverage = sum(answer is not None for answer in answers) / len(cases)
    for wanted in sorted({case.topics[0] for case in cases} | {answer for answer in answers if answer}):
        there = sum(case.topics[0] == wanted for case in cases)
        said = sum(answer == wanted for answer in answers)
        right = sum(answer == wanted and wanted in case.topics for answer, case in zip(answers, cases, strict=True))
        found = sum(answer == case.topics[0] == wanted for answer, case in zip(answers, cases, strict=True))
        if wanted:
            precision, recall = right / said if said else None, found / there if there else None
            yield Line(name, "lexicon", f"topic {wanted}", precision, recall, None, said, there, coverage)


def _languages(name: str, scorer: LexiconScorer, language: str, cases: list[Case]) -> Line:
    answers = _values(scorer, [case.text for case in cases], Scored.LANGUAGE, CONFIDENT)
    known, right = sum(answer is not None for answer in answers), sum(answer == language for answer in answers)
    return Line(
        name, "lexicon", "language", right / known, right / len(cases), None, known, len(cases), known / len(cases)
    )


def _rate(scorer: LexiconScorer, umsab: Path) -> float:
    texts = [Writing(text=case.text) for language in LANGUAGES for case in tweets(umsab, language)]
    started = time.process_time()
    for _ in range(3):
        scorer.score(texts)
    return 3 * len(texts) / (time.process_time() - started)


if __name__ == "__main__":
    sys.exit(main())

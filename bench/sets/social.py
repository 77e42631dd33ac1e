"""Posts of X: what a text names and how long it is (twitter-text), and payloads of its interfaces."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from kinline import Broken, Interaction, Source, Unreadable
from kinline_twitter import TwitterChannel
from kinline_twitter.entities import answered, cashtags, hashtags, links, mentions
from kinline_twitter.settings import TwitterSettings
from kinline_twitter.weight import LIMIT, weighted_length
from sets import Case, Cases, equal

CHANNEL, SETTINGS = TwitterChannel(), TwitterSettings()


def _urls(text: str) -> list[str]:
    return [link.url for link in links(text)]


def _urls_at(text: str) -> list[dict[str, Any]]:
    return [{"url": link.url, "indices": [link.start, link.end]} for link in links(text)]


def _tags(text: str) -> list[str]:
    return [one.tag for one in hashtags(text)]


#: The product's answer to each group of questions in ``extract.yml``, in the form of the expectations there.
EXTRACTED: dict[str, Callable[[str], Any]] = {
    "mentions": lambda text: [one.name for one in mentions(text)],
    "mentions_with_indices": lambda text: [
        {"screen_name": one.name, "indices": [one.start, one.end]} for one in mentions(text)
    ],
    "mentions_or_lists_with_indices": lambda text: [
        {"screen_name": one.name, "list_slug": one.list, "indices": [one.start, one.end]} for one in mentions(text)
    ],
    "replies": lambda text: answered(text) or None,
    "urls": _urls,
    "urls_with_indices": _urls_at,
    "urls_with_directional_markers": _urls_at,
    "tco_urls_with_params": _urls,
    "hashtags": _tags,
    "hashtags_from_astral": _tags,
    "hashtags_with_indices": lambda text: [
        {"hashtag": one.tag, "indices": [one.start, one.end]} for one in hashtags(text)
    ],
    "cashtags": lambda text: [one.symbol for one in cashtags(text)],
    "cashtags_with_indices": lambda text: [
        {"cashtag": one.symbol, "indices": [one.start, one.end]} for one in cashtags(text)
    ],
}


def _tests(folder: Path, name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, Any] = yaml.safe_load((folder / "conformance" / f"{name}.yml").read_text(encoding="utf-8"))
    return found["tests"]  # type: ignore[no-any-return]


def extraction(folder: Path) -> Cases:
    """Exactly whom and what each text names, and where."""
    for group, cases in _tests(folder, "extract").items():
        for case in cases:
            yield equal(f"{group}: {case['description']}", EXTRACTED[group](case["text"]), case["expected"])


def top_levels(folder: Path) -> Cases:
    """A link under every top-level domain there is."""
    for cases in _tests(folder, "tlds").values():
        for case in cases:
            yield equal(case["description"], _urls(case["text"]), case["expected"])


def lengths(folder: Path) -> Cases:
    """The weighted length of configuration 3, in which an emoji counts two, and whether it may be posted."""
    tests = _tests(folder, "validate")
    for group in ("WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"):
        for case in tests[group]:
            length = weighted_length(case["text"])
            yield equal(case["description"], length, case["expected"]["weightedLength"])
            if length > LIMIT:
                yield equal(f"{case['description']}: refused", True, not case["expected"]["valid"])


def wholly(folder: Path) -> Cases:
    """Whether a whole text is one name, list, hashtag or link."""
    tests = _tests(folder, "validate")
    ask: dict[str, Callable[[str], bool]] = {
        "usernames": lambda text: any(_all(text, one) and not one.list for one in mentions(text)),
        "lists": lambda text: any(_all(text, one) and one.list for one in mentions(text)),
        "hashtags": lambda text: any(_all(text, one) for one in hashtags(text)),
        "urls_without_protocol": lambda text: any(_all(text, one) for one in links(text)),
    }
    for group, is_one in ask.items():
        for case in tests[group]:
            yield equal(f"{group}: {case['description']}", is_one(case["text"]), case["expected"])


def _all(text: str, one: Any) -> bool:
    return (one.start, one.end) == (0, len(text))


#: What must be refused, and why. All else in the folders is well formed.
REFUSED = {"request_token.txt": {"not_json"}, "original_format_missing_user.json": {"missing_field"}}


def payloads(folder: Path) -> Cases:
    """Recorded, every interaction with its author's id and its time; or refused with the one right reason."""
    for path in sorted(folder.rglob("*.*")):
        if path.suffix in (".json", ".jsonl", ".txt") and path.name != "_SOURCE.json" and "_licence" not in path.parts:
            yield Case(path.name, "; ".join(_complaints(path)))


def _complaints(path: Path) -> list[str]:
    found: list[Any] = []
    refused: set[str] = set()
    with path.open("rb") as raw:
        for piece in CHANNEL.parse(raw, Source(name=path.name), SETTINGS):
            try:
                found += [] if isinstance(piece, Broken) else CHANNEL.normalise(piece, SETTINGS)
                refused |= {piece.code} if isinstance(piece, Broken) else set()
            except Unreadable as error:
                refused.add(error.code)
    wrong = [] if refused == REFUSED.get(path.name, set()) else [f"refused for {sorted(refused)}"]
    wrong += [] if found or refused else ["nothing was read"]
    for one in found:
        if isinstance(one, Interaction) and not (one.parties[0].handle and one.occurred_at):
            wrong.append(f"{one.source_id} has no author or no time")
    return wrong

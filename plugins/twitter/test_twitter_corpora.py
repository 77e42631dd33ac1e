"""Payloads that others collected: edits stay one thing, what is missing is still named. bench/scores.py asks the rest."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kinline import Broken, Source, Unreadable
from kinline_twitter import TwitterChannel
from kinline_twitter.settings import TwitterSettings

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
CHANNEL = TwitterChannel()


def folder(name: str) -> Path:
    if not (CORPORA / name).is_dir():
        pytest.skip(f"the corpus {name} is not beside this repository")
    return CORPORA / name


def understand(path: Path) -> tuple[list[Any], Counter[str]]:
    found: list[Any] = []
    refused: Counter[str] = Counter()
    with path.open("rb") as raw:
        for piece in CHANNEL.parse(raw, Source(name=path.name), TwitterSettings()):
            if isinstance(piece, Broken):
                refused[piece.code] += 1
                continue
            try:
                found += CHANNEL.normalise(piece, TwitterSettings())
            except Unreadable as error:
                refused[error.code] += 1
    return found, refused


def test_a_post_fetched_before_and_after_its_edit_is_one_post_in_two_versions() -> None:
    versions = {
        (one.source_id, one.changed_at, one.text)
        for name in ("edited_before.jsonl", "edited_after.jsonl")
        for one in understand(folder("twitter-v2") / name)[0]
    }

    assert len({source_id for source_id, _, _ in versions}) == 1
    assert len({changed_at for _, changed_at, _ in versions}) == 2
    assert len(versions) == 2


def test_an_answer_to_an_edited_post_names_its_first_version() -> None:
    found, _ = understand(folder("twitter-v2") / "quoted_edit.jsonl")

    answer = next(one for one in found if one.answers)
    edited = next(one for one in found if one.source_id == answer.answers)

    assert answer.about == edited.source_id
    assert answer.thread.parent == edited.thread.key


def test_a_quote_whose_quoted_post_is_missing_still_says_what_it_quotes() -> None:
    found, _ = understand(
        folder("twitter-tweetparser")
        / "tweet_payload_examples/broken_and_unsupported_payloads/original_format_missing_quotetweet_field.json"
    )

    assert [one.kind for one in found if one.about] == ["quote"]

"""The operator's own words: topics and sentiment, from the file that ``scorer_words`` names."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kinline.errors import Misconfigured

#: In the file, words for every language stand under this.
EVERY = "*"
Lists = dict[str, list[str]]


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``topics``: by language, by topic, words and phrases. ``sentiment``: by language, by value. ``drop``: topics that
    come along and are not wanted."""

    topics: dict[str, Lists] = {}
    sentiment: dict[str, Lists] = {}
    drop: list[str] = []

    def topics_of(self, language: str) -> Lists:
        return _merged(self.topics, language)

    def sentiment_of(self, language: str) -> Lists:
        return _merged(self.sentiment, language)


def _merged(found: dict[str, Lists], language: str) -> Lists:
    """Those for every language, and beside them those of this one."""
    every, own = found.get(EVERY, {}), found.get(language, {})
    return {name: [*every.get(name, []), *own.get(name, [])] for name in {**every, **own}}


def read_own(own: Mapping[str, Any], languages: tuple[str, ...]) -> Own:
    """Raises `Misconfigured` for what makes no sense."""
    try:
        found = msgspec.convert(_texts(own), Own)
    except msgspec.ValidationError as wrong:
        raise _wrong(str(wrong)) from None
    for part in (found.topics, found.sentiment):
        for language in part:
            if language not in (*languages, EVERY):
                raise _wrong(f"there are lists for {', '.join(languages)} and {EVERY}, none for {language[:40]!r}")
    for value in (value for lists in found.sentiment.values() for value in lists):
        if not _is_value(value):
            raise _wrong(f"words of sentiment stand under a value from -3 to 3, not under {value[:40]!r}")
    return found


def _is_value(value: str) -> bool:
    try:
        return -3 <= float(value) <= 3
    except ValueError:
        return False


def _texts(value: Any) -> Any:
    """YAML reads ``-2:`` as a number; here it is the name of a list."""
    if isinstance(value, Mapping):
        return {str(name): _texts(each) for name, each in value.items()}
    return value


def _wrong(detail: str) -> Misconfigured:
    return Misconfigured(f"The file of KINLINE_SCORER_WORDS: {detail}.", code="scorer_words")

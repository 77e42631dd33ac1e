"""Lists of words and phrases, ready to be found in a text: without accents, in small letters, longest first."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

_ENTRY = re.compile(r'"([^"]+)"|(\S+)')
#: Words; amounts with their sign; a run of anything else that is no blank.
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\s\w]+|_+")
_CURLED = str.maketrans({"’": "'", "‘": "'", "`": "'"})
#: Addresses and names of accounts, which are no words.
PLACES = re.compile(r"https?://\S+|www\.\S+|[^\s@]{1,64}@\S+|@\w+")


class Phrases:
    """What stands under words, stems (``amaz*``) and phrases."""

    def __init__(self, entries: Mapping[str, float]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        self._words: dict[str, float] = {}
        self._stems: dict[str, float] = {}
        for entry, value in entries.items():
            words = tuple(tokens(entry.rstrip("*")))
            if len(words) > 1:
                self._by_first.setdefault(words[0], []).append((words, value))
            elif words and entry.endswith("*"):
                self._stems[words[0]] = value
            elif words:
                self._words[words[0]] = value
        for several in self._by_first.values():
            several.sort(key=lambda each: -len(each[0]))
        self._shortest = min(map(len, self._stems), default=99)
        self.of_word = lru_cache(maxsize=50_000)(self._of_word)

    def at(self, words: list[str], place: int) -> tuple[float, int] | None:
        """What begins at that place: its value, and how many words it takes."""
        for phrase, value in self._by_first.get(words[place], ()):
            if tuple(words[place : place + len(phrase)]) == phrase:
                return value, len(phrase)
        found = self.of_word(words[place])
        return None if found is None else (found, 1)

    def may_begin(self, word: str) -> bool:
        """Whether anything of these begins with that word."""
        return word in self._by_first or self.of_word(word) is not None

    def _of_word(self, word: str) -> float | None:
        if word in self._words:
            return self._words[word]
        for end in range(len(word), self._shortest - 1, -1):
            if word[:end] in self._stems:
                return self._stems[word[:end]]
        return None


def tokens(text: str) -> list[str]:
    """The words and signs of a text. Addresses and names of accounts are none of them."""
    return _TOKEN.findall(plain(PLACES.sub(" ", text)))


def plain(text: str) -> str:
    """Small letters without accents."""
    text = text.lower().translate(_CURLED)
    if text.isascii():
        return text
    return "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))


def entries(text: str) -> list[str]:
    """The words and quoted phrases of a list."""
    return [quoted or word for quoted, word in _ENTRY.findall(text)]


def weighed(lists: Mapping[Any, str | Iterable[str]]) -> dict[str, float]:
    """Lists by their value, as one: later ones win."""
    found: dict[str, float] = {}
    for value, words in lists.items():
        found |= dict.fromkeys(entries(words) if isinstance(words, str) else words, float(value))
    return found


@cache
def shipped(name: str) -> dict[str, Any]:
    """A file of words that comes along."""
    text = (files("kinline_lexicon") / "words" / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
